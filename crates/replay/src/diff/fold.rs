//! Reading a run: its events are folded into a [`RunRecord`].

mod talk;

use std::collections::BTreeMap;

use lao_event::{
    CallId, Content, ConversationId, EffectId, Event, RunId, Settings, StepId,
    latest::{
        ActionEnded, ActionStarted, AnswerRejected, Before, ChecksEnded, CommitEnded,
        CommitOutcome, CommitStarted, Definition, FlowInput, OutputSet, ReviewGiven, RunForked,
        RunResumed, SkipReason, StepEnded, StepOutcome, StepStarted, StepsAdded,
    },
};
use lao_history::{HistoryError, Recorded, StoredEvent, for_each_event};
use lao_journal::Reader;
use lao_kernel::{State, evolve};

use super::{
    DiffError,
    record::{
        Action, ActionRecord, AttemptId, AttemptRecord, CheckRecord, CommitRecord, OutputRecord,
        RejectedRecord, ReviewRecord, RunEnd, RunRecord, StepEnd, StepRecord, Totals,
    },
};

const NS_PER_MS: u64 = 1_000_000;

/// Reads a run up to the event at `at`, or all of it.
///
/// # Errors
///
/// [`DiffError::OutOfRange`] where the journal has no such event; that it cannot be read.
pub fn read_run(reader: &Reader, at: Option<u64>) -> Result<RunRecord, DiffError> {
    let mut fold = Fold::default();
    let mut state = State::new();
    let mut last_seq = 0;
    let wanted = |seq: u64| at.is_none_or(|at| seq <= at);
    for_each_event(reader, 1, |stored| {
        let event = match stored {
            StoredEvent::Known(event) => event,
            StoredEvent::Unknown { seq, .. } if wanted(seq) => {
                return Err(HistoryError::Unknown { seq });
            }
            StoredEvent::Unknown { seq, .. } => {
                last_seq = seq;
                return Ok(());
            }
        };
        last_seq = event.seq;
        if wanted(event.seq) {
            evolve(&mut state, &event.event)
                .map_err(|source| HistoryError::Inconsistent { seq: event.seq, source })?;
            fold.note(&event, &state);
        }
        Ok(())
    })?;
    match (at, state.run()) {
        (Some(at), Some(run)) if at > last_seq => {
            Err(DiffError::OutOfRange { run: run.id.clone(), at, last_seq })
        }
        (_, Some(run)) => {
            Ok(fold.finish((run.id.clone(), run.settings.clone()), (&run.definition, &state)))
        }
        (_, None) => Err(DiffError::Empty),
    }
}

/// Where in the record something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TurnPlace {
    step: StepId,
    attempt: usize,
    talk: usize,
    turn: usize,
}

/// What an effect does, where its end tells of more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It asks a model.
    Model(TurnPlace),
    /// It does what a tool call asks for.
    Call(CallId),
    /// It makes the last commit of a step's last attempt.
    Commit(StepId),
    /// It does what a step of a workflow does, in its last attempt.
    Action(StepId),
}

/// A record under construction. The kernel has folded every event before it is noted here, so what
/// an event names is there.
#[derive(Debug, Default)]
struct Fold {
    settings_seq: u64,
    steps: Vec<StepRecord>,
    end: Option<(u64, RunEnd)>,
    totals: Totals,
    files: BTreeMap<lao_event::Hash, Content>,
    effects: BTreeMap<EffectId, Doing>,
    talks: BTreeMap<ConversationId, (StepId, usize, usize)>,
    clock: Clock,
}

/// Time as processes spent it.
#[derive(Debug, Default)]
struct Clock {
    first_ms: i64,
    last_seq: u64,
    last_ns: u64,
    active_ns: u64,
    /// Of each step, from its first start to its last event.
    spans: BTreeMap<StepId, (u64, u64)>,
}

impl Clock {
    fn note(&mut self, recorded: &Recorded) {
        if matches!(recorded.event, Event::RunStarted(_)) {
            self.first_ms = recorded.wall_ms;
        } else if !matches!(recorded.event, Event::RunResumed(_) | Event::RunForked(_)) {
            // Nobody worked between the last event and a resume.
            let passed_ns = recorded.monotonic_ns.saturating_sub(self.last_ns);
            self.active_ns = self.active_ns.saturating_add(passed_ns);
        }
        self.last_ns = recorded.monotonic_ns;
        self.last_seq = recorded.seq;
    }

    /// A step begins.
    fn begin(&mut self, step: StepId) {
        self.spans.entry(step).or_insert((self.active_ns, self.active_ns));
    }

    /// Something happens in a step.
    fn touch(&mut self, step: StepId) {
        if let Some((_, to_ns)) = self.spans.get_mut(&step) {
            *to_ns = self.active_ns;
        }
    }
}

impl Fold {
    fn finish(
        self,
        (run, settings): (RunId, Settings),
        (definition, state): (&Definition, &State),
    ) -> RunRecord {
        let Self { settings_seq, mut steps, end, mut totals, files, effects: _, talks: _, clock } =
            self;
        for (number, step) in (0..).map(StepId).zip(&mut steps) {
            let (from_ns, to_ns) = clock.spans.get(&number).copied().unwrap_or_default();
            step.elapsed_ms = (to_ns - from_ns) / NS_PER_MS;
        }
        // Steps whose places others have taken are none of the run any more.
        let mut ids = (0..).map(StepId);
        steps.retain(|_| ids.next().is_some_and(|id| !state.is_replaced(id)));
        totals.steps = steps.len() as u64;
        totals.active_ms = clock.active_ns / NS_PER_MS;
        RunRecord {
            run,
            title: definition.title().to_owned(),
            plan: definition.text().clone(),
            inputs: inputs(definition),
            settings: (settings_seq, settings),
            steps,
            end: end.unwrap_or((clock.last_seq, RunEnd::Open)),
            last_seq: clock.last_seq,
            started_ms: clock.first_ms,
            totals,
            files,
        }
    }

    fn note(&mut self, recorded: &Recorded, state: &State) {
        self.clock.note(recorded);
        self.totals.events += 1;
        let seq = recorded.seq;
        match &recorded.event {
            Event::RunStarted(_) => self.settings_seq = seq,
            Event::RunResumed(event) => self.resumed(seq, event),
            Event::RunForked(event) => self.forked(seq, event),
            Event::RunStopped(event) => {
                self.end = Some((seq, RunEnd::Stopped(event.reason.clone())));
            }
            Event::RunEnded(event) => self.end = Some((seq, RunEnd::Over(event.outcome))),
            Event::StepsAdded(event) => self.added(seq, event, state),
            Event::StepStarted(event) => self.started(seq, event),
            Event::StepEnded(event) => self.ended(seq, event),
            Event::StepRetried(event) => self.retried(event.step),
            Event::AnswerRejected(event) => self.rejected(seq, event),
            Event::ModelCallStarted(event) => self.model_started(seq, event, state),
            Event::ModelCallEnded(event) => self.model_ended(seq, event),
            Event::ToolDecided(event) => self.decided(seq, event),
            Event::ToolCallStarted(event) => {
                self.acts(seq, (event.effect, event.call), Action::Read { ended: None });
            }
            Event::FileWriteStarted(event) => self.write_started(seq, event),
            Event::CommandStarted(event) => {
                let action = Action::Command { argv: event.argv.clone(), ended: None };
                self.acts(seq, (event.effect, event.call), action);
            }
            Event::ToolCallEnded(event) => {
                let ended = Some((event.outcome, event.reply.clone()));
                self.act_ended(event.effect, |call| call.action = Action::Read { ended });
            }
            Event::FileWriteEnded(event) => self.write_ended(event),
            Event::CommandEnded(event) => self.command_ended(event),
            Event::TodoSet(event) => self.call(event.call, |call| call.action = Action::TodoSet),
            Event::ChecksEnded(event) => self.checked(seq, event),
            Event::ReviewGiven(event) => self.reviewed(seq, event),
            Event::CommitStarted(event) => self.commit_started(seq, event),
            Event::CommitEnded(event) => self.commit_ended(event),
            Event::EffectsLost(event) => self.totals.effects_lost += event.effects.len() as u64,
            Event::ActionStarted(event) => self.action_started(seq, event),
            Event::ActionEnded(event) => self.action_ended(seq, event),
            Event::OutputSet(event) => self.output_set(seq, event),
            Event::ChecksStarted(_)
            | Event::StepLooked(_)
            | Event::WorkspaceStarted(_)
            | Event::WorkspaceEnded(_)
            | Event::StepParked(_)
            | Event::StepTimedOut(_)
            | Event::RunStopping(_)
            | Event::QuestionAsked(_)
            | Event::QuestionAnswered(_) => {}
        }
    }

    fn resumed(&mut self, seq: u64, event: &RunResumed) {
        self.totals.resumed += 1;
        self.end = None;
        if event.settings.is_some() {
            self.settings_seq = seq;
        }
    }

    /// The steps that a fork does again have never begun.
    fn forked(&mut self, seq: u64, event: &RunForked) {
        self.settings_seq = seq;
        self.end = None;
        for step in &event.redone {
            self.clock.spans.remove(step);
            if let Some(step) = self.step(*step) {
                step.attempts.clear();
                step.retries = 0;
                step.end = None;
            }
        }
    }

    fn added(&mut self, seq: u64, event: &StepsAdded, state: &State) {
        let key = |id: &StepId| state.step(*id).map(|step| step.key.clone());
        self.steps.extend(event.steps.iter().map(|step| StepRecord {
            key: step.key.clone(),
            title: step.title.clone(),
            needs: step.needs.iter().filter_map(key).collect(),
            definition: step.definition.clone(),
            seq,
            attempts: Vec::new(),
            end: None,
            elapsed_ms: 0,
            retries: 0,
        }));
    }

    fn started(&mut self, seq: u64, event: &StepStarted) {
        self.clock.begin(event.step);
        self.clock.touch(event.step);
        self.totals.attempts += 1;
        if let Some(step) = self.step(event.step) {
            let id = AttemptId { retries: step.retries, attempt: event.attempt };
            step.attempts.push(AttemptRecord {
                id,
                cause: event.cause,
                seq,
                talks: Vec::new(),
                checks: Vec::new(),
                reviews: Vec::new(),
                rejected: Vec::new(),
                actions: Vec::new(),
                outputs: Vec::new(),
                commits: Vec::new(),
            });
        }
    }

    fn ended(&mut self, seq: u64, event: &StepEnded) {
        self.clock.touch(event.step);
        let end = match &event.outcome {
            StepOutcome::Succeeded => StepEnd::Succeeded,
            StepOutcome::Failed { reason, message } => {
                StepEnd::Failed { reason: *reason, message: message.clone() }
            }
            StepOutcome::Skipped(SkipReason::UpstreamFailed { step }) => StepEnd::UpstreamFailed(
                self.step(*step).map_or(String::new(), |step| step.key.clone()),
            ),
            StepOutcome::Skipped(SkipReason::Cancelled) => StepEnd::Cancelled,
            StepOutcome::Skipped(SkipReason::ConditionFalse) => StepEnd::ConditionFalse,
            StepOutcome::Skipped(SkipReason::NotNeeded) => StepEnd::NotNeeded,
        };
        if let Some(step) = self.step(event.step) {
            step.end = Some((seq, end));
        }
    }

    fn retried(&mut self, step: StepId) {
        if let Some(step) = self.step(step) {
            step.retries += 1;
            step.end = None;
        }
    }

    fn rejected(&mut self, seq: u64, event: &AnswerRejected) {
        let problems = event.problems.clone();
        self.attempt(event.step, |attempt| attempt.rejected.push(RejectedRecord { seq, problems }));
    }

    fn reviewed(&mut self, seq: u64, event: &ReviewGiven) {
        self.totals.findings += event.findings.len() as u64;
        let review = ReviewRecord {
            seq,
            verdict: event.verdict,
            summary: event.summary.clone(),
            findings: event.findings.clone(),
        };
        self.attempt(event.step, |attempt| attempt.reviews.push(review));
    }

    fn checked(&mut self, seq: u64, event: &ChecksEnded) {
        for report in &event.reports {
            self.totals.findings += report.findings.len() as u64;
            let commands = event.commands.clone();
            let check = CheckRecord { seq, report: report.clone(), commands };
            self.attempt(report.step, |attempt| attempt.checks.push(check));
        }
    }

    fn action_started(&mut self, seq: u64, event: &ActionStarted) {
        self.does(event.effect, Doing::Action(event.step));
        let action = ActionRecord { seq, action: event.action.clone(), outcome: None };
        if let Some(written) = action.written() {
            self.keep_before(written.before);
            self.files.insert(written.after.hash(), written.after.clone());
        }
        self.attempt(event.step, |attempt| {
            // What nobody was there to do is done when the run is taken up again.
            if attempt.actions.last().is_some_and(ActionRecord::goes_on) {
                attempt.actions.pop();
            }
            attempt.actions.push(action);
        });
    }

    fn action_ended(&mut self, seq: u64, event: &ActionEnded) {
        self.totals.actions += 1;
        let Some(Doing::Action(step)) = self.effects.get(&event.effect).copied() else {
            return;
        };
        let outcome = Some((seq, event.outcome.clone()));
        let mut wrote = false;
        self.attempt(step, |attempt| {
            if let Some(action) = attempt.actions.last_mut() {
                action.outcome = outcome;
                wrote = action.is_done() && action.written().is_some();
            }
        });
        self.totals.file_writes += u64::from(wrote);
    }

    fn output_set(&mut self, seq: u64, event: &OutputSet) {
        let OutputSet { step, value, source } = event.clone();
        self.attempt(step, |attempt| attempt.outputs.push(OutputRecord { seq, value, source }));
    }

    /// Keeps what a file held before it was written.
    fn keep_before(&mut self, before: &Before) {
        match before {
            Before::Absent | Before::Known { hash: _ } => {}
            Before::Kept(content) => {
                self.files.insert(content.hash(), content.clone());
            }
        }
    }

    fn commit_started(&mut self, seq: u64, event: &CommitStarted) {
        self.does(event.effect, Doing::Commit(event.step));
        let commit =
            CommitRecord { seq, phase: event.phase, subject: event.subject.clone(), outcome: None };
        self.attempt(event.step, |attempt| {
            // A commit that could not be made is made when the run is taken up again.
            let is_another_try = attempt.commits.last().is_some_and(|last| {
                last.phase == commit.phase
                    && matches!(last.outcome, None | Some(CommitOutcome::Failed { .. }))
            });
            if is_another_try {
                attempt.commits.pop();
            }
            attempt.commits.push(commit);
        });
    }

    fn commit_ended(&mut self, event: &CommitEnded) {
        self.totals.commits += u64::from(matches!(event.outcome, CommitOutcome::Made { .. }));
        if let Some(Doing::Commit(step)) = self.effects.get(&event.effect) {
            let outcome = Some(event.outcome.clone());
            self.attempt(*step, |attempt| {
                if let Some(commit) = attempt.commits.last_mut() {
                    commit.outcome = outcome;
                }
            });
        }
    }

    /// Notes what an effect does.
    fn does(&mut self, effect: EffectId, doing: Doing) {
        self.effects.insert(effect, doing);
    }

    fn step(&mut self, id: StepId) -> Option<&mut StepRecord> {
        self.steps.get_mut(id.0 as usize)
    }

    /// Changes the last attempt at a step.
    fn attempt(&mut self, id: StepId, change: impl FnOnce(&mut AttemptRecord)) {
        self.clock.touch(id);
        if let Some(attempt) = self.step(id).and_then(|step| step.attempts.last_mut()) {
            change(attempt);
        }
    }
}

/// What a workflow was given.
fn inputs(definition: &Definition) -> Option<Vec<FlowInput>> {
    match definition {
        Definition::Flow(flow) => Some(flow.inputs.clone()),
        Definition::Plan(_) => None,
    }
}

//! What must hold of the events of a run, whatever the world does: watched event by event, with
//! a bookkeeping of its own that knows nothing of the kernel's indexes.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Attempt, ConversationId, EffectId, Event, StepId,
    latest::{
        ChecksEnded, ChecksScope, CommandOutcome, CommitOutcome, CommitPhase, CommitStarted,
        Message, ModelCallStarted, NewStep, ReviewGiven, RunForked, RunOutcome, SkipReason,
        StartCause, StepDefinition, StepEnded, StepOutcome, StepStarted, StepTimedOut, Verdict,
    },
};
use lao_kernel::State;
use serde_json::{Map, Value};

use crate::setup::Setup;

/// How a step stands, as the events say.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    Pending,
    UnderWay,
    Parked,
    Succeeded,
    Failed,
    Skipped,
}

#[derive(Debug)]
struct Watched {
    needs: Vec<StepId>,
    is_task: bool,
    standing: Standing,
    attempt: Attempt,
    stage: Stage,
    committed: bool,
}

/// How far an attempt at a task is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// Coded, or with findings.
    Open,
    /// The last checks were green, and nothing was coded since.
    Green,
    /// And the reviewer approved.
    Approved,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Workspace,
    Model,
    Tool,
    Checks,
    Commit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Working,
    Stopping,
    Stopped,
    Ended,
}

/// The watcher.
#[derive(Debug)]
pub(crate) struct Rules {
    git: bool,
    wave: bool,
    /// The round under way is one of a wave.
    wave_round: bool,
    phase: Phase,
    steps: Vec<Watched>,
    in_flight: BTreeMap<EffectId, (Kind, Option<StepId>)>,
    effects: u64,
    prompts: BTreeMap<ConversationId, (StepId, Vec<Message>)>,
    /// What happened at least once, for a look at what the worlds reach.
    pub seen: BTreeSet<String>,
}

impl Rules {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            git: setup.git,
            wave: setup.wave,
            wave_round: false,
            phase: Phase::Working,
            steps: Vec::new(),
            in_flight: BTreeMap::new(),
            effects: 0,
            prompts: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Watches one event; `state` is the state after it.
    pub(crate) fn watch(&mut self, event: &Event, state: &State) {
        self.seen.insert(label(event));
        if self.phase == Phase::Ended {
            let goes_on = matches!(event, Event::RunResumed(_) | Event::RunForked(_));
            assert!(goes_on, "after the end: {event:?}");
        }
        match event {
            Event::RunStarted(_) | Event::QuestionAsked(_) => {}
            Event::RunForked(event) => self.forked(event),
            Event::RunResumed(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_) => self.watch_run(event),
            Event::StepsAdded(event) => event.steps.iter().for_each(|step| self.added(step)),
            Event::StepStarted(event) => self.step_started(event),
            Event::StepEnded(event) => self.step_ended(event),
            Event::StepParked(event) => {
                assert_eq!(self.at(event.step).standing, Standing::UnderWay, "{event:?}");
                self.at(event.step).standing = Standing::Parked;
            }
            Event::StepRetried(event) => self.retried(event.step, state),
            Event::StepTimedOut(event) => self.timed_out(event),
            Event::AnswerRejected(event) => assert!(!event.problems.is_empty()),
            Event::ModelCallStarted(event) => self.model_started(event, state),
            Event::ModelCallEnded(event) => {
                let step = self.end(event.effect, Kind::Model).expect("of a step");
                assert_eq!(self.at(step).standing, Standing::UnderWay);
            }
            Event::ToolDecided(_)
            | Event::TodoSet(_)
            | Event::ToolCallStarted(_)
            | Event::FileWriteStarted(_)
            | Event::CommandStarted(_)
            | Event::ToolCallEnded(_)
            | Event::FileWriteEnded(_)
            | Event::CommandEnded(_) => self.watch_tool(event),
            Event::ChecksStarted(event) => {
                self.expect_alone(Kind::Checks);
                assert!(!event.steps.is_empty());
                self.wave_round = event.scope == ChecksScope::Wave;
                assert!(self.wave || !self.wave_round, "a wave without wave commands");
                self.begin(event.effect, Kind::Checks, None);
            }
            Event::ChecksEnded(event) => self.checks_ended(event),
            Event::ReviewGiven(event) => self.reviewed(event),
            Event::WorkspaceStarted(event) => self.begin(event.effect, Kind::Workspace, None),
            Event::WorkspaceEnded(event) => {
                let step = self.end(event.effect, Kind::Workspace);
                assert_eq!(step, None, "the workspace is everybody's");
            }
            Event::CommitStarted(event) => self.commit_started(event),
            Event::CommitEnded(event) => {
                let step = self.end(event.effect, Kind::Commit).expect("of a step");
                let failed = matches!(event.outcome, CommitOutcome::Failed { .. });
                self.at(step).committed |= !failed;
            }
            Event::QuestionAnswered(_) => {
                let gone_on = self.notice_unparked(state);
                assert_eq!(gone_on, 1, "{event:?} lets one step go on");
            }
            Event::EffectsLost(event) => {
                for effect in &event.effects {
                    assert!(self.in_flight.contains_key(effect), "{effect} was not in flight");
                }
            }
            Event::StepLooked(_)
            | Event::ActionStarted(_)
            | Event::ActionEnded(_)
            | Event::OutputSet(_) => unreachable!("plans have no steps of workflows"),
        }
        self.notice_unparked(state);
    }

    fn timed_out(&mut self, event: &StepTimedOut) {
        let watched = self.at(event.step);
        assert_eq!(watched.standing, Standing::UnderWay, "{event:?}");
        assert_eq!(watched.attempt, event.attempt);
    }

    /// Redone tasks begin anew, and with each all that depends on it.
    fn forked(&mut self, event: &RunForked) {
        if !event.redone.is_empty() {
            self.seen.insert("RunForked redone".to_owned());
        }
        self.phase = Phase::Stopped;
        self.in_flight.retain(|_, (kind, _)| *kind != Kind::Workspace);
        for id in &event.redone {
            let watched = self.at(*id);
            let at_rest = !matches!(watched.standing, Standing::UnderWay | Standing::Parked);
            assert!(watched.is_task && at_rest, "{id} cannot be redone");
            watched.standing = Standing::Pending;
            watched.attempt = Attempt(0);
            watched.stage = Stage::Open;
        }
        for (index, watched) in self.steps.iter().enumerate() {
            let depends = watched.needs.iter().any(|need| event.redone.contains(need));
            let redone = event.redone.iter().any(|id| id.0 as usize == index);
            assert!(redone || !depends, "step {index} depends on what is redone");
        }
    }

    fn watch_run(&mut self, event: &Event) {
        if let Event::RunResumed(_) = event {
            self.phase = Phase::Working;
            self.in_flight.retain(|_, (kind, _)| *kind != Kind::Workspace);
        }
        if let Event::RunStopping(_) = event {
            self.phase = Phase::Stopping;
        }
        if let Event::RunStopped(_) = event {
            assert_eq!(self.phase, Phase::Stopping, "stopped without stopping");
            self.phase = Phase::Stopped;
        }
        if let Event::RunEnded(event) = event {
            self.ended(event.outcome);
        }
    }

    fn watch_tool(&mut self, event: &Event) {
        if let Event::ToolDecided(event) = event {
            assert_eq!(self.phase, Phase::Working, "a tool call decided while stopping");
            assert!(self.at(event.step).is_task, "only coders have tools");
        }
        if let Event::TodoSet(event) = event {
            assert!(self.at(event.step).is_task, "only coders have tools");
        }
        if let Event::ToolCallStarted(event) = event {
            self.begin(event.effect, Kind::Tool, Some(event.step));
        }
        if let Event::FileWriteStarted(event) = event {
            self.changes(event.effect, event.step);
        }
        if let Event::CommandStarted(event) = event {
            self.changes(event.effect, event.step);
        }
        if let Event::ToolCallEnded(event) = event {
            self.tool_ended(event.effect);
        }
        if let Event::FileWriteEnded(event) = event {
            self.tool_ended(event.effect);
        }
        if let Event::CommandEnded(event) = event {
            self.tool_ended(event.effect);
        }
    }

    fn tool_ended(&mut self, effect: EffectId) {
        let step = self.end(effect, Kind::Tool);
        assert!(step.is_some(), "{effect} belongs to a step");
    }

    fn reviewed(&mut self, event: &ReviewGiven) {
        let watched = self.at(event.step);
        assert_eq!(watched.stage, Stage::Green, "reviewed before the checks were green");
        if event.verdict == Verdict::Approved {
            watched.stage = Stage::Approved;
        }
    }

    fn commit_started(&mut self, event: &CommitStarted) {
        assert!(self.git, "a commit without git");
        self.expect_alone(Kind::Commit);
        if event.phase == CommitPhase::Code {
            assert_eq!(self.at(event.step).stage, Stage::Green, "red code is committed");
        }
        self.begin(event.effect, Kind::Commit, Some(event.step));
    }

    /// Steps go on when a question is answered, and failed commits with a resume or a retry.
    fn notice_unparked(&mut self, state: &State) -> usize {
        let mut count = 0;
        for (watched, step) in self.steps.iter_mut().zip(state.steps()) {
            let running = matches!(step.status, lao_kernel::StepStatus::Running(_));
            if watched.standing == Standing::Parked && running {
                watched.standing = Standing::UnderWay;
                count += 1;
            }
        }
        count
    }

    fn at(&mut self, id: StepId) -> &mut Watched {
        &mut self.steps[id.0 as usize]
    }

    fn added(&mut self, step: &NewStep) {
        self.steps.push(Watched {
            needs: step.needs.clone(),
            is_task: matches!(step.definition, StepDefinition::Task(_)),
            standing: Standing::Pending,
            attempt: Attempt(0),
            stage: Stage::Open,
            committed: false,
        });
    }

    fn begin(&mut self, effect: EffectId, kind: Kind, step: Option<StepId>) {
        assert_eq!(self.phase, Phase::Working, "{effect} ({kind:?}) started while stopping");
        self.effects += 1;
        assert_eq!(effect, EffectId(self.effects), "effects are numbered without gaps");
        self.in_flight.insert(effect, (kind, step));
        if let Some(step) = step {
            assert_eq!(self.at(step).standing, Standing::UnderWay, "{step} is not under way");
            let of_step = self.in_flight.values().filter(|(_, other)| *other == Some(step)).count();
            assert_eq!(of_step, 1, "{step} does one thing at a time");
        }
    }

    fn end(&mut self, effect: EffectId, kind: Kind) -> Option<StepId> {
        let (started, step) = self.in_flight.remove(&effect).expect("it was in flight");
        assert_eq!(started, kind);
        step
    }

    /// The workspace changes, and what the checks said no longer counts.
    fn changes(&mut self, effect: EffectId, step: StepId) {
        self.begin(effect, Kind::Tool, Some(step));
        self.at(step).stage = Stage::Open;
    }

    fn expect_alone(&self, kind: Kind) {
        let others = self.in_flight.values().filter(|(other, _)| *other == kind).count();
        assert_eq!(others, 0, "two {kind:?} at the same time");
    }

    fn step_started(&mut self, event: &StepStarted) {
        let watched = &self.steps[event.step.0 as usize];
        assert_eq!(event.attempt, Attempt(watched.attempt.0 + 1));
        let ready = watched
            .needs
            .iter()
            .all(|need| self.steps[need.0 as usize].standing == Standing::Succeeded);
        assert!(ready, "{} started before what it needs", event.step);
        let expected = match event.cause {
            StartCause::Ready => Standing::Pending,
            StartCause::Rework
            | StartCause::Rejected
            | StartCause::WindowFull
            | StartCause::Stuck
            | StartCause::TimedOut => Standing::UnderWay,
            StartCause::Failed => unreachable!("plans have no steps of workflows"),
        };
        assert_eq!(watched.standing, expected, "{event:?}");
        if event.cause == StartCause::Ready {
            assert_eq!(self.phase, Phase::Working, "a step began while stopping");
        }
        let watched = self.at(event.step);
        watched.standing = Standing::UnderWay;
        watched.attempt = event.attempt;
        watched.stage = Stage::Open;
        watched.committed = false;
    }

    fn step_ended(&mut self, event: &StepEnded) {
        let in_flight = self.in_flight.values().any(|(_, step)| *step == Some(event.step));
        assert!(!in_flight, "{} ended with an effect in flight", event.step);
        let git = self.git;
        let failed =
            |steps: &[Watched], id: &StepId| steps[id.0 as usize].standing == Standing::Failed;
        match &event.outcome {
            StepOutcome::Succeeded => {
                let watched = self.at(event.step);
                assert_eq!(watched.standing, Standing::UnderWay);
                if watched.is_task {
                    assert_eq!(watched.stage, Stage::Approved, "{} succeeded", event.step);
                    assert_eq!(watched.committed, git, "{}: its commit", event.step);
                }
                watched.standing = Standing::Succeeded;
            }
            StepOutcome::Failed { message, .. } => {
                assert!(!message.is_empty());
                assert_eq!(self.at(event.step).standing, Standing::UnderWay);
                self.at(event.step).standing = Standing::Failed;
            }
            StepOutcome::Skipped(reason) => {
                assert_eq!(self.at(event.step).standing, Standing::Pending);
                match reason {
                    SkipReason::UpstreamFailed { step } => {
                        assert!(failed(&self.steps, step), "{step} did not fail: {event:?}");
                        assert!(self.builds_on(event.step, *step), "{event:?}");
                    }
                    SkipReason::Cancelled => {}
                    SkipReason::ConditionFalse | SkipReason::NotNeeded => {
                        unreachable!("plans have no steps of workflows")
                    }
                }
                self.at(event.step).standing = Standing::Skipped;
            }
        }
    }

    fn builds_on(&self, id: StepId, upstream: StepId) -> bool {
        let needs = &self.steps[id.0 as usize].needs;
        needs.iter().any(|need| *need == upstream || self.builds_on(*need, upstream))
    }

    fn retried(&mut self, id: StepId, state: &State) {
        let before = self.at(id).standing.clone();
        assert!(matches!(before, Standing::Failed | Standing::Parked), "{id} was {before:?}");
        for (index, step) in state.steps().iter().enumerate() {
            let pending = matches!(step.status, lao_kernel::StepStatus::Pending);
            let watched = &mut self.steps[index];
            let sent_back = index == id.0 as usize || watched.standing == Standing::Skipped;
            if pending && sent_back {
                watched.standing = Standing::Pending;
                watched.attempt = Attempt(0);
            }
        }
        if self.at(id).standing == Standing::Pending {
            self.in_flight.retain(|_, (_, step)| *step != Some(id));
        }
    }

    fn model_started(&mut self, event: &ModelCallStarted, state: &State) {
        self.begin(event.effect, Kind::Model, Some(event.step));
        let (role, talk) = state.talk(event.step).expect("the step is talking");
        assert_eq!(role, event.role);
        assert_eq!(talk.messages.len(), event.message_count as usize);
        assert_eq!(talk.prompt, event.prompt);
        expect_well_formed(&talk.messages);
        let known = self.prompts.entry(event.conversation).or_insert((event.step, Vec::new()));
        assert_eq!(known.0, event.step, "a conversation belongs to one step");
        assert!(talk.messages.starts_with(&known.1), "a prompt only grows at its end");
        let tail = talk.messages.len() - event.appended.len();
        assert_eq!(talk.messages[tail..], event.appended, "what joins stands at the end");
        known.1.clone_from(&talk.messages);
    }

    fn checks_ended(&mut self, event: &ChecksEnded) {
        self.end(event.effect, Kind::Checks);
        let red_command = event
            .commands
            .iter()
            .any(|command| command.outcome != CommandOutcome::Exited { code: 0 });
        let any_finding = event.reports.iter().any(|report| !report.findings.is_empty());
        assert!(any_finding || !red_command, "a red command and no finding");
        // With wave commands, a task is green when a whole wave is.
        let counts = if self.wave_round { !any_finding } else { !self.wave };
        for report in &event.reports {
            let green = counts && report.findings.is_empty();
            self.at(report.step).stage = if green { Stage::Green } else { Stage::Open };
        }
    }

    fn ended(&mut self, outcome: RunOutcome) {
        let any = |standing: Standing| self.steps.iter().any(|step| step.standing == standing);
        let all_over =
            !any(Standing::Pending) && !any(Standing::UnderWay) && !any(Standing::Parked);
        match outcome {
            RunOutcome::Succeeded => {
                assert!(self.steps.iter().all(|step| step.standing == Standing::Succeeded));
                assert!(self.steps.iter().any(|step| step.is_task), "a plan without tasks is done");
            }
            RunOutcome::Failed => assert!(all_over && any(Standing::Failed), "{:?}", self.steps),
            RunOutcome::Cancelled => {
                assert_eq!(self.phase, Phase::Stopping);
                self.in_flight.clear();
            }
        }
        self.phase = Phase::Ended;
    }
}

/// Servers refuse prompts whose tool calls and replies do not match.
fn expect_well_formed(messages: &[Message]) {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        match message {
            Message::System { .. } => assert_eq!(index, 0, "instructions come first"),
            Message::User { .. } => assert!(open.is_empty(), "tool calls without a reply"),
            Message::Assistant { tool_calls, .. } => {
                assert!(open.is_empty(), "tool calls without a reply");
                assert_ne!(index, 0, "somebody has to ask first");
                open = tool_calls.iter().rev().map(|call| call.id.as_str()).collect();
            }
            Message::Tool { id, .. } => {
                assert_eq!(open.pop(), Some(id.as_str()), "a reply nobody waits for");
            }
        }
    }
    assert!(open.is_empty(), "tool calls without a reply");
    assert!(
        !matches!(messages.last(), Some(Message::Assistant { .. }) | None),
        "the model has the last word already"
    );
}

/// An event and the outcome in it, in short.
fn label(event: &Event) -> String {
    let json = serde_json::to_value(event).expect("events are plain JSON");
    let outcome = ["outcome", "reason", "cause", "verdict", "phase", "subject", "answer", "scope"]
        .iter()
        .find_map(|key| json.get(key))
        .map(|value| value.as_object().map_or_else(|| word(value), outcome_word));
    format!("{} {}", event.name(), outcome.unwrap_or_default()).trim().to_owned()
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The variant's name, and the kind of failure in it.
fn outcome_word(object: &Map<String, Value>) -> String {
    let inner = object.get("reason").and_then(Value::as_str);
    let name = inner.or_else(|| object.keys().next().map(String::as_str));
    let kind = object
        .values()
        .find_map(|value| value.get("kind").or_else(|| value.get("reason"))?.as_str());
    format!("{} {}", name.unwrap_or(""), kind.unwrap_or("")).trim().to_owned()
}

//! The run: owns the state and the order of things.
//!
//! ```text
//!   command, result --> handle (decide, evolve) --> append --> durable --> publish, start workers
//! ```
//!
//! While a commit is under way the next messages are decided, and share the next commit. If an
//! append fails, the state in memory is worthless: the actor ends and is rebuilt from the journal.

mod handle;
mod open;
mod owed;
mod workers;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use lao_event::{
    Attempt, EffectId, Event, Hash, StepId,
    latest::{FlowValue, LossCause, StepEnded, StepOutcome, StopReason},
};
use lao_history::{Recorded, Stamp, recorded};
use lao_kernel::{
    Command, EffectKey, Rejection, RunPhase, State, Step, StepStatus, ToolPlan, handle,
};
use lao_port::StoredResult;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

pub(crate) use self::handle::Shared;
pub use self::handle::{Begin, BeginError, Finish, RunHandle, RunSpec};
pub use self::open::{note, outcome_word};
use self::{
    open::{Opened, leave, open},
    owed::{Change, Owed},
    workers::{InWork, Workers},
};
use crate::{
    job::Job,
    journal_writer::{JournalWriter, WriteError},
    notice::Notice,
    secrets,
    worker::{self, WorkerContext},
};

/// How often looking at tool calls, or around for steps, may panic before the model or the step is
/// told so.
const PREPARE_PANICS_MAX: u32 = 2;

/// What wakes a run.
pub(crate) enum RunMessage {
    Command { command: Box<Command>, reply: oneshot::Sender<Result<(), Rejection>> },
    Done { worker: ActorId, command: Box<Command> },
    Written(Result<u64, WriteError>),
    TimeUp { step: StepId, attempt: Attempt },
}

/// How a run's actor is started: first, or again from the journal.
pub(crate) struct RunArguments {
    pub shared: Shared,
    pub begin: Begin,
}

pub(crate) struct RunActor;

pub(crate) struct RunState {
    shared: Shared,
    context: Arc<WorkerContext>,
    writer: JournalWriter,
    state: State,
    /// Position of the last event that was handed to the journal.
    last_seq: u64,
    /// Position of the last durable event.
    durable_seq: u64,
    unpublished: VecDeque<Arc<Recorded>>,
    /// Commands to answer once the event at the position is durable.
    replies: VecDeque<(u64, oneshot::Sender<Result<(), Rejection>>)>,
    /// Effects to start once the event at the position is durable.
    waiting: VecDeque<(u64, EffectKey)>,
    /// Effects that wait or were given to a worker.
    owed: Owed,
    workers: Workers,
    /// Positions of the events that started what is in flight.
    started_at: BTreeMap<EffectId, u64>,
    prepare_panics: u32,
}

impl Actor for RunActor {
    type Msg = RunMessage;
    type State = RunState;
    type Arguments = RunArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        RunArguments { shared, mut begin }: RunArguments,
    ) -> Result<RunState, ActorProcessingErr> {
        if let Begin::Start(start) = &mut begin {
            // The manifest has the title before the plan is decided about.
            secrets::redact_plan(shared.spec.contents.redactor(), &mut start.definition);
        }
        let opening = shared.clone();
        let opened = tokio::task::spawn_blocking(move || open(&opening, begin)).await?;
        let Opened { appender, state, last_seq, command } = opened?;
        let spec = &shared.spec;
        let notices = shared.notices.clone();
        let writer = JournalWriter::spawn(appender, spec, notices, myself.get_cell()).await?;
        let context = Arc::new(WorkerContext {
            world: spec.world.clone(),
            contents: spec.contents.clone(),
            permits: spec.permits.clone(),
            retry: spec.retry.clone(),
            notices: shared.notices.clone(),
            run_id: spec.folder.run.clone(),
        });
        let mut run = RunState {
            shared,
            context,
            writer,
            state,
            last_seq,
            durable_seq: last_seq,
            unpublished: VecDeque::new(),
            replies: VecDeque::new(),
            waiting: VecDeque::new(),
            owed: Owed::default(),
            workers: Workers::default(),
            started_at: BTreeMap::new(),
            prepare_panics: 0,
        };
        run.watch_attempts_under_way(&myself);
        run.store_results_of_before();
        run.apply(&myself, command).map_err(BeginError::Rejected)?;
        run.shared.actor.send_replace(Some(myself));
        Ok(run)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: RunMessage,
        run: &mut RunState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RunMessage::Command { command, reply } => {
                let result = run.apply(&myself, *command);
                match result {
                    Ok(()) => run.replies.push_back((run.last_seq, reply)),
                    // Whoever asked may be gone.
                    Err(_) => drop(reply.send(result)),
                }
                run.answer_durable();
            }
            RunMessage::Done { worker, command } => {
                if run.workers.remove(worker).is_some() {
                    run.apply_result(&myself, *command);
                }
            }
            RunMessage::Written(Ok(last_seq)) => run.written(&myself, last_seq)?,
            RunMessage::Written(Err(error)) => return Err(error.into()),
            RunMessage::TimeUp { step, attempt } => {
                run.apply_result(&myself, Command::TimeUp { step, attempt });
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        run: &mut RunState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                if cell.get_id() == run.writer.cell().get_id() {
                    return Err(WriteError::Ended(error.to_string()).into());
                }
                run.worker_lost(&myself, cell.get_id(), &error.to_string());
            }
            // A worker ends after it reported, and this word may overtake its report.
            SupervisionEvent::ActorTerminated(..)
            | SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        run: &mut RunState,
    ) -> Result<(), ActorProcessingErr> {
        let shared = run.shared.clone();
        let phase = run.state.run().map(|run| run.phase.clone());
        let finish = match phase {
            Some(RunPhase::Ended(outcome)) => Finish::Ended(outcome),
            Some(RunPhase::Stopped(reason)) => Finish::Stopped(reason),
            Some(RunPhase::Working | RunPhase::Stopping(_)) | None => {
                Finish::Stopped(StopReason::Interrupted)
            }
        };
        let told = finish.clone();
        tokio::task::spawn_blocking(move || leave(&shared, &told)).await?;
        run.shared.finish.send_replace(Some(finish.clone()));
        run.context.notify(Notice::Finished(finish));
        Ok(())
    }
}

impl RunState {
    /// Decides a command and hands what follows to the journal.
    fn apply(
        &mut self,
        myself: &ActorRef<RunMessage>,
        mut command: Command,
    ) -> Result<(), Rejection> {
        secrets::redact(self.context.contents.redactor(), &mut command);
        let cause = self.cause(&command);
        let decision = handle(&mut self.state, command)?;
        if decision.events.is_empty() {
            return Ok(());
        }
        let change = self.owed.follow(&self.state, &decision.events);
        let clock = &self.context.world.clock;
        let stamp =
            Stamp { wall_ms: clock.wall_ms(), monotonic_ns: clock.monotonic_ns(), noted: false };
        let mut drafts = Vec::with_capacity(decision.events.len());
        for event in recorded(decision.events, stamp, (self.last_seq, cause)) {
            drafts.push(event.draft().expect("events are bounded when decided"));
            if let Some(effect) = started_effect(&event.event) {
                self.started_at.insert(effect, event.seq);
            }
            self.last_seq = event.seq;
            self.unpublished.push_back(Arc::new(event));
        }
        self.queue(change);
        let address = myself.clone();
        let written = self.last_seq;
        let on_written = move |result: Result<lao_journal::Ack, WriteError>| {
            // A run that is gone needs no word.
            drop(address.cast(RunMessage::Written(result.map(|_ack| written))));
        };
        self.writer.append(drafts, decision.blobs, Box::new(on_written));
        Ok(())
    }

    /// Decides the result of an effect. One that nobody waits for any more is dropped.
    fn apply_result(&mut self, myself: &ActorRef<RunMessage>, command: Command) {
        match self.apply(myself, command) {
            Ok(())
            | Err(
                Rejection::UnknownEffect(_)
                | Rejection::UnknownCall(_)
                | Rejection::NotInAttempt(_)
                | Rejection::Stopping
                | Rejection::Ended,
            ) => {}
            Err(rejection) => panic!("a worker reported what it was not asked: {rejection}"),
        }
    }

    /// Position of the event that led to a result.
    fn cause(&mut self, command: &Command) -> u64 {
        let effect = match command {
            Command::WorkspaceEnded { effect, .. }
            | Command::ModelCallEnded { effect, .. }
            | Command::ToolCallEnded { effect, .. }
            | Command::FileWriteEnded { effect, .. }
            | Command::CommandEnded { effect, .. }
            | Command::ChecksEnded { effect, .. }
            | Command::CommitEnded { effect, .. }
            | Command::ActionEnded { effect, .. } => *effect,
            Command::ToolPrepared { call, .. } => call.answer,
            Command::Start(_)
            | Command::Fork(_)
            | Command::Resume { .. }
            | Command::Advance
            | Command::Stop
            | Command::Cancel
            | Command::Retry(_)
            | Command::Answer { .. }
            | Command::TimeUp { .. }
            | Command::StepLooked { .. }
            | Command::EffectsLost { .. } => return 0,
        };
        self.started_at.remove(&effect).unwrap_or(0)
    }

    /// Notes which effects may start when everything up to now is durable, and ends what is not
    /// waited for any more.
    fn queue(&mut self, change: Change) {
        let Change { new, gone, is_whole } = change;
        for key in gone {
            self.workers.give_up(key);
        }
        self.waiting.extend(new.into_iter().map(|key| (self.last_seq, key)));
        if is_whole {
            let in_flight = self.state.in_flight();
            self.started_at.retain(|effect, _| in_flight.contains_key(effect));
        }
    }

    /// Everything up to a position is durable: publish it, and act on it.
    fn written(
        &mut self,
        myself: &ActorRef<RunMessage>,
        last_seq: u64,
    ) -> Result<(), ActorProcessingErr> {
        self.durable_seq = last_seq;
        while self.unpublished.front().is_some_and(|event| event.seq <= last_seq) {
            if let Some(event) = self.unpublished.pop_front() {
                self.watch_time(myself, &event.event);
                self.store_result(&event.event);
                self.context.notify(Notice::Event(event));
            }
        }
        self.answer_durable();
        while self.waiting.front().is_some_and(|(seq, _)| *seq <= last_seq) {
            if let Some((_, key)) = self.waiting.pop_front() {
                self.start(myself, key)?;
            }
        }
        let over = self
            .state
            .run()
            .is_some_and(|run| matches!(run.phase, RunPhase::Stopped(_) | RunPhase::Ended(_)));
        if over && self.durable_seq == self.last_seq {
            myself.stop(None);
        }
        Ok(())
    }

    /// Begins to count the time of an attempt at a task, where the settings limit it.
    fn watch_time(&self, myself: &ActorRef<RunMessage>, event: &Event) {
        if let Event::StepStarted(started) = event {
            self.watch_attempt(myself, started.step, started.attempt);
        }
    }

    fn watch_attempt(&self, myself: &ActorRef<RunMessage>, step: StepId, attempt: Attempt) {
        let of_tasks = self.state.run().and_then(|run| run.settings.limits.attempt_time_limit_ms);
        let is_task = self.state.step(step).is_some_and(Step::is_task);
        let of_step = self.state.spec(step).and_then(|spec| spec.timeout_ms);
        if let Some(limit_ms) = of_tasks.filter(|_| is_task).or(of_step) {
            let limit = Duration::from_millis(limit_ms);
            myself.send_after(limit, move || RunMessage::TimeUp { step, attempt });
        }
    }

    /// A process that takes a run up gives every attempt under way its whole time anew.
    fn watch_attempts_under_way(&self, myself: &ActorRef<RunMessage>) {
        for (index, step) in self.state.steps().iter().enumerate() {
            if matches!(step.status, StepStatus::Running(_)) {
                let id = StepId(u32::try_from(index).expect("a run has fewer than 2^32 steps"));
                self.watch_attempt(myself, id, step.attempt);
            }
        }
    }

    /// Stores what a step gave, where it may be taken instead of doing the same again.
    fn store_result(&self, event: &Event) {
        if let Event::StepEnded(StepEnded { step, outcome: StepOutcome::Succeeded }) = event
            && let (Some(key), Some(step)) =
                (self.state.cached_under(*step), self.state.step(*step))
        {
            self.store(key, step);
        }
    }

    /// What a process that was killed did not come to store.
    fn store_results_of_before(&self) {
        for (step, id) in self.state.steps().iter().zip(0..) {
            if let StepStatus::Ended(StepOutcome::Succeeded) = &step.status
                && let Some(key) = self.state.cached_under(StepId(id))
                && self.context.world.flow.results.get(key).is_none()
            {
                self.store(key, step);
            }
        }
    }

    fn store(&self, key: Hash, step: &Step) {
        let text = |content| self.context.contents.text(content).ok();
        let value = match &step.output {
            FlowValue::Text(content) => text(content).map(StoredResult::Text),
            FlowValue::Json(content) => text(content).map(StoredResult::Json),
            FlowValue::Nothing | FlowValue::File { .. } => None,
        };
        if let Some(value) = value {
            self.context.world.flow.results.put(key, &value);
        }
    }

    /// Answers the commands whose events are durable.
    fn answer_durable(&mut self) {
        while self.replies.front().is_some_and(|(seq, _)| *seq <= self.durable_seq) {
            if let Some((_, reply)) = self.replies.pop_front() {
                // Whoever asked may be gone.
                drop(reply.send(Ok(())));
            }
        }
    }

    /// Gives an effect to a worker, unless it is no longer owed.
    fn start(
        &mut self,
        myself: &ActorRef<RunMessage>,
        key: EffectKey,
    ) -> Result<(), ActorProcessingErr> {
        let Some(effect) = self.owed.effect(&self.state, key) else {
            return Ok(());
        };
        let job = Job::new(&self.state, &effect);
        let words = job.words();
        let address = myself.clone();
        let on_done = move |worker: ActorId, command: Command| {
            // A run that is gone asks again when it is resumed.
            let command = Box::new(command);
            drop(address.cast(RunMessage::Done { worker, command }));
        };
        let cell =
            worker::spawn(Arc::clone(&self.context), job, Box::new(on_done), myself.get_cell())?;
        self.workers.insert(InWork { key, cell, words });
        Ok(())
    }

    /// Looking at something panicked: it is done again, unless that happened too often.
    fn looks_again(&mut self, myself: &ActorRef<RunMessage>, key: EffectKey) -> bool {
        self.prepare_panics += 1;
        let again = self.prepare_panics <= PREPARE_PANICS_MAX;
        if again {
            self.waiting.push_front((self.durable_seq, key));
            drop(myself.cast(RunMessage::Written(Ok(self.durable_seq))));
        }
        again
    }

    /// A worker panicked: its effect goes back to the kernel.
    fn worker_lost(&mut self, myself: &ActorRef<RunMessage>, worker: ActorId, error: &str) {
        let Some(work) = self.workers.remove(worker) else {
            return;
        };
        let message = format!("{}: {error}", work.words);
        let message = self.context.contents.redactor().redact(&message).into_owned();
        self.context.notify(Notice::WorkerLost { message: message.clone() });
        match work.key {
            EffectKey::Started(effect, _) => {
                let cause = LossCause::WorkerPanicked { message };
                self.apply_result(myself, Command::EffectsLost { effects: vec![effect], cause });
            }
            EffectKey::Look(step, attempt, _) => {
                if !self.looks_again(myself, work.key) {
                    let message = format!("looking around failed: {error}");
                    let found = lao_event::latest::Found::Refused { message };
                    let texts = lao_kernel::Texts::new();
                    self.apply_result(myself, Command::StepLooked { step, attempt, texts, found });
                }
            }
            EffectKey::Prepare(call) => {
                if !self.looks_again(myself, work.key) {
                    let plan = ToolPlan::Invalid { reply: format!("the tool failed: {error}") };
                    let tool = String::new();
                    self.apply_result(
                        myself,
                        Command::ToolPrepared { call, tool, repair: None, plan },
                    );
                }
            }
        }
    }
}

/// The effect that an event starts.
fn started_effect(event: &Event) -> Option<EffectId> {
    match event {
        Event::ModelCallStarted(event) => Some(event.effect),
        Event::ToolCallStarted(event) => Some(event.effect),
        Event::FileWriteStarted(event) => Some(event.effect),
        Event::CommandStarted(event) => Some(event.effect),
        Event::ChecksStarted(event) => Some(event.effect),
        Event::WorkspaceStarted(event) => Some(event.effect),
        Event::CommitStarted(event) => Some(event.effect),
        Event::ActionStarted(event) => Some(event.effect),
        Event::RunStarted(_)
        | Event::RunResumed(_)
        | Event::RunForked(_)
        | Event::RunStopping(_)
        | Event::RunStopped(_)
        | Event::RunEnded(_)
        | Event::StepsAdded(_)
        | Event::StepStarted(_)
        | Event::StepEnded(_)
        | Event::StepParked(_)
        | Event::StepRetried(_)
        | Event::StepTimedOut(_)
        | Event::AnswerRejected(_)
        | Event::ModelCallEnded(_)
        | Event::ToolDecided(_)
        | Event::ToolCallEnded(_)
        | Event::FileWriteEnded(_)
        | Event::CommandEnded(_)
        | Event::TodoSet(_)
        | Event::ChecksEnded(_)
        | Event::ReviewGiven(_)
        | Event::WorkspaceEnded(_)
        | Event::CommitEnded(_)
        | Event::QuestionAsked(_)
        | Event::QuestionAnswered(_)
        | Event::EffectsLost(_)
        | Event::StepLooked(_)
        | Event::ActionEnded(_)
        | Event::OutputSet(_) => None,
    }
}

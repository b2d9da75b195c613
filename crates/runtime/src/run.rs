//! The run: owns the state and the order of things.
//!
//! ```text
//!   command, result --> handle (decide, evolve) --> append --> durable --> publish, start workers
//! ```
//!
//! While a commit is under way the next messages are decided, and share the next commit. If an
//! append fails, the state in memory is worthless: the actor ends and is rebuilt from the journal.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use lao_event::{
    EffectId, Event, RunId, Settings,
    latest::{FailureKind, LossCause, ModelFailure, ModelOutcome, RunOutcome, StopReason},
};
use lao_journal::{Appender, Genesis, Journal, Manifest, Options, Reader};
use lao_kernel::{
    Command, EffectKey, EffectWork, Rejection, Retry, RunPhase, Start, State, ToolPlan, handle,
    outstanding,
};
use lao_port::World;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{broadcast, oneshot, watch};

use crate::{
    contents::Contents,
    folder::{FolderError, RunFolder},
    job::Job,
    journal_writer::{JournalWriter, WriteError},
    model_call::RetryPolicy,
    notice::{Notice, Published},
    permits::Permits,
    record::{ReplayError, Stamp, draft, fold},
    worker::{self, WorkerContext},
};

/// How many notices a slow listener may be behind before it misses some.
pub(crate) const NOTICES_MAX: usize = 4096;

/// How often looking at one tool call may panic before the model is told so.
const PREPARE_PANICS_MAX: u32 = 2;

/// Everything a run needs besides what its journal says.
#[derive(Clone)]
pub struct RunSpec {
    /// Where it lies.
    pub folder: RunFolder,
    /// The project's texts.
    pub contents: Contents,
    /// The world, bound to the run's workspace.
    pub world: World,
    /// Places at the model backends.
    pub permits: Permits,
    /// How often and how long models are asked again.
    pub retry: RetryPolicy,
    /// How the journal is opened.
    pub journal: Options,
    /// Version of the program.
    pub program: String,
    /// Where the run's gateway will listen, for the manifest.
    pub socket: Option<PathBuf>,
    /// What the manifest says besides, for listings: such as the plan's hash.
    pub labels: BTreeMap<String, serde_json::Value>,
}

/// How a run is taken up.
#[derive(Debug, Clone)]
pub enum Begin {
    /// From nothing.
    Start(Box<Start>),
    /// From its journal.
    Resume {
        /// New settings, where they differ.
        settings: Option<Box<Settings>>,
        /// Steps to send back to pending.
        retry: Option<Retry>,
    },
}

/// A run could not be taken up.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its journal cannot be made.
    #[error(transparent)]
    Create(#[from] lao_journal::CreateError),
    /// Its journal cannot be opened.
    #[error(transparent)]
    Open(#[from] lao_journal::OpenError),
    /// Its journal cannot be folded.
    #[error(transparent)]
    Fold(#[from] ReplayError),
    /// The kernel refuses.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The system gives no thread, or an actor cannot be started.
    #[error("the run's actors cannot be started: {0}")]
    Actors(String),
}

/// How a run left the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It is over.
    Ended(RunOutcome),
    /// It can be resumed.
    Stopped(StopReason),
    /// Its actor was lost too often, or its journal cannot be written; it can be resumed.
    GaveUp {
        /// What happened last.
        message: String,
        /// The disk or the journal is at fault.
        storage: bool,
    },
}

/// What survives a rebuilding of the actor.
#[derive(Clone)]
pub(crate) struct Shared {
    pub spec: Arc<RunSpec>,
    pub appender: Arc<Mutex<Option<Appender>>>,
    pub actor: watch::Sender<Option<ActorRef<RunMessage>>>,
    pub finish: watch::Sender<Option<Finish>>,
    pub notices: broadcast::Sender<Notice>,
}

impl Shared {
    pub(crate) fn new(spec: RunSpec) -> Self {
        Self {
            spec: Arc::new(spec),
            appender: Arc::new(Mutex::new(None)),
            actor: watch::Sender::new(None),
            finish: watch::Sender::new(None),
            notices: broadcast::Sender::new(NOTICES_MAX),
        }
    }

    fn take_appender(&self) -> Option<Appender> {
        self.appender
            .lock()
            .expect("nothing panics while it is held")
            .take()
    }

    /// Closes the journal, so that it can be opened again; what was queued is written first.
    pub(crate) fn close_journal(&self) -> Option<lao_journal::Head> {
        self.take_appender()?.close().ok()
    }
}

/// A run in this process; cheap to clone.
#[derive(Clone)]
pub struct RunHandle {
    shared: Shared,
}

impl RunHandle {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// The run.
    pub fn id(&self) -> &RunId {
        &self.shared.spec.folder.run
    }

    /// Hears what happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Shows to `read` what is durable; `None` when the run has left the process.
    pub fn read<T>(&self, read: impl FnOnce(&Reader) -> T) -> Option<T> {
        let appender = self
            .shared
            .appender
            .lock()
            .expect("nothing panics while it is held");
        let appender = appender.clone()?;
        Some(read(appender.reader()))
    }

    /// Asks for something; answers when it was decided, before it is durable.
    pub async fn command(&self, command: Command) -> Result<(), Rejection> {
        let (reply, answer) = oneshot::channel();
        let actor = self.shared.actor.borrow().clone();
        let sent = actor.map(|actor| actor.cast(RunMessage::Command { command, reply }));
        match sent {
            Some(Ok(())) => answer.await.unwrap_or(Err(Rejection::Ended)),
            Some(Err(_)) | None => Err(Rejection::Ended),
        }
    }

    /// Ends at once: workers are dropped where they are, and nothing more is written.
    pub fn abort(&self) {
        if let Some(actor) = self.shared.actor.borrow().as_ref() {
            actor.kill();
        }
    }

    /// Waits until the run has left the process.
    pub async fn finished(&self) -> Finish {
        let mut finish = self.shared.finish.subscribe();
        let waited = finish.wait_for(Option::is_some).await;
        let finish = waited.expect("the sender lives in this handle");
        finish.clone().expect("waited for it")
    }
}

/// What wakes a run.
pub(crate) enum RunMessage {
    Command {
        command: Command,
        reply: oneshot::Sender<Result<(), Rejection>>,
    },
    Done {
        worker: ActorId,
        command: Command,
    },
    Written(Result<u64, WriteError>),
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
    unpublished: VecDeque<Arc<Published>>,
    /// Effects to start once the event at the position is durable.
    waiting: VecDeque<(u64, EffectKey)>,
    /// Effects that wait or were given to a worker.
    known: BTreeSet<EffectKey>,
    workers: BTreeMap<ActorId, InWork>,
    started_at: BTreeMap<EffectId, u64>,
    prepare_panics: u32,
}

struct InWork {
    key: EffectKey,
    cell: ActorCell,
    words: String,
}

impl Actor for RunActor {
    type Msg = RunMessage;
    type State = RunState;
    type Arguments = RunArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        RunArguments { shared, begin }: RunArguments,
    ) -> Result<RunState, ActorProcessingErr> {
        let opening = shared.clone();
        let opened = tokio::task::spawn_blocking(move || open(&opening, begin)).await?;
        let Opened {
            appender,
            state,
            last_seq,
            command,
        } = opened?;
        let spec = &shared.spec;
        let writer =
            JournalWriter::spawn(appender, spec.contents.clone(), myself.get_cell()).await?;
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
            waiting: VecDeque::new(),
            known: BTreeSet::new(),
            workers: BTreeMap::new(),
            started_at: BTreeMap::new(),
            prepare_panics: 0,
        };
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
                let result = run.apply(&myself, command);
                run.abort_model_calls_if_cancelled(&myself);
                // Whoever asked may be gone.
                drop(reply.send(result));
            }
            RunMessage::Done { worker, command } => {
                if run.workers.remove(&worker).is_some() {
                    run.apply_result(&myself, command);
                }
            }
            RunMessage::Written(Ok(last_seq)) => run.written(&myself, last_seq)?,
            RunMessage::Written(Err(error)) => return Err(error.into()),
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
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                run.workers.remove(&cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
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
    fn apply(&mut self, myself: &ActorRef<RunMessage>, command: Command) -> Result<(), Rejection> {
        let cause = self.cause(&command);
        let decision = handle(&mut self.state, command)?;
        if decision.events.is_empty() {
            return Ok(());
        }
        let clock = &self.context.world.clock;
        let stamp = Stamp {
            wall_ms: clock.wall_ms(),
            monotonic_ns: clock.monotonic_ns(),
        };
        let first_seq = self.last_seq + 1;
        let mut drafts = Vec::with_capacity(decision.events.len());
        for event in decision.events {
            let seq = self.last_seq + 1;
            let cause = if seq == first_seq { cause } else { first_seq };
            let draft = draft(&event, stamp, cause).expect("events are bounded when decided");
            drafts.push(draft);
            self.note_started(&event, seq);
            let wall_ms = stamp.wall_ms;
            self.unpublished.push_back(Arc::new(Published {
                seq,
                wall_ms,
                cause,
                event,
            }));
            self.last_seq = seq;
        }
        self.queue_effects();
        let address = myself.clone();
        let written = self.last_seq;
        let on_written = move |result: Result<lao_journal::Ack, WriteError>| {
            // A run that is gone needs no word.
            drop(address.cast(RunMessage::Written(result.map(|_ack| written))));
        };
        self.writer
            .append(drafts, decision.blobs, Box::new(on_written));
        Ok(())
    }

    /// Decides the result of an effect. One that nobody waits for any more is dropped.
    fn apply_result(&mut self, myself: &ActorRef<RunMessage>, command: Command) {
        match self.apply(myself, command) {
            Ok(())
            | Err(
                Rejection::UnknownEffect(_)
                | Rejection::UnknownCall(_)
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
            | Command::CommitEnded { effect, .. } => *effect,
            Command::ToolPrepared { call, .. } => call.answer,
            Command::Start(_)
            | Command::Resume { .. }
            | Command::Advance
            | Command::Stop
            | Command::Cancel
            | Command::Retry(_)
            | Command::Answer { .. }
            | Command::EffectsLost { .. } => return 0,
        };
        self.started_at.get(&effect).copied().unwrap_or(0)
    }

    fn note_started(&mut self, event: &Event, seq: u64) {
        if let Some(effect) = started_effect(event) {
            let open = &self.state.in_flight();
            self.started_at
                .retain(|effect, _| open.contains_key(effect));
            self.started_at.insert(effect, seq);
        }
    }

    /// Notes which effects may start when everything up to now is durable.
    fn queue_effects(&mut self) {
        let owed: BTreeSet<EffectKey> = outstanding(&self.state).map(|effect| effect.key).collect();
        self.known.retain(|key| owed.contains(key));
        for key in owed {
            if self.known.insert(key) {
                self.waiting.push_back((self.last_seq, key));
            }
        }
    }

    /// Everything up to a position is durable: publish it, and act on it.
    fn written(
        &mut self,
        myself: &ActorRef<RunMessage>,
        last_seq: u64,
    ) -> Result<(), ActorProcessingErr> {
        self.durable_seq = last_seq;
        while self
            .unpublished
            .front()
            .is_some_and(|event| event.seq <= last_seq)
        {
            if let Some(event) = self.unpublished.pop_front() {
                self.context.notify(Notice::Event(event));
            }
        }
        while self
            .waiting
            .front()
            .is_some_and(|(seq, _)| *seq <= last_seq)
        {
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

    /// Gives an effect to a worker, unless it is no longer owed.
    fn start(
        &mut self,
        myself: &ActorRef<RunMessage>,
        key: EffectKey,
    ) -> Result<(), ActorProcessingErr> {
        let Some(effect) = outstanding(&self.state).find(|effect| effect.key == key) else {
            return Ok(());
        };
        let job = Job::new(&self.state, &effect);
        let words = job.words();
        let address = myself.clone();
        let on_done = move |worker: ActorId, command: Command| {
            // A run that is gone asks again when it is resumed.
            drop(address.cast(RunMessage::Done { worker, command }));
        };
        let cell = worker::spawn(
            Arc::clone(&self.context),
            job,
            Box::new(on_done),
            myself.get_cell(),
        )?;
        self.workers
            .insert(cell.get_id(), InWork { key, cell, words });
        Ok(())
    }

    /// A worker panicked: its effect goes back to the kernel.
    fn worker_lost(&mut self, myself: &ActorRef<RunMessage>, worker: ActorId, error: &str) {
        let Some(work) = self.workers.remove(&worker) else {
            return;
        };
        let message = format!("{}: {error}", work.words);
        self.context.notify(Notice::WorkerLost {
            message: message.clone(),
        });
        match work.key {
            EffectKey::Started(effect, _) => {
                let cause = LossCause::WorkerPanicked { message };
                self.apply_result(
                    myself,
                    Command::EffectsLost {
                        effects: vec![effect],
                        cause,
                    },
                );
            }
            EffectKey::Prepare(call) => {
                self.prepare_panics += 1;
                if self.prepare_panics <= PREPARE_PANICS_MAX {
                    self.waiting.push_front((self.durable_seq, work.key));
                    let durable_seq = self.durable_seq;
                    drop(myself.cast(RunMessage::Written(Ok(durable_seq))));
                } else {
                    let plan = ToolPlan::Invalid {
                        reply: format!("the tool failed: {error}"),
                    };
                    let tool = String::new();
                    self.apply_result(
                        myself,
                        Command::ToolPrepared {
                            call,
                            tool,
                            repair: None,
                            plan,
                        },
                    );
                }
            }
        }
    }

    /// A cancelled run does not wait for answers that nobody will read.
    fn abort_model_calls_if_cancelled(&mut self, myself: &ActorRef<RunMessage>) {
        let cancelled = self
            .state
            .run()
            .is_some_and(|run| matches!(run.phase, RunPhase::Stopping(StopReason::Cancelled)));
        if !cancelled {
            return;
        }
        let calls: Vec<EffectKey> = outstanding(&self.state)
            .filter(|effect| matches!(effect.work, EffectWork::Model { .. }))
            .map(|effect| effect.key)
            .collect();
        for key in calls {
            let EffectKey::Started(effect, _) = key else {
                continue;
            };
            self.workers.retain(|_, work| {
                let aborted = work.key == key;
                if aborted {
                    work.cell.kill();
                }
                !aborted
            });
            let failure = ModelFailure {
                kind: FailureKind::Aborted,
                message: "the run was cancelled".to_owned(),
            };
            let outcome = ModelOutcome::Failed(failure);
            self.apply_result(
                myself,
                Command::ModelCallEnded {
                    effect,
                    outcome,
                    failed_tries: Vec::new(),
                },
            );
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
        Event::RunStarted(_)
        | Event::RunResumed(_)
        | Event::RunStopping(_)
        | Event::RunStopped(_)
        | Event::RunEnded(_)
        | Event::StepsAdded(_)
        | Event::StepStarted(_)
        | Event::StepEnded(_)
        | Event::StepParked(_)
        | Event::StepRetried(_)
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
        | Event::EffectsLost(_) => None,
    }
}

struct Opened {
    appender: Appender,
    state: State,
    last_seq: u64,
    command: Command,
}

/// Opens or makes the journal. Blocking.
fn open(shared: &Shared, begin: Begin) -> Result<Opened, BeginError> {
    let spec = &shared.spec;
    // A rebuilt run finds the journal of the one before it still open.
    shared.close_journal();
    let opened = match begin {
        Begin::Start(start) => {
            spec.folder.create()?;
            let started = serde_json::json!({ "program": start.program, "seed": start.seed });
            let genesis = Genesis {
                run: start.run.as_str().to_owned(),
                started: started.to_string().into_bytes(),
            };
            let journal = Journal::create(&spec.folder.path, genesis, &spec.journal)?;
            let lao_event::latest::Definition::Plan(plan) = &start.definition;
            write_manifest(spec, Some(&plan.title))?;
            (journal, State::new(), 0, Command::Start(start))
        }
        Begin::Resume { settings, retry } => {
            let journal = Journal::open(&spec.folder.path, &spec.journal)?;
            let mut last_seq = 0;
            let state = fold(&journal.reader(), |_, event| last_seq = event.seq)?;
            write_manifest(spec, None)?;
            let program = spec.program.clone();
            (
                journal,
                state,
                last_seq,
                Command::Resume {
                    program,
                    settings,
                    retry,
                },
            )
        }
    };
    let (journal, state, last_seq, command) = opened;
    let appender =
        Appender::spawn(journal).map_err(|error| BeginError::Actors(error.to_string()))?;
    *shared
        .appender
        .lock()
        .expect("nothing panics while it is held") = Some(appender.clone());
    Ok(Opened {
        appender,
        state,
        last_seq,
        command,
    })
}

/// Says in the manifest who works on the run.
fn write_manifest(spec: &RunSpec, title: Option<&str>) -> Result<(), FolderError> {
    let folder = &spec.folder;
    let mut manifest = match (title, Manifest::read(&folder.path)) {
        (None, Ok(manifest)) => manifest,
        (Some(_), _) | (None, Err(_)) => {
            let title = title.unwrap_or("(the manifest was lost)");
            let created_ms = spec.world.clock.wall_ms();
            Manifest::new(folder.run.as_str().to_owned(), title.to_owned(), created_ms)
        }
    };
    manifest.pid = Some(std::process::id());
    manifest.socket.clone_from(&spec.socket);
    manifest.sealed = None;
    for (key, value) in &spec.labels {
        manifest.other.insert(key.clone(), value.clone());
    }
    manifest.write(&folder.path)?;
    Ok(())
}

/// Closes the journal and notes the end in the manifest. Blocking.
fn leave(shared: &Shared, finish: &Finish) {
    let Some(head) = shared.close_journal() else {
        return;
    };
    let path = &shared.spec.folder.path;
    let Ok(mut manifest) = Manifest::read(path) else {
        // The journal is what counts; the manifest is written anew at the next resume.
        return;
    };
    match finish {
        Finish::Ended(outcome) => manifest.seal(head, outcome_word(*outcome).to_owned()),
        Finish::Stopped(_) | Finish::GaveUp { .. } => {
            manifest.pid = None;
            manifest.socket = None;
        }
    }
    drop(manifest.write(path));
}

/// An outcome as the seal has it.
const fn outcome_word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Cancelled => "cancelled",
    }
}

//! A life: one process that takes the run up and ends, in one way or another.
//!
//! It has its own tokio runtime, actors and journal, which are dropped where they stand when it is
//! killed; what the next life finds is what a killed process leaves. All of it is on one thread,
//! whose time is played.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use lao_history::{FolderError, Recorded};
use lao_journal::{
    AppendError, CreateError, DiskAnswer, DiskCall, Draft, Fault, FaultAnswer, FaultPoint,
    OpenError, Options,
};
use lao_kernel::{Command, Rejection, Retry};
use lao_port::{
    BoxFuture, Chat, ChatAnswer, ChatError, ChatErrorKind, Embed, FlowWorld, Model, OnProgress,
    OnTranscribed, TranscribeError, TranscribeErrorKind, TranscribeRequest, Transcriber,
    Transcript, World,
};
use lao_runtime::{Begin, BeginError, Finish, Notice, RunHandle, RunSpec, Supervisor};
use tokio::sync::broadcast::{self, error::TryRecvError};

use crate::{
    clock::PlayedClock,
    file::table::Says,
    stage::Stage,
    stagehand::{Order, Stagehand},
    watch::{Call, Watch},
};

/// Played time after which a life in which nothing happens any more counts as stuck. It passes at
/// once, since nothing else is waited for then.
const STUCK_AFTER: Duration = Duration::from_hours(24 * 365);

/// How long the remains of a killed life may take to be dropped, in real time.
const RELEASE_MAX: Duration = Duration::from_secs(20);

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Finished(Finish),
    /// It was killed.
    Crashed,
    /// The journal could not be made or opened.
    Refused(String),
    /// There was nothing left to do.
    Over,
    /// Nothing happened any more.
    Stuck,
}

/// What a life left to be looked at.
pub(crate) struct Life {
    pub end: End,
    pub calls: Vec<Call>,
    pub published: Vec<Arc<Recorded>>,
    /// Words of a person that the run turned down.
    pub refused: Vec<String>,
}

/// Runs one process to its end, and drops all of it.
pub(crate) fn live(
    stage: &Stage,
    hand: &Arc<Stagehand>,
    begin: Begin,
) -> Result<Life, FolderError> {
    let watch = Watch::new(None);
    hand.begin_life(&stage.folder(), &watch);
    let (fault, gone) = JournalFault::new(hand);
    let process = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        // Whoever waits here hears of things before the next of them happens.
        .event_interval(1)
        .build()
        .expect("the system gives what a runtime needs");
    let world = watch.over(world(stage, hand));
    let spec = RunSpec {
        folder: stage.folder(),
        contents: stage.contents()?,
        world,
        permits: stage.permits(),
        retry: stage.retry.clone(),
        journal: Options { fault: Some(fault), ..Options::default() },
        program: Stage::program(),
        socket: None,
        labels: BTreeMap::new(),
    };
    let lived = process.block_on(async {
        stage.clock.begin_life();
        drive(spec, begin, hand).await
    });
    // As the system does it: tasks are dropped where they are.
    drop(process);
    wait_until_gone(&gone);
    let Lived { end, mut notices, refused } = lived;
    let published = notices.as_mut().map(listen).unwrap_or_default();
    Ok(Life { end, calls: watch.calls(), published, refused })
}

struct Lived {
    end: End,
    notices: Option<broadcast::Receiver<Notice>>,
    refused: Vec<String>,
}

impl Lived {
    const fn without_run(end: End) -> Self {
        Self { end, notices: None, refused: Vec::new() }
    }
}

async fn drive(spec: RunSpec, begin: Begin, hand: &Arc<Stagehand>) -> Lived {
    let supervisor = Supervisor::spawn().await.expect("the runtime runs");
    let taken_up = tokio::select! {
        biased;
        () = hand.struck.notified() => return Lived::without_run(End::Crashed),
        handle = supervisor.begin(spec, begin) => handle,
    };
    let handle: RunHandle = match taken_up {
        Ok(handle) => handle,
        Err(BeginError::Rejected(Rejection::Ended)) => return Lived::without_run(End::Over),
        Err(
            error @ (BeginError::Create(CreateError::Storage(_))
            | BeginError::Open(OpenError::Storage(_))
            | BeginError::Append(AppendError::Storage(_) | AppendError::Crashed { .. })),
        ) => return Lived::without_run(End::Refused(error.to_string())),
        Err(error) => panic!("the run cannot be taken up: {error}"),
    };
    let notices = Some(handle.subscribe());
    // A task of its own: it is woken before the run is told that what it waits for is durable.
    let refused = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(obey(Arc::clone(hand), handle.clone(), Arc::clone(&refused)));
    let end = tokio::select! {
        biased;
        () = hand.struck.notified() => End::Crashed,
        finish = handle.finished() => End::Finished(finish),
        () = tokio::time::sleep(STUCK_AFTER) => End::Stuck,
    };
    let refused = refused.lock().expect("nothing panics while it is held").clone();
    Lived { end, notices, refused }
}

/// Says to the run what a person says, one word after the other.
async fn obey(hand: Arc<Stagehand>, handle: RunHandle, refused: Arc<Mutex<Vec<String>>>) {
    loop {
        hand.ordered.notified().await;
        while let Some(order) = hand.order() {
            if let Err(rejection) = handle.command(command(&order)).await {
                let words = format!("the run turned `{}` down: {rejection}", order.says.word());
                refused.lock().expect("nothing panics while it is held").push(words);
            }
            hand.heard(&order);
        }
    }
}

fn command(order: &Order) -> Command {
    match order.says {
        Says::Stop => Command::Stop,
        Says::Cancel => Command::Cancel,
        Says::Retry => Command::Retry(retry(order.step.as_ref())),
        Says::Resume => unreachable!("a run that goes on is not resumed"),
    }
}

/// What is done again.
pub(crate) fn retry(step: Option<&String>) -> Retry {
    step.map_or(Retry::Failed, |step| Retry::Step(step.clone()))
}

impl Says {
    /// Whether an event of this name follows from it.
    pub(crate) fn leads_to(self, event: &str) -> bool {
        match self {
            Self::Stop | Self::Cancel => event == "RunStopping",
            Self::Retry => event == "StepRetried",
            Self::Resume => event == "RunResumed",
        }
    }

    /// As it is written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resume => "resume",
        }
    }
}

fn listen(notices: &mut broadcast::Receiver<Notice>) -> Vec<Arc<Recorded>> {
    let mut published = Vec::new();
    loop {
        match notices.try_recv() {
            Ok(Notice::Event(event)) => published.push(event),
            Ok(
                Notice::WorkerLost { .. }
                | Notice::Tokens { .. }
                | Notice::Transcribed { .. }
                | Notice::Retrying { .. }
                | Notice::Waiting { .. }
                | Notice::DiskSlow { .. }
                | Notice::DiskCaughtUp { .. }
                | Notice::Rebuilt { .. }
                | Notice::Finished(_),
            )
            // The first of a long run are forgotten; what is left tells enough.
            | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return published,
        }
    }
}

/// The stage's world, with servers that may be away.
fn world(stage: &Stage, hand: &Arc<Stagehand>) -> World {
    fn server<T: ?Sized>(inner: Arc<T>, stage: &Stage, hand: &Arc<Stagehand>) -> Arc<Server<T>> {
        Arc::new(Server { inner, hand: Arc::clone(hand), clock: Arc::clone(&stage.clock) })
    }
    let World { model, flow, tools, verifier, repository, clock } = stage.world();
    let transcriber = server(Arc::clone(&flow.transcriber), stage, hand);
    let flow = FlowWorld { transcriber, ..flow };
    World { model: server(model, stage, hand), tools, verifier, repository, flow, clock }
}

/// What is asked of a server that may be away.
struct Server<T: ?Sized> {
    inner: Arc<T>,
    hand: Arc<Stagehand>,
    clock: Arc<PlayedClock>,
}

impl<T: ?Sized> Server<T> {
    /// What is said instead of an answer while it is.
    fn away(&self) -> Option<String> {
        let is_away = self.hand.away.is_at(self.clock.passed_ms());
        is_away.then(|| "the scenario says that no server answers".to_owned())
    }
}

fn unreachable(message: String) -> ChatError {
    ChatError { kind: ChatErrorKind::Unreachable, message, retry_after_ms: None }
}

impl Model for Server<dyn Model> {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        match self.away() {
            Some(message) => Box::pin(async { Err(unreachable(message)) }),
            None => self.inner.chat(chat, on_progress),
        }
    }

    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        match self.away() {
            Some(message) => Box::pin(async { Err(unreachable(message)) }),
            None => self.inner.embed(embed),
        }
    }
}

impl Transcriber for Server<dyn Transcriber> {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        match self.away() {
            Some(message) => {
                let kind = TranscribeErrorKind::Unreachable;
                Box::pin(async move { Err(TranscribeError { kind, message }) })
            }
            None => self.inner.transcribe(request, on_progress),
        }
    }
}

/// The stagehand in one life's journal. It is dropped with the last of the journal, which tells when
/// the next life may open it.
struct JournalFault {
    hand: Arc<Stagehand>,
    _alive: Mutex<Sender<Infallible>>,
}

impl JournalFault {
    fn new(hand: &Arc<Stagehand>) -> (Arc<Self>, Receiver<Infallible>) {
        let (alive, gone) = channel();
        (Arc::new(Self { hand: Arc::clone(hand), _alive: Mutex::new(alive) }), gone)
    }
}

impl Fault for JournalFault {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        self.hand.at(point)
    }

    fn at_disk(&self, call: DiskCall) -> DiskAnswer {
        self.hand.at_disk(call)
    }

    fn queued(&self, drafts: &[Draft]) {
        self.hand.queued(drafts);
    }
}

fn wait_until_gone(gone: &Receiver<Infallible>) {
    match gone.recv_timeout(RELEASE_MAX) {
        Ok(never) => match never {},
        Err(RecvTimeoutError::Disconnected) => {}
        Err(RecvTimeoutError::Timeout) => panic!("something still holds the journal"),
    }
}

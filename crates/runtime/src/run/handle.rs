//! A run's handle, what it is made from, and what survives a rebuilding of its actor.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use lao_event::{
    RunId, Settings,
    latest::{RunOutcome, StopReason},
};
use lao_history::{Contents, FolderError, HistoryError, RunFolder};
use lao_journal::{Appender, Options, Reader};
use lao_kernel::{Command, Rejection, Retry, Start};
use lao_port::World;
use ractor::{ActorRef, ActorStatus};
use tokio::sync::{broadcast, oneshot, watch};

use super::RunMessage;
use crate::{model_call::RetryPolicy, notice::Notice, permits::Permits};

/// How many notices a slow listener may be behind before it misses some.
const NOTICES_MAX: usize = 4096;

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
    /// Its journal cannot be written.
    #[error(transparent)]
    Append(#[from] lao_journal::AppendError),
    /// Its journal cannot be folded.
    #[error(transparent)]
    Fold(#[from] HistoryError),
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
        self.appender.lock().expect("nothing panics while it is held").take()
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
        let appender = self.shared.appender.lock().expect("nothing panics while it is held");
        let appender = appender.clone()?;
        Some(read(appender.reader()))
    }

    /// Asks for something; answers when what follows from it is durable.
    ///
    /// When the run's actor is lost in between, the rebuilt one is asked again.
    pub async fn command(&self, command: Command) -> Result<(), Rejection> {
        let mut actors = self.shared.actor.subscribe();
        loop {
            let Some(actor) = self.next_actor(&mut actors).await else {
                return Err(Rejection::Ended);
            };
            let (reply, answer) = oneshot::channel();
            let message = RunMessage::Command { command: Box::new(command.clone()), reply };
            if actor.cast(message).is_ok()
                && let Ok(result) = answer.await
            {
                return result;
            }
            // It is about to be known as lost.
            tokio::task::yield_now().await;
        }
    }

    /// The run's actor, or the next one while it is being rebuilt; `None` when the run has left.
    async fn next_actor(
        &self,
        actors: &mut watch::Receiver<Option<ActorRef<RunMessage>>>,
    ) -> Option<ActorRef<RunMessage>> {
        let alive = |actor: &Option<ActorRef<RunMessage>>| {
            actor.as_ref().is_some_and(|actor| actor.get_status() <= ActorStatus::Draining)
        };
        tokio::select! {
            _ = self.finished() => None,
            actor = actors.wait_for(alive) => actor.ok()?.clone(),
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

//! The actor in front of a run's journal: blobs first, then the group commit thread.
//!
//! ```text
//!   Run --Append(drafts, blobs)--> JournalWriter --blobs durable--> Appender (thread)
//!   Run <-------------------- Durable(result) -----------------------'
//! ```

use std::{
    convert::Infallible,
    sync::{Arc, mpsc},
};

use lao_event::Blob;
use lao_history::Contents;
use lao_journal::{Ack, AppendError, Appender, BlobError, Draft, Fault};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::broadcast;

use crate::{disk_watch::DiskWatch, notice::Notice, run::RunSpec};

/// Why events are not durable; the run's state in memory is worthless then.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Append(#[from] Arc<AppendError>),
    #[error(transparent)]
    Blob(#[from] Arc<BlobError>),
    #[error("the journal writer ended: {0}")]
    Ended(String),
}

/// Told once when a batch is durable, or never will be.
pub(crate) type OnWritten = Box<dyn FnOnce(Result<Ack, WriteError>) + Send>;

/// Handle; cheap to clone.
#[derive(Clone)]
pub(crate) struct JournalWriter {
    actor: ActorRef<WriterMessage>,
    disk: DiskWatch,
}

impl JournalWriter {
    /// Starts the actor, linked to its run. Listeners are told when the disk is slow.
    pub(crate) async fn spawn(
        appender: Appender,
        spec: &RunSpec,
        notices: broadcast::Sender<Notice>,
        run: ActorCell,
    ) -> Result<Self, SpawnErr> {
        let state = WriterState {
            appender,
            contents: spec.contents.clone(),
            fault: spec.journal.fault.clone(),
            pace: if spec.world.clock.is_played() { Pace::InPlace } else { Pace::Behind },
        };
        let (actor, _join) = Actor::spawn_linked(None, WriterActor, state, run).await?;
        Ok(Self { actor, disk: DiskWatch::start(notices) })
    }

    /// Queues a batch behind those queued before; returns at once. How many wait is bounded by what
    /// may be in flight: a run appends when an effect ends or somebody asks for something, and no
    /// effect starts before the batch that starts it is durable.
    pub(crate) fn append(&self, drafts: Vec<Draft>, blobs: Vec<Blob>, on_written: OnWritten) {
        self.disk.began();
        let disk = self.disk.clone();
        let on_written = Box::new(move |result| {
            disk.ended();
            on_written(result);
        });
        let append = WriterMessage { drafts, blobs, on_written };
        if let Err(error) = self.actor.cast(append) {
            // The run is told by the writer's supervision event as well; the batch is lost.
            drop(error);
        }
    }

    /// The actor behind the handle.
    pub(crate) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }
}

pub(crate) struct WriterMessage {
    drafts: Vec<Draft>,
    blobs: Vec<Blob>,
    on_written: OnWritten,
}

struct WriterState {
    appender: Appender,
    contents: Contents,
    fault: Option<Arc<dyn Fault>>,
    pace: Pace,
}

/// Whether the run goes on while the disk works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// It does, as far as it can.
    Behind,
    /// Time is played: nothing else happens meanwhile.
    InPlace,
}

impl WriterState {
    /// Makes blobs durable.
    async fn store(&self, blobs: Vec<Blob>) -> Result<(), WriteError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let stored = match self.pace {
            Pace::InPlace => self.contents.put_all(&blobs),
            Pace::Behind => {
                let contents = self.contents.clone();
                tokio::task::spawn_blocking(move || contents.put_all(&blobs))
                    .await
                    .map_err(|error| WriteError::Ended(error.to_string()))?
            }
        };
        stored.map_err(|error| WriteError::Blob(Arc::new(error)))
    }

    /// Hands drafts to the journal's thread.
    fn append(&self, drafts: Vec<Draft>, on_written: OnWritten) {
        if let Some(fault) = &self.fault {
            fault.queued(&drafts);
        }
        let (under_way, over) = mpsc::channel::<Infallible>();
        let on_durable = move |result: Result<Ack, Arc<AppendError>>| {
            on_written(result.map_err(WriteError::Append));
            drop(under_way);
        };
        self.appender.append(drafts, Box::new(on_durable));
        if self.pace == Pace::InPlace {
            // Nothing is ever sent: it ends when the answer was given, or never will be.
            over.recv().ok();
        }
    }
}

struct WriterActor;

impl Actor for WriterActor {
    type Msg = WriterMessage;
    type State = WriterState;
    type Arguments = WriterState;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        state: WriterState,
    ) -> Result<WriterState, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        WriterMessage { drafts, blobs, on_written }: WriterMessage,
        state: &mut WriterState,
    ) -> Result<(), ActorProcessingErr> {
        match state.store(blobs).await {
            Ok(()) => state.append(drafts, on_written),
            Err(error) => on_written(Err(error)),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Self::Msg>,
        _event: SupervisionEvent,
        _state: &mut WriterState,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
    }
}

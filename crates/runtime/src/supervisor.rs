//! The supervisor: starts runs, and rebuilds one that panicked, from its journal.
//!
//! ```text
//!   process --start--> Supervisor --spawns, linked--> Run
//!                          ^--- failed --------------'   (rebuilt, with a growing pause)
//! ```
//!
//! A run that fails more than `REBUILDS_MAX` times within `REBUILD_WINDOW` is given up; its
//! journal is as good as before, and it can be resumed.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    journal_writer::WriteError,
    notice::Notice,
    run::{Begin, BeginError, Finish, RunActor, RunArguments, RunHandle, RunSpec, Shared},
};

/// How often a run is rebuilt within the window.
const REBUILDS_MAX: usize = 5;
/// The window.
const REBUILD_WINDOW: Duration = Duration::from_mins(1);
/// The pause before the first rebuild; each is twice the one before.
const REBUILD_PAUSE_MIN: Duration = Duration::from_millis(100);

/// Starts and supervises runs; cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    actor: ActorRef<SupervisorMessage>,
}

impl Supervisor {
    /// Starts the supervisor of this process.
    pub async fn spawn() -> Result<Self, BeginError> {
        let (actor, _join) = Actor::spawn(None, SupervisorActor, ())
            .await
            .map_err(|error| BeginError::Actors(error.to_string()))?;
        Ok(Self { actor })
    }

    /// Takes a run up. Returns when its first events are on their way to the journal.
    pub async fn begin(&self, spec: RunSpec, begin: Begin) -> Result<RunHandle, BeginError> {
        let (reply, answer) = oneshot::channel();
        let message = SupervisorMessage::Begin { spec: Box::new(spec), begin, reply };
        let gone = || BeginError::Actors("the supervisor has ended".to_owned());
        self.actor.cast(message).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

enum SupervisorMessage {
    Begin {
        spec: Box<RunSpec>,
        begin: Begin,
        reply: oneshot::Sender<Result<RunHandle, BeginError>>,
    },
    Rebuild(Box<Supervised>),
}

/// A run under supervision.
struct Supervised {
    shared: Shared,
    failures: VecDeque<Instant>,
}

/// How a run was lost.
struct Failure {
    message: String,
    /// The disk or the journal is at fault.
    storage: bool,
}

impl From<BeginError> for Failure {
    fn from(error: BeginError) -> Self {
        let storage = match &error {
            BeginError::Folder(_)
            | BeginError::Create(_)
            | BeginError::Open(_)
            | BeginError::Append(_)
            | BeginError::Fold(_) => true,
            BeginError::Rejected(_) | BeginError::Actors(_) => false,
        };
        Self { message: error.to_string(), storage }
    }
}

struct SupervisorActor;

impl Actor for SupervisorActor {
    type Msg = SupervisorMessage;
    type State = BTreeMap<ActorId, Supervised>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(BTreeMap::new())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: SupervisorMessage,
        runs: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Begin { spec, begin, reply } => {
                let shared = Shared::new(*spec);
                let begun = spawn_run(&myself, &shared, begin).await.map(|run| {
                    let failures = VecDeque::new();
                    runs.insert(run, Supervised { shared: shared.clone(), failures });
                    RunHandle::new(shared)
                });
                // Whoever asked may be gone; the run goes on all the same.
                drop(reply.send(begun));
            }
            SupervisorMessage::Rebuild(supervised) => {
                let begin = Begin::Resume { settings: None, retry: None };
                match spawn_run(&myself, &supervised.shared, begin).await {
                    Ok(run) => drop(runs.insert(run, *supervised)),
                    Err(error) => rebuild_later(&myself, *supervised, error.into()),
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        runs: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some(supervised) = runs.remove(&cell.get_id()) {
                    let storage = error.downcast_ref::<WriteError>().is_some();
                    let failure = Failure { message: error.to_string(), storage };
                    rebuild_later(&myself, supervised, failure);
                }
            }
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                if let Some(supervised) = runs.remove(&cell.get_id()) {
                    // One that was killed had no time to say so.
                    let finish = Finish::Stopped(lao_event::latest::StopReason::Interrupted);
                    supervised.shared.finish.send_if_modified(|told| {
                        let untold = told.is_none();
                        if untold {
                            *told = Some(finish);
                        }
                        untold
                    });
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

async fn spawn_run(
    myself: &ActorRef<SupervisorMessage>,
    shared: &Shared,
    begin: Begin,
) -> Result<ActorId, BeginError> {
    let arguments = RunArguments { shared: shared.clone(), begin };
    let spawned = Actor::spawn_linked(None, RunActor, arguments, myself.get_cell()).await;
    match spawned {
        Ok((actor, _join)) => Ok(actor.get_id()),
        Err(SpawnErr::StartupFailed(error)) => {
            shared.close_journal();
            Err(match error.downcast::<BeginError>() {
                Ok(begin) => *begin,
                Err(other) => BeginError::Actors(other.to_string()),
            })
        }
        Err(other) => Err(BeginError::Actors(other.to_string())),
    }
}

fn rebuild_later(
    myself: &ActorRef<SupervisorMessage>,
    mut supervised: Supervised,
    failure: Failure,
) {
    let now = Instant::now();
    supervised.failures.retain(|failure| now - *failure < REBUILD_WINDOW);
    supervised.failures.push_back(now);
    let shared = supervised.shared.clone();
    shared.actor.send_replace(None);
    if supervised.failures.len() > REBUILDS_MAX {
        return give_up(&shared, failure);
    }
    drop(shared.notices.send(Notice::Rebuilt { message: failure.message }));
    let doublings = u32::try_from(supervised.failures.len() - 1).unwrap_or(0);
    let pause = REBUILD_PAUSE_MIN * 2_u32.pow(doublings);
    let mut supervised = Some(Box::new(supervised));
    myself.send_after(pause, move || {
        SupervisorMessage::Rebuild(supervised.take().expect("sent once"))
    });
}

fn give_up(shared: &Shared, Failure { message, storage }: Failure) {
    shared.close_journal();
    let finish = Finish::GaveUp { message, storage };
    shared.finish.send_replace(Some(finish.clone()));
    drop(shared.notices.send(Notice::Finished(finish)));
}

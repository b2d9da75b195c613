//! The view: a run as people look at it, folded from its events.
//!
//! ```text
//!   Recorded --apply--> State (kernel) + narrator + tracks --> RunStatus, StepView, EventView
//! ```
//!
//! What the kernel's state forgets when a step ends (times, commits, files, findings) is kept here,
//! counted or by name. Messages are not: a step's inside is read from the journal when it is asked
//! for, so that the memory of a view does not grow with what models say.

mod detail;
mod failure;
mod flight;
mod status;
mod step;
mod track;

use lao_event::{Event, RunId};
use lao_history::{Contents, HistoryError, Recorded, RunFolder, Snapshot};
use lao_journal::Reader;
use lao_kernel::{Inconsistency, State, evolve};
use lao_protocol::{EventView, StepView, Update};
use lao_runtime::Notice;
use serde::{Deserialize, Serialize};

use crate::narrator::{EffectNoteKind, Narrator};
use track::Tracks;

/// The process that works on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Its id.
    pub pid: u32,
}

/// A run as people look at it.
#[derive(Debug, Clone)]
pub struct RunView {
    run: RunId,
    state: State,
    /// Events up to this position were not seen one by one: the view was taken from a snapshot.
    since: u64,
    narrator: Narrator,
    tracks: Tracks,
}

/// The part of a view that a snapshot holds besides the kernel's state.
#[derive(Serialize, Deserialize)]
struct Frozen<N, T> {
    narrator: N,
    tracks: T,
}

impl RunView {
    /// A run of which nothing is known yet.
    pub fn new(run: RunId) -> Self {
        let (narrator, tracks) = (Narrator::new(), Tracks::default());
        Self { run, state: State::new(), since: 0, narrator, tracks }
    }

    /// The run as its snapshot has it, if it has one that can be relied on.
    pub fn from_snapshot(folder: &RunFolder, reader: &Reader) -> Option<Self> {
        let snapshot = Snapshot::read(folder, reader)?;
        let frozen: Frozen<Narrator, Tracks> = serde_json::from_slice(&snapshot.view).ok()?;
        let (state, since) = (snapshot.state, snapshot.seq);
        let Frozen { narrator, tracks } = frozen;
        Some(Self { run: folder.run.clone(), state, since, narrator, tracks })
    }

    /// The run as it stands, to be kept in its folder.
    pub fn into_snapshot(self) -> Snapshot {
        let open = self.state.in_flight();
        let narrator = self.narrator.without_past(|effect| open.contains_key(&effect));
        let frozen = Frozen { narrator, tracks: &self.tracks };
        let view = serde_json::to_vec(&frozen).expect("a view has no key that JSON refuses");
        Snapshot { seq: self.last_seq(), state: self.state, view }
    }

    /// Events after this position can be put into words by [`Self::event`].
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    /// Folds an event. Every event must be applied once, in order.
    ///
    /// # Errors
    ///
    /// The event cannot follow those before it; the view is worthless then.
    pub fn apply(&mut self, published: &Recorded) -> Result<(), Inconsistency> {
        evolve(&mut self.state, &published.event)?;
        self.narrator.note(published);
        self.tracks.note(published, &self.narrator);
        Ok(())
    }

    /// Position of the last event that was applied; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.tracks.last_seq
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The kernel's state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// An event as clients are told of it; it must have been applied, one by one.
    pub fn event(&self, published: &Recorded) -> EventView {
        self.narrator.view(published)
    }

    /// The file that an event says was written.
    pub(crate) fn written(&self, recorded: &Recorded) -> Option<String> {
        let effect = if let Event::FileWriteEnded(ended) = &recorded.event {
            ended.effect
        } else if let Event::ActionEnded(ended) = &recorded.event {
            ended.effect
        } else {
            return None;
        };
        match &self.narrator.effect(effect)?.kind {
            EffectNoteKind::Action { words: _, writes } => writes.as_ref().map(ToString::to_string),
            EffectNoteKind::Write { path, size_bytes: _ } => Some(path.to_string()),
            EffectNoteKind::Workspace
            | EffectNoteKind::Model { .. }
            | EffectNoteKind::Read { .. }
            | EffectNoteKind::Command { .. }
            | EffectNoteKind::Checks { .. }
            | EffectNoteKind::Commit { .. } => None,
        }
    }

    /// One step, without its inside; `None` when the run has no step of that name.
    pub fn step_line(&self, key: &str) -> Option<StepView> {
        let id = self.state.step_by_key(key)?;
        self.step_view(id)
    }

    /// One step with its inside, which is read from the run's journal; `None` when the run has no
    /// step of that name.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn step(
        &self,
        key: &str,
        contents: &Contents,
        reader: &Reader,
    ) -> Result<Option<StepView>, HistoryError> {
        let Some(mut step) = self.step_line(key) else {
            return Ok(None);
        };
        step.detail = Some(read_detail(key, contents, (reader, self.last_seq()))?);
        Ok(Some(step))
    }

    /// A notice as clients are told of it; its event must have been applied. `Finished` is told
    /// by whoever knows the process ([`crate::LiveRun`]).
    pub fn update(&self, notice: &Notice) -> Option<Update> {
        let key = |step: &lao_event::StepId| self.narrator.key(*step).into_owned();
        match notice {
            Notice::Event(published) => Some(Update::Event(self.event(published))),
            Notice::Tokens { step, role, pieces, since_first_ms } => Some(Update::Tokens {
                step: key(step),
                role: role.name().to_owned(),
                tokens: *pieces,
                tokens_per_second_milli: speed_milli(*pieces, *since_first_ms),
            }),
            Notice::Transcribed { step, done_milli } => {
                Some(Update::Transcribed { step: key(step), done_milli: *done_milli })
            }
            Notice::Retrying { step, endpoint, message, tries, pause_ms } => {
                Some(Update::Retrying {
                    step: key(step),
                    endpoint: endpoint.clone(),
                    message: message.clone(),
                    tries: *tries,
                    pause_ms: *pause_ms,
                })
            }
            Notice::Waiting { step, endpoint, message, waited_ms, wait_ms_max } => {
                Some(Update::Waiting {
                    step: key(step),
                    endpoint: endpoint.clone(),
                    message: message.clone(),
                    waited_ms: *waited_ms,
                    wait_ms_max: *wait_ms_max,
                })
            }
            Notice::DiskSlow { waited_ms } => Some(Update::DiskSlow { waited_ms: *waited_ms }),
            Notice::DiskCaughtUp { waited_ms } => {
                Some(Update::DiskCaughtUp { waited_ms: *waited_ms })
            }
            Notice::WorkerLost { message } => Some(worker_lost(message)),
            Notice::Rebuilt { message } => Some(Update::WorkerRestarted {
                doing: "driving the run".to_owned(),
                message: message.clone(),
            }),
            Notice::Finished(_) => None,
        }
    }
}

/// The inside of a step, read from the run's journal.
pub(crate) use detail::{finding, read as read_detail};

/// The runtime joins what a worker was doing and its last words with a colon.
fn worker_lost(message: &str) -> Update {
    let (doing, message) = message.split_once(": ").unwrap_or(("an effect", message));
    Update::WorkerRestarted { doing: doing.to_owned(), message: message.to_owned() }
}

/// Thousandths of a piece per second; 0 while there is nothing to measure.
fn speed_milli(pieces: u64, since_first_ms: u64) -> u64 {
    pieces.saturating_mul(1_000_000).checked_div(since_first_ms).unwrap_or(0)
}

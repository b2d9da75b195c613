//! Notices: what a run tells whoever listens. Forgettable; the gateway turns them into updates.

use std::sync::Arc;

use lao_event::{Role, StepId};
use lao_history::Recorded;

use crate::run::Finish;

/// Something a run tells its listeners.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An event is durable.
    Event(Arc<Recorded>),
    /// An answer is coming in.
    Tokens {
        /// The step that asked.
        step: StepId,
        /// Who answers.
        role: Role,
        /// Pieces so far, about one a token.
        pieces: u64,
        /// Milliseconds since the first.
        since_first_ms: u64,
    },
    /// A file is being transcribed.
    Transcribed {
        /// The step.
        step: StepId,
        /// Thousandths of the audio that are done.
        done_milli: u32,
    },
    /// A try failed and is repeated after a pause.
    Retrying {
        /// The step that asked.
        step: StepId,
        /// The endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
        /// Number of the try that failed, from 1.
        tries: u32,
        /// Milliseconds until the next.
        pause_ms: u64,
    },
    /// The server is away.
    Waiting {
        /// The step that asked.
        step: StepId,
        /// The endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
        /// Milliseconds waited so far.
        waited_ms: u64,
        /// Milliseconds after which the call is given up.
        wait_ms_max: u64,
    },
    /// A worker panicked; its effect is decided about anew.
    WorkerLost {
        /// Its last words.
        message: String,
    },
    /// The run's actor panicked and was rebuilt from the journal.
    Rebuilt {
        /// Its last words.
        message: String,
    },
    /// The disk is slow: events wait for their commit, and nothing new starts until it is done.
    DiskSlow {
        /// Milliseconds that the oldest has waited so far.
        waited_ms: u64,
    },
    /// The disk has caught up, and the run goes on.
    DiskCaughtUp {
        /// Milliseconds that it took.
        waited_ms: u64,
    },
    /// The run is over, or stopped; the last notice.
    Finished(Finish),
}

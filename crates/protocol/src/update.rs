//! Updates: what a client is told while a run goes on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::RunStatus;

/// Something a client is told; what `--json` prints, one a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum Update {
    /// An event is durable.
    Event(EventView),
    /// An answer is coming in.
    Tokens {
        /// Key of the step.
        step: String,
        /// The role that answers.
        role: String,
        /// Pieces so far, about one a token.
        tokens: u64,
        /// Speed, in thousandths of a piece per second.
        tokens_per_second_milli: u64,
    },
    /// A file is being transcribed.
    Transcribed {
        /// Key of the step.
        step: String,
        /// Thousandths of the audio that are done.
        done_milli: u32,
    },
    /// A try failed and is repeated after a pause.
    Retrying {
        /// Key of the step.
        step: String,
        /// The endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
        /// Number of the try that failed, from 1.
        tries: u32,
        /// Milliseconds until the next.
        pause_ms: u64,
    },
    /// The server is away; the run goes on when it is back.
    Waiting {
        /// Key of the step.
        step: String,
        /// The endpoint.
        endpoint: String,
        /// What went wrong.
        message: String,
        /// Milliseconds waited so far.
        waited_ms: u64,
        /// Milliseconds after which the run stops.
        wait_ms_max: u64,
    },
    /// The disk is slow: nothing new starts until a commit is done.
    DiskSlow {
        /// Milliseconds waited so far.
        waited_ms: u64,
    },
    /// The disk has caught up, and the run goes on.
    DiskCaughtUp {
        /// Milliseconds that it took.
        waited_ms: u64,
    },
    /// A worker panicked and was started again.
    WorkerRestarted {
        /// What it was doing.
        doing: String,
        /// Its last words.
        message: String,
    },
    /// The run's process is done with it; the last update.
    Finished(Box<RunStatus>),
}

/// An event in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventView {
    /// Position in the journal, from 1.
    pub seq: u64,
    /// Wall clock, milliseconds since 1970.
    pub time_ms: i64,
    /// Name of the event, such as `ModelCallEnded`.
    pub event: String,
    /// Key of the step it belongs to.
    pub step: Option<String>,
    /// In words.
    pub text: String,
    /// The event itself, every field.
    pub data: Value,
}

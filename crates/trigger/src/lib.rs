//! What starts workflows by itself: files that appear, moments that come, and the stream that
//! remembers both. Starts no run: it says which one is to be started.
//!
//! ```text
//!   FolderWatch ── a file stopped growing ──┐
//!   the clock ──── a moment has come ───────┼──▶ TriggerStream: decide ─▶ append ─▶ sync
//!   a person ──────────────────────────────┤                                        │
//!   a run ended ───────────────────────────┘        firings, each with its run  ◀───┘
//!
//!   .lao/triggers/<workflow>/journal.redb    TriggerEvent: opened, fired, ended, missed, passed over
//! ```
//!
//! A firing is durable before its run is started, and it names the run. So after a kill at any
//! moment the open firings say which runs to start (where there is no folder yet) or to resume.
//! What is decided is pure ([`Triggers`], [`TriggerState`]): time comes in, and so do the ids of runs.

mod cron;
mod decide;
mod folder;
mod hashes;
mod rules;
mod state;
mod stream;

pub use cron::Cron;
pub use decide::{Due, FoundFile, Triggers};
pub use folder::{
    FolderWatch, Noticed, SettledFile, WatchError, WatchSpec, WatchTrouble, file_stamps,
};
pub use hashes::Hashes;
pub use rules::{Missed, OVERLAP_OPEN_MAX, Rules, ScheduleRule, ScheduleSpec, WatchRule};
pub use state::{TriggerInconsistency, TriggerState, stamp};
pub use stream::{Opening, STAMPS_PER_EVENT_MAX, StreamError, TriggerStream, folder_name};

//! Runs as they lie on the disk: folders, texts, and events read from journals and folded.
//!
//! ```text
//!   RunsFolder -> RunFolder -> Reader --for_each_event--> Recorded --fold--> State
//!        '-> Contents (blobs)                  Snapshot --fold_after--------'
//! ```
//!
//! The ground that whoever drives a run and whoever looks at it share.
//!
//! Deliberately absent: actors, async, any effect on the world, any decision.

mod contents;
mod folder;
mod record;
mod snapshot;

pub use contents::{ContentError, Contents};
pub use folder::{FolderError, RunFolder, RunsFolder};
pub use record::{
    HistoryError, Recorded, Stamp, StoredEvent, fold, fold_after, for_each_event,
    for_each_event_to, recorded,
};
pub use snapshot::{SNAPSHOT_FILE, Snapshot, SnapshotError};

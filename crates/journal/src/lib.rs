//! The durable log of one run: append, read, blobs, check; knows headers and bytes, not what events mean.
//!
//! ```text
//!   actors ──append(drafts, on_durable)──▶ Appender ──▶ one OS thread, owns the Journal
//!                                                        │  header + payload + chain hash
//!                                                        │  one commit, one sync, for all that waits
//!   on_durable(Ack) ◀────────────────────────────────────┘
//!                                                        ▼
//!   <run>/journal.redb   meta: format, run, started, genesis
//!                        events: seq ─▶ record          ──▶ Reader: hash first, payload after
//!   <run>/run.json       Manifest: for people; sealed with the head's hash at a clean end
//!   .lao/blobs/ab/…      Blobs: large content by its hash, durable before the event that names it
//! ```
//!
//! What is promised: a record that was acknowledged is on the disk; no record is handed out whose
//! hash was not checked; a file under its final name always opens. The bytes are described in
//! `docs/journal.md`, so that another program can read them.

mod ahead;
mod appender;
mod batch;
mod blobs;
mod chain;
mod check;
mod collect;
mod compact;
#[cfg(test)]
mod crash_images;
mod error;
mod fault;
mod faulty;
mod folder;
#[cfg(test)]
mod folder_images;
mod format;
mod journal;
mod manifest;
mod overlay;
#[cfg(test)]
mod quick_repair;
mod reader;
mod record;
mod repair;
mod restore;
mod rewrite;
mod salvage;
#[cfg(test)]
mod samples;
mod stats;
mod store;
mod walk;

pub use appender::{Appender, BATCH_BYTES_MAX, BATCH_RECORDS_MAX, OnDurable};
pub use blobs::{BLOB_BYTES_MAX, BlobError, BlobHash, BlobHashUnreadable, Blobs};
pub use chain::{ChainHash, Genesis, Head};
pub use check::{
    CheckReport, FINDINGS_MAX, Finding, FindingPlace, check, check_beyond, check_tail,
};
pub use collect::{
    BlobFile, RemoveError, blob_files, collectable, named_in_bytes, remove_blob, remove_leftovers,
    remove_run,
};
pub use compact::{CompactError, Compacted, compact, copy};
pub use error::{
    AppendError, CreateError, Damage, Damaged, OpenError, Place, ReadError, StorageFailure,
};
pub use fault::{DiskAnswer, DiskCall, Fault, FaultAnswer, FaultPoint, Kept};
pub use folder::make_folder;
pub use format::{Codec, FormatVersion, NewerFormat};
pub use journal::{
    Ack, CACHE_BYTES_DEFAULT, JOURNAL_FILE, Journal, Options, QUICK_REPAIR_BYTES_DEFAULT,
    TAIL_RECORDS_VERIFIED,
};
pub use manifest::{MANIFEST_FILE, Manifest, ManifestError, ManifestFormat, Seal};
pub use reader::Reader;
pub use record::{
    Draft, HEADER_BYTES, Header, PAYLOAD_BYTES_MAX, RECORD_OVERHEAD_BYTES, Record, RecordRef,
};
pub use repair::{JournalRepaired, ManifestRepaired, RepairError, Repaired, Stop, repair};
pub use restore::{ChainError, Restore, RestoreError, chain, prove};
pub use rewrite::RewriteError;
pub use stats::{Stats, TypeStats};
pub use walk::{Records, Start};

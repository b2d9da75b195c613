//! What can go wrong, told apart by what the reader of the message has to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::format::NewerFormat;

/// The disk or the system refused.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// No space, quota or file size left.
    #[error("no space left for {}: free space, then resume", path.display())]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file or folder may not be written.
    #[error("{} may not be written: check its permissions and how its disk is mounted", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Anything else.
    #[error("input or output failed on {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

impl StorageFailure {
    /// Tells the system's error apart by its cure.
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let path = path.to_path_buf();
        let kind = source.kind();
        if matches!(kind, StorageFull | QuotaExceeded | FileTooLarge) {
            Self::DiskFull { path, source }
        } else if matches!(kind, ReadOnlyFilesystem | PermissionDenied) {
            Self::ReadOnly { path, source }
        } else {
            Self::Io { path, source }
        }
    }
}

/// Where in a journal something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// An entry of the `meta` table.
    Meta(&'static str),
    /// The record with this sequence number.
    Record(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file itself"),
            Self::Meta(entry) => write!(f, "its meta entry `{entry}`"),
            Self::Record(seq) => write!(f, "record {seq}"),
        }
    }
}

/// What is wrong with stored bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Not a redb file, or cut short.
    #[error("it is not a journal file, or part of it is missing ({report})")]
    NotAJournal {
        /// The system's words.
        report: String,
    },
    /// redb found its own structure broken.
    #[error("its store is broken ({report})")]
    Store {
        /// redb's words.
        report: String,
    },
    /// An entry or a record that must be there is not.
    #[error("it is missing")]
    Missing,
    /// A meta entry cannot be read.
    #[error("it cannot be read")]
    Unreadable,
    /// Run id or start data do not belong to the stored genesis hash.
    #[error("it does not match the run id and how the run was started")]
    GenesisMismatch,
    /// Fewer bytes than a record has.
    #[error("it has only {len} bytes")]
    TooShort {
        /// Bytes found.
        len: usize,
    },
    /// The header states another payload length than there is.
    #[error("its header states {stated} payload bytes, {found} are there")]
    LengthMismatch {
        /// Bytes the header states.
        stated: u32,
        /// Bytes found.
        found: usize,
    },
    /// The header states another sequence number than its place.
    #[error("its header states sequence number {stated}")]
    WrongSeq {
        /// The number in the header.
        stated: u64,
    },
    /// The cause is not before the record.
    #[error("its cause is record {cause}, which is not before it")]
    CauseAhead {
        /// The stated cause.
        cause: u64,
    },
    /// The bytes do not belong to the hash.
    #[error("its bytes do not match its hash: something changed after it was written")]
    HashMismatch,
    /// The record was written by a newer LAO.
    #[error(transparent)]
    NewerFormat(NewerFormat),
}

/// Stored bytes are not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal {} is damaged at {place}: {damage}; nothing was changed, `lao journal repair` keeps all of it that is proven", path.display())]
pub struct Damaged {
    /// The journal file.
    pub path: PathBuf,
    /// Where.
    pub place: Place,
    /// What.
    pub damage: Damage,
}

/// A journal could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is a journal already.
    #[error("{} exists already: open it instead", path.display())]
    Exists {
        /// The journal file.
        path: PathBuf,
    },
    /// Another process is creating this journal now.
    #[error("{} is being created by another process", path.display())]
    Held {
        /// The journal file.
        path: PathBuf,
    },
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
    /// The fresh store failed its own checks.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// A journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no journal.
    #[error("there is no journal at {}", path.display())]
    Missing {
        /// The journal file looked for.
        path: PathBuf,
    },
    /// Another process has it open.
    #[error("{} is held by another process: ask that process (attach to the run), or wait for it to end", path.display())]
    Held {
        /// The journal file.
        path: PathBuf,
    },
    /// A newer LAO wrote it.
    #[error(transparent)]
    NewerFormat(#[from] NewerFormat),
    /// Its bytes are not what was written.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// Records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The journal this reader belongs to was closed.
    #[error("the journal {} was closed by its writer: open it again", path.display())]
    Closed {
        /// The journal file.
        path: PathBuf,
    },
    /// A newer LAO wrote some of it.
    #[error(transparent)]
    NewerFormat(#[from] NewerFormat),
    /// Its bytes are not what was written.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// Records could not be made durable. What the caller holds in memory is worthless until it has
/// read the journal again.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A payload is longer than [`crate::PAYLOAD_BYTES_MAX`].
    #[error(
        "the payload of record {seq} has {len} bytes, the limit is {}: store it as a blob",
        crate::PAYLOAD_BYTES_MAX
    )]
    TooLarge {
        /// The sequence number it would have got.
        seq: u64,
        /// Its length.
        len: usize,
    },
    /// A cause is not before its record.
    #[error("record {seq} names record {cause} as its cause, which is not before it")]
    CauseAhead {
        /// The sequence number it would have got.
        seq: u64,
        /// The stated cause.
        cause: u64,
    },
    /// The appender was closed, or its thread has ended.
    #[error("the journal {} is closed: open it again", path.display())]
    Closed {
        /// The journal file.
        path: PathBuf,
    },
    /// The test hook ended this writer as if its process had died.
    #[error("the writer of {} was crashed by a fault", path.display())]
    Crashed {
        /// The journal file.
        path: PathBuf,
    },
    /// The store found itself broken.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

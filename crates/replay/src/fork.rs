//! Forks: a new run that begins with another one's events, up to a position, and goes on live.
//!
//! ```text
//!   parent:  1 ... N │ N+1 ...
//!   fork:    1 ... N │ RunForked (parent, N, its hash there) │ RunResumed ...
//! ```
//!
//! The events are copied and chained anew, since the first hash binds the new run's id; blobs are
//! shared. A decision is never cut in two, so N is the end of the decision that was asked for.

use std::path::Path;

use lao_event::Hash;
use lao_history::{HistoryError, Stamp, StoredEvent, recorded};
use lao_journal::{
    ChainError, Draft, Genesis, Head, Manifest, ReadError, Reader, Restore, RestoreError,
};
use lao_kernel::{Command, Fork, Rejection, State, evolve, note};

/// A place where a run can be branched off: the end of a decision.
#[derive(Debug, Clone)]
pub struct ForkPoint {
    /// Position of the decision's last event.
    pub seq: u64,
    /// The run's chain hash there.
    pub head: Hash,
    /// The last position of the journal.
    pub last: u64,
    /// The run as it was.
    pub state: State,
}

/// A new run.
#[derive(Debug, Clone, Copy)]
pub struct NewRun<'a> {
    /// The folder it will have.
    pub folder: &'a Path,
    /// What it starts from.
    pub genesis: &'a Genesis,
    /// What its manifest says.
    pub manifest: &'a Manifest,
    /// When it is branched off.
    pub stamp: Stamp,
}

/// A run could not be branched off. Nothing of the new one is there.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The journal cannot be read, or has events of a newer program.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no such event.
    #[error("there is no event {at}: the journal has events 1 to {last}")]
    OutOfRange {
        /// The position that was asked for.
        at: u64,
        /// The last there is.
        last: u64,
    },
    /// The run cannot go on from there.
    #[error("the run cannot go on from there")]
    Rejected(#[from] Rejection),
    /// The new run could not be written.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// An event does not fit a record.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl From<ReadError> for ForkError {
    fn from(error: ReadError) -> Self {
        Self::History(error.into())
    }
}

/// The end of the decision that the event at a position belongs to; of the last one without a
/// position.
pub fn fork_point(reader: &Reader, at: Option<u64>) -> Result<ForkPoint, ForkError> {
    let mut point = ForkPoint { seq: 0, head: Hash([0; 32]), last: 0, state: State::new() };
    let mut first_seq = 0;
    let mut is_past = false;
    reader.for_each(1, |record| {
        let seq = record.header.seq;
        point.last = seq;
        let begins = record.header.cause != first_seq || seq == 1;
        is_past |= begins && at.is_some_and(|at| seq > at);
        if is_past {
            return Ok(());
        }
        if begins {
            first_seq = seq;
        }
        let StoredEvent::Known(event) = StoredEvent::of(&record)? else {
            return Err(HistoryError::Unknown { seq }.into());
        };
        evolve(&mut point.state, &event.event)
            .map_err(|source| HistoryError::Inconsistent { seq, source })?;
        point.seq = seq;
        point.head = Hash(*record.hash.as_bytes());
        Ok::<(), ForkError>(())
    })?;
    match at {
        Some(at) if at == 0 || at > point.last => {
            Err(ForkError::OutOfRange { at, last: point.last })
        }
        Some(_) | None => Ok(point),
    }
}

/// Writes the new run: the parent's events up to the point, and that it was branched off there.
/// The parent is only read.
pub fn branch(
    reader: &Reader,
    point: &ForkPoint,
    fork: Fork,
    new: NewRun<'_>,
) -> Result<Head, ForkError> {
    let decision = note(&mut point.state.clone(), Command::Fork(Box::new(fork)))?;
    debug_assert!(decision.blobs.is_empty(), "settings stay in place");
    let mut copy = Copy {
        restore: Restore::begin(new.folder, new.genesis.clone())?,
        head: Head { seq: 0, hash: new.genesis.hash() },
        record: Vec::new(),
    };
    let mut copied = 0;
    let walked = reader.for_each(1, |record| {
        if copied == point.seq {
            return Err(Stop::Copied);
        }
        copied += 1;
        let header = &record.header;
        copy.push(&Draft {
            event_type: header.event_type,
            schema_version: header.schema_version,
            flags: header.flags,
            wall_time_ms: header.wall_time_ms,
            monotonic_ns: header.monotonic_ns,
            cause: header.cause,
            payload: record.payload.to_vec(),
        })
        .map_err(Stop::Failed)
    });
    match walked {
        Ok(_) | Err(Stop::Copied) => {}
        Err(Stop::Failed(error)) => return Err(error),
    }
    for event in recorded(decision.events, new.stamp, (point.seq, 0)) {
        let draft = event.draft().expect("events are bounded when decided");
        copy.push(&draft)?;
    }
    Ok(copy.restore.finish(new.manifest)?)
}

/// Why copying ends.
enum Stop {
    Copied,
    Failed(ForkError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Failed(error.into())
    }
}

/// A journal being written.
struct Copy {
    restore: Restore,
    head: Head,
    record: Vec<u8>,
}

impl Copy {
    fn push(&mut self, draft: &Draft) -> Result<(), ForkError> {
        self.head = lao_journal::chain(self.head, draft, &mut self.record)?;
        Ok(self.restore.push(&self.record)?)
    }
}

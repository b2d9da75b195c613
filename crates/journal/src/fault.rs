//! Where tests may end a writer as if its process had died, cut its power, or fail its disk.

use std::io;

use crate::record::Draft;

/// A moment at which a [`Fault`] is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// The records of a batch are about to be written; none is on the disk.
    BeforeCommit {
        /// First sequence number of the batch.
        first_seq: u64,
        /// Last sequence number of the batch.
        last_seq: u64,
    },
    /// The batch is on the disk; nobody has been told.
    AfterCommit {
        /// First sequence number of the batch.
        first_seq: u64,
        /// Last sequence number of the batch.
        last_seq: u64,
    },
}

/// What happens at a [`FaultPoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultAnswer {
    /// Nothing.
    Continue,
    /// The writer stops for good: no write, no acknowledgement, no clean close, and writes that
    /// were not synced are lost.
    Crash,
}

/// What a writer asks of its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskCall {
    /// Bytes are read.
    Read,
    /// Bytes are handed over; they are not durable before a sync.
    Write,
    /// The file gets another length, which is not durable before a sync.
    Resize,
    /// All that was handed over is to be durable.
    Sync,
}

/// What comes of a [`DiskCall`].
#[derive(Debug)]
pub enum DiskAnswer {
    /// It is done.
    Continue,
    /// It is not done, and this is what the system says.
    Fail(io::Error),
    /// The power goes before it is done: like [`FaultAnswer::Crash`], but of what was not synced the
    /// disk keeps this.
    CutPower(Kept),
}

/// What a disk may have kept of writes and resizes that were not synced when the power went. Chance
/// is a function of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// Any of them.
    Some {
        /// Of chance.
        seed: u64,
    },
    /// Any sectors of each write.
    Torn {
        /// Of chance.
        seed: u64,
        /// Bytes that are written whole or not at all.
        sector_bytes: u64,
    },
    /// The first of them, in the order in which they were asked for.
    Prefix {
        /// Of chance.
        seed: u64,
    },
    /// Only what was written into the file's first page.
    Header,
    /// All but what was written into the file's first page.
    AllButHeader,
}

/// Decides whether the writer dies; for tests.
pub trait Fault: Send + Sync {
    /// Asked at each point, on the writing thread.
    fn at(&self, point: FaultPoint) -> FaultAnswer;

    /// Told what a run hands to the writer, before it does.
    fn queued(&self, _drafts: &[Draft]) {}

    /// Asked before each call of the writer on its disk, on whichever thread makes it.
    fn at_disk(&self, _call: DiskCall) -> DiskAnswer {
        DiskAnswer::Continue
    }
}

impl<F: Fn(FaultPoint) -> FaultAnswer + Send + Sync> Fault for F {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        self(point)
    }
}

//! Where tests may end a writer as if its process had died.

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

/// Decides at each point whether the writer dies; for tests.
pub trait Fault: Send + Sync {
    /// Asked on the writing thread.
    fn at(&self, point: FaultPoint) -> FaultAnswer;
}

impl<F: Fn(FaultPoint) -> FaultAnswer + Send + Sync> Fault for F {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        self(point)
    }
}

//! When a run's snapshot is written: now and then, and when the run leaves the process.

use lao_history::SnapshotError;
use tokio::task::JoinHandle;

use crate::live::LiveRun;

/// Events between two snapshots at least. Folding so many takes a few milliseconds.
const EVENTS_APART_MIN: u64 = 4096;

/// A snapshot of so many bytes is worth one more event between it and the next, so that what is
/// written for snapshots stays in proportion to the journal, however large the state becomes.
const BYTES_AN_EVENT: u64 = 64;

/// Events that are folded again rather than kept, when a run leaves the process.
const EVENTS_LEFT_MIN: u64 = 512;

/// Writes a run's snapshots, one at a time, beside the run.
pub(crate) struct Freezer {
    /// Position of the last snapshot.
    last_seq: u64,
    events_apart: u64,
    writing: Option<JoinHandle<Result<u64, SnapshotError>>>,
}

impl Freezer {
    /// The view was taken up at a position.
    pub(crate) fn new(last_seq: u64) -> Self {
        Self { last_seq, events_apart: EVENTS_APART_MIN, writing: None }
    }

    /// Begins to write a snapshot, if it is time.
    pub(crate) async fn keep(&mut self, live: &LiveRun) {
        if live.last_seq() < self.last_seq + self.events_apart {
            return;
        }
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        self.written().await;
        self.last_seq = live.last_seq();
        let live = live.clone();
        self.writing = Some(tokio::task::spawn_blocking(move || live.freeze()));
    }

    /// Writes the last snapshot, unless the one before is nearly as good.
    pub(crate) async fn finish(&mut self, live: &LiveRun) {
        self.written().await;
        if live.last_seq() >= self.last_seq + EVENTS_LEFT_MIN {
            self.events_apart = 0;
            self.keep(live).await;
            self.written().await;
        }
    }

    /// Learns from the snapshot under way how large it was. One that could not be written is no
    /// loss: the run is folded from the one before.
    async fn written(&mut self) {
        if let Some(writing) = self.writing.take()
            && let Ok(Ok(bytes)) = writing.await
        {
            self.events_apart = EVENTS_APART_MIN.max(bytes / BYTES_AN_EVENT);
        }
    }
}

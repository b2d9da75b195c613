//! Reading on two threads: one reads and proves the records, the other is shown them.
//!
//! ```text
//!   thread:  store ─▶ hash checked ─▶ copied into a batch ─┐
//!   caller:  visit ◀─ batch ◀──────────────────────────────┘   (empty batches go back)
//! ```
//!
//! Proving a long journal takes about as long as making sense of it, and neither waits for the
//! other's records. A record is still proven before anybody sees its payload.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use crate::chain::{ChainHash, Head};
use crate::error::ReadError;
use crate::record::{Header, RecordRef};
use crate::walk::{Snapshot, Start, Walk};

/// Records that are read without a second thread, which pays for long journals only, and for
/// readers that go on to the end.
pub(crate) const ALONE_RECORDS: usize = 1000;

/// A batch is passed on when it holds this many bytes of payloads.
const BATCH_BYTES: usize = 64 * 1024;

/// A batch is passed on when it holds this many records.
const BATCH_RECORDS: usize = 512;

/// Batches that may wait for the caller.
const BATCHES_WAITING_MAX: usize = 2;

/// Records that are proven.
#[derive(Default)]
struct Batch {
    records: Vec<(Header, ChainHash)>,
    /// The payloads, one after another.
    payloads: Vec<u8>,
}

impl Batch {
    fn clear(&mut self) {
        self.records.clear();
        self.payloads.clear();
    }

    fn push(&mut self, record: RecordRef<'_>) {
        self.records.push((record.header, record.hash));
        self.payloads.extend_from_slice(record.payload);
    }

    fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS || self.payloads.len() >= BATCH_BYTES
    }

    fn for_each<E>(&self, visit: &mut impl FnMut(RecordRef<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut rest = self.payloads.as_slice();
        for (header, hash) in &self.records {
            let (payload, after) = rest.split_at(header.payload_len as usize);
            rest = after;
            visit(RecordRef { header: *header, payload, hash: *hash })?;
        }
        Ok(())
    }
}

/// Shows every record after `head` to `visit`; returns the last one proven.
pub(crate) fn for_each<E: From<ReadError>>(
    snapshot: &Snapshot,
    head: Head,
    mut visit: impl FnMut(RecordRef<'_>) -> Result<(), E>,
) -> Result<Head, E> {
    thread::scope(|scope| {
        let (full, batches) = sync_channel(BATCHES_WAITING_MAX);
        let (spent, empty) = channel();
        let builder = thread::Builder::new().name(String::from("journal-reader"));
        let work = move || read(snapshot.walk(Start::After(head))?, &full, &empty);
        match builder.spawn_scoped(scope, work) {
            Ok(reading) => show(&batches, &spent, &mut visit).and_then(|()| Ok(join(reading)?)),
            // The system gives no thread: slower, and otherwise the same.
            Err(_) => snapshot.walk(Start::After(head))?.for_each(visit),
        }
    })
}

/// Shows batches until there are no more.
fn show<E>(
    batches: &Receiver<Batch>,
    spent: &Sender<Batch>,
    visit: &mut impl FnMut(RecordRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for batch in batches {
        batch.for_each(visit)?;
        // A reader that is done takes none back.
        drop(spent.send(batch));
    }
    Ok(())
}

fn join(reading: ScopedJoinHandle<'_, Result<Head, ReadError>>) -> Result<Head, ReadError> {
    match reading.join() {
        Ok(head) => head,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Reads to the end, to the first record that is not proven, or until nobody wants more.
fn read(
    mut walk: Walk,
    full: &SyncSender<Batch>,
    empty: &Receiver<Batch>,
) -> Result<Head, ReadError> {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        batch.clear();
        let filled = fill(&mut walk, &mut batch);
        let is_wanted = full.send(batch).is_ok();
        match filled? {
            Filled::More if is_wanted => {}
            Filled::More | Filled::End => return Ok(walk.head()),
        }
    }
}

/// Whether there is more to read.
enum Filled {
    More,
    End,
}

fn fill(walk: &mut Walk, batch: &mut Batch) -> Result<Filled, ReadError> {
    while !batch.is_full() {
        let push = |record: RecordRef<'_>| {
            batch.push(record);
            Ok::<_, ReadError>(())
        };
        if !walk.step(push)? {
            return Ok(Filled::End);
        }
    }
    Ok(Filled::More)
}

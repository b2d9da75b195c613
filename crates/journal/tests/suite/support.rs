//! What the journal's tests share: drafts, folders, an appender that waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use lao_journal::{Ack, AppendError, Appender, Draft, Genesis, Journal, Options};

pub(crate) fn genesis() -> Genesis {
    Genesis { run: String::from("run-1"), started: b"how it was started".to_vec() }
}

/// A draft whose payload says which one it is.
pub(crate) fn draft(number: u64) -> Draft {
    Draft {
        event_type: 7,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 1_700_000_000_000 + i64::try_from(number).unwrap(),
        monotonic_ns: number * 1_000,
        cause: 0,
        payload: format!("payload of record {number}").into_bytes(),
    }
}

pub(crate) fn drafts(numbers: std::ops::RangeInclusive<u64>) -> Vec<Draft> {
    numbers.map(draft).collect()
}

/// A journal of `records` records, closed.
pub(crate) fn written(dir: &Path, records: u64) {
    let mut journal = Journal::create(dir, genesis(), &Options::default()).unwrap();
    journal.append(&drafts(1..=records)).unwrap();
}

/// Appends and waits for the answer; `None` if the writer crashed and nobody answers.
pub(crate) fn append_and_wait(
    appender: &Appender,
    drafts: Vec<Draft>,
) -> Option<Result<Ack, Arc<AppendError>>> {
    let (sender, answer) = channel();
    appender.append(drafts, Box::new(move |outcome| sender.send(outcome).unwrap()));
    answer.recv().ok()
}

/// The payloads from the start, each proven.
pub(crate) fn payloads(journal: &Journal) -> Vec<Vec<u8>> {
    journal.records_from(1).unwrap().map(|record| record.unwrap().payload).collect()
}

/// The payloads of [`drafts`].
pub(crate) fn expected(records: u64) -> Vec<Vec<u8>> {
    drafts(1..=records).into_iter().map(|draft| draft.payload).collect()
}

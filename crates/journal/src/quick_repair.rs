//! A large journal opens after a kill without being read to its end: redb does not begin a repair.

use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::overlay::Overlay;
use crate::samples::draft;
use crate::store::builder;
use crate::{
    CACHE_BYTES_DEFAULT, Genesis, JOURNAL_FILE, Journal, Options, QUICK_REPAIR_BYTES_DEFAULT,
    Reader,
};

const PAYLOAD_BYTES: usize = 512 * 1024;

/// Appends records, each in a commit of its own, until the file holds about `bytes`.
fn fill(journal: &mut Journal, bytes: u64) {
    for _ in 0..bytes.div_ceil(PAYLOAD_BYTES as u64) {
        append(journal, vec![7; PAYLOAD_BYTES]);
    }
}

fn append(journal: &mut Journal, payload: Vec<u8>) {
    journal.append(&[draft(payload)]).unwrap();
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn create(dir: &Path, options: &Options) -> Journal {
    let genesis = Genesis { run: String::from("large"), started: Vec::new() };
    Journal::create(dir, genesis, options).unwrap()
}

/// What a kill leaves of the journal in `dir`, whose writer still has it open.
fn killed(dir: &Path) -> tempfile::TempDir {
    let copy = folder();
    std::fs::copy(dir.join(JOURNAL_FILE), copy.path().join(JOURNAL_FILE)).unwrap();
    copy
}

/// Whether redb repairs the file: over memory as a reader does it, and in place as a writer.
fn is_repaired(dir: &Path) -> [bool; 2] {
    let path = dir.join(JOURNAL_FILE);
    let seen = Rc::new(AtomicBool::new(false));
    let mut builder = builder(CACHE_BYTES_DEFAULT);
    let told = Rc::clone(&seen);
    builder.set_repair_callback(move |_| told.store(true, Ordering::SeqCst));
    let overlay = Overlay::discarding(File::open(&path).unwrap()).unwrap();
    drop(builder.create_with_backend(overlay).unwrap());
    let by_reader = seen.swap(false, Ordering::SeqCst);
    drop(builder.open(&path).unwrap());
    [by_reader, seen.load(Ordering::SeqCst)]
}

/// The file is opened by this crate as well, and goes on.
fn expect_whole(dir: &Path, options: &Options, records: u64) {
    assert_eq!(Reader::open(dir, options).unwrap().verify().unwrap().seq, records);
    let mut journal = Journal::open(dir, options).unwrap();
    append(&mut journal, vec![1]);
    assert_eq!(journal.verify().unwrap().seq, records + 1);
}

#[test]
fn a_journal_over_the_limit_needs_no_repair_after_a_kill() {
    let dir = folder();
    let options = Options::default();
    let mut journal = create(dir.path(), &options);
    fill(&mut journal, QUICK_REPAIR_BYTES_DEFAULT / 2);
    assert_eq!(is_repaired(killed(dir.path()).path()), [true; 2], "small: one sync is enough");

    fill(&mut journal, QUICK_REPAIR_BYTES_DEFAULT / 2);
    append(&mut journal, vec![1]);
    assert_eq!(is_repaired(killed(dir.path()).path()), [false; 2]);
    expect_whole(killed(dir.path()).path(), &options, journal.head().seq);
}

#[test]
fn a_journal_that_is_large_when_it_is_opened_stays_quick_to_open() {
    const LIMIT: u64 = 4 * 1024 * 1024;
    let dir = folder();
    let options = Options { quick_repair_bytes: LIMIT, ..Options::default() };
    let mut journal = create(dir.path(), &options);
    fill(&mut journal, LIMIT);
    drop(journal);
    let mut journal = Journal::open(dir.path(), &options).unwrap();
    assert_eq!(is_repaired(killed(dir.path()).path()), [false; 2], "killed before a commit");
    append(&mut journal, vec![1]);
    assert_eq!(is_repaired(killed(dir.path()).path()), [false; 2], "killed after a commit");

    let copy = killed(dir.path());
    let mut journal = Journal::open(copy.path(), &options).unwrap();
    append(&mut journal, vec![1]);
    assert_eq!(is_repaired(killed(copy.path()).path()), [false; 2], "killed again");
}

#[test]
fn the_limit_decides() {
    for (limit, expected) in [(0, [false; 2]), (u64::MAX, [true; 2])] {
        let dir = folder();
        let options = Options { quick_repair_bytes: limit, ..Options::default() };
        let mut journal = create(dir.path(), &options);
        fill(&mut journal, 1024 * 1024);
        assert_eq!(is_repaired(killed(dir.path()).path()), expected, "limit {limit}");
    }
}

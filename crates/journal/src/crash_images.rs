//! The power goes at every single storage operation of a small run, and the disk keeps none, all or
//! some of the pages that were not synced: what was acknowledged is there, and no more than was asked.

use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{BackendError, StorageBackend};

use crate::journal::Unborn;
use crate::overlay::{Overlay, Power};
use crate::store::{Closing, Writing, builder};
use crate::{CACHE_BYTES_DEFAULT, Draft, Genesis, JOURNAL_FILE, Journal, Options, Reader, check};

/// Commits of the run, and records in each.
const COMMITS: u64 = 5;
const RECORDS: u64 = 3;

/// Which unsynced pages the disk kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    None,
    All,
    Some { seed: u64 },
}

impl Kept {
    fn keeps(self, page: u64) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Some { seed } => {
                let mixed = (page ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                mixed >> 63 == 1
            }
        }
    }
}

/// A backend whose power goes at the `left`-th operation.
#[derive(Debug)]
struct Cutting {
    overlay: Overlay,
    power: Power,
    left: Arc<AtomicU64>,
    kept: Kept,
}

impl Cutting {
    /// Counts an operation that changes the disk.
    fn step(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.overlay.leak(|page| self.kept.keeps(page))?;
            self.power.cut();
        }
        Ok(())
    }
}

impl StorageBackend for Cutting {
    fn len(&self) -> io::Result<u64> {
        self.overlay.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.overlay.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step()?;
        self.overlay.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step()?;
        self.overlay.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step()?;
        self.overlay.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.overlay.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.overlay.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.overlay.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.overlay.query_lock_range(start, end)
    }
}

/// In memory where there is such a place: the syncs of this test need not reach a disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn genesis() -> Genesis {
    Genesis { run: String::from("crash"), started: Vec::new() }
}

/// Long enough that a commit touches several pages.
fn payload(seq: u64) -> Vec<u8> {
    seq.to_le_bytes().repeat(200)
}

fn batch(first: u64) -> Vec<Draft> {
    let draft = |seq| Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 0,
        monotonic_ns: 0,
        cause: seq - 1,
        payload: payload(seq),
    };
    (first..first + RECORDS).map(draft).collect()
}

/// Runs until the power goes; returns the last acknowledged record and the operations left.
fn run(dir: &Path, cut_at: u64, kept: Kept) -> (u64, u64) {
    let (unborn, file) = Unborn::create(dir).unwrap();
    let (overlay, power) = Overlay::writing_through(file).unwrap();
    let left = Arc::new(AtomicU64::new(cut_at));
    let backend = Cutting { overlay, power, left: Arc::clone(&left), kept };
    let Ok(db) = builder(CACHE_BYTES_DEFAULT).create_with_backend(backend) else {
        unborn.abandon();
        return (0, 0);
    };
    let writing = Writing {
        db: Arc::new(Closing::new(db)),
        bytes: 0,
        quick_repair_bytes: u64::MAX,
        crash: None,
    };
    let mut journal = Journal::begun(dir.join(JOURNAL_FILE), genesis(), unborn, writing);
    for commit in 0..COMMITS {
        if journal.append(&batch(commit * RECORDS + 1)).is_err() {
            break;
        }
    }
    let acknowledged = journal.head().seq;
    journal.abandon();
    (acknowledged, left.load(Ordering::SeqCst))
}

/// What must hold of the folder after the crash, and after going on from it.
fn demand(dir: &Path, acknowledged: u64, cut: &str) {
    let options = Options::default();
    if !dir.join(JOURNAL_FILE).exists() {
        assert_eq!(acknowledged, 0, "{cut}");
        let mut journal = Journal::create(dir, genesis(), &options).unwrap();
        journal.append(&batch(1)).unwrap();
        return;
    }
    let there = Reader::open(dir, &options).unwrap().verify().unwrap().seq;
    let possible = [acknowledged, acknowledged + RECORDS];
    assert!(possible.contains(&there), "{cut}: {acknowledged} acknowledged, {there} there");
    let damaged = check(dir)
        .findings
        .into_iter()
        .find(|finding| finding.place != crate::FindingPlace::Manifest);
    assert_eq!(damaged, None, "{cut}");
    let mut journal = Journal::open(dir, &options).unwrap();
    journal.append(&batch(there + 1)).unwrap();
    drop(journal);
    let journal = Journal::open(dir, &options).unwrap();
    let records = journal.records_from(1).unwrap().map(|record| record.unwrap().payload);
    assert!(records.eq((1..=there + RECORDS).map(payload)), "{cut}");
}

#[test]
fn the_power_goes_at_every_operation() {
    const OPERATIONS: u64 = 10_000;
    let dir = folder();
    let (acknowledged, left) = run(dir.path(), OPERATIONS, Kept::None);
    assert_eq!(acknowledged, COMMITS * RECORDS);
    let operations = OPERATIONS - left;
    assert!(operations > 5 * COMMITS, "only {operations} operations");

    for cut_at in 1..=operations {
        for kept in [Kept::None, Kept::All, Kept::Some { seed: cut_at }] {
            let dir = folder();
            let (acknowledged, _) = run(dir.path(), cut_at, kept);
            demand(dir.path(), acknowledged, &format!("operation {cut_at}, kept {kept:?}"));
        }
    }
}

//! Every single call of a writer on its disk fails once, or from then on: the error says what
//! happened and where, nothing that was acknowledged is lost, and a new opening goes on.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lao_journal::{
    AppendError, CreateError, DiskAnswer, DiskCall, Fault, FaultAnswer, FaultPoint, JOURNAL_FILE,
    Journal, OpenError, Options, Reader, StorageFailure,
};

use crate::support::{drafts, expected, genesis, payloads};

/// Records of each commit, and commits of each life.
const RECORDS: u64 = 5;
const COMMITS: u64 = 3;

/// More calls than a life makes.
const CALLS_MAX: u64 = 10_000;

/// What the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    NoSpace,
    NoQuota,
    Broken,
}

impl Words {
    fn error(self) -> io::Error {
        match self {
            Self::NoSpace => io::ErrorKind::StorageFull.into(),
            Self::NoQuota => io::ErrorKind::QuotaExceeded.into(),
            Self::Broken => io::Error::other("the medium is broken"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasting {
    Once,
    FromThenOn,
}

/// Fails the calls of one kind, from the `at`-th on.
#[derive(Debug)]
struct Failing {
    call: DiskCall,
    at: u64,
    words: Words,
    lasting: Lasting,
    seen: Arc<AtomicU64>,
}

impl Fault for Failing {
    fn at(&self, _: FaultPoint) -> FaultAnswer {
        FaultAnswer::Continue
    }

    fn at_disk(&self, call: DiskCall) -> DiskAnswer {
        if call != self.call {
            return DiskAnswer::Continue;
        }
        let number = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        let is_due = match self.lasting {
            Lasting::Once => number == self.at,
            Lasting::FromThenOn => number >= self.at,
        };
        if is_due { DiskAnswer::Fail(self.words.error()) } else { DiskAnswer::Continue }
    }
}

/// The disk's failure behind an error of the journal.
enum Failure {
    Create(CreateError),
    Open(OpenError),
    Append(AppendError),
}

impl Failure {
    fn storage(&self) -> &StorageFailure {
        match self {
            Self::Create(CreateError::Storage(failure))
            | Self::Open(OpenError::Storage(failure))
            | Self::Append(AppendError::Storage(failure)) => failure,
            Self::Create(error) => panic!("{error:?}"),
            Self::Open(error) => panic!("{error:?}"),
            Self::Append(error) => panic!("{error:?}"),
        }
    }
}

/// What was promised, and what was asked for last.
#[derive(Default)]
struct Told {
    acknowledged: u64,
    attempted: u64,
}

fn live(dir: &Path, options: &Options, told: &mut Told) -> Result<(), Failure> {
    let mut journal = if dir.join(JOURNAL_FILE).exists() {
        Journal::open(dir, options).map_err(Failure::Open)?
    } else {
        Journal::create(dir, genesis(), options).map_err(Failure::Create)?
    };
    let there = journal.head().seq;
    assert!([told.acknowledged, told.attempted].contains(&there), "{there} records are there");
    told.acknowledged = there;
    for _ in 0..COMMITS {
        let last = told.acknowledged + RECORDS;
        told.attempted = last;
        let appended = journal.append(&drafts(told.acknowledged + 1..=last));
        let Err(error) = appended else {
            told.acknowledged = last;
            continue;
        };
        // What the process holds may be ahead of the disk.
        let again = journal.append(&drafts(last..=last));
        assert!(matches!(again, Err(AppendError::Closed { .. })), "{again:?}");
        return Err(Failure::Append(error));
    }
    Ok(())
}

fn options(quick_repair_bytes: u64, fault: Option<Failing>) -> Options {
    let fault = fault.map(|fault| Arc::new(fault) as Arc<dyn Fault>);
    // Little memory, so that the writer reads.
    Options { cache_bytes: 16 * 1024, quick_repair_bytes, fault }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Fails the `at`-th call of a life; returns whether there was one. The life begins with what
/// `begin` leaves.
fn fail_and_go_on(begin: fn(&Path, &mut Told), quick_repair_bytes: u64, failing: Failing) -> bool {
    let dir = folder();
    let mut told = Told::default();
    begin(dir.path(), &mut told);
    let (at, words, seen) = (failing.at, failing.words, Arc::clone(&failing.seen));
    if let Err(failure) = live(dir.path(), &options(quick_repair_bytes, Some(failing)), &mut told) {
        let failure = failure.storage();
        let is_full = matches!(failure, StorageFailure::DiskFull { .. });
        assert_eq!(is_full, words != Words::Broken, "{failure:?}");
        let text = failure.to_string();
        assert!(text.contains(&dir.path().join(JOURNAL_FILE).display().to_string()), "{text}");
    }
    if dir.path().join(JOURNAL_FILE).exists() {
        let there = Reader::open(dir.path(), &Options::default()).unwrap().verify().unwrap().seq;
        assert!([told.acknowledged, told.attempted].contains(&there), "{there} records are there");
    } else {
        assert_eq!(told.acknowledged, 0);
        told = Told::default();
    }
    let sound = options(quick_repair_bytes, None);
    assert!(live(dir.path(), &sound, &mut told).is_ok(), "it goes on");
    let journal = Journal::open(dir.path(), &sound).unwrap();
    assert_eq!(payloads(&journal), expected(told.acknowledged));
    seen.load(Ordering::SeqCst) >= at
}

fn begin_nothing(_: &Path, _: &mut Told) {}

/// What a killed writer leaves.
fn begin_killed(dir: &Path, told: &mut Told) {
    let killed = folder();
    let mut journal = Journal::create(killed.path(), genesis(), &options(u64::MAX, None)).unwrap();
    told.acknowledged = 200;
    journal.append(&drafts(1..=told.acknowledged)).unwrap();
    std::fs::copy(killed.path().join(JOURNAL_FILE), dir.join(JOURNAL_FILE)).unwrap();
}

fn fail_every(call: DiskCall) {
    let mut failed = 0;
    for begin in [begin_nothing, begin_killed] {
        for quick_repair_bytes in [0, u64::MAX] {
            for (words, lasting) in [
                (Words::NoSpace, Lasting::Once),
                (Words::NoQuota, Lasting::FromThenOn),
                (Words::Broken, Lasting::Once),
            ] {
                let failing = |at| Failing { call, at, words, lasting, seen: Arc::default() };
                failed += (1..CALLS_MAX)
                    .take_while(|at| fail_and_go_on(begin, quick_repair_bytes, failing(*at)))
                    .count();
            }
        }
    }
    assert!(failed > 8, "only {failed} calls failed");
}

#[test]
fn every_write_may_fail() {
    fail_every(DiskCall::Write);
}

#[test]
fn every_resize_may_fail() {
    fail_every(DiskCall::Resize);
}

#[test]
fn every_sync_may_fail() {
    fail_every(DiskCall::Sync);
}

#[test]
fn every_read_may_fail() {
    fail_every(DiskCall::Read);
}

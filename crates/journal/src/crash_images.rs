//! The power goes at any storage operation, the disk keeps any part of what was not synced, and the
//! power may go again while the journal is taken up: what was acknowledged is there, and nothing
//! beyond what was asked for.
//!
//! An image is a function of its seed. `LAO_CRASH_IMAGES=50000` tries more of them,
//! `LAO_CRASH_SEED=1234 LAO_CRASH_IMAGES=1` the one that failed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::overlay::Overlay;
use crate::samples::{Dice, draft};
use crate::store::builder;
use crate::{
    AppendError, CACHE_BYTES_DEFAULT, DiskAnswer, DiskCall, Draft, Fault, FaultAnswer, FaultPoint,
    FindingPlace, Genesis, JOURNAL_FILE, Journal, Kept, Options, Reader, check,
};

/// Images of an ordinary run of the tests.
const IMAGES: u64 = 2000;

/// Commits of a life that nobody ends.
const COMMITS: u64 = 4;

/// Operations of an opening and a commit or two, within which the second crash falls.
const SECOND_LIFE_OPERATIONS: u64 = 40;

impl Dice {
    fn kept(&mut self) -> Kept {
        let seed = self.roll(1 << 31);
        match self.roll(8) {
            0 => Kept::Nothing,
            1 => Kept::Everything,
            2 | 3 => Kept::Some { seed },
            4 => Kept::Torn { seed, sector_bytes: 512 },
            5 => Kept::Torn { seed, sector_bytes: 4096 },
            6 => Kept::Prefix { seed },
            _ if seed.is_multiple_of(2) => Kept::Header,
            _ => Kept::AllButHeader,
        }
    }
}

/// What is written, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Work {
    /// Decides how many records a commit has, and how long they are.
    shape: u64,
    commits: CommitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CommitKind {
    OneSync,
    QuickRepair,
    /// The first few with one sync, the others with quick-repair.
    Changing,
}

impl CommitKind {
    const ALL: [Self; 3] = [Self::OneSync, Self::QuickRepair, Self::Changing];

    fn quick_repair_bytes(self) -> u64 {
        match self {
            Self::OneSync => u64::MAX,
            Self::QuickRepair => 0,
            Self::Changing => 10_000,
        }
    }
}

impl Work {
    const SHAPES: u64 = 6;

    fn options(self, cut: Option<Cut>) -> Options {
        let fault = cut.map(|cut| Arc::new(cut) as Arc<dyn Fault>);
        let quick_repair_bytes = self.commits.quick_repair_bytes();
        Options { quick_repair_bytes, fault, ..Options::default() }
    }

    fn dice(self, seq: u64) -> Dice {
        Dice(self.shape << 32 | seq)
    }

    /// The records of the commit that begins with record `first`.
    fn batch(self, first: u64) -> Vec<Draft> {
        let count = 1 + self.dice(first).roll(4) * self.dice(first + 7).roll(6);
        (first..first + count).map(|seq| self.draft(seq)).collect()
    }

    fn draft(self, seq: u64) -> Draft {
        Draft { cause: seq - 1, ..draft(self.payload(seq)) }
    }

    /// Mostly less than a page; some make the file grow.
    fn payload(self, seq: u64) -> Vec<u8> {
        let mut dice = self.dice(seq);
        let bytes = match dice.roll(32) {
            0 => 100_000,
            1..4 => dice.roll(10_000),
            _ => dice.roll(1_000),
        };
        let count = usize::try_from(bytes / 8).unwrap();
        (seq << 32 | self.shape).to_le_bytes().repeat(count)
    }
}

/// Cuts the power at one of the calls that change the disk, or only counts them.
#[derive(Debug)]
struct Cut {
    at: u64,
    kept: Kept,
    calls: Arc<AtomicU64>,
}

impl Cut {
    fn new(at: u64, kept: Kept) -> Self {
        Self { at, kept, calls: Arc::default() }
    }
}

impl Fault for Cut {
    fn at(&self, _: FaultPoint) -> FaultAnswer {
        FaultAnswer::Continue
    }

    fn at_disk(&self, call: DiskCall) -> DiskAnswer {
        match call {
            DiskCall::Read => DiskAnswer::Continue,
            DiskCall::Write | DiskCall::Resize | DiskCall::Sync => {
                if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
                    DiskAnswer::CutPower(self.kept)
                } else {
                    DiskAnswer::Continue
                }
            }
        }
    }
}

/// What was promised and what was asked for, over all lives.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    acknowledged: u64,
    attempted: u64,
}

/// A process: opens or creates the journal, and appends until the power goes or `COMMITS` are made.
fn live(dir: &Path, work: Work, cut: Option<Cut>, told: &mut Told) {
    let options = work.options(cut);
    let genesis = Genesis { run: String::from("crash"), started: vec![1, 2, 3] };
    let is_there = dir.join(JOURNAL_FILE).exists();
    assert!(is_there || told.acknowledged == 0, "the file is gone");
    let opened = if is_there {
        Journal::open(dir, &options).map_err(|error| error.to_string())
    } else {
        Journal::create(dir, genesis, &options).map_err(|error| error.to_string())
    };
    let mut journal = match opened {
        Ok(journal) => journal,
        Err(error) if options.fault.is_some() && error.contains("power was cut") => return,
        Err(error) => panic!("{error}"),
    };
    told.expect(journal.head().seq);
    for _ in 0..COMMITS {
        let batch = work.batch(journal.head().seq + 1);
        told.attempted = journal.head().seq + batch.len() as u64;
        match journal.append(&batch) {
            Ok(ack) => told.acknowledged = ack.last_seq,
            Err(AppendError::Crashed { .. }) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Told {
    /// A commit is there or not: nothing in between.
    fn expect(&mut self, there: u64) {
        let Self { acknowledged, attempted } = *self;
        assert!(
            there == acknowledged || there == attempted,
            "{acknowledged} were acknowledged, {attempted} asked for, {there} are there"
        );
        self.acknowledged = there;
        self.attempted = there;
    }
}

/// What must hold of the folder after a crash, without writing to it.
fn demand(dir: &Path, work: Work, told: &mut Told) {
    if !dir.join(JOURNAL_FILE).exists() {
        // The first append may be durable under the name that nobody reads.
        return told.expect(0);
    }
    let reader = Reader::open(dir, &work.options(None)).unwrap();
    let there = reader.verify().unwrap().seq;
    told.expect(there);
    let records = reader.records_from(1).unwrap().map(|record| record.unwrap().payload);
    assert!(records.eq((1..=there).map(|seq| work.payload(seq))), "other records");
    drop(reader);
    let mut findings = check(dir).findings;
    findings.retain(|finding| finding.place != FindingPlace::Manifest);
    assert_eq!(findings, []);
}

fn expect_no_repair(dir: &Path) {
    let overlay = Overlay::discarding(File::open(dir.join(JOURNAL_FILE)).unwrap()).unwrap();
    let repaired = Rc::new(AtomicBool::new(false));
    let told = Rc::clone(&repaired);
    let mut builder = builder(CACHE_BYTES_DEFAULT);
    builder.set_repair_callback(move |_| told.store(true, Ordering::SeqCst));
    drop(builder.create_with_backend(overlay).unwrap());
    assert!(!repaired.load(Ordering::SeqCst), "it was closed, and needs a repair again");
}

/// In memory where there is such a place: the syncs of this test need not reach a disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Crashes one after the other, then a life to its end.
fn crash_and_go_on(work: Work, cuts: Vec<Cut>) {
    let dir = folder();
    let mut told = Told::default();
    for cut in cuts {
        live(dir.path(), work, Some(cut), &mut told);
        demand(dir.path(), work, &mut told);
    }
    live(dir.path(), work, None, &mut told);
    demand(dir.path(), work, &mut told);
    expect_no_repair(dir.path());
}

/// Operations of a first life that nobody ends.
fn operations(work: Work) -> u64 {
    let dir = folder();
    let cut = Cut::new(u64::MAX, Kept::Nothing);
    let calls = Arc::clone(&cut.calls);
    live(dir.path(), work, Some(cut), &mut Told::default());
    calls.load(Ordering::SeqCst)
}

/// Names the image in a failure's words.
struct Case(String);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed: {}", self.0);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_power_goes_anywhere_and_again_while_the_journal_is_taken_up() {
    let first = number("LAO_CRASH_SEED").unwrap_or(1);
    let images = number("LAO_CRASH_IMAGES").unwrap_or(IMAGES);
    let mut known = BTreeMap::new();
    for seed in first..first + images {
        let mut dice = Dice(seed);
        dice.roll(2);
        let commits = CommitKind::ALL[usize::try_from(dice.roll(3)).unwrap()];
        let work = Work { shape: dice.roll(Work::SHAPES), commits };
        let operations = *known.entry(work).or_insert_with(|| operations(work));
        let mut cuts = vec![Cut::new(1 + dice.roll(operations), dice.kept())];
        for _ in 0..dice.roll(3) {
            cuts.push(Cut::new(1 + dice.roll(SECOND_LIFE_OPERATIONS), dice.kept()));
        }
        let _case = Case(format!("LAO_CRASH_SEED={seed}: {work:?}, {cuts:?}"));
        crash_and_go_on(work, cuts);
    }
    assert!(images < IMAGES || known.len() == 18, "some work was never tried");
}

#[test]
fn the_power_goes_at_every_operation() {
    for commits in CommitKind::ALL {
        let work = Work { shape: 3, commits };
        let operations = operations(work);
        assert!(operations > 3 * COMMITS, "only {operations} operations");
        for at in 1..=operations {
            for kept in [Kept::Nothing, Kept::Everything, Kept::Some { seed: at }] {
                let _case = Case(format!("operation {at} of {work:?}, {kept:?}"));
                crash_and_go_on(work, vec![Cut::new(at, kept)]);
            }
        }
    }
}

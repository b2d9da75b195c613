//! Damage: whatever bit flips, no other payload is ever handed out, and the check says where.

use std::path::Path;

use lao_journal::{
    CheckReport, FindingPlace, Head, JOURNAL_FILE, Journal, Manifest, OpenError, Options, Place,
    ReadError, Reader, check,
};
use redb::{Database, ReadableDatabase, TableDefinition};

use crate::support::{drafts, expected, genesis, written};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// A run's folder with a sealed journal of `records` records.
fn run(records: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), records);
    let head = Reader::open(dir.path(), &Options::default()).unwrap().head().unwrap();
    seal(dir.path(), head);
    dir
}

fn seal(dir: &Path, head: Head) {
    let mut manifest = Manifest::new(genesis().run, String::from("title"), 0);
    manifest.seal(head, String::from("done"));
    manifest.write(dir).unwrap();
}

/// Changes a stored record behind the journal's back, with a store that stays whole.
fn change_record(dir: &Path, seq: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let db = Database::open(dir.join(JOURNAL_FILE)).unwrap();
    let mut record = {
        let events = db.begin_read().unwrap().open_table(EVENTS).unwrap();
        events.get(seq).unwrap().unwrap().value().to_vec()
    };
    change(&mut record);
    let txn = db.begin_write().unwrap();
    txn.open_table(EVENTS).unwrap().insert(seq, record.as_slice()).unwrap();
    txn.commit().unwrap();
}

/// Positions and payloads.
type Shown = Vec<(u64, Vec<u8>)>;

/// What is shown up to the first record that is not proven, or to `stop`, and how it ended.
fn shown(dir: &Path, (from, stop): (u64, u64)) -> (Shown, Result<Head, String>) {
    #[derive(Debug)]
    struct Ended(String);
    impl From<ReadError> for Ended {
        fn from(error: ReadError) -> Self {
            Self(error.to_string())
        }
    }
    let reader = Reader::open(dir, &Options::default()).unwrap();
    let mut seen = Vec::new();
    let ended = reader.for_each(from, |record| {
        if record.header.seq == stop {
            return Err(Ended(String::from("enough")));
        }
        seen.push((record.header.seq, record.payload.to_vec()));
        Ok(())
    });
    (seen, ended.map_err(|Ended(reason)| reason))
}

#[test]
fn a_long_journal_is_shown_like_a_short_one() {
    const RECORDS: u64 = 6000;
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), RECORDS);
    let truth: Shown = (1..).zip(expected(RECORDS)).collect();
    let until = |from: u64, end: u64| -> Shown {
        truth.iter().filter(|(seq, _)| (from..=end).contains(seq)).cloned().collect()
    };
    for from in [1, 2, 999, 1000, 1001, 4999, 5000, 5001, RECORDS] {
        let (seen, ended) = shown(dir.path(), (from, RECORDS + 1));
        assert_eq!(seen, until(from, RECORDS));
        assert_eq!(ended.unwrap().seq, RECORDS);
    }
    for stop in [2, 1000, 1001, 1002, 3000, RECORDS] {
        let (seen, ended) = shown(dir.path(), (1, stop));
        assert_eq!(seen, until(1, stop - 1));
        assert_eq!(ended.unwrap_err(), "enough");
    }
    for bad in [5500, 3001, 1001, 1000] {
        change_record(dir.path(), bad, |record| record[60] ^= 1);
        let (seen, ended) = shown(dir.path(), (1, RECORDS + 1));
        assert_eq!(seen, until(1, bad - 1), "nothing that is not proven is shown");
        assert!(ended.unwrap_err().contains(&bad.to_string()));
    }
}

fn change_meta(dir: &Path, entry: &str, value: Option<&[u8]>) {
    let db = Database::open(dir.join(JOURNAL_FILE)).unwrap();
    let txn = db.begin_write().unwrap();
    match value {
        Some(value) => drop(txn.open_table(META).unwrap().insert(entry, value).unwrap()),
        None => drop(txn.open_table(META).unwrap().remove(entry).unwrap()),
    }
    txn.commit().unwrap();
}

/// Checks the run and demands that the check wrote nothing.
fn checked(dir: &Path) -> CheckReport {
    let path = dir.join(JOURNAL_FILE);
    let before = std::fs::read(&path).unwrap();
    let report = check(dir);
    assert!(std::fs::read(&path).unwrap() == before, "the check wrote into the journal");
    report
}

fn places(report: &CheckReport) -> Vec<FindingPlace> {
    report.findings.iter().map(|finding| finding.place).collect()
}

fn record(seq: u64) -> FindingPlace {
    FindingPlace::Journal(Place::Record(seq))
}

#[test]
fn a_sound_run_has_no_findings() {
    let dir = run(20);
    let report = checked(dir.path());
    assert_eq!(report.findings, []);
    assert!(report.is_sound());
    assert_eq!((report.records, report.run.as_deref()), (20, Some("run-1")));
    assert_eq!(report.head.unwrap().seq, 20);
}

#[test]
fn a_changed_record_is_found_where_it_is() {
    for at in [0, 10, 20, 43, 44, 60] {
        let dir = run(100);
        change_record(dir.path(), 7, |record| record[at] ^= 1);
        let report = checked(dir.path());
        assert_eq!(places(&report), [record(7)], "byte {at}");
        assert_eq!((report.records, report.head), (100, None));
        let reader = Reader::open(dir.path(), &Options::default()).unwrap();
        let mut seen = 0;
        let error = reader.for_each::<ReadError>(1, |record| {
            seen = record.header.seq;
            Ok(())
        });
        assert!(
            matches!(error, Err(ReadError::Damaged(damaged)) if damaged.place == Place::Record(7))
        );
        assert_eq!(seen, 6);
    }
}

#[test]
fn a_changed_hash_is_found_at_the_record_and_its_successor() {
    let dir = run(20);
    change_record(dir.path(), 7, |record| *record.last_mut().unwrap() ^= 1);
    assert_eq!(places(&checked(dir.path())), [record(7), record(8)]);
}

#[test]
fn a_cut_record_and_a_missing_one_are_found() {
    let dir = run(20);
    change_record(dir.path(), 7, |record| record.truncate(10));
    assert_eq!(places(&checked(dir.path())), [record(7), record(8)]);

    let dir = run(20);
    let db = Database::open(dir.path().join(JOURNAL_FILE)).unwrap();
    let txn = db.begin_write().unwrap();
    drop(txn.open_table(EVENTS).unwrap().remove(7).unwrap());
    txn.commit().unwrap();
    drop(db);
    let report = checked(dir.path());
    assert_eq!(places(&report), [record(7), record(8)]);
    assert!(matches!(Journal::open(dir.path(), &Options::default()), Err(OpenError::Damaged(_))));
}

#[test]
fn a_journal_that_lost_its_end_does_not_match_its_seal() {
    let dir = run(20);
    let db = Database::open(dir.path().join(JOURNAL_FILE)).unwrap();
    let txn = db.begin_write().unwrap();
    drop(txn.open_table(EVENTS).unwrap().remove(20).unwrap());
    txn.commit().unwrap();
    drop(db);
    assert_eq!(places(&checked(dir.path())), [FindingPlace::Manifest]);
}

#[test]
fn a_journal_of_another_run_is_found() {
    let dir = run(5);
    change_meta(dir.path(), "run", Some(b"run-2"));
    let meta = FindingPlace::Journal(Place::Meta("genesis"));
    assert_eq!(places(&checked(dir.path())), [meta]);
    let before = std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap();
    let opened = Journal::open(dir.path(), &Options::default());
    assert!(matches!(opened, Err(OpenError::Damaged(_))));
    assert_eq!(std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap(), before);
}

#[test]
fn a_missing_meta_entry_is_found() {
    for entry in ["format", "run", "started", "genesis"] {
        let dir = run(5);
        change_meta(dir.path(), entry, None);
        assert_eq!(places(&checked(dir.path())), [FindingPlace::Journal(Place::Meta(entry))]);
    }
}

#[test]
fn a_newer_journal_is_refused_with_a_cure_and_not_written() {
    let dir = run(5);
    change_meta(dir.path(), "format", Some(&2_u16.to_le_bytes()));
    let path = dir.path().join(JOURNAL_FILE);
    let before = std::fs::read(&path).unwrap();
    let Err(refused) = Journal::open(dir.path(), &Options::default()) else {
        panic!("a newer journal was opened");
    };
    assert!(matches!(refused, OpenError::NewerFormat(_)));
    assert!(refused.to_string().contains("upgrade LAO"), "{refused}");
    assert!(Reader::open(dir.path(), &Options::default()).is_err());
    assert!(!checked(dir.path()).is_sound());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_missing_folder_and_a_held_journal_are_findings() {
    let dir = tempfile::tempdir().unwrap();
    let report = check(dir.path());
    let file = FindingPlace::Journal(Place::File);
    assert_eq!(places(&report), [file, FindingPlace::Manifest]);

    let dir = run(5);
    let held = Journal::open(dir.path(), &Options::default()).unwrap();
    assert_eq!(places(&check(dir.path())), [file]);
    drop(held);
    assert!(check(dir.path()).is_sound());
}

/// How many bits are flipped in each file, one at a time.
const FLIPS: usize = 150;

/// Single bits flipped anywhere in the file, seeded: reading yields a true prefix or an error, and
/// what the records do not show the check finds or was without effect.
fn flip_bits(dir: &Path, records: u64) {
    let path = dir.join(JOURNAL_FILE);
    let sound = std::fs::read(&path).unwrap();
    // Most of the file is free space, whose bits mean nothing.
    let used: Vec<usize> = (0..sound.len()).filter(|byte| sound[*byte] != 0).collect();
    let truth = expected(records);
    let mut found = 0;
    let mut random = 7_u64;
    for _ in 0..FLIPS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let chosen = usize::try_from(random >> 33).unwrap() % (used.len() * 8);
        let bit = used[chosen / 8] * 8 + chosen % 8;
        let mut flipped = sound.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &flipped).unwrap();
        let is_found = !report_without_manifest(dir).is_empty();
        let is_whole = read_prefix(dir, &truth) == truth.len();
        assert!(is_whole || is_found, "bit {bit} lost records silently");
        assert!(std::fs::read(&path).unwrap() == flipped, "bit {bit}: looking changed the file");
        found += usize::from(is_found);
    }
    assert!(found > FLIPS / 2, "only {found} of {FLIPS} flips were found");
}

#[test]
fn no_flipped_bit_of_a_closed_file_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 400);
    flip_bits(dir.path(), 400);
}

#[test]
fn no_flipped_bit_of_a_killed_writers_file_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &Options::default()).unwrap();
    journal.append(&drafts(1..=400)).unwrap();
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join(JOURNAL_FILE), other.path().join(JOURNAL_FILE)).unwrap();
    flip_bits(other.path(), 400);
}

fn report_without_manifest(dir: &Path) -> Vec<FindingPlace> {
    let mut places = places(&check(dir));
    places.retain(|place| *place != FindingPlace::Manifest);
    places
}

/// How many records can be read; every one of them must be true.
fn read_prefix(dir: &Path, truth: &[Vec<u8>]) -> usize {
    let Ok(reader) = Reader::open(dir, &Options::default()) else {
        return 0;
    };
    let mut count = 0;
    let read = reader.for_each::<ReadError>(1, |record| {
        assert_eq!(record.payload, truth[count]);
        count += 1;
        Ok(())
    });
    if read.is_ok() { count } else { 0 }
}

#[test]
fn a_damaged_journal_takes_no_append() {
    let dir = run(5);
    change_record(dir.path(), 5, |record| record[50] ^= 1);
    assert!(matches!(Journal::open(dir.path(), &Options::default()), Err(OpenError::Damaged(_))));
    change_record(dir.path(), 5, |record| record[50] ^= 1);
    let mut journal = Journal::open(dir.path(), &Options::default()).unwrap();
    journal.append(&drafts(6..=6)).unwrap();
}

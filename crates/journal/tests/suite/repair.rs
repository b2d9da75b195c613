//! Repair: what is left is a proven prefix of the truth, whatever was broken; the damaged file stays.

use std::fs;
use std::path::Path;

use lao_journal::{
    JOURNAL_FILE, Journal, MANIFEST_FILE, Manifest, ManifestRepaired, Options, RepairError,
    Repaired, check, repair,
};
use redb::{Database, TableDefinition};

use crate::support::{draft, drafts, expected, genesis, payloads};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Names how many bits are flipped in all.
const FLIPS_VARIABLE: &str = "LAO_FLIPS";

/// How many are flipped unless it is set.
const FLIPS: usize = 500;

/// Records of a run, written in several commits, as a run's are.
const RECORDS: u64 = 60;

/// A folder, in memory where the system has such: what is tested here is bytes, not syncs.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// The folder of a run with its manifest.
fn run(seal: Seal) -> tempfile::TempDir {
    let dir = folder();
    let mut journal = Journal::create(dir.path(), genesis(), &Options::default()).unwrap();
    for first in (1..=RECORDS).step_by(30) {
        journal.append(&drafts(first..=first + 29)).unwrap();
    }
    let mut manifest = Manifest::new(genesis().run, String::from("title"), 0);
    if seal == Seal::Sealed {
        manifest.seal(journal.head(), String::from("succeeded"));
    }
    manifest.write(dir.path()).unwrap();
    dir
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seal {
    Sealed,
    Open,
}

/// Repairs, and demands all that a repair promises; what it did, if anything was left to keep.
fn repaired(dir: &Path) -> Option<Repaired> {
    let before = fs::read(dir.join(JOURNAL_FILE)).unwrap();
    let done = match repair(dir) {
        Ok(done) => done.expect("the check found something"),
        // A bit of the format's number cannot be told from a newer program's.
        Err(RepairError::NothingLeft { .. } | RepairError::NewerFormat(_)) => {
            assert!(fs::read(dir.join(JOURNAL_FILE)).unwrap() == before);
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(check(dir).findings, [], "a repaired journal checks clean");
    if let Some(journal) = &done.journal {
        assert!(fs::read(&journal.aside).unwrap() == before, "the damaged file was changed");
    }
    assert_eq!(repair(dir).unwrap(), None, "nothing is left to repair");
    let journal = Journal::open(dir, &Options::default()).unwrap();
    let kept = payloads(&journal);
    assert!(expected(RECORDS).starts_with(&kept), "what is kept is a prefix of the truth");
    Some(done)
}

fn kept(dir: &Path) -> u64 {
    Journal::open(dir, &Options::default()).unwrap().head().seq
}

/// A number that looks random, the same in every run of the test.
fn next(random: &mut u64) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    usize::try_from(*random >> 33).unwrap()
}

/// What a flip did.
#[derive(Default, Debug)]
struct Tally {
    harmless: usize,
    found: usize,
    whole: usize,
    nothing_left: usize,
}

/// Breaks a copy of the run in one way, and demands that the break is found and repaired.
fn break_and_repair(sound: &Path, tally: &mut Tally, break_it: impl FnOnce(&mut Vec<u8>)) {
    let dir = folder();
    fs::copy(sound.join(MANIFEST_FILE), dir.path().join(MANIFEST_FILE)).unwrap();
    let mut bytes = fs::read(sound.join(JOURNAL_FILE)).unwrap();
    break_it(&mut bytes);
    fs::write(dir.path().join(JOURNAL_FILE), &bytes).unwrap();
    let report = check(dir.path());
    if report.is_sound() {
        assert_eq!(kept(dir.path()), RECORDS, "records were lost silently");
        tally.harmless += 1;
        return;
    }
    tally.found += 1;
    match repaired(dir.path()) {
        Some(_) => tally.whole += usize::from(kept(dir.path()) == RECORDS),
        None => tally.nothing_left += 1,
    }
}

#[test]
fn no_flipped_bit_is_silent_and_every_one_is_repaired() {
    let flips = std::env::var(FLIPS_VARIABLE).map_or(FLIPS, |number| number.parse().unwrap());
    let mut tally = Tally::default();
    let runs = [run(Seal::Sealed), run(Seal::Open), compacted(Seal::Sealed), compacted(Seal::Open)];
    for sound in &runs {
        let bytes = fs::read(sound.path().join(JOURNAL_FILE)).unwrap();
        // Most of the file is free space and maps of it, whose bits mean nothing.
        let is_used = |byte: &usize| !matches!(bytes[*byte], 0 | 0xFF);
        let used: Vec<usize> = (0..bytes.len()).filter(is_used).collect();
        let mut random = 11;
        for _ in 0..flips / runs.len() {
            let byte = used[next(&mut random) % used.len()];
            let bit = next(&mut random) % 8;
            break_and_repair(sound.path(), &mut tally, |bytes| bytes[byte] ^= 1 << bit);
        }
    }
    assert!(tally.found > flips / 5, "{tally:?}");
    assert!(tally.nothing_left * 20 <= tally.found, "{tally:?}");
}

#[test]
fn no_flipped_bit_of_the_files_header_is_silent() {
    let mut tally = Tally::default();
    let sound = run(Seal::Open);
    for bit in (0..320 * 8).step_by(3) {
        break_and_repair(sound.path(), &mut tally, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
    assert_eq!(tally.nothing_left, 0, "{tally:?}");
}

#[test]
fn pages_that_are_lost_or_in_each_others_place_are_found_and_repaired() {
    const PAGE: usize = 4096;
    let mut tally = Tally::default();
    for seal in [Seal::Sealed, Seal::Open] {
        let sound = run(seal);
        let bytes = fs::read(sound.path().join(JOURNAL_FILE)).unwrap();
        let used = |page: &usize| bytes[page * PAGE..(page + 1) * PAGE].iter().any(|it| *it != 0);
        let pages: Vec<usize> = (0..bytes.len() / PAGE).filter(used).collect();
        for (index, page) in pages.iter().enumerate() {
            let range = page * PAGE..(page + 1) * PAGE;
            let other = pages[(index + 3) % pages.len()] * PAGE;
            break_and_repair(sound.path(), &mut tally, |it| it[range.clone()].fill(0));
            break_and_repair(sound.path(), &mut tally, |it| it.truncate(range.start + 100));
            break_and_repair(sound.path(), &mut tally, |it| {
                it.copy_within(other..other + PAGE, range.start);
            });
            break_and_repair(sound.path(), &mut tally, |it| {
                for at in 0..PAGE {
                    it.swap(range.start + at, other + at);
                }
            });
        }
    }
    assert!(tally.found > 20, "{tally:?}");
}

/// Changes the table of records behind the journal's back, with a store that stays whole.
fn change(dir: &Path, change: impl FnOnce(&mut redb::Table<'_, u64, &'static [u8]>)) {
    let db = Database::open(dir.join(JOURNAL_FILE)).unwrap();
    let txn = db.begin_write().unwrap();
    change(&mut txn.open_table(EVENTS).unwrap());
    txn.commit().unwrap();
}

/// The bytes of a record.
fn record(table: &redb::Table<'_, u64, &'static [u8]>, seq: u64) -> Vec<u8> {
    use redb::ReadableTable;
    table.get(seq).unwrap().unwrap().value().to_vec()
}

#[test]
fn records_that_are_changed_missing_swapped_or_doubled_are_found_and_repaired() {
    type Table<'a> = redb::Table<'a, u64, &'static [u8]>;
    let breaks: [fn(&mut Table<'_>); 5] = [
        |table| {
            let mut bytes = record(table, 30);
            bytes[50] ^= 4;
            table.insert(30, bytes.as_slice()).unwrap();
        },
        |table| drop(table.remove(30).unwrap()),
        |table| {
            let (one, other) = (record(table, 30), record(table, 31));
            table.insert(30, other.as_slice()).unwrap();
            table.insert(31, one.as_slice()).unwrap();
        },
        |table| {
            let bytes = record(table, 29);
            table.insert(30, bytes.as_slice()).unwrap();
        },
        |table| {
            let bytes = record(table, 30);
            table.insert(30, &bytes[..20]).unwrap();
        },
    ];
    for seal in [Seal::Sealed, Seal::Open] {
        for break_it in breaks {
            let dir = run(seal);
            change(dir.path(), break_it);
            let report = check(dir.path());
            assert_eq!(report.first_damaged, Some(30));
            let done = repaired(dir.path()).unwrap().journal.unwrap();
            assert!(done.stop.is_some());
            assert!((29..=RECORDS).contains(&done.head.seq));
            assert_eq!(done.head.seq + done.lost, RECORDS);
            assert_eq!(done.head.seq, 29 + done.found);
        }
    }
}

/// A journal whose bytes hold every record once.
fn compacted(seal: Seal) -> tempfile::TempDir {
    let dir = run(seal);
    lao_journal::compact(dir.path()).unwrap();
    dir
}

/// The place of a payload in the file; it must be the only one.
fn only_place(dir: &Path, payload: &[u8]) -> usize {
    let bytes = fs::read(dir.join(JOURNAL_FILE)).unwrap();
    let mut places = bytes.windows(payload.len()).enumerate().filter(|(_, it)| *it == payload);
    let place = places.next().unwrap().0;
    assert!(places.next().is_none());
    place
}

#[test]
fn what_is_lost_is_counted() {
    let dir = compacted(Seal::Sealed);
    let place = only_place(dir.path(), b"payload of record 30");
    let path = dir.path().join(JOURNAL_FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes[place] ^= 1;
    fs::write(&path, bytes).unwrap();
    let done = repaired(dir.path()).unwrap();
    let journal = done.journal.unwrap();
    assert_eq!((journal.head.seq, journal.found, journal.lost), (29, 0, RECORDS - 29));
    // The one after the damaged record carries on from the hash stored with it.
    assert_eq!(journal.orphans, RECORDS - 30);
    assert_eq!(done.manifest, ManifestRepaired::Unsealed);
    assert!(Manifest::read(dir.path()).unwrap().sealed.is_none());
    assert!(journal.aside.ends_with("journal.redb.damaged-1"));
    let mut journal = Journal::open(dir.path(), &Options::default()).unwrap();
    journal.append(&[draft(30)]).unwrap();
}

#[test]
fn a_store_that_does_not_open_gives_up_what_its_bytes_hold() {
    for seal in [Seal::Sealed, Seal::Open] {
        let dir = compacted(seal);
        let path = dir.path().join(JOURNAL_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[..4096].fill(0);
        fs::write(&path, bytes).unwrap();
        let done = repaired(dir.path()).unwrap();
        let journal = done.journal.unwrap();
        assert_eq!((journal.head.seq, journal.found, journal.lost), (RECORDS, RECORDS, 0));
        assert_eq!(done.manifest, ManifestRepaired::Untouched, "the seal still fits");
    }
}

#[test]
fn a_journal_without_a_whole_beginning_is_left_as_it_is() {
    let dir = run(Seal::Open);
    let path = dir.path().join(JOURNAL_FILE);
    fs::write(&path, vec![7; 100_000]).unwrap();
    assert!(matches!(repair(dir.path()), Err(RepairError::NothingLeft { .. })));
    assert!(fs::read(&path).unwrap() == vec![7; 100_000]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_manifest_is_renewed_or_unsealed() {
    let dir = run(Seal::Sealed);
    fs::write(dir.path().join(MANIFEST_FILE), b"{ \"format\": 1, \"run\": ").unwrap();
    let done = repaired(dir.path()).unwrap();
    assert_eq!(done.journal, None);
    let ManifestRepaired::Renewed { aside: Some(aside) } = done.manifest else {
        panic!("{:?}", done.manifest);
    };
    assert!(aside.ends_with("run.json.damaged-1"));
    let manifest = Manifest::read(dir.path()).unwrap();
    assert_eq!((manifest.run.as_str(), manifest.created_ms), ("run-1", 1_700_000_000_001));

    fs::remove_file(dir.path().join(MANIFEST_FILE)).unwrap();
    let done = repaired(dir.path()).unwrap();
    assert_eq!(done.manifest, ManifestRepaired::Renewed { aside: None });

    let dir = run(Seal::Sealed);
    let mut manifest = Manifest::read(dir.path()).unwrap();
    manifest.sealed.as_mut().unwrap().last_seq += 1;
    manifest.write(dir.path()).unwrap();
    let done = repaired(dir.path()).unwrap();
    assert_eq!(done.manifest, ManifestRepaired::Unsealed);
}

#[test]
fn what_is_sound_held_missing_or_newer_is_not_repaired() {
    let dir = run(Seal::Sealed);
    assert_eq!(repair(dir.path()).unwrap(), None);
    let held = Journal::open(dir.path(), &Options::default()).unwrap();
    assert!(matches!(repair(dir.path()), Err(RepairError::Held { .. })));
    drop(held);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(repair(empty.path()), Err(RepairError::Missing { .. })));
    let db = Database::open(dir.path().join(JOURNAL_FILE)).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(META).unwrap().insert("format", &2_u16.to_le_bytes()[..]).unwrap();
    txn.commit().unwrap();
    drop(db);
    assert!(matches!(repair(dir.path()), Err(RepairError::NewerFormat(_))));
}

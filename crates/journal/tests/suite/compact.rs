//! Compaction and copies: the same records in a file about as long as they are.

use std::fs;
use std::path::Path;

use lao_journal::{
    CompactError, JOURNAL_FILE, Journal, Manifest, OpenError, Options, ReadError, Reader, Stats,
    check, compact, copy,
};

use crate::support::{draft, drafts, expected, genesis, payloads, written};

fn len(dir: &Path) -> u64 {
    fs::metadata(dir.join(JOURNAL_FILE)).unwrap().len()
}

fn stats(dir: &Path) -> Stats {
    let reader = Reader::open(dir, &Options::default()).unwrap();
    Stats::with::<ReadError>(&reader, |_| Ok(())).unwrap()
}

#[test]
fn a_compact_journal_is_at_most_twice_as_long_as_its_records() {
    for (records, commit) in [(1000, 10), (20_000, 500)] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(dir.path(), genesis(), &Options::default()).unwrap();
        for first in (1..=records).step_by(usize::try_from(commit).unwrap()) {
            journal.append(&drafts(first..=first + commit - 1)).unwrap();
        }
        let head = journal.head();
        drop(journal);
        let compacted = compact(dir.path()).unwrap();
        assert_eq!((compacted.head, compacted.after_bytes), (head, len(dir.path())));
        let stats = stats(dir.path());
        assert_eq!(stats.head, head);
        assert!(
            compacted.after_bytes <= 2 * stats.encoded_bytes + 64 * 1024,
            "{compacted:?}, {} bytes of records",
            stats.encoded_bytes
        );
        let mut manifest = Manifest::new(genesis().run, String::from("title"), 0);
        manifest.seal(head, String::from("succeeded"));
        manifest.write(dir.path()).unwrap();
        assert_eq!(check(dir.path()).findings, []);
        let mut journal = Journal::open(dir.path(), &Options::default()).unwrap();
        assert_eq!(payloads(&journal), expected(records));
        journal.append(&[draft(records + 1)]).unwrap();
    }
}

#[test]
fn what_is_held_or_damaged_is_not_compacted() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 5);
    let held = Journal::open(dir.path(), &Options::default()).unwrap();
    assert!(matches!(compact(dir.path()), Err(CompactError::Open(OpenError::Held { .. }))));
    drop(held);
    let path = dir.path().join(JOURNAL_FILE);
    let mut bytes = fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(4096) {
        *byte ^= 0x55;
    }
    fs::write(&path, &bytes).unwrap();
    assert!(compact(dir.path()).is_err());
    assert!(fs::read(&path).unwrap() == bytes);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_live_journal_is_copied_as_it_is_at_that_moment() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut journal = Journal::create(dir.path(), genesis(), &Options::default()).unwrap();
    journal.append(&drafts(1..=40)).unwrap();
    let then = journal.head();
    assert_eq!(copy(&journal.reader(), to.path()).unwrap(), then);
    journal.append(&drafts(41..=50)).unwrap();
    assert_eq!(payloads(&Journal::open(to.path(), &Options::default()).unwrap()), expected(40));
    assert_eq!(copy(&journal.reader(), to.path()).unwrap(), journal.head());
    let copied = Journal::open(to.path(), &Options::default()).unwrap();
    assert_eq!((copied.head(), copied.genesis()), (journal.head(), journal.genesis()));
    assert_eq!(payloads(&copied), expected(50));
}

#[test]
fn a_journal_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 12);
    let stats = stats(dir.path());
    assert_eq!(stats.types.len(), 1);
    assert_eq!(stats.types[&7].records, 12);
    assert_eq!(stats.types[&7].bytes, stats.encoded_bytes);
    let payloads: usize = expected(12).iter().map(Vec::len).sum();
    assert_eq!(stats.encoded_bytes, payloads as u64 + 12 * 76);
    assert_eq!((stats.first_ms, stats.last_ms), (Some(1_700_000_000_001), Some(1_700_000_000_012)));
    assert_eq!(stats.file_bytes, len(dir.path()));
}

#[test]
fn what_is_acknowledged_while_others_compact_stays() {
    const APPENDS: u64 = 150;
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 1);
    let path = dir.path();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut last = 1;
            while last < APPENDS {
                match Journal::open(path, &Options::default()) {
                    Ok(mut journal) => {
                        assert_eq!(journal.head().seq, last, "an acknowledged record is gone");
                        last = journal.append(&[draft(last + 1)]).unwrap().last_seq;
                    }
                    Err(OpenError::Held { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        });
        while !writer.is_finished() {
            match compact(path) {
                Ok(_) | Err(CompactError::Open(OpenError::Held { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    let journal = Journal::open(path, &Options::default()).unwrap();
    assert_eq!(payloads(&journal), expected(APPENDS));
}

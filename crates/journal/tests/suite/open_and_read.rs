//! Creating, appending, reopening, reading, and being refused.

use crate::support::{draft, drafts, expected, genesis, payloads, written};
use lao_journal::{
    CreateError, Head, JOURNAL_FILE, Journal, OpenError, Options, ReadError, Reader, Start,
};

fn options() -> Options {
    Options::default()
}

#[test]
fn what_is_appended_is_read_back_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    let first = journal.append(&drafts(1..=3)).unwrap();
    assert_eq!((first.first_seq, first.last_seq), (1, 3));
    let second = journal.append(&drafts(4..=4)).unwrap();
    assert_eq!((second.first_seq, second.last_seq), (4, 4));
    assert_eq!(payloads(&journal), expected(4));
    drop(journal);

    let journal = Journal::open(dir.path(), &options()).unwrap();
    assert_eq!(journal.head(), second.head);
    assert_eq!(journal.genesis(), &genesis());
    assert_eq!(payloads(&journal), expected(4));
    assert_eq!(journal.verify().unwrap(), second.head);
}

#[test]
fn nothing_has_the_final_name_before_the_first_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    assert!(!dir.path().join(JOURNAL_FILE).exists());
    journal.append(&drafts(1..=1)).unwrap();
    assert!(dir.path().join(JOURNAL_FILE).exists());
    drop(journal);
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [JOURNAL_FILE]);
}

#[test]
fn a_creation_that_never_appends_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(Journal::create(dir.path(), genesis(), &options()).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(matches!(Journal::open(dir.path(), &options()), Err(OpenError::Missing { .. })));
}

#[test]
fn an_aborted_creation_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal.redb.new"), b"half a header").unwrap();
    assert!(matches!(Journal::open(dir.path(), &options()), Err(OpenError::Missing { .. })));
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    journal.append(&drafts(1..=2)).unwrap();
    assert_eq!(payloads(&journal), expected(2));
}

#[test]
fn a_creation_under_way_is_not_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Journal::create(dir.path(), genesis(), &options()).unwrap();
    let second = Journal::create(dir.path(), genesis(), &options());
    assert!(matches!(second, Err(CreateError::Held { .. })));
    first.append(&drafts(1..=1)).unwrap();
    drop(first);
    let third = Journal::create(dir.path(), genesis(), &options());
    assert!(matches!(third, Err(CreateError::Exists { .. })));
}

#[test]
fn a_held_journal_refuses_other_openers() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    journal.append(&drafts(1..=1)).unwrap();
    assert!(matches!(Journal::open(dir.path(), &options()), Err(OpenError::Held { .. })));
    assert!(matches!(Reader::open(dir.path(), &options()), Err(OpenError::Held { .. })));
    drop(journal);
    let reader = Reader::open(dir.path(), &options()).unwrap();
    let other = Reader::open(dir.path(), &options()).unwrap();
    assert_eq!(reader.head().unwrap(), other.head().unwrap());
    assert!(matches!(Journal::open(dir.path(), &options()), Err(OpenError::Held { .. })));
    drop((reader, other));
    assert!(Journal::open(dir.path(), &options()).is_ok());
}

#[test]
fn reading_starts_where_it_is_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 10);
    let reader = Reader::open(dir.path(), &options()).unwrap();
    for from in 0..=12 {
        let mut seen = Vec::new();
        let head = reader
            .for_each::<ReadError>(from, |record| {
                seen.push(record.header.seq);
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, (from.max(1)..=10).collect::<Vec<_>>());
        assert_eq!(head, reader.head().unwrap());
    }
}

#[test]
fn reading_after_a_known_record_proves_that_it_is_the_same_chain() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 10);
    let reader = Reader::open(dir.path(), &options()).unwrap();
    let fifth = reader.records_from(5).unwrap().next().unwrap().unwrap();
    let known = Head { seq: 5, hash: fifth.hash };
    assert_eq!(reader.records_from(Start::After(known)).unwrap().count(), 5);
    let other = Head { seq: 6, hash: fifth.hash };
    let error = reader.records_from(Start::After(other)).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, ReadError::Damaged(_)));
}

#[test]
fn a_visitor_ends_the_reading_with_its_own_error() {
    #[derive(Debug, PartialEq)]
    struct Enough(u64);
    impl From<ReadError> for Enough {
        fn from(error: ReadError) -> Self {
            panic!("{error}")
        }
    }
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 10);
    let reader = Reader::open(dir.path(), &options()).unwrap();
    let ended = reader.for_each(1, |record| match record.header.seq {
        4 => Err(Enough(4)),
        _ => Ok(()),
    });
    assert_eq!(ended, Err(Enough(4)));
}

#[test]
fn a_draft_that_breaks_a_rule_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    journal.append(&drafts(1..=1)).unwrap();
    let mut ahead = draft(3);
    ahead.cause = 3;
    assert!(journal.append(&[draft(2), ahead]).is_err());
    let mut large = draft(2);
    large.payload = vec![0; lao_journal::PAYLOAD_BYTES_MAX + 1];
    assert!(journal.append(&[large]).is_err());
    let mut second = draft(2);
    second.cause = 1;
    journal.append(&[second]).unwrap();
    assert_eq!(payloads(&journal), expected(2));
}

#[test]
fn the_largest_payload_survives() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(dir.path(), genesis(), &options()).unwrap();
    let mut large = draft(1);
    large.payload = vec![0xA5; lao_journal::PAYLOAD_BYTES_MAX];
    journal.append(std::slice::from_ref(&large)).unwrap();
    drop(journal);
    assert_eq!(payloads(&Journal::open(dir.path(), &options()).unwrap()), [large.payload]);
}

#[test]
fn a_file_that_is_no_journal_is_reported_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(JOURNAL_FILE);
    for content in [&b""[..], b"short", &[0x42; 10_000]] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(Journal::open(dir.path(), &options()), Err(OpenError::Damaged(_))));
        assert!(matches!(Reader::open(dir.path(), &options()), Err(OpenError::Damaged(_))));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

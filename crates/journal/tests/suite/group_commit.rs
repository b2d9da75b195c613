//! The appender: shared commits, answers in order, failure for good, crashes on purpose.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use lao_journal::{
    AppendError, Appender, FaultAnswer, FaultPoint, Head, JOURNAL_FILE, Journal, OpenError,
    Options, ReadError, Reader,
};

use crate::support::{append_and_wait, draft, drafts, expected, genesis, payloads};

/// Options whose fault hook is `fault`.
fn with_fault(fault: impl Fn(FaultPoint) -> FaultAnswer + Send + Sync + 'static) -> Options {
    Options { fault: Some(Arc::new(fault)), ..Options::default() }
}

fn spawn(dir: &std::path::Path, options: &Options) -> Appender {
    Appender::spawn(Journal::create(dir, genesis(), options).unwrap()).unwrap()
}

#[test]
fn appends_of_many_threads_share_commits_and_are_answered_in_order() {
    const THREADS: u64 = 8;
    const APPENDS: u64 = 50;
    let dir = tempfile::tempdir().unwrap();
    let commits = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&commits);
    let options = with_fault(move |point| {
        if matches!(point, FaultPoint::BeforeCommit { .. }) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        FaultAnswer::Continue
    });
    let appender = spawn(dir.path(), &options);
    let acks = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let appender = appender.clone();
            let acks = Arc::clone(&acks);
            scope.spawn(move || {
                for number in 1..=APPENDS {
                    let acks = Arc::clone(&acks);
                    let on_durable =
                        move |ack: Result<_, _>| acks.lock().unwrap().push(ack.unwrap());
                    appender.append(drafts(number..=number + 1), Box::new(on_durable));
                }
            });
        }
    });
    let head = appender.close().unwrap();
    let acks = acks.lock().unwrap();
    assert_eq!(acks.len() as u64, THREADS * APPENDS);
    for (index, ack) in (0..).zip(acks.iter()) {
        assert_eq!((ack.first_seq, ack.last_seq), (2 * index + 1, 2 * index + 2));
        assert_eq!(ack.head.seq, ack.last_seq);
    }
    assert_eq!(acks.last().unwrap().head, head);
    let commits = commits.load(Ordering::SeqCst);
    assert!(commits < THREADS * APPENDS, "{commits} commits for as many appends");

    let reader = Reader::open(dir.path(), &Options::default()).unwrap();
    assert_eq!(reader.verify().unwrap(), head);
    for ack in acks.iter() {
        let record = reader.records_from(ack.last_seq).unwrap().next().unwrap().unwrap();
        assert_eq!(record.hash, ack.head.hash);
    }
}

#[test]
fn an_append_of_nothing_is_answered_behind_what_came_before() {
    let dir = tempfile::tempdir().unwrap();
    let appender = spawn(dir.path(), &Options::default());
    let none = append_and_wait(&appender, Vec::new()).unwrap().unwrap();
    assert_eq!((none.first_seq, none.last_seq), (1, 0));
    let some = append_and_wait(&appender, drafts(1..=2)).unwrap().unwrap();
    let barrier = append_and_wait(&appender, Vec::new()).unwrap().unwrap();
    assert_eq!((barrier.first_seq, barrier.last_seq), (3, 2));
    assert_eq!(barrier.head, some.head);
}

#[test]
fn after_the_first_failure_every_append_fails_with_the_same_cause() {
    let dir = tempfile::tempdir().unwrap();
    let appender = spawn(dir.path(), &Options::default());
    append_and_wait(&appender, drafts(1..=2)).unwrap().unwrap();
    let mut ahead = draft(3);
    ahead.cause = 9;
    let first = append_and_wait(&appender, vec![ahead]).unwrap().unwrap_err();
    assert!(matches!(*first, AppendError::CauseAhead { seq: 3, cause: 9 }));
    let second = append_and_wait(&appender, drafts(3..=3)).unwrap().unwrap_err();
    assert!(Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&first, &appender.close().unwrap_err()));
    // The failed writer let go of the file, and what was acknowledged is there.
    let journal = Journal::open(dir.path(), &Options::default()).unwrap();
    assert_eq!(payloads(&journal), expected(2));
}

#[test]
fn a_closed_journal_is_free_and_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let appender = spawn(dir.path(), &Options::default());
    let other = appender.clone();
    let ack = append_and_wait(&appender, drafts(1..=1)).unwrap().unwrap();
    assert_eq!(appender.reader().head().unwrap(), ack.head);
    assert_eq!(appender.close().unwrap(), ack.head);
    let late = append_and_wait(&other, drafts(2..=2)).unwrap().unwrap_err();
    assert!(matches!(*late, AppendError::Closed { .. }));
    assert!(matches!(appender.reader().head(), Err(ReadError::Closed { .. })));
    assert_eq!(Journal::open(dir.path(), &Options::default()).unwrap().head(), ack.head);
}

#[test]
fn a_live_reader_sees_what_is_durable_while_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let appender = spawn(dir.path(), &Options::default());
    append_and_wait(&appender, drafts(1..=3)).unwrap().unwrap();
    let mut records = appender.reader().records_from(1).unwrap();
    append_and_wait(&appender, drafts(4..=5)).unwrap().unwrap();
    assert_eq!(records.by_ref().count(), 3);
    assert_eq!(appender.reader().records_from(1).unwrap().count(), 5);
}

/// Runs five appends of two records, crashing at the `crash_at`-th question; returns what was
/// acknowledged.
fn run_and_crash(dir: &std::path::Path, crash_at: u64) -> Option<Head> {
    let asked = AtomicU64::new(0);
    let options = with_fault(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        question if question == crash_at => FaultAnswer::Crash,
        _ => FaultAnswer::Continue,
    });
    let appender = spawn(dir, &options);
    let mut acknowledged = None;
    for number in [1, 3, 5, 7, 9] {
        match append_and_wait(&appender, drafts(number..=number + 1)) {
            Some(ack) => acknowledged = Some(ack.unwrap().head),
            None => break,
        }
    }
    // Nobody is answered after a crash, also not later.
    assert!(append_and_wait(&appender, drafts(11..=11)).is_none());
    assert!(matches!(*appender.close().unwrap_err(), AppendError::Crashed { .. }));
    acknowledged
}

#[test]
fn a_crash_at_every_point_loses_nothing_that_was_acknowledged() {
    for crash_at in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = run_and_crash(dir.path(), crash_at);
        // Even questions are before a commit, odd ones after it.
        let durable = 2 * crash_at.div_ceil(2);
        assert_eq!(acknowledged.map_or(0, |head| head.seq), 2 * (crash_at / 2));

        let Some(reader) = open_after_crash(dir.path(), durable) else {
            continue;
        };
        assert_eq!(reader.verify().unwrap().seq, durable);
        drop(reader);
        let mut journal = Journal::open(dir.path(), &Options::default()).unwrap();
        assert_eq!(payloads(&journal), expected(durable));
        journal.append(&drafts(durable + 1..=durable + 1)).unwrap();
        drop(journal);
        let journal = Journal::open(dir.path(), &Options::default()).unwrap();
        assert_eq!(payloads(&journal), expected(durable + 1));
    }
}

/// A reader of the file as the crash left it, which must not change by being read.
fn open_after_crash(dir: &std::path::Path, durable: u64) -> Option<Reader> {
    let path = dir.join(JOURNAL_FILE);
    if durable == 0 {
        let opened = Reader::open(dir, &Options::default());
        assert!(matches!(opened, Err(OpenError::Missing { .. })));
        let mut journal = Journal::create(dir, genesis(), &Options::default()).unwrap();
        journal.append(&drafts(1..=1)).unwrap();
        return None;
    }
    let before = std::fs::read(&path).unwrap();
    let reader = Reader::open(dir, &Options::default()).unwrap();
    let beside = Reader::open(dir, &Options::default()).unwrap();
    assert_eq!(beside.head().unwrap(), reader.head().unwrap());
    drop(beside);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    Some(reader)
}

#[test]
fn dropping_every_handle_closes_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let appender = spawn(dir.path(), &Options::default());
    let (sender, answer) = channel();
    appender.append(drafts(1..=4), Box::new(move |ack| sender.send(ack).unwrap()));
    drop(appender);
    let ack = answer.recv().unwrap().unwrap();
    // The thread closes the file at its own pace.
    let journal = loop {
        match Journal::open(dir.path(), &Options::default()) {
            Ok(journal) => break journal,
            Err(OpenError::Held { .. }) => std::thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(journal.head(), ack.head);
}

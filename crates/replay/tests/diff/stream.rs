//! Runs read from their journals.

use std::sync::LazyLock;

use lao_history::{Contents, RunFolder, RunsFolder};
use lao_replay::diff::{
    DiffError, Pair, Presence, RunDiff, RunEnd, RunRecord, Side, diff, read_run,
};
use lao_testkit::{Texts, smooth_run};
use tempfile::TempDir;

/// So long that what is quadratic in its length would be felt.
const EVENTS: usize = 20_000;

/// A long run of many tasks.
struct Long {
    _folder: TempDir,
    run: RunFolder,
    contents: Contents,
    events: u64,
}

static LONG: LazyLock<Long> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let project = RunsFolder::new(folder.path());
    let smooth = smooth_run(&project, Texts::Small, EVENTS);
    let contents = project.contents().unwrap();
    let (run, events) = (smooth.folder, smooth.events as u64);
    Long { _folder: folder, run, contents, events }
});

fn read(at: Option<u64>) -> Result<RunRecord, DiffError> {
    read_run(&LONG.run.reader().unwrap(), at)
}

fn compare(a: &RunRecord, b: &RunRecord) -> RunDiff {
    let contents = &LONG.contents;
    diff(Pair { a: Side { run: a, contents }, b: Side { run: b, contents } }).unwrap()
}

#[test]
fn a_long_run_is_read_whole() {
    let run = read(None).unwrap();
    assert_eq!((run.last_seq, run.totals.events), (LONG.events, LONG.events));
    assert_eq!(run.end, (LONG.events, RunEnd::Open));
    assert_eq!(run.totals.steps, run.steps.len() as u64);
    assert!(run.totals.attempts > 500 && run.totals.answers > 1000, "{:?}", run.totals);
    assert!(run.totals.tool_calls > 500 && run.totals.file_writes > 500, "{:?}", run.totals);
    assert!(compare(&run, &run).is_empty());
}

#[test]
fn what_came_after_a_position_is_only_in_the_longer_one() {
    let at = LONG.events - 40;
    let (a, b) = (read(Some(at)).unwrap(), read(None).unwrap());
    assert_eq!(a.last_seq, at);
    let found = compare(&a, &b);
    let first = found.first.as_ref().expect("something came after it");
    let seqs = first.change.place.seqs;
    assert!(seqs.b.is_some_and(|seq| seq > at), "{first:#?}");
    assert!(found.steps.iter().all(|step| {
        step.all_changes()
            .all(|(_, change)| Presence::of(change.place.seqs) != Some(Presence::OnlyA))
    }));
    assert_eq!(found.swapped(), compare(&b, &a));
}

#[test]
fn behind_the_end_there_is_nothing() {
    let Err(DiffError::OutOfRange { at, last_seq, .. }) = read(Some(LONG.events + 1)) else {
        panic!("there is no such event");
    };
    assert_eq!((at, last_seq), (LONG.events + 1, LONG.events));
}

//! The stream on the disk: killed at every commit, held by another, opened by another program.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use lao_event::{
    Hash, RunId,
    latest::{TriggerCause, TriggerFired, TriggerOutcome},
};
use lao_journal::{AppendError, Fault, FaultAnswer, FaultPoint, Options};
use lao_trigger::{
    FoundFile, Missed, Opening, Rules, STAMPS_PER_EVENT_MAX, ScheduleRule, ScheduleSpec,
    StreamError, TriggerStream, WatchRule, folder_name, stamp,
};

const START_MS: i64 = 1_774_699_200_000;
const HOUR_MS: i64 = 3_600_000;

fn opening() -> Opening {
    let (expression, zone) = ("0 * * * *".to_owned(), Some("UTC".to_owned()));
    let spec = ScheduleSpec { expression, zone, missed: Missed::All, overlap: false };
    let schedules = vec![ScheduleRule::read(spec).expect("it is right")];
    Opening {
        workflow: "flows/inbox.yaml".to_owned(),
        text: Hash::of(b"text"),
        program: "0.1.0".to_owned(),
        rules: Rules { watches: vec![WatchRule { concurrency: 1 }], schedules },
    }
}

fn open(folder: &Path, now_ms: i64) -> TriggerStream {
    TriggerStream::open(folder, opening(), now_ms, &Options::default()).expect("it opens")
}

fn file(name: &str) -> FoundFile {
    let path = format!("inbox/{name}");
    let hash = Hash::of(name.as_bytes());
    FoundFile { watch: 0, path, hash, size_bytes: 1, modified_ms: 5 }
}

/// Ids that ascend over all processes.
fn new_run() -> impl FnMut() -> RunId {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    || RunId::new(COUNT.fetch_add(1, Ordering::SeqCst) as u64 * 1000, 0)
}

/// Dies at one of the journal's commits, before or after it.
struct DieAt {
    left: AtomicUsize,
}

impl Fault for DieAt {
    fn at(&self, _: FaultPoint) -> FaultAnswer {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        {
            Ok(_) => FaultAnswer::Continue,
            Err(_) => FaultAnswer::Crash,
        }
    }
}

/// Two files, a moment, and all of it carried out; gives up where it dies.
fn life(folder: &Path, options: &Options) -> Result<(), StreamError> {
    let mut run = new_run();
    let now_ms = START_MS + HOUR_MS;
    let mut stream = TriggerStream::open(folder, opening(), START_MS, options)?;
    if !stream.state().has_passed_over("inbox", false) {
        stream.pass_over("inbox", false, &[stamp("inbox/old", 1, 5)], START_MS)?;
    }
    stream.due(now_ms, &mut run)?;
    for name in ["a", "b"] {
        stream.file_settled(file(name), now_ms, &mut run)?;
    }
    let first_open = |stream: &TriggerStream| {
        let mut open = stream.state().open().map(|fired| fired.number);
        open.next()
    };
    while let Some(number) = first_open(&stream) {
        stream.ended(number, TriggerOutcome::Succeeded, now_ms, &mut run)?;
    }
    Ok(())
}

fn is_crash(error: &StreamError) -> bool {
    matches!(error, StreamError::Append(AppendError::Crashed { .. }))
}

#[test]
fn killed_at_every_commit_it_fires_everything_once() {
    let mut deaths = 0;
    for left in 0.. {
        let folder = tempfile::tempdir().expect("a folder");
        let fault: Arc<dyn Fault> = Arc::new(DieAt { left: AtomicUsize::new(left) });
        let options = Options { fault: Some(fault), ..Options::default() };
        let died = life(folder.path(), &options);
        let is_dead = died.is_err();
        if let Err(error) = died {
            assert!(is_crash(&error), "{error}");
            deaths += 1;
            life(folder.path(), &Options::default()).expect("it goes on");
        }
        let state = TriggerStream::look(folder.path(), &Options::default()).expect("it is whole");
        assert_eq!(state.open().len(), 0);
        assert_eq!(state.next_number(), 4, "three firings, whenever it died: {left}");
        assert!(["a", "b"].iter().all(|name| state.has_seen(&Hash::of(name.as_bytes()))));
        assert!(state.stamps().contains(&stamp("inbox/old", 1, 5)));
        assert!(state.stamps().contains(&stamp("inbox/a", 1, 5)));
        assert_eq!(state.covered_ms(0), Some(START_MS + HOUR_MS));
        if !is_dead {
            break;
        }
    }
    assert_eq!(deaths, 2 * 8, "before and after each commit");
}

#[test]
fn a_firing_names_its_run_until_that_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = new_run();
    let mut stream = open(folder.path(), START_MS);
    let fired = stream.file_settled(file("a"), START_MS, &mut run).expect("it is written");
    let fired = fired.expect("it is new");
    assert!(matches!(&fired.cause, TriggerCause::File { path, .. } if path == "inbox/a"));
    drop(stream);
    let mut stream = open(folder.path(), START_MS + 1);
    let open_ones: Vec<TriggerFired> = stream.state().open().cloned().collect();
    assert_eq!(open_ones, [fired], "the same run, whoever opens it");
    assert_eq!(stream.file_settled(file("a"), START_MS, &mut run).expect("read"), None);
    let waits = stream.file_settled(file("b"), START_MS, &mut run).expect("read");
    assert_eq!(waits, None, "there is one place");
    let next = stream.ended(1, TriggerOutcome::Failed, START_MS, &mut run).expect("written");
    assert_eq!(next.len(), 1, "and now it is free");
    let twice = stream.ended(1, TriggerOutcome::Failed, START_MS, &mut run);
    assert!(matches!(twice, Err(StreamError::Inconsistent { .. })));
    let manual = stream.manual(START_MS, run()).expect("an error that wrote nothing stops nothing");
    assert_eq!(manual.number, 3);
    assert_eq!(stream.state().newest_run(), Some(&manual.run));
    stream.close().expect("it closes");
}

#[test]
fn a_second_process_is_told_who_holds_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let stream = open(folder.path(), START_MS);
    let Err(error) = TriggerStream::open(folder.path(), opening(), START_MS, &Options::default())
    else {
        panic!("two writers")
    };
    let pid = std::process::id();
    let text = format!(
        "the triggers in {} are held by process {pid}: only one process may start a workflow's \
         runs; stop that one first",
        folder.path().display()
    );
    assert_eq!(error.to_string(), text);
    let looked = TriggerStream::look(folder.path(), &Options::default());
    assert!(matches!(looked, Err(StreamError::Held { .. })));
    stream.close().expect("it closes");
    open(folder.path(), START_MS);
}

#[test]
fn a_folder_of_many_files_is_passed_over_in_one_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stream = open(folder.path(), START_MS);
    let count = STAMPS_PER_EVENT_MAX * 2 + 1;
    let stamps: Vec<Hash> = (0..count).map(|number| Hash::of(&number.to_le_bytes())).collect();
    stream.pass_over("inbox", true, &stamps, START_MS).expect("it is written");
    stream.pass_over("empty", false, &[], START_MS).expect("it is written");
    drop(stream);
    let state = TriggerStream::look(folder.path(), &Options::default()).expect("it is read");
    assert_eq!(state.stamps().len(), count);
    assert!(state.has_passed_over("inbox", true) && state.has_passed_over("empty", false));
    assert!(!state.has_passed_over("inbox", false), "folders inside were another question");
}

#[test]
fn the_text_of_a_workflow_may_change_while_it_is_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stream = open(folder.path(), START_MS);
    let text = Hash::of(b"another text");
    stream.change(Opening { text, ..opening() }, START_MS + 5).expect("it is written");
    assert_eq!(stream.state().opened(), Some(("flows/inbox.yaml", text)));
    assert_eq!(stream.next_due_ms(), Some(START_MS + HOUR_MS), "the schedule goes on");
}

#[test]
fn every_workflow_has_a_folder_of_its_own_that_stays_inside() {
    assert_eq!(folder_name("inbox"), "inbox");
    assert_eq!(folder_name("inbox-2.yaml"), "inbox-2.yaml");
    let odd = ["../up", "a/b", "a b", "", ".", "..", ".hidden", "größe", "a\0b", "-x", "con/../x"];
    let mut names: Vec<String> = odd.iter().map(|name| folder_name(name)).collect();
    for (name, odd) in names.iter().zip(odd) {
        assert!(name.starts_with(|first: char| first.is_ascii_alphanumeric()), "{odd}: {name}");
        assert!(!name.contains(['/', '\\', ' ', '\0']), "{odd}: {name}");
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), odd.len());
    assert!(folder_name(&"x".repeat(300)).len() <= 80);
}

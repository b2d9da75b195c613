//! What journals of the real program seldom show: changes by others, writes that a crash cut off,
//! conflicts, commits that failed.

use lao_event::{
    Attempt, CallId, Content, EffectId, Event, Hash, StepId,
    latest::{
        Before, CommitEnded, CommitOutcome, CommitPhase, CommitStarted, FileWriteEnded,
        FileWriteOutcome, FileWriteStarted, StartCause, StepStarted, TrailFile,
    },
};
use lao_history::{Contents, Recorded};
use lao_journal::{Blobs, Genesis, Journal, Options, Reader};
use lao_replay::{Author, FilesAt, FilesError, WrittenBy, blame, files_at};

/// A journal with these events, and its texts.
struct Made {
    reader: Reader,
    contents: Contents,
    _place: tempfile::TempDir,
}

fn made(events: Vec<Event>) -> Made {
    let place = tempfile::tempdir().unwrap();
    let genesis = Genesis { run: "run-1".to_owned(), started: Vec::new() };
    let mut journal = Journal::create(place.path(), genesis, &Options::default()).unwrap();
    let drafts: Vec<_> = events
        .into_iter()
        .map(|event| {
            let recorded =
                Recorded { seq: 0, wall_ms: 0, monotonic_ns: 0, cause: 0, noted: false, event };
            recorded.draft().unwrap()
        })
        .collect();
    journal.append(&drafts).unwrap();
    drop(journal);
    let reader = Reader::open(place.path(), &Options::default()).unwrap();
    let contents = Contents::new(Blobs::open(&place.path().join("blobs")).unwrap());
    Made { reader, contents, _place: place }
}

fn call(effect: u64) -> CallId {
    CallId { answer: EffectId(effect), index: 0 }
}

fn write(effect: u64, path: &str, before: Before, after: Option<&str>) -> Event {
    FileWriteStarted {
        effect: EffectId(effect),
        step: StepId(0),
        call: call(effect),
        path: path.to_owned(),
        before,
        after: after.map(Content::from),
        reply: "".into(),
    }
    .into()
}

fn ended(effect: u64, outcome: FileWriteOutcome) -> Event {
    FileWriteEnded { effect: EffectId(effect), outcome }.into()
}

fn kept(text: &str) -> Before {
    Before::Kept(text.into())
}

fn known(text: &str) -> Before {
    Before::Known { hash: Hash::of(text.as_bytes()) }
}

fn attempt(number: u32) -> Event {
    let cause = StartCause::Ready;
    StepStarted { step: StepId(0), attempt: Attempt(number), cause }.into()
}

/// Files and their texts at a position.
fn texts(made: &Made, at: u64) -> Vec<(String, String)> {
    let FilesAt { files, .. } = files_at(&made.reader, Some(at)).unwrap();
    let text = |content: &Content| content.inline().unwrap().to_owned();
    files.iter().map(|(path, file)| (path.clone(), text(&file.content))).collect()
}

fn shown(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_file_is_what_it_became_when_its_write_had_ended() {
    let made = made(vec![
        attempt(1),
        write(1, "new", Before::Absent, Some("n")),
        ended(1, FileWriteOutcome::Written),
        write(2, "old", kept("o"), Some("changed")),
        ended(2, FileWriteOutcome::AlreadyWritten),
        attempt(2),
        write(3, "new", known("n"), None),
        ended(3, FileWriteOutcome::Written),
        write(4, "old", known("changed"), Some("twice")),
    ]);
    let old = ("old", "o");
    assert_eq!(texts(&made, 1), shown(&[old]), "it stood there before");
    assert_eq!(texts(&made, 2), shown(&[old]));
    assert_eq!(texts(&made, 3), shown(&[("new", "n"), old]));
    assert_eq!(texts(&made, 5), shown(&[("new", "n"), ("old", "changed")]));
    assert_eq!(texts(&made, 8), shown(&[("old", "changed")]));
    let last = files_at(&made.reader, None).unwrap();
    assert_eq!((last.at, last.last), (9, 9));
    assert!(last.in_flight.contains("old"), "the crash hid what became of it");
    let WrittenBy::Call(by) = last.files["old"].written_by else { panic!("{last:?}") };
    assert_eq!((by.seq, by.attempt, by.call), (5, Attempt(1), call(2)));
    for at in [0, 10] {
        let refused = files_at(&made.reader, Some(at)).unwrap_err();
        assert!(matches!(refused, FilesError::OutOfRange { last: 9, .. }), "{refused}");
    }
}

#[test]
fn what_was_not_done_changes_nothing() {
    let failed = || FileWriteOutcome::Failed { message: "no".to_owned() };
    let made = made(vec![
        write(1, "a", kept("a"), Some("b")),
        ended(1, FileWriteOutcome::Conflict { found: Some(Hash::of(b"x")) }),
        write(2, "a", kept("x"), Some("b")),
        ended(2, failed()),
        write(3, "gone", Before::Absent, Some("g")),
        ended(3, failed()),
    ]);
    assert_eq!(texts(&made, 2), shown(&[("a", "a")]));
    assert_eq!(texts(&made, 3), shown(&[("a", "x")]), "as the next look found it");
    assert_eq!(texts(&made, 6), shown(&[("a", "x")]));
    let files = files_at(&made.reader, None).unwrap().files;
    assert_eq!(files["a"].written_by, WrittenBy::Elsewhere { seen: 3 });
}

#[test]
fn the_trail_is_there_when_its_commit_was_made() {
    let commit = |effect| {
        Event::from(CommitStarted {
            effect: EffectId(effect),
            step: StepId(0),
            phase: CommitPhase::Planning,
            subject: String::new(),
            body: String::new(),
            paths: Vec::new(),
            trail: vec![TrailFile { path: "PLAN".to_owned(), content: "p".into() }],
            sweep: false,
        })
    };
    let ended = |effect, outcome| Event::from(CommitEnded { effect: EffectId(effect), outcome });
    let made = made(vec![
        commit(1),
        ended(1, CommitOutcome::Failed { message: "no".to_owned() }),
        commit(2),
        ended(2, CommitOutcome::Made { id: "c0ffee".to_owned() }),
    ]);
    assert_eq!(texts(&made, 3), shown(&[]));
    assert_eq!(texts(&made, 4), shown(&[("PLAN", "p")]));
    assert_eq!(files_at(&made.reader, None).unwrap().commit.as_deref(), Some("c0ffee"));
}

#[test]
fn a_journal_that_contradicts_itself_is_not_believed() {
    let made = made(vec![write(1, "a", known("never seen"), Some("b"))]);
    let refused = files_at(&made.reader, None).unwrap_err();
    assert!(matches!(refused, FilesError::NotKept { seq: 1, .. }), "{refused}");
}

#[test]
fn lines_belong_to_who_wrote_them_last() {
    let made = made(vec![
        attempt(1),
        write(1, "f", kept("one\ntwo\n"), Some("one\nTWO\n")),
        ended(1, FileWriteOutcome::Written),
        write(2, "f", kept("one\nTWO\nby hand\n"), Some("zero\none\nTWO\nby hand\n")),
        ended(2, FileWriteOutcome::Written),
    ]);
    let blamed = blame(&made.reader, &made.contents, ("f", None)).unwrap();
    let authors: Vec<(String, u64)> = blamed
        .lines
        .into_iter()
        .map(|line| {
            let seq = match line.author {
                Author::BeforeRun { seen } | Author::Elsewhere { seen } => seen,
                Author::Trail { seq, .. } | Author::Step { seq, .. } => seq,
                Author::Model(author) => author.seq,
            };
            (line.text, seq)
        })
        .collect();
    let expected = [("zero", 5), ("one", 2), ("TWO", 3), ("by hand", 4)];
    assert_eq!(authors, expected.map(|(text, seq)| (text.to_owned(), seq)));
}

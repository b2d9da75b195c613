//! Journals that are newer, held, damaged, or hold something this program does not know.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use lao_event::{Event, codec};
use lao_journal::{Draft, Genesis, JOURNAL_FILE, Journal, Manifest, Options};
use redb::{Database, ReadableDatabase as _, TableDefinition};

use super::{simple, transcript::Story};

/// Folder of a run, by its place among all of the project in the sandbox.
pub(crate) fn folder(story: &mut Story, place: usize) -> PathBuf {
    let run = story.run_id(place);
    story.sandbox.path(".lao/runs").join(run)
}

/// Appends an event to the journal of a run that nobody works on.
pub(crate) fn append(folder: &Path, event: &Event) {
    let encoded = codec::encode(event).unwrap();
    append_record(folder, encoded.event_type, encoded.payload);
}

/// Appends a record of any type.
pub(crate) fn append_record(folder: &Path, event_type: u16, payload: Vec<u8>) {
    let mut journal = Journal::open(folder, &Options::default()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let draft = Draft {
        event_type,
        schema_version: 1,
        flags: 0,
        wall_time_ms: i64::try_from(now.as_millis()).unwrap(),
        monotonic_ns: 0,
        cause: 0,
        payload,
    };
    journal.append(&[draft]).unwrap();
}

/// A project with a run that is done, and that run's folder.
fn done() -> (Story, PathBuf) {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    let folder = folder(&mut story, 0);
    (story, folder)
}

/// Types every command that reads or writes the journal.
fn look(story: &mut Story) {
    let lines = [
        "runs",
        "status",
        "show last",
        "log last --from 47",
        "journal check",
        "journal check --deep",
        "doctor",
        "run plans/app.md",
        "run plans/app.md --json",
        "resume last",
        "retry",
        "cancel last",
        "answer last 1 skip",
    ];
    for line in lines {
        story.lao(line);
    }
}

#[test]
fn a_newer_journal_is_left_alone() {
    let (mut story, folder) = done();
    unseal(&folder);
    let path = folder.join(JOURNAL_FILE);
    let database = Database::open(&path).unwrap();
    let table: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let change = database.begin_write().unwrap();
    change.open_table(table).unwrap().insert("format", &2_u16.to_le_bytes()[..]).unwrap();
    change.commit().unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    look(&mut story);
    assert!(fs::read(&path).unwrap() == before, "nothing is written to a newer journal");
    story.check("journal_newer");
}

#[test]
fn an_event_of_a_newer_program_is_shown_and_not_resumed() {
    let (mut story, folder) = done();
    unseal(&folder);
    append_record(&folder, 999, b"from the future".to_vec());
    look(&mut story);
    story.check("event_newer");
}

#[test]
fn a_held_journal_is_said_to_be_held() {
    let (mut story, folder) = done();
    unseal(&folder);
    let held = Journal::open(&folder, &Options::default()).unwrap();
    look(&mut story);
    drop(held);
    story.check("journal_held");
}

#[test]
fn a_damaged_journal_is_found_out() {
    let (mut story, _) = damaged();
    look(&mut story);
    story.check("journal_damaged");
}

/// A project with a run in whose journal one bit is wrong.
pub(crate) fn damaged() -> (Story, PathBuf) {
    let (story, folder) = done();
    unseal(&folder);
    let database = Database::open(folder.join(JOURNAL_FILE)).unwrap();
    let table: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
    let read = database.begin_read().unwrap();
    let mut record = read.open_table(table).unwrap().get(47).unwrap().unwrap().value().to_vec();
    *record.last_mut().unwrap() ^= 1;
    let change = database.begin_write().unwrap();
    change.open_table(table).unwrap().insert(47, record.as_slice()).unwrap();
    change.commit().unwrap();
    (story, folder)
}

#[test]
fn a_run_that_was_killed_before_its_first_event_is_no_run() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    let run = "20260302-211405-00000";
    let folder = story.sandbox.path(".lao/runs").join(run);
    fs::create_dir_all(&folder).unwrap();
    let genesis = Genesis { run: run.to_owned(), started: Vec::new() };
    drop(Journal::create(&folder, genesis, &Options::default()).unwrap());
    for line in
        ["runs", "status", "show last", "log last", "resume", "resume last", "retry", "cancel last"]
    {
        story.lao(line);
    }
    story.lao("run plans/app.md -q");
    story.check("never_began");
}

#[test]
fn a_run_that_lost_its_seal_is_over_all_the_same() {
    let (mut story, folder) = done();
    unseal(&folder);
    for line in
        ["run plans/app.md", "resume", "resume last", "cancel last", "runs", "journal check"]
    {
        story.lao(line);
    }
    story.check("unsealed");
}

/// Takes the seal away, as a crash right before it does.
pub(crate) fn unseal(folder: &Path) {
    let mut manifest = Manifest::read(folder).unwrap();
    manifest.sealed = None;
    manifest.write(folder).unwrap();
}

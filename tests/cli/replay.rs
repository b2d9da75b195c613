//! Runs derived again, and looked at as they were at an event.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lao_event::{
    Event, codec,
    latest::{FailureReason, StepOutcome},
};
use lao_journal::{Draft, Genesis, Head, JOURNAL_FILE, Manifest, Options, Reader, Restore, chain};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::{journals, portable::widen, simple, transcript::Story, waiting};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

/// A project with a run that is done, and that run's folder.
fn done() -> (Story, PathBuf) {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    let folder = journals::folder(&mut story, 0);
    (story, folder)
}

/// The same, with a plan that is a blob.
fn done_with_blob() -> (Story, PathBuf) {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    widen(&story.sandbox);
    let line = "Write two files, as the first line says and no line after it changes.\n";
    story.sandbox.write(simple::PLAN, &format!("# Two files\n\n{}", line.repeat(300)));
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    let folder = journals::folder(&mut story, 0);
    (story, folder)
}

/// Position of the first event of a name, as the log tells.
pub(crate) fn position(story: &Story, run: &str, event: &str) -> u64 {
    let log = story.sandbox.run(&["log", run, "--json"]).stdout;
    let found = log.lines().find_map(|line| {
        let update: serde_json::Value = serde_json::from_str(line).unwrap();
        (update["event"] == event).then(|| update["seq"].as_u64().unwrap())
    });
    found.unwrap_or_else(|| panic!("no {event} in\n{log}"))
}

#[test]
fn a_run_is_derived_again() {
    let (mut story, _) = done();
    assert_eq!(story.lao("replay last").code, Some(0));
    story.lao("replay last --json");
    story.lao("replay nobody");
    story.lao("replay");
    story.lao("replay last@900");
    story.lao("replay last --at 900 --json");
    story.lao("replay last --at 0");
    story.check("replay");
}

#[test]
fn a_run_is_looked_at_as_it_was() {
    let (mut story, _) = done();
    let at = |event: &str| position(&story, "last", event);
    let (asked, answered) = (at("ModelCallStarted"), at("ModelCallEnded"));
    let (writes, wrote, ends) = (at("FileWriteStarted"), at("FileWriteEnded"), at("RunEnded"));
    for place in [asked, answered, writes, wrote, ends] {
        assert_eq!(story.lao(&format!("replay last@{place}")).code, Some(0));
    }
    story.lao(&format!("replay last --at {wrote} --json"));
    // Without a terminal there are no keys.
    story.lao(&format!("replay last --step --at {wrote}"));
    story.lao(&format!("show last --at {wrote}"));
    story.lao(&format!("show last --at {wrote} --step t1"));
    story.lao(&format!("show last --at {asked} --step t1"));
    story.lao("show last --at 900");
    story.check("replay_moments");
}

#[test]
fn findings_of_checks_are_looked_at() {
    let mut story = Story::new();
    let red = "\n[[verifier.commands]]\nname = \"red\"\nrun = [\"false\"]\nper = \"task\"\n";
    simple::write(&story.sandbox, red, &[simple::PLANNED, simple::CODED, simple::APPROVED]);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(4));
    let checked = position(&story, "last", "ChecksEnded");
    story.lao(&format!("replay last@{checked}"));
    story.lao("replay last");
    story.check("replay_findings");
}

#[test]
fn whatever_happened_to_a_run_is_derived_again() {
    let mut story = waiting::killed_in_a_command("");
    let identical = |story: &Story, when: &str| {
        let outcome = story.sandbox.run(&["replay", "last"]);
        assert_eq!(outcome.code, Some(0), "{when}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stdout.contains("identical"), "{when}: {}", outcome.stdout);
    };
    identical(&story, "killed");
    assert_eq!(story.sandbox.run(&["resume"]).code, Some(5));
    identical(&story, "parked");
    let status = story.sandbox.run(&["status", "--json"]).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let question = status["questions"][0]["question"].to_string();
    assert_eq!(story.sandbox.run(&["answer", "last", &question, "skip"]).code, Some(0));
    identical(&story, "answered, and no process heard it");
    assert_eq!(story.sandbox.run(&["cancel", "last"]).code, Some(0));
    identical(&story, "cancelled, and no process heard it");
    story.lao("replay last");
    let failed = Story::new();
    simple::write(&failed.sandbox, "", &[simple::PLANNED]);
    assert_eq!(failed.sandbox.run(&["run", simple::PLAN]).code, Some(4));
    identical(&failed, "failed");
    assert_eq!(failed.sandbox.run(&["retry"]).code, Some(4));
    identical(&failed, "retried, and failed again");
    story.check("replay_cancelled");
}

/// Changes the bytes of a record in place, and its chain stays as it was.
fn edit(folder: &Path, seq: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let database = Database::open(folder.join(JOURNAL_FILE)).unwrap();
    let read = database.begin_read().unwrap();
    let mut record = read.open_table(EVENTS).unwrap().get(seq).unwrap().unwrap().value().to_vec();
    change(&mut record);
    let write = database.begin_write().unwrap();
    write.open_table(EVENTS).unwrap().insert(seq, record.as_slice()).unwrap();
    write.commit().unwrap();
}

/// Takes records out.
fn remove(folder: &Path, from: u64, count: u64) {
    let database = Database::open(folder.join(JOURNAL_FILE)).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(EVENTS).unwrap();
        for seq in from..from + count {
            table.remove(seq).unwrap();
        }
    }
    write.commit().unwrap();
}

/// Exchanges two records.
fn exchange(folder: &Path, (a, b): (u64, u64)) {
    let database = Database::open(folder.join(JOURNAL_FILE)).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(EVENTS).unwrap();
        let at = |seq: u64| table.get(seq).unwrap().unwrap().value().to_vec();
        let (first, second) = (at(a), at(b));
        table.insert(a, second.as_slice()).unwrap();
        table.insert(b, first.as_slice()).unwrap();
    }
    write.commit().unwrap();
}

/// Writes the journal anew with a right chain, one of its events being another.
pub(crate) fn forge(folder: &Path, forge: impl Fn(u64, Event) -> Event) {
    let reader = Reader::open(folder, &Options::default()).unwrap();
    let genesis: Genesis = reader.genesis().clone();
    let mut manifest = Manifest::read(folder).unwrap();
    let elsewhere = folder.with_file_name("forged");
    let mut head = Head { seq: 0, hash: genesis.hash() };
    let mut restore = Restore::begin(&elsewhere, genesis).unwrap();
    let mut bytes = Vec::new();
    reader
        .for_each::<lao_journal::ReadError>(1, |record| {
            let header = &record.header;
            let known = codec::decode(header.event_type, header.schema_version, record.payload);
            let event = codec::encode(&forge(header.seq, known.unwrap())).unwrap();
            let draft = Draft {
                event_type: event.event_type,
                schema_version: event.schema_version,
                flags: header.flags,
                wall_time_ms: header.wall_time_ms,
                monotonic_ns: header.monotonic_ns,
                cause: header.cause,
                payload: event.payload,
            };
            head = chain(head, &draft, &mut bytes).unwrap();
            restore.push(&bytes).unwrap();
            Ok(())
        })
        .unwrap();
    drop(reader);
    manifest.sealed = None;
    restore.finish(&manifest).unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::rename(elsewhere, folder).unwrap();
}

/// Says that a step failed which succeeded.
pub(crate) fn lie(_seq: u64, mut event: Event) -> Event {
    if let Event::StepEnded(ended) = &mut event
        && ended.step.0 == 1
    {
        ended.outcome = StepOutcome::Failed {
            reason: FailureReason::ChecksRed,
            message: "it says so".to_owned(),
        };
    }
    event
}

/// Each way of tampering is named by `lao replay` and by a deep check, with its position.
#[test]
fn no_tampering_is_silent() {
    const HEADER_CAUSE: usize = 32;
    const PAYLOAD: usize = 44;
    type Tamper = fn(&Path);
    let cases: [(&str, &str, Tamper); 7] = [
        ("a header's field", "event 20", |folder| {
            edit(folder, 20, |record| record[HEADER_CAUSE] ^= 1);
        }),
        ("a payload's byte", "event 20", |folder| edit(folder, 20, |it| it[PAYLOAD] ^= 1)),
        ("a chain hash", "event 20", |folder| {
            edit(folder, 20, |record| *record.last_mut().unwrap() ^= 1);
        }),
        ("the order of two records", "event 20", |folder| exchange(folder, (20, 21))),
        ("a record in the middle", "event 20", |folder| remove(folder, 20, 1)),
        ("the end of a sealed run", "", |folder| remove(folder, 45, 100)),
        ("the manifest's seal", "", |folder| {
            let mut manifest = Manifest::read(folder).unwrap();
            let seal = manifest.sealed.as_mut().unwrap();
            seal.last_seq -= 1;
            manifest.write(folder).unwrap();
        }),
    ];
    let mut text = String::new();
    for (what, place, tamper) in cases {
        let (story, folder) = done();
        tamper(&folder);
        for line in ["replay last", "journal check last --deep"] {
            let arguments: Vec<&str> = line.split(' ').collect();
            let outcome = story.sandbox.run(&arguments);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert_eq!(outcome.code, Some(8), "{what}, {line}: {said}");
            assert!(said.contains(place), "{what}, {line}: {said}");
            text += &said;
        }
    }
    assert!(text.contains("seal"), "{text}");
}

#[test]
fn a_blob_that_is_missing_or_altered_is_named() {
    for damage in [true, false] {
        let (story, _) = done_with_blob();
        let shards = fs::read_dir(story.sandbox.path(".lao/blobs")).unwrap();
        let mut blobs = shards.flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
        let blob = blobs.next().unwrap().unwrap().path();
        if damage {
            let mut bytes = fs::read(&blob).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&blob, bytes).unwrap();
        } else {
            fs::remove_file(&blob).unwrap();
        }
        let name = blob.file_name().unwrap().to_str().unwrap();
        for line in [&["replay", "last"][..], &["journal", "check", "last", "--deep"]] {
            let outcome = story.sandbox.run(line);
            let said = format!("{}{}", outcome.stdout, outcome.stderr);
            assert_eq!(outcome.code, Some(8), "{line:?}: {said}");
            assert!(said.contains(name), "{line:?}: {said}");
        }
    }
}

#[test]
fn another_event_under_a_right_chain_does_not_follow() {
    let (mut story, folder) = done();
    forge(&folder, lie);
    assert_eq!(story.lao("replay last").code, Some(10));
    assert_eq!(story.lao("replay last --json").code, Some(10));
    story.check("replay_forged");
}

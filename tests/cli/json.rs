//! `--json`: what `docs/commands.md` promises of each command, and what it looks like.

use std::collections::BTreeSet;

use lao_protocol::{RunStatus, RunSummary, StepView, Update};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{simple, transcript::Story, waiting};

/// The lines of a command's output, each read as what it is documented to be.
fn read<T: DeserializeOwned>(story: &mut Story, line: &str) -> Vec<T> {
    let outcome = story.lao(line);
    assert_eq!(outcome.stderr, "", "{line}");
    let parsed = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")));
    parsed.collect()
}

/// Objects with just these fields.
#[track_caller]
fn assert_fields(objects: &[Value], fields: &[&str]) {
    assert!(!objects.is_empty());
    for object in objects {
        let found: BTreeSet<&str> =
            object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, fields.iter().copied().collect(), "{object}");
    }
}

#[test]
fn looking() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    let updates: Vec<Update> = read(&mut story, "run plans/app.md --json");
    assert!(matches!(updates.last(), Some(Update::Finished(_))));
    let events = updates.iter().filter(|update| matches!(update, Update::Event(_))).count();
    let again: Vec<Update> = read(&mut story, "run plans/app.md --json");
    assert!(matches!(&again[..], [Update::Finished(status)] if status.exit_code == 0));
    let quiet: Vec<Update> = read(&mut story, "run plans/app.md --again --json --quiet");
    assert!(matches!(&quiet[..], [Update::Finished(_)]));
    let runs: Vec<RunSummary> = read(&mut story, "runs --json");
    assert_eq!(runs.len(), 2);
    let first = runs[1].run.clone();
    let status: Vec<RunStatus> = read(&mut story, &format!("status {first} --json"));
    let show: Vec<RunStatus> = read(&mut story, &format!("show {first} --json"));
    assert_eq!((status.len(), &status), (1, &show));
    let step: Vec<StepView> = read(&mut story, &format!("show {first} --step t1 --json"));
    assert!(step.iter().all(|step| step.detail.is_some()));
    let log: Vec<Update> = read(&mut story, &format!("log {first} --json"));
    assert_eq!(log.len(), events);
    assert!(log.iter().all(|update| matches!(update, Update::Event(_))));
    story.check("json_looking");
}

#[test]
fn project() {
    let mut story = Story::new();
    let init: Vec<Value> = read(&mut story, "init --json");
    let fields = ["folder", "files", "servers", "silent", "roles", "roles_missing"];
    assert_fields(&init, &fields);
    simple::write_working(&story.sandbox);
    let doctor: Vec<Value> = read(&mut story, "doctor --json");
    assert_fields(&doctor, &["state", "subject", "message", "cure"]);
    let config: Vec<Value> = read(&mut story, "config show --json");
    assert_fields(&config, &["key", "value", "source"]);
    read::<Update>(&mut story, "run plans/app.md --json --quiet");
    let check: Vec<Value> = read(&mut story, "journal check --json");
    let fields =
        ["run", "deep", "events", "blobs", "size_bytes", "sealed", "head", "problems", "affected"];
    assert_fields(&check, &fields);
}

#[test]
fn acting() {
    let mut story = waiting::killed_in_a_command("");
    let parked: Vec<Update> = read(&mut story, "resume --json --quiet");
    let Some(Update::Finished(status)) = parked.last() else {
        panic!("no last update: {parked:?}");
    };
    let question = status.questions[0].question;
    read::<RunStatus>(&mut story, &format!("answer last {question} rerun --json"));
    read::<RunStatus>(&mut story, "cancel last --json");
    let refused = story.lao("answer last 1 skip --json");
    let error: Value = serde_json::from_str(&refused.stderr).unwrap();
    assert_fields(std::slice::from_ref(&error["error"]), &["code", "message", "causes", "hints"]);
    story.check("json_acting");
}

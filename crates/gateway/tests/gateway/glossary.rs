//! The glossary has every name that people meet.

use std::{collections::BTreeSet, fs, path::Path};

use lao_event::{Event, Role};
use lao_protocol::{RunStatusCode, StepStatus};
use serde::Serialize;

fn glossary() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/glossary.md");
    fs::read_to_string(path).unwrap()
}

/// The words that the tables under a heading explain.
fn words<'a>(page: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let words = rows.map(|row| row.split(" | ").next().unwrap().trim_matches('`'));
    words.filter(|word| !word.starts_with("---")).skip(1).collect()
}

fn names<T: Serialize>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    let name = |value| match serde_json::to_value(value).unwrap() {
        serde_json::Value::String(name) => name,
        other => panic!("not a name: {other}"),
    };
    values.into_iter().map(name).collect()
}

#[test]
fn every_event_is_explained_in_the_order_of_its_number() {
    let events: Vec<&str> = Event::TYPES.iter().map(|(_, name)| *name).collect();
    assert_eq!(words(&glossary(), "Events"), events);
}

#[test]
fn every_state_is_explained() {
    let runs = names([
        RunStatusCode::Planning,
        RunStatusCode::Running,
        RunStatusCode::Stopping,
        RunStatusCode::Interrupted,
        RunStatusCode::Parked,
        RunStatusCode::Succeeded,
        RunStatusCode::Failed,
        RunStatusCode::Cancelled,
        RunStatusCode::Unreadable,
    ]);
    assert_eq!(words(&glossary(), "States of a run"), runs);
    let steps = names([
        StepStatus::Pending,
        StepStatus::Running,
        StepStatus::Parked,
        StepStatus::Succeeded,
        StepStatus::Failed,
        StepStatus::Skipped,
    ]);
    assert_eq!(words(&glossary(), "States of a step"), steps);
}

#[test]
fn every_role_is_named() {
    let page = glossary();
    let row = page.lines().find(|line| line.starts_with("| role |")).unwrap();
    for role in Role::ALL {
        assert!(row.contains(role.name()), "{role}");
    }
}

#[test]
fn no_word_is_explained_twice_in_one_table() {
    let page = glossary();
    for heading in page.lines().filter_map(|line| line.strip_prefix("## ")) {
        let words = words(&page, heading);
        let distinct: BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(distinct.len(), words.len(), "{heading}");
    }
}

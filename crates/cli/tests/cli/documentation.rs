//! docs/commands.md names every command, flag, exit code and JSON form.

use std::{fs, path::Path};

use lao_cli::ExitCode;
use lao_protocol::{GraphView, RunDiffView, RunStatus, RunSummary, StepView, Update};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::help::commands;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    fs::read_to_string(path).unwrap()
}

/// The text under a heading, up to the next of the same or a higher level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let start = document
        .find(&format!("{heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading:?} in docs/commands.md"));
    let level = heading.chars().take_while(|letter| *letter == '#').count();
    let body = &document[start + heading.len()..];
    let end = (1..=level)
        .filter_map(|hashes| body.find(&format!("\n{} ", "#".repeat(hashes))))
        .min()
        .unwrap_or(body.len());
    &body[..end]
}

#[test]
fn every_command_and_flag_is_described() {
    let document = document();
    let global = section(&document, "## Global options");
    for (path, command) in commands() {
        let own = if path == "lao" { global } else { section(&document, &format!("### `{path}`")) };
        for argument in command.get_arguments() {
            if matches!(argument.get_id().as_str(), "help" | "version") && path != "lao" {
                continue;
            }
            let text = if argument.is_global_set() { global } else { own };
            for name in names(argument) {
                assert!(text.contains(&name), "{path}: {name} is not described");
            }
        }
    }
}

fn names(argument: &clap::Arg) -> Vec<String> {
    let long = argument.get_long().map(|long| format!("`--{long}"));
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    if long.is_some() || short.is_some() {
        return long.into_iter().chain(short).collect();
    }
    let value = argument.get_value_names().unwrap_or_default();
    value.iter().map(|name| format!("`{name}`")).collect()
}

#[test]
fn every_exit_code_is_described() {
    let document = document();
    let codes = section(&document, "## Exit codes");
    for code in ExitCode::ALL {
        let row = format!("| {} | {} |", code.number(), code.meaning());
        assert!(codes.contains(&row), "no row {row}");
    }
}

/// The JSON lines of the examples in a section.
fn examples(section: &str) -> Vec<&str> {
    section
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .flat_map(str::lines)
        .collect()
}

/// The examples as values; each must hold exactly the fields that the program prints.
fn parsed<T: DeserializeOwned + Serialize>(document: &str, heading: &str) -> Vec<T> {
    let lines = examples(section(document, heading));
    assert!(!lines.is_empty(), "no example under {heading:?}");
    lines
        .into_iter()
        .map(|line| {
            let value: T =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let written: Value = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_value(&value).unwrap(), written);
            value
        })
        .collect()
}

#[test]
fn the_examples_of_json_are_what_is_printed() {
    let document = document();
    let updates: Vec<Update> = parsed(&document, "### Updates");
    let kinds: Vec<&str> = updates.iter().map(kind).collect();
    let expected = [
        "event",
        "tokens",
        "transcribed",
        "retrying",
        "waiting",
        "disk_slow",
        "disk_caught_up",
        "worker_restarted",
        "finished",
    ];
    assert_eq!(kinds, expected);
    let runs: Vec<RunSummary> = parsed(&document, "### Run summary");
    let statuses: Vec<RunStatus> = parsed(&document, "### Run status");
    let steps: Vec<StepView> = parsed(&document, "### Step");
    assert_eq!(statuses[0].summary, runs[0]);
    assert!(steps[0].detail.is_some());
    let diffs: Vec<RunDiffView> = parsed(&document, "### Diff");
    assert_eq!(diffs[0].first.as_ref().map(|first| &first.step), Some(&Some("t1".to_owned())));
    let graphs: Vec<GraphView> = parsed(&document, "### Graph");
    assert!(graphs[0].run.is_none() && graphs[1].run.is_some());
    let errors: Vec<Value> = parsed(&document, "### Errors");
    assert_eq!(errors[0]["error"]["code"], 7);
}

/// The match is exhaustive, so that a new update cannot be forgotten in the documentation.
fn kind(update: &Update) -> &'static str {
    match update {
        Update::Event(_) => "event",
        Update::Tokens { .. } => "tokens",
        Update::Transcribed { .. } => "transcribed",
        Update::Retrying { .. } => "retrying",
        Update::Waiting { .. } => "waiting",
        Update::DiskSlow { .. } => "disk_slow",
        Update::DiskCaughtUp { .. } => "disk_caught_up",
        Update::WorkerRestarted { .. } => "worker_restarted",
        Update::Finished(_) => "finished",
    }
}

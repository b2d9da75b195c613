//! The folders: what lies at the top, and that a data folder has exactly one reader.

use std::collections::BTreeSet;

use super::{modules, tree};
use crate::demand;

/// What may lie at the top, besides dot-files.
const TOP: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "crates",
    "docs",
    "journal-schema",
    "replays",
    "scenarios",
    "tests",
];

/// Each data folder and the harness that reads it.
const DATA: &[(&str, &str)] = &[
    ("journal-schema", "tests/journal_schema.rs"),
    ("replays", "tests/replays.rs"),
    ("scenarios", "tests/scenarios.rs"),
];

fn misplaced<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let tops: BTreeSet<&str> =
        paths.map(|path| path.split_once('/').map_or(path, |(top, _)| top)).collect();
    let allowed = |top: &&str| top.starts_with('.') || TOP.contains(top);
    tops.into_iter().filter(|top| !allowed(top)).map(str::to_owned).collect()
}

/// The text of a harness with all its modules.
fn harness(root: &str) -> String {
    let bare_of = |path: &str| tree::file(path).map(tree::File::bare);
    let files = modules::reached(root, &bare_of);
    files.iter().filter_map(|path| Some(tree::file(path)?.text.as_str())).collect()
}

/// Names in a data folder that its harness does not know. One that lists the folder knows all.
fn unread(folder: &str, names: &BTreeSet<&str>, harness: &str) -> Vec<String> {
    if harness.contains("read_dir(") {
        return Vec::new();
    }
    let is_read = |name: &&str| harness.contains(&format!("{folder}/{name}"));
    names.iter().filter(|name| !is_read(name)).map(|name| format!("{folder}/{name}")).collect()
}

/// What lies directly in a folder.
fn names_in<'a>(folder: &str, paths: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let inside = paths.filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
    inside.map(|path| path.split_once('/').map_or(path, |(name, _)| name)).collect()
}

#[test]
fn the_top_level_stays_as_it_is() {
    let tracked = tree::tracked();
    demand(
        "Code belongs in crates/, promises in journal-schema/, replays/ and scenarios/, pages in \
         docs/; settings of tools are dot-files.",
        &misplaced(tracked.iter().map(String::as_str)),
    );
    for kept in ["LICENSE", "README.md", "Cargo.lock"] {
        assert!(tracked.iter().any(|path| path == kept), "{kept} is part of the tree");
    }
    let strays = misplaced(["util/a.rs", ".ci/run", "notes.md"].into_iter());
    assert_eq!(strays, ["notes.md", "util"]);
}

#[test]
fn every_data_folder_is_read_by_its_harness() {
    let paths = || tree::files().iter().map(|file| file.path.as_str());
    let mut wrong = Vec::new();
    for (folder, root) in DATA {
        let names = names_in(folder, paths());
        if names.is_empty() {
            continue;
        }
        if tree::file(root).is_none() {
            wrong.push(format!("{folder}: {root} does not exist"));
            continue;
        }
        let text = harness(root);
        if !text.contains(&format!("\"{folder}")) {
            wrong.push(format!("{folder}: {root} does not open it"));
        }
        wrong.extend(unread(folder, &names, &text));
    }
    demand(
        "A promise that nothing checks is none: name it in the harness, or delete it. The harness \
         of a folder is in DATA in tests/architecture/folders.rs.",
        &wrong,
    );
}

#[test]
fn no_other_harness_reads_a_data_folder() {
    let harnesses = tree::rust().filter(|file| {
        let name = file.path.strip_prefix("tests/");
        name.is_some_and(|name| !name.contains('/')) && file.path != "tests/architecture.rs"
    });
    let mut wrong = Vec::new();
    for file in harnesses {
        let text = harness(&file.path);
        let foreign = DATA.iter().filter(|(_, root)| *root != file.path);
        let read = foreign.filter(|(folder, _)| text.contains(&format!("\"{folder}")));
        wrong.extend(
            read.map(|(folder, root)| format!("{} reads {folder}, and {root} does", file.path)),
        );
    }
    demand("A folder of data is one promise, and has one harness.", &wrong);
}

#[test]
fn every_harness_is_in_the_page_about_tests() {
    let page = tree::file("docs/testing.md").expect("the page about tests is kept");
    let harnesses = tree::rust().filter(|file| {
        let name = file.path.strip_prefix("tests/");
        name.is_some_and(|name| !name.contains('/'))
    });
    let untold: Vec<String> = harnesses
        .map(|file| file.path.clone())
        .filter(|path| !page.text.contains(path.as_str()))
        .collect();
    demand("Say in docs/testing.md which promise would be broken if it failed.", &untold);
}

#[test]
fn a_forgotten_scenario_is_seen() {
    let names =
        names_in("scenarios", ["scenarios/one/plan.md", "scenarios/two/plan.md"].into_iter());
    assert_eq!(unread("scenarios", &names, "\"scenarios/one\""), ["scenarios/two"]);
    assert!(unread("scenarios", &names, "read_dir(\"scenarios\")").is_empty());
}

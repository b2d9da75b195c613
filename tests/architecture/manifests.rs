//! What holds for every manifest: it says what the crate forbids, and takes lints, versions and
//! limits from the workspace.

use super::{crates, tree};
use crate::demand;

/// Words with which a description says what a crate is not.
const EXCLUDING: &[&str] = &["no", "not", "only", "nothing", "never", "does not"];

/// What every package takes from the workspace.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

fn says_what_it_forbids(description: &str) -> bool {
    let mut words = description.split(|character: char| !character.is_alphanumeric());
    words.any(|word| EXCLUDING.contains(&word))
}

fn manifest(folder: &str) -> toml::Table {
    let path =
        if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") };
    let file = tree::file(&path).unwrap_or_else(|| panic!("{path} is not kept"));
    toml::from_str(&file.text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether `[section] key` is taken from the workspace.
fn inherits(manifest: &toml::Table, path: &[&str]) -> bool {
    let mut value = manifest.get(path[0]);
    for key in &path[1..] {
        value = value.and_then(|value| value.get(key));
    }
    value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

/// Keys of the root's settings that another one lacks or contradicts; lists may be longer.
fn missing(root: &toml::Table, other: &toml::Table) -> Vec<String> {
    let differs = |(key, value): &(&String, &toml::Value)| match (value, other.get(*key)) {
        (toml::Value::Array(wanted), Some(toml::Value::Array(present))) => {
            !wanted.iter().all(|value| present.contains(value))
        }
        (wanted, present) => present != Some(*wanted),
    };
    root.iter().filter(differs).map(|(key, _)| key.clone()).collect()
}

#[test]
fn every_crate_says_what_it_forbids() {
    let silent =
        crates::here().members.iter().filter(|member| !says_what_it_forbids(&member.description));
    let silent: Vec<String> =
        silent.map(|member| format!("{}: {:?}", member.name, member.description)).collect();
    demand(
        "The description in Cargo.toml is one line: what the crate is, and what it is not (\"no \
         IO\", \"knows nothing of runs\").",
        &silent,
    );
    assert!(!says_what_it_forbids("Notable tools"), "part of a word says nothing");
}

#[test]
fn every_crate_takes_lints_and_versions_from_the_workspace() {
    let mut wrong = Vec::new();
    for member in &crates::here().members {
        let manifest = manifest(&member.folder);
        if !inherits(&manifest, &["lints"]) {
            wrong.push(format!("{}: lints", member.name));
        }
        let own = INHERITED.iter().filter(|key| !inherits(&manifest, &["package", key]));
        wrong.extend(own.map(|key| format!("{}: package.{key}", member.name)));
    }
    demand("Write `KEY.workspace = true`, and for the lints `[lints]` `workspace = true`.", &wrong);
}

#[test]
fn a_crates_own_clippy_settings_repeat_the_common_ones() {
    let root = tree::file(".clippy.toml").expect("the common settings are kept");
    let root: toml::Table = toml::from_str(&root.text).expect("clippy's settings are TOML");
    let mut wrong = Vec::new();
    for file in tree::files().iter().filter(|file| file.path.ends_with("/.clippy.toml")) {
        let own: toml::Table =
            toml::from_str(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        wrong.extend(missing(&root, &own).iter().map(|key| format!("{}: {key}", file.path)));
    }
    demand("A crate's .clippy.toml replaces the one at the top whole: repeat its keys.", &wrong);
    let empty = missing(&root, &toml::Table::new());
    assert_eq!(empty.len(), root.len(), "an empty file lacks every key");
}

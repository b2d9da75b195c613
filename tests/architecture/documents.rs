//! What holds for the pages, and for words in any file: pages are found from the README, links lead
//! somewhere, and nothing names the machine it was written on.

use std::{
    collections::BTreeSet,
    env,
    path::{Component, Path},
};

use super::tree::{self, File};
use crate::demand;

/// Pages from which every other is found.
const ENTRIES: [&str; 2] = ["README.md", "docs/architecture.md"];

/// Targets of the Markdown links of a page that lead to a file, from the top.
fn links(page: &File) -> Vec<String> {
    let folder = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let mut targets = Vec::new();
    for (at, _) in page.text.match_indices("](") {
        let Some(target) = page.text[at + 2..].split(')').next() else { continue };
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        targets.push(normal(&folder.join(target)));
    }
    targets
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::Normal(part) => parts.extend(part.to_str()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

/// Traces of a machine: the administrator's home, and this checkout unless it is a temporary one.
fn machine_words() -> Vec<String> {
    let home = ["", "root", ""].join("/");
    let root = tree::root();
    let is_telling = root.components().count() > 2 && !root.starts_with(env::temp_dir());
    let checkout = is_telling.then(|| root.to_string_lossy().into_owned());
    checkout.into_iter().chain([home]).collect()
}

/// Lines that name a machine's paths. A path in a URL or below another folder is no such path.
fn machine_paths(file: &File, words: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let is_absolute = |at: usize| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|before| !(before.is_alphanumeric() || "_-.~/}>*)".contains(before)))
        };
        let names =
            |word: &&String| line.match_indices(word.as_str()).any(|(at, _)| is_absolute(at));
        let found = words.iter().filter(names);
        wrong.extend(found.map(|word| format!("{}:{}: {word}", file.path, index + 1)));
    }
    wrong
}

fn markdown() -> impl Iterator<Item = &'static File> {
    tree::files().iter().filter(|file| file.has_ending("md"))
}

#[test]
fn every_page_is_found_from_the_entries() {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = ENTRIES.map(str::to_owned).to_vec();
    while let Some(path) = open.pop() {
        let page = tree::file(&path).filter(|page| page.has_ending("md"));
        if let Some(page) = page
            && found.insert(path)
        {
            open.extend(links(page));
        }
    }
    let pages = markdown().filter(|page| page.path.starts_with("docs/"));
    let lost: Vec<String> =
        pages.map(|page| page.path.clone()).filter(|path| !found.contains(path)).collect();
    demand("Link it from README.md, docs/architecture.md or a page that is.", &lost);
}

#[test]
fn links_lead_somewhere() {
    let exists = |target: &String| tree::root().join(target).exists();
    let own = |page: &&File| {
        ["README.md", "docs/", "journal-schema/"].iter().any(|start| page.path.starts_with(start))
    };
    let dead: Vec<String> = markdown()
        .filter(own)
        .flat_map(|page| links(page).into_iter().map(move |target| (page, target)))
        .filter(|(_, target)| !exists(target))
        .map(|(page, target)| format!("{} -> {target}", page.path))
        .collect();
    demand("The page was moved or never written: mend the link.", &dead);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let words = machine_words();
    let wrong: Vec<String> =
        tree::files().iter().flat_map(|file| machine_paths(file, &words)).collect();
    demand("Use a path from the top of the tree, a temporary folder, or `~`.", &wrong);
}

#[test]
fn dependencies_come_from_the_public_registry() {
    let lock = tree::file("Cargo.lock").expect("the lock file is kept");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let sources = lock.text.lines().filter(|line| line.starts_with("source = "));
    let other: Vec<String> = sources.filter(|line| *line != public).map(str::to_owned).collect();
    demand("A lock file that names a mirror or a fork builds on one machine only.", &other);
}

#[test]
fn the_rules_see_what_they_forbid() {
    let page = |text: &str| File::new("docs/page.md", text);
    let linking = page("[a](../README.md#x) [b](b.md) [c](https://example.org/x) [d](#here)");
    assert_eq!(links(&linking), ["README.md", "docs/b.md"]);
    let words = ["/here/".to_owned()];
    let bad = page("`/here/x`\n");
    assert_eq!(machine_paths(&bad, &words), ["docs/page.md:1: /here/"]);
    let fine = page("https://example.org/here/x, tests/here/y, /there/here/z\n");
    assert!(machine_paths(&fine, &words).is_empty());
}

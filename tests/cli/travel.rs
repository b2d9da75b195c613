//! A run's files as they were, and who wrote them.

use std::{collections::BTreeMap, fs, path::Path};

use lao_event::{
    CallId, EffectId, StepId,
    latest::{Before, FileWriteEnded, FileWriteOutcome, FileWriteStarted},
};
use lao_journal::Manifest;

use super::{journals, portable::widen, simple, transcript::Story};

/// A project with a run that is done.
fn done() -> Story {
    let story = Story::new();
    simple::write_working(&story.sandbox);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story
}

/// Every file below a folder, but git's.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() || path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                let content = fs::read(&path).unwrap();
                found.insert(name, String::from_utf8_lossy(&content).into_owned());
            }
        }
    }
    found
}

#[test]
fn files_are_written_as_they_were() {
    let mut story = done();
    story.lao("checkout last end");
    let end = files(&story.sandbox.path("end"));
    let workspace = files(&story.sandbox.path("app"));
    assert_eq!(end, workspace, "as the workspace is now");
    let mut seen = Vec::new();
    for at in 1..=48 {
        let folder = format!("at{at}");
        let at = at.to_string();
        let outcome = story.sandbox.run(&["checkout", "last", &folder, "--at", &at, "-q"]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let names: Vec<String> = files(&story.sandbox.path(&folder)).into_keys().collect();
        if seen.last() != Some(&names) {
            seen.push(names);
        }
    }
    let grown = ["", "LAO_PLAN.md LAO_TASKS.json", "t1.txt", "LAO_REVIEWS/t1.md", "t2.txt"];
    assert_eq!(seen.len(), grown.len() + 1, "{seen:?}");
    for (names, new) in seen.iter().zip(grown) {
        assert!(new.split_whitespace().all(|name| names.contains(&name.to_owned())), "{names:?}");
    }
    story.lao("checkout last end");
    story.lao("checkout last end --at 20 --force");
    story.lao("checkout last@20 then --json");
    story.lao("checkout last then --at 1000");
    story.lao("checkout last then --at 0");
    story.lao("checkout nobody then");
    fs::remove_dir_all(story.sandbox.path("app")).unwrap();
    story.lao("checkout last gone");
    assert_eq!(files(&story.sandbox.path("gone")), end, "from blobs alone");
    story.check("travel_checkout");
}

#[test]
fn nothing_is_written_outside_of_the_folder() {
    let mut story = done();
    let folder = journals::folder(&mut story, 0);
    let mut manifest = Manifest::read(&folder).unwrap();
    manifest.sealed = None;
    manifest.write(&folder).unwrap();
    let root = story.sandbox.root().join("evil").display().to_string();
    let before = files(story.sandbox.root());
    for (number, path) in
        ["../evil", &root, "a/../../evil", ".git/hooks/evil", "link/evil"].into_iter().enumerate()
    {
        let copy = story.sandbox.path(&format!("copy{number}"));
        fs::create_dir_all(copy.join("runs")).unwrap();
        let run = copy.join("runs").join(folder.file_name().unwrap());
        fs::create_dir_all(&run).unwrap();
        for name in ["journal.redb", "run.json"] {
            fs::copy(folder.join(name), run.join(name)).unwrap();
        }
        write_event(&run, path);
        let out = story.sandbox.path(&format!("out{number}"));
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink(story.sandbox.root(), out.join("link")).unwrap();
        story.lao(&format!("checkout ./copy{number} out{number} --force"));
    }
    let after = files(story.sandbox.root());
    let new: Vec<&String> = after
        .keys()
        .filter(|name| !before.contains_key(*name) && !name.contains("/copy"))
        .filter(|name| !name.starts_with("work/out"))
        .collect();
    assert!(new.is_empty(), "written outside: {new:?}");
    story.check("travel_outside");
}

/// Notes that a file was written which no tool would have written.
fn write_event(run: &Path, path: &str) {
    let started = FileWriteStarted {
        effect: EffectId(900),
        step: StepId(1),
        call: CallId { answer: EffectId(2), index: 0 },
        path: path.to_owned(),
        before: Before::Absent,
        after: Some("evil".into()),
        reply: "written".into(),
    };
    journals::append(run, &started.into());
    let outcome = FileWriteOutcome::Written;
    journals::append(run, &FileWriteEnded { effect: EffectId(900), outcome }.into());
}

#[test]
fn a_missing_blob_is_named_before_anything_is_written() {
    let story = Story::new();
    let long = "0123456789abcdef".repeat(1100);
    let coded = simple::CODED
        .replace(r#"content = "{step}\n""#, &format!("content = \"{{step}} {long}\\n\""));
    simple::write(&story.sandbox, "", &[simple::PLANNED, &coded, simple::APPROVED]);
    widen(&story.sandbox);
    let mut story = story;
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story.lao("checkout last whole -q");
    assert!(files(&story.sandbox.path("whole"))["t1.txt"].len() > 16 * 1024);
    fs::remove_dir_all(story.sandbox.path(".lao/blobs")).unwrap();
    story.lao("checkout last out");
    assert!(!story.sandbox.path("out").exists());
    story.lao("checkout last early --at 5");
    story.check("travel_missing");
}

/// What the coder does when each file is written twice, the second time with another line.
const CODED_TWICE: &str = r#"
[[turn]]
role = "coder"
step = "*"
text = "I write it."
tool_calls = [{ name = "file_write", arguments = { path = "notes.txt", content = "one\nof {step}\n" } }]

[[turn]]
role = "coder"
step = "*"
text = "I add what it needs."
tool_calls = [
    { name = "file_write", arguments = { path = "notes.txt", content = "one\nadded for {step}\nof {step}\n" } },
    { name = "file_write", arguments = { path = "{step}.txt", content = "{step}\n" } },
]

[[turn]]
role = "coder"
step = "*"
text = "It is written."
repeat = true
"#;

#[test]
fn each_line_has_its_author() {
    let story = Story::new();
    simple::write(&story.sandbox, "", &[simple::PLANNED, CODED_TWICE, simple::APPROVED]);
    let mut story = story;
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story.lao("blame last notes.txt");
    story.lao("blame last ./notes.txt --at 23");
    story.lao("blame last notes.txt:2");
    story.lao("blame last notes.txt:2 --json");
    story.lao("blame last LAO_REVIEWS/t1.md:1");
    story.lao("blame last notes.txt:9");
    story.lao("blame last notes.txt --at 9");
    story.lao("blame last src/other.txt");
    story.lao("blame last notes.txt --at 900");
    story.check("travel_blame");
}

#[test]
fn what_stood_there_before_the_run_is_nobodys() {
    let story = Story::new();
    simple::write(&story.sandbox, "", &[simple::PLANNED, simple::CODED, simple::APPROVED]);
    let mut story = story;
    story.sandbox.write("app/t1.txt", "old\nt1\n");
    story.lao("run plans/app.md -q --no-git");
    story.lao("blame last t1.txt");
    story.lao("blame last t1.txt --at 5");
    story.lao("checkout last before --at 5");
    assert_eq!(files(&story.sandbox.path("before"))["t1.txt"], "old\nt1\n");
    story.check("travel_before");
}

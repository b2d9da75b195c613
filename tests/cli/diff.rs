//! `lao diff`: two runs beside each other.

mod page;

use std::{fs, path::PathBuf};

use lao_protocol::{DiffKind, RunDiffView};
use lao_testkit::openai_server::{Behaviour, Dialect};

use super::{
    super::support::{
        brain::{self, Asked},
        gate::Gate,
        sandbox::Sandbox,
        server::ModelServer,
    },
    journals,
    live::Live,
    simple::{self, APPROVED, CODED, PLANNED},
    transcript::Story,
};

/// A coder with other words, another file, and a look at it first.
const CODED_OTHERWISE: &str = r#"
[[turn]]
role = "coder"
step = "t1"
text = "I look around and write it."
tool_calls = [
    { name = "list_dir", arguments = { path = "." } },
    { name = "file_write", arguments = { path = "{step}.txt", content = "{step}\nand more\n" } },
]

[[turn]]
role = "coder"
step = "*"
text = "I write it."
tool_calls = [{ name = "file_write", arguments = { path = "{step}.txt", content = "{step}\n" } }]

[[turn]]
role = "coder"
step = "*"
text = "It is written."
repeat = true
"#;

/// A reviewer who is not content before it is said twice.
const REWORK_FIRST: &str = r#"
[[turn]]
role = "coder"
step = "t2"
contains = "The reviewer asked for changes"
text = "I say it twice."
tool_calls = [{ name = "file_write", arguments = { path = "t2.txt", content = "t2\nt2\n" } }]

[[turn]]
role = "reviewer"
step = "t2"
contains = "+t2\n+t2"
text = '{"verdict": "approved", "summary": "It is there twice.", "findings": []}'

[[turn]]
role = "reviewer"
step = "t2"
text = '{"verdict": "rework", "summary": "Say it twice.", "findings": [{"file": "t2.txt", "line": 1, "rule": "twice", "message": "it is <said> once", "hint": "say it & again"}]}'
"#;

/// Runs the plan of a project in a folder of its own.
fn run_in(story: &Story, folder: &str, script: &[&str], more: &[&str]) {
    simple::write_in(&story.sandbox, folder, ("", script));
    let arguments = ["--project", folder, "run", simple::PLAN, "-q"];
    let outcome = story.sandbox.run(&[&arguments, more].concat());
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
}

/// Two projects that did the same.
fn same() -> Story {
    let story = Story::new();
    run_in(&story, "one", &[PLANNED, CODED, APPROVED], &[]);
    run_in(&story, "two", &[PLANNED, CODED, APPROVED], &[]);
    story
}

/// Two projects of which the second went another way.
pub(crate) fn different() -> Story {
    let story = Story::new();
    run_in(&story, "one", &[PLANNED, CODED, APPROVED], &[]);
    let script = [PLANNED, REWORK_FIRST, CODED_OTHERWISE, APPROVED];
    run_in(&story, "two", &script, &["--set", "roles.coder.temperature=0.2"]);
    story
}

/// The folder of the one run of a project.
fn run_folder(story: &Story, project: &str) -> PathBuf {
    let runs = story.sandbox.path(project).join(".lao/runs");
    let mut runs = fs::read_dir(runs).unwrap().map(|run| run.unwrap().path());
    runs.next().expect("a run was made")
}

#[test]
fn runs_that_do_the_same_do_not_differ() {
    let mut story = same();
    for line in [
        "diff last --journal two",
        "diff last last",
        "diff last@20 last@20",
        "diff last last --journal two --json",
    ] {
        let outcome = story.lao(&format!("--project one {line}"));
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stdout);
    }
    story.check("diff_same");
}

#[test]
fn runs_that_differ() {
    let mut story = different();
    for line in [
        "diff last --journal two",
        "diff last --journal two --color always",
        "diff last@20 last@24",
    ] {
        let outcome = story.lao(&format!("--project one {line}"));
        assert_eq!(outcome.code, Some(10), "{line}: {}", outcome.stderr);
    }
    story.check("diff_different");
}

#[test]
fn for_programs() {
    let mut story = different();
    let outcome = story.lao("--project one diff last --journal two --json");
    let view: RunDiffView = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(outcome.code, Some(10));
    let first = view.first.expect("they differ");
    assert_eq!((first.step, first.change.kind), (None, DiffKind::Settings));
    assert_eq!(view.steps[0].key, "t1");
    let again = story.sandbox.run(&[
        "--project",
        "one",
        "diff",
        "last",
        "--journal",
        "two",
        "--format",
        "json",
    ]);
    assert_eq!(again.stdout, outcome.stdout);
    story.check("diff_json");
}

#[test]
fn from_the_other_side_it_is_the_other_way_round() {
    let story = different();
    let diff = |from: &str, to: &str| -> RunDiffView {
        let line = ["--project", from, "diff", "last", "--journal", to, "--json"];
        serde_json::from_str(&story.sandbox.run(&line).stdout).unwrap()
    };
    let (one, other) = (diff("one", "two"), diff("two", "one"));
    assert_eq!((&one.runs.a, &one.runs.b), (&other.runs.b, &other.runs.a));
    let keys = |view: &RunDiffView| -> Vec<String> {
        view.steps.iter().map(|step| step.key.clone()).collect()
    };
    assert_eq!(keys(&one), keys(&other));
    let (one, other) = (one.first.unwrap().change, other.first.unwrap().change);
    assert_eq!((one.kind, one.seq.a, one.seq.b), (other.kind, other.seq.b, other.seq.a));
}

#[test]
fn what_cannot_be_compared() {
    let mut story = same();
    let folder = run_folder(&story, "two");
    let folder = folder.strip_prefix(story.sandbox.path(".")).unwrap().display().to_string();
    for line in [
        "diff nope last".to_owned(),
        "diff last nope".to_owned(),
        "diff last".to_owned(),
        "diff last@0 last".to_owned(),
        "diff last@x last".to_owned(),
        "diff last@999 last".to_owned(),
        "diff last last@999 --journal two".to_owned(),
        "diff last nope --journal two".to_owned(),
        "diff last --journal nowhere".to_owned(),
        format!("diff last --journal {folder}"),
        format!("diff last nope --journal {folder}"),
        "diff last --journal two --format html -o nowhere/diff.html".to_owned(),
        "diff last@999 last --json".to_owned(),
    ] {
        story.lao(&format!("--project one {line}"));
    }
    story.check("diff_errors");
}

#[test]
fn a_journal_of_a_newer_program() {
    let mut story = same();
    let folder = run_folder(&story, "two");
    journals::unseal(&folder);
    journals::append_record(&folder, 999, b"from the future".to_vec());
    story.lao("--project one diff last --journal two");
    // What comes before is understood.
    let before = story.lao("--project one diff last@20 last@20 --journal two");
    assert_eq!(before.code, Some(0));
    story.check("diff_newer");
}

/// A file that is too large to be in the journal itself.
fn large(line: &str) -> String {
    let content = format!("{line} that is one of many\\n").repeat(900);
    CODED.replace("content = \"{step}\\n\"", &format!("content = \"{content}\""))
}

#[test]
fn a_text_that_is_missing() {
    let mut story = Story::new();
    for (folder, line) in [("one", "a line"), ("two", "another line")] {
        let script = [PLANNED, &large(line), APPROVED];
        let window = ["roles.coder.context_tokens=65536", "roles.reviewer.context_tokens=65536"];
        run_in(&story, folder, &script, &["--set", window[0], "--set", window[1]]);
    }
    let found = story.sandbox.run(&["--project", "one", "diff", "last", "--journal", "two"]);
    assert_eq!(found.code, Some(10), "{}", found.stderr);
    assert!(
        found.stdout.contains("(500 lines more of A, 500 lines more of B)"),
        "{}",
        found.stdout
    );
    fs::remove_dir_all(story.sandbox.path("two/.lao/blobs")).unwrap();
    story.lao("--project one diff last --journal two");
    // What is the same is not read.
    assert_eq!(story.sandbox.run(&["--project", "two", "diff", "last", "last"]).code, Some(0));
    story.check("diff_missing");
}

#[test]
fn a_run_that_goes_on() {
    let mut live = Live::start();
    live.story.lao("diff last last");
    live.end("diff_live");
}

#[test]
fn a_fork_and_the_run_it_was_branched_off() {
    let mut story = Story::new();
    run_in(&story, "one", &[PLANNED, CODED, APPROVED], &[]);
    let parent = story.run_id(0);
    let fork = ["--project", "one", "fork", "last@30", "-q"];
    assert_eq!(story.sandbox.run(&fork).code, Some(0));
    let child = story.run_id(1);
    // It went on as its parent did.
    let same = story.lao(&format!("--project one diff {parent} {child}"));
    assert_eq!(same.code, Some(0));
    let warmer = ["--project", "one", "fork", &format!("{parent}@30"), "-q", "--temperature"];
    let warmer = [&warmer[..], &["coder=0.9"]].concat();
    assert_eq!(story.sandbox.run(&warmer).code, Some(0));
    let child = story.run_id(2);
    let other = story.lao(&format!("--project one diff {parent} {child}"));
    assert_eq!(other.code, Some(10));
    story.check("diff_fork");
}

#[test]
fn a_crash_and_a_resume_are_no_difference() {
    let gate = Gate::default();
    let theirs = gate.clone();
    let server = ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
        if brain::asked(request) == Asked::Coder {
            theirs.pass();
        }
        brain::think(request)
    }));
    let (killed, whole) = (Sandbox::new(), Sandbox::new());
    server.write_project(&killed);
    server.write_project(&whole);
    let running = killed.start(&["run", simple::PLAN]);
    gate.waits_for(1);
    drop(running);
    gate.open();
    for sandbox in [&killed, &whole] {
        assert_eq!(sandbox.run(&["run", simple::PLAN, "-q"]).code, Some(0));
    }
    let other = whole.path(".").display().to_string();
    let found = killed.run(&["diff", "last", "--journal", &other, "--json"]);
    let view: RunDiffView = serde_json::from_str(&found.stdout).unwrap();
    assert!(view.identical, "{:#?}", view.first);
    assert_eq!((view.runs.a.totals.resumed, view.runs.b.totals.resumed), (1, 0));
    assert_eq!(found.code, Some(0));
    assert_eq!(killed.run(&["diff", "last", "--journal", &other]).stdout, "");
}

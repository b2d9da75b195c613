//! Runs that are branched off others.

use std::fs;

use serde_json::Value;

use super::{replay::position, simple, transcript::Story, waiting};

/// Three tasks: the second and the third are after the first, and not after each other.
const PLANNED: &str = r#"
[[turn]]
role = "planner"
step = "plan"
literal = true
text = '''{"tasks": [
  {"id": "a", "title": "The first file", "description": "Write t1.txt.", "files": ["t1.txt"],
   "depends_on": [], "acceptance": ["it is there"]},
  {"id": "b", "title": "The second file", "description": "Write t2.txt.", "files": ["t2.txt"],
   "depends_on": ["a"], "acceptance": ["it is there"]},
  {"id": "c", "title": "The third file", "description": "Write t3.txt.", "files": ["t3.txt"],
   "depends_on": ["a"], "acceptance": ["it is there"]}
]}'''
"#;

/// A project with a run that is done; its first snapshot line is about what follows.
fn done() -> Story {
    let mut story = Story::new();
    simple::write(&story.sandbox, "", &[PLANNED, simple::CODED, simple::APPROVED]);
    assert_eq!(story.sandbox.run(&["run", simple::PLAN]).code, Some(0));
    story.run_id(0);
    story
}

/// What a command prints.
fn printed(story: &Story, arguments: &[&str]) -> String {
    let outcome = story.sandbox.run(arguments);
    assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.stderr);
    outcome.stdout
}

/// Every run of the project is derived again.
fn expect_identical(story: &Story) {
    for line in printed(story, &["runs", "--json", "--all"]).lines() {
        let run: Value = serde_json::from_str(line).unwrap();
        let replayed = printed(story, &["replay", run["run"].as_str().unwrap()]);
        assert!(replayed.contains("identical"), "{replayed}");
    }
}

/// A setting of a role, as the events of a run tell.
fn settings(story: &Story, run: &str, event: &str) -> Value {
    let log = printed(story, &["log", run, "--json"]);
    let mut told = log.lines().filter_map(|line| {
        let update: Value = serde_json::from_str(line).unwrap();
        (update["event"] == event).then(|| update["data"]["settings"]["inline"].clone())
    });
    let text = told.next_back().unwrap();
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

#[test]
fn a_run_goes_on_from_an_event_with_other_settings() {
    let mut story = done();
    story.sandbox.write("strict.md", "You judge strictly.\n");
    let first = story.run_id(0);
    let writes = position(&story, &first, "FileWriteStarted");
    let before = printed(&story, &["log", &first, "--json"]);
    story.lao(&format!(
        "fork {first}@{writes} --no-run --model coder=other --temperature reviewer=0.2 \
         --temperature 0.5 --prompt reviewer=strict.md --set orchestration.turns_max=33"
    ));
    let fork = story.run_id(1);
    story.lao(&format!("show {fork}"));
    story.lao(&format!("status {fork}"));
    assert_eq!(story.lao(&format!("resume {fork} -q")).code, Some(0));
    story.lao("runs --tree");
    story.lao("runs --tree --json");
    let told = settings(&story, &fork, "RunForked");
    let role = |name: &str| {
        let roles = told["roles"].as_array().unwrap();
        roles.iter().find(|role| role["role"] == name).unwrap().clone()
    };
    assert_eq!(told["limits"]["turns_max"], 33);
    assert_eq!(role("coder")["model"], "other");
    assert_eq!(role("planner")["model"], "scripted");
    assert_eq!(role("reviewer")["instructions"], "You judge strictly.");
    let asked = printed(&story, &["log", &fork, "--json"]);
    let reviewer = asked.lines().rev().find(|line| line.contains("\"role\":\"reviewer\"")).unwrap();
    assert!(reviewer.contains("You judge strictly."), "{reviewer}");
    assert!(!asked.contains("RunResumed\",\"settings\":{"), "a resume keeps what was changed");
    assert_eq!(printed(&story, &["log", &first, "--json"]), before, "the parent is not touched");
    expect_identical(&story);
    story.check("fork_settings");
}

#[test]
fn a_resumed_fork_keeps_its_settings() {
    let mut story = done();
    let first = story.run_id(0);
    let asked = position(&story, &first, "ModelCallStarted");
    printed(&story, &["fork", &format!("{first}@{asked}"), "--no-run", "--model", "coder=other"]);
    let fork = story.run_id(1);
    printed(&story, &["resume", &fork]);
    let log = printed(&story, &["log", &fork, "--json"]);
    let coder: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("\"event\":\"ModelCallStarted\""))
        .filter(|line| line.contains("\"role\":\"coder\""))
        .collect();
    assert!(!coder.is_empty());
    for call in coder {
        assert!(call.contains("\"model\":\"other\""), "{call}");
    }
    expect_identical(&story);
}

#[test]
fn a_fork_that_cannot_be_is_told_and_leaves_nothing() {
    let mut story = done();
    let runs = printed(&story, &["runs"]);
    for line in [
        "fork last",
        "fork last@900",
        "fork last@0",
        "fork last@5 --at 6",
        "fork nobody@5",
        "fork last@5 --model nobody=x",
        "fork last@5 --prompt pilot=strict.md",
        "fork last@5 --prompt coder=missing.md",
        "fork last@5 --temperature coder=hot",
        "fork last@5 --set no.such=1",
        "rerun last --from t9",
        "rerun last --from plan",
        "rerun last",
    ] {
        let outcome = story.lao(line);
        assert_ne!(outcome.code, Some(0), "{line}");
    }
    assert_eq!(printed(&story, &["runs"]).lines().count(), runs.lines().count());
    assert!(!story.sandbox.path(".lao/worktrees").exists());
    assert!(!story.sandbox.path(".lao/workspaces").exists());
    fs::remove_dir_all(story.sandbox.path("app")).unwrap();
    let writes = position(&story, "last", "FileWriteStarted");
    story.lao(&format!("fork last@{writes}"));
    story.check("fork_refused");
}

#[test]
fn a_cancelled_run_is_forked_before_it_was_cancelled() {
    let mut story = waiting::killed_in_a_command("on_unknown = \"skip\"\n");
    story.lao("cancel last");
    story.lao("fork last");
    let asked = position(&story, "last", "ModelCallStarted");
    story.lao(&format!("fork last@{asked} --no-run"));
    assert_eq!(story.sandbox.run(&["status", "last", "--json"]).code, Some(0));
    expect_identical(&story);
    story.check("fork_cancelled");
}

/// The fork of a run begins at any event in files as they were: nothing of the parent's future is
/// there, whether a commit had been made or was under way.
#[test]
fn a_fork_at_any_event_goes_on_to_the_end() {
    let mut story = done();
    let first = story.run_id(0);
    let last = position(&story, &first, "RunEnded");
    for (place, at) in (1..last).step_by(7).chain([9, 10, 11]).enumerate() {
        let outcome = story.sandbox.run(&["fork", &format!("{first}@{at}")]);
        assert_eq!(outcome.code, Some(0), "{at}: {}{}", outcome.stdout, outcome.stderr);
        let fork = story.run_id(place + 1);
        let told: Value =
            serde_json::from_str(&printed(&story, &["show", &fork, "--json"])).unwrap();
        let folder = told["workspace"].as_str().unwrap();
        for file in ["t1.txt", "t2.txt", "t3.txt", "LAO_PLAN.md", "LAO_REVIEWS/t3.md"] {
            let path = std::path::Path::new(folder).join(file);
            assert!(path.exists(), "{at}: {file} is not there");
        }
    }
    expect_identical(&story);
}

#[test]
fn what_is_not_there_yet_is_not_in_the_files_of_a_fork() {
    for flag in ["--no-git", "-v"] {
        let mut story = Story::new();
        simple::write(&story.sandbox, "", &[PLANNED, simple::CODED, simple::APPROVED]);
        assert_eq!(story.sandbox.run(&["run", simple::PLAN, flag]).code, Some(0));
        let first = story.run_id(0);
        story.sandbox.write("app/mine.txt", "a person's\n");
        for (place, at) in [4, position(&story, &first, "FileWriteEnded")].into_iter().enumerate() {
            let line = format!("{first}@{at}");
            let report = printed(&story, &["fork", &line, "--no-run", "--json"]);
            let report: Value = serde_json::from_str(&report).unwrap();
            let folder = report["workspace"].as_str().unwrap();
            story.run_id(place + 1);
            let has = |file: &str| std::path::Path::new(folder).join(file).exists();
            assert_eq!(has("t1.txt"), place == 1, "{flag} {at}");
            for later in ["t2.txt", "t3.txt", "LAO_REVIEWS"] {
                assert!(!has(later), "{flag} {at}: {later} is of the future");
            }
        }
    }
}

#[test]
fn a_task_is_done_again_with_what_depends_on_it() {
    let mut story = done();
    let first = story.run_id(0);
    assert_eq!(story.lao(&format!("rerun {first} --from t2 -q")).code, Some(0));
    let again = story.run_id(1);
    story.lao(&format!("show {again}"));
    let git = |run: &str| {
        let told: Value = serde_json::from_str(&printed(&story, &["show", run, "--json"])).unwrap();
        let folder = told["workspace"].as_str().unwrap().to_owned();
        let log = std::process::Command::new("git")
            .args(["-C", &folder, "log", "--format=%s", "--reverse"])
            .output();
        String::from_utf8(log.unwrap().stdout).unwrap()
    };
    let (before, after) = (git(&first), git(&again));
    assert!(after.starts_with(&before), "what is kept:\n{before}\n{after}");
    let new = &after[before.len()..];
    assert!(new.contains("are taken back") && new.contains("(t2)"), "{new}");
    assert!(!new.contains("(t1)") && !new.contains("(t3)"), "{new}");
    assert_eq!(story.lao(&format!("rerun {first} --from t1 --no-run")).code, Some(0));
    let all = story.run_id(2);
    let told: Value = serde_json::from_str(&printed(&story, &["show", &all, "--json"])).unwrap();
    let folder = std::path::PathBuf::from(told["workspace"].as_str().unwrap());
    for gone in ["t1.txt", "t2.txt", "t3.txt", "LAO_REVIEWS/t1.md", "LAO_REVIEWS/t3.md"] {
        assert!(!folder.join(gone).exists(), "{gone} was taken back");
    }
    assert!(folder.join("LAO_PLAN.md").exists());
    assert_eq!(story.lao(&format!("resume {all} -q")).code, Some(0));
    story.lao("runs --tree");
    expect_identical(&story);
    story.check("fork_rerun");
}

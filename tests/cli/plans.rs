//! Plans: run, run again, wrong, in a repository of the user's, failing, waiting.

use std::fs;

use lao_scenario::{commits, files, init_repository, uncommitted};

use super::{simple, transcript::Story};

#[test]
fn a_plan_is_run_once() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    story.lao("run plans/app.md");
    story.lao("run plans/app.md");
    story.lao("run plans/app.md --again");
    story.lao("run --once");
    story.lao("run --once -q");
    story.lao("runs");
    story.lao("runs --limit 1");
    let start = story.run_id(0).split_once('-').unwrap().0[..2].to_owned();
    story.lao(&format!("status {start}"));
    story.check("run");
}

#[test]
fn plans_that_cannot_be_run() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    story.sandbox.write("plans/empty.md", "\n\n");
    story.sandbox.write("plans/front.md", "---\nworkspce: x\n---\n# Front\n\nDo it.\n");
    story.sandbox.write("plans/gone.md", "---\nworkspace: ../nowhere\n---\n# Gone\n\nDo it.\n");
    story.lao("run plans/missing.md");
    story.lao("run plans");
    story.lao("run plans/empty.md");
    story.lao("run plans/front.md");
    story.lao("run plans/gone.md");
    story.lao("run plans/app.md --model coder");
    story.lao("run plans/app.md --model codr=x");
    story.lao("run --once");
    story.check("plans_wrong");
}

#[test]
fn the_users_repository_is_left_as_it_is() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    let repository = story.sandbox.path("shop");
    story.sandbox.write("shop/README.md", "# Shop\n");
    story.sandbox.write("shop/src/a.txt", "a\n");
    init_repository(&repository, &["README.md", "src/a.txt"]).unwrap();
    story.sandbox.write("shop/src/a.txt", "changed and not committed\n");
    let before = (files(&repository).unwrap(), commits(&repository).unwrap());
    story.lao("run plans/app.md --workspace shop");
    assert_eq!((files(&repository).unwrap(), commits(&repository).unwrap()), before);
    assert_eq!(uncommitted(&repository).unwrap(), ["src/a.txt Status(WT_MODIFIED)"]);
    let worktree = story.sandbox.path(".lao/worktrees/app");
    let subjects: Vec<String> =
        commits(&worktree).unwrap().into_iter().map(|commit| commit.subject).collect();
    assert_eq!(subjects[0], "First");
    assert_eq!(subjects.len(), 6, "{subjects:?}");
    story.lao("status");
    story.check("worktree");
}

#[test]
fn no_commits_are_made_without_git() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    story.lao("run plans/app.md --no-git");
    assert!(!story.sandbox.path("app/.git").exists());
    assert!(story.sandbox.path("app/t2.txt").exists());
    story.check("no_git");
}

#[test]
fn commits_need_a_name() {
    let mut story = Story::new();
    simple::write_working(&story.sandbox);
    let config = fs::read_to_string(story.sandbox.path("lao.toml")).unwrap();
    story.sandbox.write("lao.toml", &config.replace("author_", "# author_"));
    story.lao("run plans/app.md");
    story.lao("doctor");
    story.lao("run plans/app.md --no-git");
    story.check("no_identity");
}

/// A check that is red until there is a file `go`.
const GATE: &str = r#"
[orchestration]
attempts_max = 1
check_rounds_max = 1

[[verifier.commands]]
name = "gate"
run = ["test", "-e", "../go"]
"#;

#[test]
fn a_failed_task_is_done_again() {
    let mut story = Story::new();
    simple::write(&story.sandbox, GATE, &[simple::PLANNED, simple::CODED, simple::APPROVED]);
    story.lao("run plans/app.md");
    story.lao("run plans/app.md");
    story.lao("status");
    story.lao("show last");
    story.lao("show last --step t1");
    story.lao("resume");
    story.lao("retry --step t2");
    story.sandbox.write("go", "");
    story.lao("retry");
    story.lao("runs");
    story.check("failed");
}

#[test]
fn a_planner_that_talks_is_asked_again_and_then_believed() {
    let mut story = Story::new();
    let chatty =
        "[[turn]]\nrole = \"planner\"\nstep = \"plan\"\nrepeat = true\ntext = \"Sure! First we\"\n";
    simple::write(&story.sandbox, "", &[chatty]);
    story.lao("run plans/app.md");
    story.lao("status");
    story.check("planner_garbage");
}

#[test]
fn a_script_that_does_not_fit() {
    let mut story = Story::new();
    simple::write(&story.sandbox, "", &[simple::PLANNED]);
    story.lao("run plans/app.md");
    story.sandbox.write("model.toml", "[[turn]]\nrole = \"cook\"\n");
    story.lao("run plans/app.md --again");
    story.sandbox.write("lao.toml", "[endpoints.x]\nkind = \"scripted\"\nscript = \"gone.toml\"\n[roles]\nplanner.model = \"s\"\ncoder.model = \"s\"\nreviewer.model = \"s\"\n[git]\nenabled = false\n");
    story.lao("run plans/app.md --again");
    story.check("script_wrong");
}

#[test]
fn folders_that_cannot_be_written() {
    let mut story = Story::new();
    story.lao("--project /proc/lao init");
    story.check("unwritable");
}

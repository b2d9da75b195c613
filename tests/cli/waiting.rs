//! Runs that wait for a person, were killed, or reached a limit.

use std::fs;

use lao_cli::ExitCode;
use lao_event::{
    EffectId,
    latest::{RunStopping, StopReason},
};
use rustix::process::Signal;
use serde_json::Value;

use super::{journals, simple, transcript::Story};

/// The coder may run commands; what a crash hides is a person's to decide.
const SHELL: &str = "\n[tools]\nshell = \"on\"\n";

/// The first task runs a command that says that it began, and ends when it may.
const WAITS: &str = r#"
[[turn]]
role = "coder"
step = "t1"
text = "I run it."
tool_calls = [{ name = "shell", arguments = { command = "echo began >> ../began; read line < ../gate" } }]

[[turn]]
role = "coder"
step = "t1"
text = "Now the file."
tool_calls = [{ name = "file_write", arguments = { path = "t1.txt", content = "t1\n" } }]

[[turn]]
role = "coder"
step = "t1"
text = "Done."
"#;

/// A project whose run was killed while a command was under way.
pub(crate) fn killed_in_a_command(more_config: &str) -> Story {
    let mut story = Story::new();
    let config = format!("{SHELL}{more_config}");
    let script = [simple::PLANNED, WAITS, simple::CODED, simple::APPROVED];
    simple::write(&story.sandbox, &config, &script);
    story.sandbox.write("began", "");
    let made = std::process::Command::new("mkfifo").arg(story.sandbox.path("gate")).status();
    assert!(made.unwrap().success());
    let running = story.sandbox.start(&["run", simple::PLAN, "-v"]);
    running.wait_for("running `");
    // The command is known to have begun when its line is there.
    while fs::read_to_string(story.sandbox.path("began")).unwrap().is_empty() {
        std::thread::yield_now();
    }
    running.signal(Signal::KILL);
    // Lets the command end, should it have outlived the process.
    let gate = fs::OpenOptions::new().read(true).write(true).open(story.sandbox.path("gate"));
    fs::write(story.sandbox.path("gate"), "go\n").unwrap();
    drop(gate);
    drop(running.finish());
    story.run_id(0);
    story
}

/// How the run stands, for programs.
fn status(story: &Story) -> Value {
    serde_json::from_str(&story.sandbox.run(&["status", "--json"]).stdout).unwrap()
}

#[test]
fn a_command_that_a_crash_hid_is_a_persons_to_decide() {
    let mut story = killed_in_a_command("");
    story.lao("runs");
    story.lao("status");
    story.lao("run plans/app.md");
    story.lao("run plans/app.md");
    story.lao("status");
    story.lao("answer last 99 skip");
    let status = status(&story);
    let question = &status["questions"][0]["question"];
    story.lao(&format!("answer last {question} skip"));
    story.lao("resume");
    story.lao("status");
    story.check("parked");
}

#[test]
fn a_command_is_left_out_by_policy() {
    let mut story = killed_in_a_command("on_unknown = \"skip\"\n");
    story.lao("resume");
    story.check("on_unknown_skip");
}

#[test]
fn a_limit_that_was_reached_is_shown_and_can_be_tried_again() {
    let mut story = killed_in_a_command("on_unknown = \"skip\"\n");
    let status = status(&story);
    let effect = EffectId(status["in_flight"][0]["effect"].as_u64().unwrap());
    let reason = StopReason::EffectLostTooOften { effect };
    journals::append(&journals::folder(&mut story, 0), &RunStopping { reason }.into());
    story.lao("status");
    assert_eq!(self::status(&story)["exit_code"], ExitCode::LimitReached.number());
    story.lao("resume");
    story.check("limit");
}

#[test]
fn a_cancelled_run_is_over() {
    let mut story = killed_in_a_command("");
    story.lao("cancel last");
    story.lao("cancel last");
    story.lao("run plans/app.md");
    story.lao("resume last");
    story.lao("retry");
    story.lao("runs");
    story.check("cancelled");
}

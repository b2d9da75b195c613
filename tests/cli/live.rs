//! A run that goes on in one process, and commands in others.

use lao_testkit::openai_server::{Behaviour, Dialect};
use rustix::process::Signal;

use super::{
    super::support::{
        brain::{self, Asked},
        gate::Gate,
        sandbox::Running,
        server::{ModelServer, PLAN},
    },
    transcript::Story,
};

const RUN: [&str; 2] = ["run", "plans/app.md"];
/// What is printed when the coder has begun.
const CODING: &str = "t1      starting attempt 1";

/// A run whose coder waits at a gate.
pub(crate) struct Live {
    pub(crate) story: Story,
    gate: Gate,
    first: Running,
    _server: ModelServer,
}

impl Live {
    pub(crate) fn start() -> Self {
        Self::start_with(PLAN)
    }

    /// With another plan, of which the model makes the same.
    pub(crate) fn start_with(plan: &str) -> Self {
        let gate = Gate::default();
        let theirs = gate.clone();
        let behaviour = Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
            if brain::asked(request) == Asked::Coder {
                theirs.pass();
            }
            brain::think(request)
        });
        let mut story = Story::new();
        let server = ModelServer::start(behaviour);
        server.write_project(&story.sandbox);
        story.sandbox.write("plans/app.md", plan);
        let first = story.sandbox.start(&RUN);
        gate.waits_for(1);
        // The server may know of the call before its client's reader does.
        first.wait_for(CODING);
        story.run_id(0);
        Self { story, gate, first, _server: server }
    }

    /// Opens the gate and notes how the first process ended.
    pub(crate) fn end(mut self, name: &str) {
        self.gate.open();
        let outcome = self.first.finish();
        self.story.note("run plans/app.md  (the first process)", &outcome);
        self.story.check(name);
    }
}

#[test]
fn looking_at_a_run_that_goes_on() {
    let mut live = Live::start();
    for line in [
        "runs",
        "status",
        "show last",
        "show last --step t1",
        "show last --step t9",
        "log last --from 8",
        "status --json",
        "journal check",
        "doctor",
        "retry",
        "answer last 7 skip",
    ] {
        live.story.lao(line);
    }
    live.end("live_look");
}

#[test]
fn a_second_run_of_the_same_plan_watches_the_first() {
    let mut live = Live::start();
    let second = live.story.sandbox.start(&RUN);
    second.wait_for(CODING);
    let third = live.story.sandbox.start(&["resume"]);
    third.wait_for(CODING);
    live.gate.open();
    let second = second.finish();
    live.story.note("run plans/app.md  (the second process)", &second);
    assert_eq!(third.finish().code, Some(0));
    live.end("live_attach");
}

#[test]
fn following_the_log() {
    let mut live = Live::start();
    let text = live.story.sandbox.start(&["log", "last", "-f", "--from", "12"]);
    text.wait_for("asking the coder");
    let json = live.story.sandbox.start(&["log", "last", "-f", "--json"]);
    json.wait_for("ModelCallStarted");
    live.gate.open();
    live.story.note("log last -f --from 12", &text.finish());
    let json = json.finish();
    assert_eq!(json.code, Some(0));
    let last: lao_protocol::Update =
        serde_json::from_str(json.stdout.lines().next_back().unwrap()).unwrap();
    assert!(matches!(last, lao_protocol::Update::Finished(_)), "docs: `-f` prints all updates");
    live.end("live_follow");
}

#[test]
fn cancelling_a_run_that_goes_on() {
    let mut live = Live::start();
    live.story.lao("cancel last");
    live.end("live_cancel");
}

#[test]
fn an_interruption_waits_for_what_is_in_flight() {
    let mut live = Live::start();
    live.first.signal(Signal::INT);
    live.first.wait_for("stopping; waiting for");
    live.first.wait_for("stopping: it was interrupted");
    live.story.lao("status");
    live.gate.open();
    let first = live.first.finish();
    assert_eq!(first.code, Some(130));
    live.story.note("run plans/app.md  (interrupted)", &first);
    live.story.lao("runs");
    live.story.lao("run plans/app.md");
    live.story.check("interrupted");
}

#[test]
fn a_second_interruption_does_not_wait() {
    let mut live = Live::start();
    live.first.signal(Signal::TERM);
    live.first.wait_for("stopping: it was interrupted");
    live.first.signal(Signal::INT);
    let first = live.first.finish();
    assert_eq!(first.code, Some(130));
    live.story.note("run plans/app.md  (interrupted twice)", &first);
    live.gate.open();
    live.story.lao("resume");
    live.story.check("interrupted_twice");
}

#[test]
fn plans_that_come_are_run() {
    let live = Live::start();
    live.gate.open();
    assert_eq!(live.first.finish().code, Some(0));
    let mut story = live.story;
    let all = story.sandbox.start(&["run", "--set", "orchestration.watch_interval_ms=50"]);
    all.wait_for("watching plans");
    story.sandbox.write("plans/README.md", "# No plan\n");
    story.sandbox.write("plans/more.md", &format!("{PLAN}\nAgain.\n"));
    all.wait_for_times("watching plans", 2);
    all.signal(Signal::INT);
    let all = all.finish();
    story.note("run  (a plan comes, then Ctrl-C)", &all);
    story.check("watch");
}

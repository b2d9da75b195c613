//! Kills aimed at the gaps: while the planner is asked, between an answer and its event, between a
//! task's end and its commit, inside a git operation, while a check runs.

use std::{fs, time::Duration};

use lao_scenario::commits;
use lao_testkit::openai_server::{Behaviour, Dialect};
use rustix::process::Signal;

use super::{
    super::support::{
        brain::{self, Asked},
        demo::write_demo,
        gate::Gate,
        sandbox::{DEADLINE, Running, Sandbox},
        server::ModelServer,
    },
    end::{End, PACE_MS},
    moment::{Whom, kill, run_to_the_end, start},
};

/// An answer that does not come while a test lasts.
const NEVER_MS: u64 = 3_600_000;

fn demo() -> Sandbox {
    let sandbox = Sandbox::new();
    write_demo(&sandbox, PACE_MS);
    sandbox
}

/// Goes on to the end, which must be that of the demo.
#[track_caller]
fn assert_ends_well(sandbox: &Sandbox) {
    run_to_the_end(sandbox);
    assert_eq!(&End::of(sandbox, "todo"), End::of_the_demo());
}

/// Hit by an answer that never comes: when the call is in the journal, the planner is being asked.
#[test]
fn while_the_planner_is_asked() {
    for whom in [Whom::Process, Whom::Group] {
        let sandbox = demo();
        write_demo(&sandbox, NEVER_MS);
        let running = start(&sandbox);
        running.wait_for("\"event\":\"ModelCallStarted\"");
        assert!(kill(running, whom));
        assert!(!sandbox.path("todo/LAO_PLAN.md").exists(), "nothing is planned yet");
        write_demo(&sandbox, PACE_MS);
        assert_ends_well(&sandbox);
    }
}

/// Hit by killing right when the journal says that a check has begun: its commands are about to
/// be started, run, or have just ended.
#[test]
fn while_a_check_runs() {
    for (whom, pause_ms) in [(Whom::Process, 0), (Whom::Group, 3), (Whom::Process, 6)] {
        let sandbox = demo();
        let running = start(&sandbox);
        running.wait_for("\"event\":\"ChecksStarted\"");
        std::thread::sleep(Duration::from_millis(pause_ms));
        assert!(kill(running, whom));
        assert_ends_well(&sandbox);
    }
}

/// Hit by killing as soon as the journal says that the run is over: the manifest has no seal yet,
/// or just has it, or the process is gone already.
#[test]
fn between_the_last_event_and_the_seal() {
    for pause_us in [0, 200, 500, 1_000] {
        let sandbox = demo();
        let running = start(&sandbox);
        running.wait_for("\"event\":\"RunEnded\"");
        std::thread::sleep(Duration::from_micros(pause_us));
        kill(running, Whom::Process);
        assert_ends_well(&sandbox);
    }
}

/// What a kill found of a commit whose start was in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NotMade,
    MadeAndUnknown,
    MadeAndKnown,
}

/// Runs that are killed around a commit.
const TRIES: usize = 8;

/// Hit by killing when the journal says that the commit of a task that is done has begun, after a
/// pause. Where the kill came is read from git and the journal afterwards: too early makes the next
/// pause longer, too late shorter, so that the kills close in on the moment between the commit and
/// its event, through the midst of what git does.
#[test]
fn between_a_tasks_end_and_its_commit_and_inside_git() {
    let mut found = Vec::new();
    let (mut too_early_us, mut too_late_us) = (0, 10_000);
    let mut pause_us = 0;
    for _ in 0..TRIES {
        let sandbox = demo();
        let running = start(&sandbox);
        running.wait_for("\"committing \\\"code(t1)");
        std::thread::sleep(Duration::from_micros(pause_us));
        assert!(kill(running, Whom::Group));
        let state = state_of_commit(&sandbox);
        found.push((pause_us, state));
        match state {
            Found::NotMade => too_early_us = pause_us,
            Found::MadeAndUnknown => {}
            Found::MadeAndKnown => too_late_us = pause_us,
        }
        pause_us = u64::midpoint(too_early_us, too_late_us);
        assert_ends_well(&sandbox);
    }
    println!("{found:?}");
    let inside = found.iter().any(|(_, state)| *state != Found::MadeAndKnown);
    assert!(inside, "no kill came before the commit was known: {found:?}");
}

fn state_of_commit(sandbox: &Sandbox) -> Found {
    let made = commits(&sandbox.path("todo")).unwrap();
    let log = sandbox.run(&["log", "last"]).stdout;
    let known = log.lines().any(|line| line.contains("committed") && line.contains("code(t1)"));
    match (made.iter().any(|commit| commit.subject.starts_with("code(t1)")), known) {
        (false, false) => Found::NotMade,
        (true, false) => Found::MadeAndUnknown,
        (true, true) => Found::MadeAndKnown,
        (false, true) => panic!("the journal knows of a commit that is not there"),
    }
}

/// Hit by stopping the process (SIGSTOP) while it waits for an answer, letting the server send it,
/// seeing in the kernel's table of connections that it has come and lies unread, and then killing.
#[cfg(target_os = "linux")]
#[test]
fn between_an_answer_and_its_event() {
    for asked in [Asked::Planner, Asked::Coder, Asked::Reviewer] {
        let gate = Gate::default();
        let theirs = gate.clone();
        let server =
            ModelServer::start(Behaviour::new(Dialect::OpenAi).with_brain(move |request| {
                if brain::asked(request) == asked {
                    theirs.pass();
                }
                brain::think(request)
            }));
        let sandbox = Sandbox::new();
        server.write_project(&sandbox);
        let running = Running::start(sandbox.command(&["run", "plans/app.md", "--json"]));
        gate.waits_for(1);
        running.signal(Signal::STOP);
        let unread = unread_bytes(port(&server));
        gate.open();
        wait_until(|| unread_bytes(port(&server)) > unread);
        assert!(kill(running, Whom::Process));
        let answered = sandbox.run(&["log", "last"]).stdout;
        let outcome = sandbox.run(&["run", "plans/app.md"]);
        assert_eq!(outcome.code, Some(0), "{asked:?}: {}{}", outcome.stdout, outcome.stderr);
        assert!(!answered.contains("the run is done"));
        let end = End::of(&sandbox, "app");
        assert_eq!(end, uninterrupted(&server), "{asked:?}");
    }
}

#[cfg(target_os = "linux")]
fn uninterrupted(server: &ModelServer) -> End {
    let sandbox = Sandbox::new();
    server.write_project(&sandbox);
    assert_eq!(sandbox.run(&["run", "plans/app.md"]).code, Some(0));
    End::of(&sandbox, "app")
}

#[cfg(target_os = "linux")]
fn port(server: &ModelServer) -> u16 {
    let (_, port) = server.server.base_url().rsplit_once(':').unwrap();
    port.parse().unwrap()
}

/// Bytes that have come from a port of this machine and that nobody has read.
#[cfg(target_os = "linux")]
fn unread_bytes(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let from = format!(":{port:04X}");
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (_sent, unread) = fields.get(4)?.split_once(':')?;
            if fields[2].ends_with(&from) { u64::from_str_radix(unread, 16).ok() } else { None }
        })
        .sum()
}

#[cfg(target_os = "linux")]
fn wait_until(holds: impl Fn() -> bool) {
    let until = std::time::Instant::now() + DEADLINE;
    while !holds() {
        assert!(std::time::Instant::now() < until, "it does not come");
        std::thread::yield_now();
    }
}

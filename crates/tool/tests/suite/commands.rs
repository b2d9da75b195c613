//! Commands: denied, run, bounded, and ended with everything they started.

use std::{fs, time::Duration};

use lao_event::{ShellAccess, latest::CommandOutcome};
use lao_port::{CommandRun, PreparedAction, Toolbox};
use lao_tool::ToolLimits;
use tokio::time::timeout;

use crate::{
    place::Place,
    wait::{eventually, is_alive},
};

async fn shell(place: &Place, line: &str, timeout_ms: u64) -> (CommandOutcome, String) {
    let command = CommandRun { argv: ["sh", "-c", line].map(str::to_owned).to_vec(), timeout_ms };
    let reply = place.tools.run(&command).await;
    (reply.outcome, reply.text)
}

#[tokio::test]
async fn the_shell_is_denied_by_name_when_it_is_off() {
    let limits =
        ToolLimits { output_bytes_max: 1000, shell: ShellAccess::Off, shell_timeout_ms: 1000 };
    let place = Place::limited(&[], &limits);
    for arguments in [r#"{"command":"true"}"#, "broken"] {
        assert_eq!(place.denied("shell", arguments).await, "shell-off");
    }
    assert_eq!(place.denied("functions.Shell", "{}").await, "shell-off");
}

#[tokio::test]
async fn a_shell_call_becomes_a_command_with_its_limit() {
    let place = Place::with(&[]);
    let prepared = place.prepare("shell", r#"{"command":"echo $HOME | wc"}"#).await;
    assert_eq!(
        prepared.action,
        PreparedAction::Command {
            argv: ["sh", "-c", "echo $HOME | wc"].map(str::to_owned).to_vec(),
            timeout_ms: 60_000,
        }
    );
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_its_end_is_told() {
    let place = Place::with(&[("here", "")]);
    for (line, code, output) in [
        ("ls", 0, "here\n"),
        ("echo out; echo err >&2; exit 3", 3, "out\nerr\n"),
        ("kill -9 $$", 137, ""),
        ("cat; echo $LAO_X$GITHUB_TOKEN.$TERM", 0, ".dumb\n"),
        ("printf '\\303'", 0, "\u{fffd}"),
    ] {
        let (outcome, text) = shell(&place, line, 60_000).await;
        assert_eq!(outcome, CommandOutcome::Exited { code }, "{line}");
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        assert_eq!(lines.remove(0), format!("exit code {code}\n"));
        lines.sort_unstable();
        let mut expected: Vec<&str> = output.split_inclusive('\n').collect();
        expected.sort_unstable();
        assert_eq!(lines, expected, "{line}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_an_outcome() {
    let place = Place::with(&[]);
    for (argv, part) in [
        (vec!["no-such-program-here"], "is not installed or not in PATH"),
        (vec![], "names no program"),
        (vec!["/"], "could not be started"),
    ] {
        let argv = argv.into_iter().map(str::to_owned).collect();
        let reply = place.tools.run(&CommandRun { argv, timeout_ms: 1000 }).await;
        assert!(matches!(reply.outcome, CommandOutcome::NotStarted { .. }), "{reply:?}");
        assert!(reply.text.contains(part), "{}", reply.text);
    }
    fs::remove_dir(place.root()).unwrap();
    let (outcome, text) = shell(&place, "true", 1000).await;
    assert!(matches!(outcome, CommandOutcome::NotStarted { .. }));
    assert!(text.contains("workspace folder"), "{text}");
}

#[tokio::test]
async fn endless_output_is_bounded_and_keeps_both_ends() {
    let limits =
        ToolLimits { output_bytes_max: 2000, shell: ShellAccess::On, shell_timeout_ms: 1000 };
    let place = Place::limited(&[], &limits);
    let line = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last";
    let (_, text) = shell(&place, line, 60_000).await;
    assert!(text.len() <= 2000, "{} bytes", text.len());
    assert!(text.starts_with("exit code 0\nfirst\nxxx"), "{text}");
    assert!(text.contains(" bytes left out ...]"), "{text}");
    assert!(text.ends_with("xxx\nlast\n"), "{text}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_ends_with_its_grandchildren() {
    let place = Place::with(&[]);
    let line = "echo started; sh -c 'sh -c \"echo \\$\\$ > pid; exec sleep 1000\"; true'; true";
    let run = async { shell(&place, line, 1500).await };
    let (outcome, text) = run.await;
    assert_eq!(outcome, CommandOutcome::TimedOut);
    assert!(text.contains("1500 ms") && text.ends_with("started\n"), "{text}");
    let pid = place.text("pid");
    eventually("the grandchild ends", || !is_alive(pid.trim())).await;
}

#[tokio::test]
async fn dropping_a_command_ends_it_and_its_children() {
    let place = Place::with(&[]);
    let line = "sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000'; true";
    let pid = place.root().join("pid");
    tokio::select! {
        ended = shell(&place, line, 60_000) => panic!("it ended: {ended:?}"),
        () = eventually("the child starts", || pid.exists()) => {}
    }
    let pid = place.text("pid");
    eventually("the child ends", || !is_alive(pid.trim())).await;
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_ends_with_it() {
    let place = Place::with(&[]);
    let (outcome, _) = shell(&place, "sleep 1000 & echo $! > pid", 60_000).await;
    assert_eq!(outcome, CommandOutcome::Exited { code: 0 });
    let pid = place.text("pid");
    eventually("the background process ends", || !is_alive(pid.trim())).await;
}

#[tokio::test]
async fn a_process_that_leaves_the_group_does_not_hold_up_the_command() {
    let place = Place::with(&[]);
    let line = "setsid sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 30' & while ! test -e pid; do :; done; echo done";
    let run = timeout(Duration::from_secs(20), shell(&place, line, 60_000));
    let (outcome, text) = run.await.expect("it is held up");
    assert_eq!(
        (outcome, text.as_str()),
        (CommandOutcome::Exited { code: 0 }, "exit code 0\ndone\n")
    );
    let pid = place.text("pid");
    shell(&place, &format!("kill -9 {}", pid.trim()), 60_000).await;
}

//! Commands of workflows: their output is a value, their failure is told, nothing outlives them.

use std::{fs, sync::Arc, time::Duration};

use lao_event::latest::CommandOutcome;
use lao_port::{Actions, BoxFuture, ProgramFailure, ProgramOutput, ProgramRun};
use lao_tool::{Ended, Job, Programs};
use tokio::time::timeout;

use crate::{
    place::Place,
    wait::{eventually, is_alive},
};

fn program(argv: &[&str]) -> ProgramRun {
    ProgramRun {
        argv: argv.iter().map(|part| (*part).to_owned()).collect(),
        folder: None,
        env: Vec::new(),
        secrets: Vec::new(),
        input: None,
        json: false,
        exit_codes: vec![0],
    }
}

fn shell(line: &str) -> ProgramRun {
    program(&["sh", "-c", line])
}

async fn output(place: &Place, program: &ProgramRun) -> String {
    place.actions.run(program).await.unwrap().output
}

async fn failure(place: &Place, program: &ProgramRun) -> ProgramFailure {
    place.actions.run(program).await.unwrap_err()
}

#[tokio::test]
async fn what_a_command_writes_is_its_value_and_nothing_else() {
    let place = Place::with(&[("sub/here", "")]);
    let outside = tempfile::tempdir().unwrap();
    let said = output(&place, &shell("echo out; echo noise >&2; printf 'Grüße'; ls")).await;
    assert_eq!(said, "out\nGrüßesub");
    let mut inside = shell("pwd; ls");
    inside.folder = Some("sub".to_owned());
    assert!(output(&place, &inside).await.ends_with("/sub\nhere"));
    inside.folder = Some(outside.path().to_str().unwrap().to_owned());
    assert!(output(&place, &inside).await.contains(outside.path().to_str().unwrap()));
    let mut told = shell("echo $A-$TERM-$LAO_X$GITHUB_TOKEN");
    told.env = vec![("A".to_owned(), "1".to_owned()), ("TERM".to_owned(), "mine".to_owned())];
    assert_eq!(output(&place, &told).await, "1-mine-");
    for (written, value) in
        [("a\\n\\n", "a\n"), ("a\\r\\n", "a"), (" a ", " a "), ("\\n", ""), ("", "")]
    {
        assert_eq!(output(&place, &program(&["printf", written])).await, value, "{written}");
    }
}

#[tokio::test]
async fn input_of_any_size_goes_in_while_output_comes_out() {
    let place = Place::with(&[]);
    let text = "0123456789abcde\n".repeat(1 << 18);
    let mut cat = program(&["cat"]);
    cat.input = Some(text.clone());
    assert!(output(&place, &cat).await == text.trim_end(), "four MiB come back");
    let mut reads_a_line = shell("read line; echo $line");
    reads_a_line.input = Some(text);
    assert_eq!(output(&place, &reads_a_line).await, "0123456789abcde");
    let mut empty = program(&["cat"]);
    assert_eq!(output(&place, &empty).await, "", "without input there is an end at once");
    empty.input = Some(String::new());
    assert_eq!(output(&place, &empty).await, "");
}

#[tokio::test]
async fn json_is_checked_and_comes_in_one_form() {
    let place = Place::with(&[]);
    let mut json = shell(r#"echo '{ "b": 1, "a": [true] }'"#);
    json.json = true;
    assert_eq!(output(&place, &json).await, r#"{"a":[true],"b":1}"#);
    for (line, part) in [
        ("true", "was to write JSON to its standard output, and wrote nothing"),
        ("echo nonsense", "(expected ident at line 1 column 2), and wrote: nonsense"),
        ("printf '\\377'", "wrote what is not text in UTF-8 (byte 0 is not)"),
    ] {
        let mut json = shell(line);
        json.json = true;
        let failure = failure(&place, &json).await;
        assert!(failure.message.contains(part), "{}", failure.message);
        assert_eq!(failure.exit_code, Some(0));
    }
}

#[tokio::test]
async fn an_exit_code_that_is_no_success_is_told_with_the_last_words() {
    let place = Place::with(&[]);
    let failed = failure(&place, &shell("echo value; echo why >&2; exit 3")).await;
    assert_eq!(failed.exit_code, Some(3));
    assert!(failed.message.ends_with("` ended with exit code 3:\nwhy"), "{}", failed.message);
    let failed = failure(&place, &shell("echo said on output; exit 1")).await;
    assert!(failed.message.ends_with(":\nsaid on output"), "{}", failed.message);
    let failed = failure(&place, &shell("exit 1")).await;
    assert!(failed.message.ends_with("exit code 1 and said nothing"), "{}", failed.message);
    let failed = failure(&place, &shell("kill -9 $$")).await;
    assert_eq!(failed.exit_code, Some(137));

    let mut grep = shell("echo none; exit 1");
    grep.exit_codes = vec![0, 1];
    let ended = ProgramOutput { exit_code: 1, output: "none".to_owned() };
    assert_eq!(place.actions.run(&grep).await, Ok(ended));
    grep.exit_codes = vec![2];
    grep.argv = program(&["true"]).argv;
    assert_eq!(failure(&place, &grep).await.exit_code, Some(0));
}

#[tokio::test]
async fn only_the_end_of_many_words_is_told() {
    let place = Place::with(&[]);
    let failed = failure(&place, &shell("seq 100000 >&2; exit 1")).await;
    let (_, words) = failed.message.split_once(":\n").unwrap();
    assert_eq!(words.lines().count(), 20, "{words}");
    assert!(words.starts_with("[...] 99981\n") && words.ends_with("\n100000"), "{words}");
    let failed = failure(&place, &shell("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1")).await;
    assert!(failed.message.len() < 2400, "{}", failed.message.len());
}

#[tokio::test]
async fn output_without_end_is_ended_and_told() {
    let place = Place::with(&[]);
    let line = "sh -c 'echo $$ > pid; exec yes'; true";
    let endless = shell(line);
    let failed = timeout(Duration::from_mins(1), failure(&place, &endless)).await.unwrap();
    assert!(failed.message.contains("wrote more than 16777216 bytes"), "{}", failed.message);
    assert_eq!(failed.exit_code, None);
    let pid = place.text("pid");
    eventually("the one that writes ends", || !is_alive(pid.trim())).await;
    let most = output(&place, &shell("head -c 16777216 /dev/zero")).await;
    assert_eq!(most.len(), 16 * 1024 * 1024, "as much as there may be is whole");
}

#[tokio::test]
async fn what_cannot_be_run_says_so() {
    let place = Place::with(&[("file", "")]);
    for (argv, part) in [
        (vec!["no-such-program-here"], "\"no-such-program-here\" is not installed or not in PATH"),
        (vec![], "names no program"),
        (vec!["/"], "could not be started"),
    ] {
        let failed = failure(&place, &program(&argv)).await;
        assert!(failed.message.contains(part), "{}", failed.message);
        assert_eq!(failed.exit_code, None);
    }
    for (folder, part) in [
        ("absent", "absent does not exist; make it first"),
        ("file", "file does not exist"),
        ("../out", "leads out of the workspace"),
        ("/absent/folder", "the folder /absent/folder does not exist"),
    ] {
        let mut program = program(&["true"]);
        program.folder = Some(folder.to_owned());
        let failed = failure(&place, &program).await;
        assert!(failed.message.contains(part), "{}", failed.message);
    }
}

/// Cargo gives every test this variable; its value is long and cannot be mistaken.
const SET: &str = "CARGO_MANIFEST_DIR";

#[tokio::test]
async fn a_secret_comes_from_the_environment_and_stays_out_of_messages() {
    let place = Place::with(&[]);
    let secret = std::env::var(SET).unwrap();
    let mut tells = shell("echo $API_TOKEN");
    tells.secrets = vec![("API_TOKEN".to_owned(), SET.to_owned())];
    assert_eq!(output(&place, &tells).await, secret);
    tells.argv = shell("echo \"denied: $API_TOKEN\" >&2; exit 1").argv;
    let failed = failure(&place, &tells).await;
    assert!(failed.message.ends_with("denied: $API_TOKEN"), "{}", failed.message);

    tells.secrets = vec![("API_TOKEN".to_owned(), "LAO_TEST_ABSENT".to_owned())];
    tells.argv = shell("echo ran > ran").argv;
    let failed = failure(&place, &tells).await;
    let part =
        "its secret API_TOKEN is to come from the variable LAO_TEST_ABSENT, which is not set";
    assert!(failed.message.contains(part), "{}", failed.message);
    assert!(!place.root().join("ran").exists());
}

#[tokio::test]
async fn dropping_a_command_ends_it_and_its_children() {
    let place = Place::with(&[]);
    let mut waits = shell("sh -c 'echo $$ > pid.new; mv pid.new pid; exec sleep 1000'; true");
    waits.input = Some("x".repeat(1 << 20));
    let pid = place.root().join("pid");
    tokio::select! {
        ended = place.actions.run(&waits) => panic!("it ended: {ended:?}"),
        () = eventually("the child starts", || pid.exists()) => {}
    }
    let pid = place.text("pid");
    eventually("the child ends", || !is_alive(pid.trim())).await;
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_ends_with_it() {
    let place = Place::with(&[]);
    assert_eq!(output(&place, &shell("sleep 1000 & echo $! > pid; echo done")).await, "done");
    let pid = place.text("pid");
    eventually("the background process ends", || !is_alive(pid.trim())).await;
}

#[tokio::test]
async fn commands_run_side_by_side() {
    let place = Place::with(&[]);
    // Each waits for the other: one after the other they would never end.
    let meet = |own: &str, other: &str| {
        shell(&format!("touch {own}; until test -e {other}; do sleep 0.01; done; echo {own}"))
    };
    let (first, second) = (meet("a", "b"), meet("b", "a"));
    let both = async { tokio::join!(output(&place, &first), output(&place, &second)) };
    let both = timeout(Duration::from_secs(30), both).await.unwrap();
    assert_eq!(both, ("a".to_owned(), "b".to_owned()));
}

/// Programs as scenarios play them: one output.
#[derive(Debug)]
struct Played;

impl Programs for Played {
    fn run<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Ended> {
        let code = i32::from(job.argv[0] == "fails");
        let output = format!("{} < {:?}", job.argv.join(" "), job.input);
        let outcome = CommandOutcome::Exited { code };
        Box::pin(async { Ended { outcome, output, is_unknown: false, elapsed_ms: 5 } })
    }
}

#[tokio::test]
async fn commands_can_be_played() {
    let place = Place::with(&[]);
    let actions = place.actions.clone().with_programs(Arc::new(Played));
    let mut works = program(&["works", "x"]);
    works.input = Some("in".to_owned());
    assert_eq!(actions.run(&works).await.unwrap().output, "works x < Some(\"in\")");
    let failed = actions.run(&program(&["fails"])).await.unwrap_err();
    assert_eq!(failed.message, "`fails` ended with exit code 1:\nfails < None");
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 0);
}

//! What may be typed, and what comes of it.

use std::ffi::OsString;

use clap::Parser;
use lao_cli::{
    Cli, Command, ExitCode,
    args::{ColorChoice, RunSelector, Verbosity},
};
use lao_protocol::AnswerChoice;

fn parse(line: &str) -> Cli {
    Cli::try_parse_from(line.split(' ')).unwrap()
}

fn refuse(line: &str) -> String {
    Cli::try_parse_from(line.split(' ')).unwrap_err().to_string()
}

#[test]
fn clap_finds_nothing_wrong_with_the_description() {
    Cli::description().debug_assert();
}

#[test]
fn run_takes_a_plan_and_its_options() {
    let cli = parse(
        "lao run plans/app.md --once --again --no-git --model coder=qwen3:8b --model planner=a=b --workspace ../shop",
    );
    let Command::Run(run) = cli.command else {
        panic!("not run");
    };
    assert_eq!(run.plan.unwrap().to_str(), Some("plans/app.md"));
    assert!(run.once && run.again && run.no_git);
    assert_eq!(run.models[0].role, "coder");
    assert_eq!(run.models[0].model, "qwen3:8b");
    assert_eq!(run.models[1].model, "a=b");
    assert_eq!(run.workspace.unwrap().to_str(), Some("../shop"));
}

#[test]
fn global_options_stand_before_and_after_the_command() {
    let before = parse("lao --json --project /p --color never --set a.b=1 -vv runs");
    let after = parse("lao runs --json --project /p --color never --set a.b=1 -vv");
    assert_eq!(before, after);
    assert_eq!(before.global.color, ColorChoice::Never);
    assert_eq!(before.global.overrides[0].key, "a.b");
    assert_eq!(before.global.verbosity(), Verbosity::Everything);
}

#[test]
fn every_amount_of_talk_has_its_flag() {
    assert_eq!(parse("lao runs -q").global.verbosity(), Verbosity::Quiet);
    assert_eq!(parse("lao runs").global.verbosity(), Verbosity::Normal);
    assert_eq!(parse("lao runs -v").global.verbosity(), Verbosity::Verbose);
    assert!(refuse("lao runs -q -v").contains("cannot be used with"));
}

#[test]
fn a_run_is_named_or_the_last() {
    let selector = |line| {
        let Command::Log(log) = parse(line).command else {
            panic!("not log");
        };
        log.run
    };
    assert_eq!(selector("lao log last"), RunSelector::Last);
    assert_eq!(selector("lao log x7k2q"), RunSelector::Named("x7k2q".to_owned()));
}

#[test]
fn answers_are_the_protocols() {
    let Command::Answer(answer) = parse("lao answer last 5 skip").command else {
        panic!("not answer");
    };
    assert_eq!(answer.question, 5);
    assert_eq!(AnswerChoice::from(answer.answer), AnswerChoice::Skip);
    assert!(refuse("lao answer last 5 maybe").contains("rerun, skip"));
}

#[test]
fn wrong_values_say_what_was_expected() {
    assert!(refuse("lao --set models runs").contains("expected KEY=VALUE"));
    assert!(refuse("lao --set =1 runs").contains("expected KEY=VALUE"));
    assert!(refuse("lao run --model coder=").contains("expected ROLE=MODEL"));
    assert!(refuse("lao log last --from 0").contains("not in 1.."));
    assert!(refuse("lao stats").contains("'status'"));
}

#[test]
fn mistakes_end_with_2_and_help_with_0() {
    let code = |line: &str| {
        let args = line.split(' ').map(OsString::from);
        Cli::parse_or_exit_code(args).map(drop).unwrap_err()
    };
    assert_eq!(code("lao --bogus"), ExitCode::Usage);
    assert_eq!(code("lao log --json"), ExitCode::Usage);
    assert_eq!(code("lao"), ExitCode::Usage);
    assert_eq!(code("lao --version"), ExitCode::Done);
    assert_eq!(code("lao help run"), ExitCode::Done);
}

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let Command::Completions(completions) = parse(&format!("lao completions {shell}")).command
        else {
            panic!("not completions");
        };
        assert!(completions.script().contains("doctor"), "{shell}");
    }
}

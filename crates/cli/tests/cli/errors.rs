//! Errors and exit codes.

use std::{fmt, io};

use lao_cli::{CliError, ExitCode, style::Color};
use lao_protocol::RunStatusCode;

use crate::sample::{self, check, style};

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read lao.toml")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn sample_error() -> CliError {
    let outer = Outer(io::Error::other("line 3: unknown key `modles`\n  did you mean `models`?"));
    CliError::from_error(ExitCode::Configuration, &outer)
        .hint("lao config show prints every value and where it came from")
        .hint("lao init writes a new one where none is")
}

#[test]
fn an_error_says_what_why_and_what_to_do() {
    check("error-plain", &sample_error().to_text(&style(80, Color::Off)));
    check("error-color", &sample_error().to_text(&style(80, Color::On)));
}

#[test]
fn an_error_is_one_json_object() {
    let line = sample_error().to_json();
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["error"]["code"], 3);
    assert_eq!(value["error"]["message"], "cannot read lao.toml");
    assert_eq!(value["error"]["hints"].as_array().unwrap().len(), 2);
    assert_eq!(value["error"]["causes"].as_array().unwrap().len(), 1);
}

#[test]
fn numbers_are_unique_and_known() {
    for code in ExitCode::ALL {
        assert_eq!(ExitCode::from_number(code.number()), Some(code));
    }
    let numbers: Vec<u8> = ExitCode::ALL.map(ExitCode::number).to_vec();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130]);
    assert_eq!(ExitCode::from_number(77), None);
}

#[test]
fn a_run_states_its_code_but_only_success_is_0() {
    let from = |state, number| ExitCode::from_status(&sample::status(state, number, Vec::new()));
    assert_eq!(from(RunStatusCode::Succeeded, 0), ExitCode::Done);
    assert_eq!(from(RunStatusCode::Interrupted, 7), ExitCode::ServerUnavailable);
    assert_eq!(from(RunStatusCode::Interrupted, 9), ExitCode::LimitReached);
    assert_eq!(from(RunStatusCode::Running, 0), ExitCode::Interrupted);
    assert_eq!(from(RunStatusCode::Failed, 0), ExitCode::StepsFailed);
    assert_eq!(from(RunStatusCode::Succeeded, 4), ExitCode::Done);
    assert_eq!(from(RunStatusCode::Parked, 200), ExitCode::Parked);
    assert_eq!(from(RunStatusCode::Cancelled, 6), ExitCode::Cancelled);
    assert_eq!(from(RunStatusCode::Unreadable, 8), ExitCode::JournalUnavailable);
}

#[test]
fn of_several_runs_the_worst_counts() {
    assert_eq!(ExitCode::Done.worse(ExitCode::StepsFailed), ExitCode::StepsFailed);
    assert_eq!(ExitCode::Interrupted.worse(ExitCode::Parked), ExitCode::Interrupted);
}

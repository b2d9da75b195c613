//! What to do next: commands that fit the state a run is in.

use std::borrow::Cow;

use lao_protocol::{RunStatus, RunStatusCode, StepStatus, StepView};

use super::words;
use crate::{ExitCode, text::short_run};

/// Failed steps whose own advice is given; more would hide the rest.
const FAILED_SHOWN: usize = 3;

/// Commands with their purpose, the most useful first.
pub(crate) fn commands(status: &RunStatus) -> Vec<(String, String)> {
    let run = short_run(&status.summary.run);
    match status.summary.status {
        RunStatusCode::Planning | RunStatusCode::Running | RunStatusCode::Stopping => vec![
            pair(format!("lao log {run} -f"), "follow it, event by event"),
            pair(format!("lao cancel {run}"), "end it for good"),
        ],
        RunStatusCode::Interrupted => interrupted(status, run),
        RunStatusCode::Parked => parked(status, run),
        RunStatusCode::Succeeded => look(status, run),
        RunStatusCode::Failed => failed(status, run),
        RunStatusCode::Cancelled => vec![pair(
            format!("lao run {} --again", shell_word(&status.summary.source)),
            "start anew",
        )],
        RunStatusCode::Unreadable => vec![pair(
            format!("lao journal check {run}"),
            "find out what is wrong with its journal",
        )],
    }
}

/// A word as a POSIX shell takes it.
pub(crate) fn shell_word(word: &str) -> Cow<'_, str> {
    // A word with a NUL cannot be quoted, nor can a file have that name.
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

fn interrupted(status: &RunStatus, run: &str) -> Vec<(String, String)> {
    let mut commands = vec![pair(format!("lao resume {run}"), "go on where it was")];
    if ExitCode::from_status(status) == ExitCode::ServerUnavailable {
        commands.insert(0, pair("lao doctor".to_owned(), "check the model server first"));
    }
    commands
}

fn parked(status: &RunStatus, run: &str) -> Vec<(String, String)> {
    let mut commands: Vec<_> = status
        .questions
        .iter()
        .map(|question| {
            let choices = question.choices.join("|");
            let number = question.question;
            pair(
                format!("lao answer {run} {number} {choices}"),
                &format!("answer for step {}", question.step),
            )
        })
        .collect();
    commands.extend(own_advice(status, StepStatus::Parked));
    if status.summary.pid.is_none() {
        commands.push(pair(format!("lao resume {run}"), "then go on"));
    }
    commands
}

fn failed(status: &RunStatus, run: &str) -> Vec<(String, String)> {
    let mut commands: Vec<_> = steps(status, StepStatus::Failed)
        .filter(|step| !words::is_provided_for(step))
        .take(FAILED_SHOWN)
        .map(|step| {
            pair(format!("lao show {run} --step {}", shell_word(&step.key)), "see what went wrong")
        })
        .collect();
    commands.extend(own_advice(status, StepStatus::Failed));
    commands.push(pair(format!("lao retry {run}"), "send what failed back to be done again"));
    if status.commits > 0 {
        commands.extend(look(status, run));
    }
    dedup(commands)
}

/// What the failures themselves advise, where no question stands for them.
fn own_advice(status: &RunStatus, state: StepStatus) -> impl Iterator<Item = (String, String)> {
    let asked = |step: &&StepView| status.questions.iter().any(|it| it.step == step.key);
    steps(status, state)
        .filter(move |step| !asked(step))
        .take(FAILED_SHOWN)
        .filter_map(|step| Some((step, step.failure.as_ref()?.next.clone()?)))
        .map(|(step, next)| pair(next, &format!("for step {}", step.key)))
}

fn steps(status: &RunStatus, state: StepStatus) -> impl Iterator<Item = &StepView> {
    status.steps.iter().filter(move |step| step.status == state)
}

/// Where the work can be looked at and taken over.
fn look(status: &RunStatus, run: &str) -> Vec<(String, String)> {
    let show = pair(format!("lao show {run}"), "see every step");
    if status.commits == 0 {
        return vec![show];
    }
    match (&status.repository, &status.branch) {
        (Some(repository), Some(branch)) => {
            let (repository, branch) = (shell_word(repository), shell_word(branch));
            vec![
                pair(format!("git -C {repository} diff HEAD...{branch}"), "see the change"),
                pair(format!("git -C {repository} merge {branch}"), "take it over"),
                show,
            ]
        }
        (None, _) | (_, None) => vec![
            pair(format!("git -C {} log --stat", shell_word(&status.workspace)), "see the commits"),
            show,
        ],
    }
}

fn pair(command: String, purpose: &str) -> (String, String) {
    (command, purpose.to_owned())
}

/// Each command once, at its first place.
fn dedup(commands: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::with_capacity(commands.len());
    for candidate in commands {
        if !kept.iter().any(|(command, _)| *command == candidate.0) {
            kept.push(candidate);
        }
    }
    kept
}

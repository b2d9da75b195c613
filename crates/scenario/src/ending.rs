//! How a run ended, as facts that do not depend on when or how often it was taken up.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use lao_event::latest::StepOutcome;
use lao_kernel::{State, StepStatus};
use serde_json::Value;

use crate::{
    play::without_root,
    tree::{self, CommitFacts},
};

/// The end of a run: two runs of the same scenario end alike exactly when these are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The workspace's files by path.
    pub files: BTreeMap<String, String>,
    /// The history, oldest first.
    pub commits: Vec<CommitFacts>,
    /// What is not committed.
    pub uncommitted: Vec<String>,
    /// The steps in their order.
    pub steps: Vec<StepFacts>,
    /// Everything else the kernel holds, as JSON without what numbers and times make differ.
    pub state: Value,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFacts {
    /// Its key.
    pub key: String,
    /// The last attempt.
    pub attempt: u32,
    /// How it ended; `None` while it is open.
    pub outcome: Option<StepOutcome>,
}

impl Ending {
    /// The ending in a workspace.
    pub fn of(workspace: &Path, state: &State) -> Result<Self, git2::Error> {
        let files = tree::files(workspace).map_err(|error| {
            git2::Error::from_str(&format!("the files cannot be read: {error}"))
        })?;
        Ok(Self {
            files,
            commits: tree::commits(workspace)?.into_iter().map(comparable).collect(),
            uncommitted: tree::uncommitted(workspace)?,
            steps: state.steps().iter().map(step_facts).collect(),
            state: summary(state),
        })
    }

    /// The same without what depends on which of several tasks was faster.
    #[must_use]
    pub fn without_order(mut self) -> Self {
        for commit in &mut self.commits {
            commit.tree.clear();
        }
        self.commits.sort();
        self
    }

    /// The same with messages that do not tell where the project lay.
    #[must_use]
    pub(crate) fn without_root(mut self, root: &str) -> Self {
        for step in &mut self.steps {
            if let Some(StepOutcome::Failed { message, .. }) = &mut step.outcome {
                *message = without_root(message, root);
            }
        }
        forget_root(&mut self.state, root);
        self
    }

    /// The same without what the kernel holds besides the steps.
    #[must_use]
    pub fn without_state(mut self) -> Self {
        self.state = Value::Null;
        self
    }

    /// As [`Self::text`], with all that the kernel holds.
    pub fn whole_text(&self) -> String {
        format!("{}state {:#}\n", self.text(), self.state)
    }

    /// For people, and for a snapshot beside the scenario.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: &dyn std::fmt::Display| {
            writeln!(text, "{line}").expect("writing to a String");
        };
        for step in &self.steps {
            line(&format_args!("step {} (attempt {}): {}", step.key, step.attempt, words(step)));
        }
        for commit in &self.commits {
            line(&format_args!("commit {commit}"));
        }
        for (path, hash) in &self.files {
            line(&format_args!("file {path} {hash}"));
        }
        for change in &self.uncommitted {
            line(&format_args!("uncommitted {change}"));
        }
        text
    }
}

fn words(step: &StepFacts) -> String {
    match &step.outcome {
        None => "open".to_owned(),
        Some(StepOutcome::Succeeded) => "succeeded".to_owned(),
        Some(StepOutcome::Failed { reason, message }) => format!("failed, {reason:?}: {message}"),
        Some(StepOutcome::Skipped(reason)) => format!("skipped, {reason:?}"),
    }
}

fn step_facts(step: &lao_kernel::Step) -> StepFacts {
    let outcome = match &step.status {
        StepStatus::Ended(outcome) => Some(outcome.clone()),
        StepStatus::Pending | StepStatus::Running(_) | StepStatus::Parked(..) => None,
    };
    StepFacts { key: step.key.clone(), attempt: step.attempt.0, outcome }
}

/// Effects are numbered in the order of starting, which a resume adds to; ids hold the time.
fn comparable(mut commit: CommitFacts) -> CommitFacts {
    commit.id.clear();
    if let Some((_, effect)) = &mut commit.marks {
        *effect = 0;
    }
    commit
}

/// The state as JSON, without what depends on the folder, the time or the number of resumes.
pub fn summary(state: &State) -> Value {
    let mut value = serde_json::to_value(state).expect("the state has no key that JSON refuses");
    for (place, key) in [
        ("", "effects_started"),
        ("", "talks_started"),
        ("", "questions_asked"),
        ("/run/workspace", "base"),
        ("/run/settings", "workspace"),
    ] {
        if let Some(Value::Object(fields)) = value.pointer_mut(place) {
            fields.remove(key);
        }
    }
    forget_durations(&mut value);
    value
}

fn forget_root(value: &mut Value, root: &str) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| forget_root(value, root));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| forget_root(value, root)),
        Value::String(text) if text.contains(root) => *text = without_root(text, root),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn forget_durations(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("elapsed_ms");
            fields.values_mut().for_each(forget_durations);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_durations),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

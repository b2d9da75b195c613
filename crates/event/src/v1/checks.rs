//! The verifier's checks and the reviewer's verdict.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{CommandOutcome, Contents, without_contents};
use crate::{Content, EffectId, StepId};

/// The verifier is at work.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ChecksStarted {
    /// The effect.
    pub effect: EffectId,
    /// The tasks that are checked.
    pub steps: Vec<StepId>,
    /// What is checked.
    pub scope: ChecksScope,
}

/// What one round of checks covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksScope {
    /// One task: its files, and the commands that run after every task.
    Task,
    /// The whole project, once for all the tasks of a wave.
    Wave,
}

/// The verifier reported.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ChecksEnded {
    /// The effect.
    pub effect: EffectId,
    /// One report for each task that was checked.
    pub reports: Vec<CheckReport>,
    /// The commands that ran.
    pub commands: Vec<CommandReport>,
}

/// What the verifier says of one task.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CheckReport {
    /// The task.
    pub step: StepId,
    /// What is wrong; empty when nothing is.
    pub findings: Vec<Finding>,
    /// The task's changes as a unified diff.
    pub diff: Content,
}

/// One thing that is wrong, as the verifier or the reviewer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Finding {
    /// Relative to the workspace, where one file is meant.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Short name of what was violated.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

/// One project command that the verifier ran.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommandReport {
    /// Its name in the configuration.
    pub name: String,
    /// How it ended.
    pub outcome: CommandOutcome,
    /// The end of its output.
    pub output: Content,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

impl Contents for ChecksEnded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        let Self { effect: _, reports, commands } = self;
        for CheckReport { step: _, findings: _, diff } in reports {
            visit(diff);
        }
        for CommandReport { name: _, outcome: _, output, elapsed_ms: _ } in commands {
            visit(output);
        }
    }
}

/// The reviewer's verdict was read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ReviewGiven {
    /// The task.
    pub step: StepId,
    /// The verdict.
    pub verdict: Verdict,
    /// In a sentence or two.
    pub summary: String,
    /// What the reviewer found.
    pub findings: Vec<Finding>,
}

/// A reviewer's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The task is done.
    Approved,
    /// The coder must change something.
    Rework,
    /// The work is on the wrong track.
    Rejected,
}

without_contents!(ChecksStarted, ReviewGiven);

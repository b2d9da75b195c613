//! The verifier: deterministic checks before any reviewer is asked.

use lao_event::{
    CheckCommand, StepId,
    latest::{CommandOutcome, Finding},
};

use crate::BoxFuture;

/// What is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// The tasks.
    pub tasks: Vec<VerifyTask>,
    /// The commands to run, in order; a red one is a finding.
    pub commands: Vec<CheckCommand>,
    /// Placeholder text in code is a finding.
    pub placeholders: bool,
    /// The most bytes of diff per task.
    pub diff_bytes_max: usize,
}

/// One task to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyTask {
    /// The task's step.
    pub step: StepId,
    /// Files that must exist.
    pub files: Vec<String>,
    /// Files that must not.
    pub deletes: Vec<String>,
    /// Files the task changed.
    pub changed: Vec<ChangedFile>,
    /// To-do items that are not done.
    pub todo_open: Vec<String>,
}

/// A file that a task changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Relative to the workspace.
    pub path: String,
    /// Its text before the task; `None` where there was none, or none that is text.
    pub base: Option<String>,
}

/// What the verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// A report for each task of the request, in its order.
    pub tasks: Vec<TaskReport>,
    /// The commands that ran.
    pub commands: Vec<CommandResult>,
}

/// What the verifier says of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskReport {
    /// The task's step.
    pub step: StepId,
    /// What is wrong. A red command is a finding of every task of the request, except where
    /// its output clearly names files of one task only.
    pub findings: Vec<Finding>,
    /// Unified diff of the task's changes, cut to the limit.
    pub diff: String,
}

/// One command that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandResult {
    /// Its name in the configuration.
    pub name: String,
    /// How it ended.
    pub outcome: CommandOutcome,
    /// The end of its output.
    pub output: String,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

/// Checks, bound to one workspace.
pub trait Verifier: Send + Sync {
    /// Checks. May be repeated after a crash. Dropping the future ends running commands.
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport>;
}

//! The settings a run was started with, as the journal keeps them.
//!
//! They are stored as one JSON document (not as positional bytes), because they gain keys
//! with every release: a missing key takes its default, so that old runs stay readable.
//! No floats: sampling parameters are in thousandths.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// What a model is used for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Turns a plan into tasks.
    Planner,
    /// Does a task with tools.
    Coder,
    /// Judges a task's changes.
    Reviewer,
    /// Answers single prompts of workflows.
    Analyst,
    /// Chats.
    Pilot,
    /// Turns text into vectors.
    Embedder,
    /// Turns speech into text.
    Transcriber,
}

impl Role {
    /// Every role, in the order people see them.
    pub const ALL: [Self; 7] = [
        Self::Planner,
        Self::Coder,
        Self::Reviewer,
        Self::Analyst,
        Self::Pilot,
        Self::Embedder,
        Self::Transcriber,
    ];

    /// The role's name in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Coder => "coder",
            Self::Reviewer => "reviewer",
            Self::Analyst => "analyst",
            Self::Pilot => "pilot",
            Self::Embedder => "embedder",
            Self::Transcriber => "transcriber",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The model that plays a role, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSettings {
    /// Which role.
    pub role: Role,
    /// The name of the endpoint in the configuration.
    pub endpoint: String,
    /// The model's key on that endpoint.
    pub model: String,
    /// The context window, in tokens.
    pub context_tokens: u32,
    /// The most tokens one answer may have.
    pub output_tokens_max: u32,
    /// Sampling temperature in thousandths; the server's default where absent.
    #[serde(default)]
    pub temperature_milli: Option<u32>,
    /// Nucleus sampling in thousandths.
    #[serde(default)]
    pub top_p_milli: Option<u32>,
    /// Repetition penalty in thousandths.
    #[serde(default)]
    pub repetition_penalty_milli: Option<u32>,
    /// Sampling seed.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The server takes tool definitions and answers with tool calls.
    #[serde(default)]
    pub tools: bool,
    /// The server honours `response_format: json_schema`.
    #[serde(default)]
    pub json_schema: bool,
    /// What the role is told to be and do, in place of what it is told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// Bounds on what a run may do before it gives up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Tries at a task, counting the first (reviewer rework and lost conversations).
    pub attempts_max: u32,
    /// Answers of the planner for one chunk that may be turned down.
    pub planner_tries_max: u32,
    /// Rounds of verifier findings within one attempt.
    pub check_rounds_max: u32,
    /// Unreadable reviewer answers within one review.
    pub review_tries_max: u32,
    /// Model answers within one attempt.
    pub turns_max: u32,
    /// The same tool call with the same arguments in a row.
    pub repeated_calls_max: u32,
    /// Output of one tool call that goes back to the model, in bytes.
    pub tool_output_bytes_max: u32,
    /// How long one attempt at a task may take, in milliseconds; `None` without a limit.
    pub attempt_time_limit_ms: Option<u64>,
    /// Tasks under way at the same time.
    pub parallel_tasks_max: u32,
    /// Times one effect may be lost to a crash of its worker before the run stops.
    pub effect_losses_max: u32,
    /// Steps of a workflow under way at the same time.
    pub parallel_steps_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            planner_tries_max: 3,
            check_rounds_max: 3,
            review_tries_max: 3,
            turns_max: 40,
            repeated_calls_max: 3,
            tool_output_bytes_max: 8192,
            attempt_time_limit_ms: None,
            parallel_tasks_max: 1,
            effect_losses_max: 3,
            parallel_steps_max: 8,
        }
    }
}

/// When a whole-project command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckScope {
    /// After every task.
    Task,
    /// Once when every task that could be coded has been.
    Wave,
    /// On each changed file that matches, with `{file}` in the arguments replaced.
    File,
}

/// A build, lint, test or syntax command of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCommand {
    /// What people call it.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// When it runs.
    pub scope: CheckScope,
    /// For `File`: which files, as globs.
    #[serde(default)]
    pub files: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// What the verifier checks beyond what it always checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifierSettings {
    /// The project's own commands, in order.
    pub commands: Vec<CheckCommand>,
    /// Placeholder text in code is a finding.
    pub placeholders: bool,
}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self { commands: Vec::new(), placeholders: true }
    }
}

/// How the run uses git.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GitSettings {
    /// Commits are made.
    pub enabled: bool,
    /// Author name where it is not git's own.
    pub author_name: Option<String>,
    /// Author email where it is not git's own.
    pub author_email: Option<String>,
}

/// Where a run works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "at")]
pub enum WorkspaceSettings {
    /// A folder of the run's own, made when missing.
    Folder {
        /// Absolute path.
        path: String,
    },
    /// A git worktree of an existing repository, on a branch of the run's own.
    Worktree {
        /// Absolute path of the worktree.
        path: String,
        /// Absolute path of the user's repository.
        repository: String,
        /// The branch, `lao/<plan>`.
        branch: String,
    },
}

impl WorkspaceSettings {
    /// Absolute path of the folder the run works in.
    pub fn path(&self) -> &str {
        match self {
            Self::Folder { path } | Self::Worktree { path, .. } => path,
        }
    }
}

/// Whether the shell tool is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellAccess {
    /// Not offered; a call is denied.
    #[default]
    Off,
    /// Offered; commands run in the workspace.
    On,
}

/// What happens to an opaque effect whose outcome a crash left unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Park the step and ask a person.
    #[default]
    Ask,
    /// Run it again.
    Rerun,
    /// Go on without it and tell the model.
    Skip,
}

/// A tool as it is offered to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name, unique within a run.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of the arguments, as JSON text.
    pub parameters: String,
}

/// Everything a run was told at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The models in use.
    pub roles: Vec<RoleSettings>,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// Checks.
    #[serde(default)]
    pub verifier: VerifierSettings,
    /// Commits.
    #[serde(default)]
    pub git: GitSettings,
    /// Where the run works.
    pub workspace: WorkspaceSettings,
    /// The shell tool.
    #[serde(default)]
    pub shell: ShellAccess,
    /// Longest time one shell command may take, in milliseconds.
    #[serde(default = "default_shell_timeout_ms")]
    pub shell_timeout_ms: u64,
    /// Opaque effects after a crash.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// The tools offered to the coder.
    #[serde(default)]
    pub tools: Vec<ToolSpec>,
}

const fn default_shell_timeout_ms() -> u64 {
    120_000
}

impl Settings {
    /// The settings of a role, if the run has them.
    pub fn role(&self, role: Role) -> Option<&RoleSettings> {
        self.roles.iter().find(|settings| settings.role == role)
    }
}

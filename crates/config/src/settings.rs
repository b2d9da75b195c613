//! The settings as types. A value of these types has been checked; there is no other way to
//! make a [`Config`] than [`Config::load`].

use std::collections::BTreeMap;

use crate::build;
use crate::endpoint::{AllowedHost, LocalEndpoint};
use crate::layer::Layers;
use crate::problem::ConfigError;
use crate::role::Role;
use crate::source::Source;

/// Stands for the changed file in a command for single files.
pub const FILE_PLACEHOLDER: &str = "{file}";

/// All settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where data may go.
    pub network: Network,
    /// The model servers by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// The roles that have a model.
    pub roles: BTreeMap<Role, RoleSettings>,
    /// Folders.
    pub paths: Paths,
    /// Limits of a run.
    pub orchestration: Orchestration,
    /// Checks before review.
    pub verifier: Verifier,
    /// The coder's tools.
    pub tools: Tools,
    /// Commits.
    pub git: Git,
    pub(crate) settings: Vec<Setting>,
}

impl Config {
    /// Lays the layers over each other and checks everything.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem found, each with its place and its cure.
    pub fn load(layers: &Layers) -> Result<Self, ConfigError> {
        build::load(layers)
    }

    /// Every setting with its value and where that came from, in the order of the schema.
    pub fn explain(&self) -> &[Setting] {
        &self.settings
    }

    /// The settings of a role and its endpoint; `None` when the role has no model.
    pub fn role(&self, role: Role) -> Option<(&RoleSettings, &Endpoint)> {
        let settings = self.roles.get(&role)?;
        let endpoint = self.endpoints.get(&settings.endpoint);
        Some((
            settings,
            endpoint.expect("loading checks a role's endpoint"),
        ))
    }
}

/// One setting, as `lao config show` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The dotted key.
    pub key: String,
    /// The value as TOML text; `None` when it is not set and has no default.
    pub value: Option<String>,
    /// Where the value came from.
    pub source: Source,
}

/// Where data may go besides this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Hosts the user listed.
    pub allowed_hosts: Vec<AllowedHost>,
}

/// A model server, or a file that plays one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// What answers.
    pub target: Target,
    /// Requests it may work on at once; at least 1.
    pub permits: u32,
    /// Milliseconds to wait for a connection.
    pub connect_timeout_ms: u64,
    /// Seconds to wait for the first token.
    pub first_token_timeout_s: u64,
    /// Seconds of silence between tokens before an answer counts as broken off.
    pub idle_timeout_s: u64,
    /// Seconds a whole answer may take; `None` without a limit.
    pub total_timeout_s: Option<u64>,
    /// Seconds a run waits for a server that went away.
    pub wait_for_server_s: u64,
}

/// What answers at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A model server.
    Server {
        /// What it is.
        kind: ServerKind,
        /// Where it is.
        address: LocalEndpoint,
        /// Name of the environment variable with its key.
        api_key_env: Option<String>,
    },
    /// A file of answers.
    Scripted {
        /// The file's path, as written.
        script: String,
    },
}

/// What kind of server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// To be found out by asking it.
    Auto,
    /// Any OpenAI-compatible server.
    Openai,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// llama.cpp's llama-server.
    LlamaCpp,
    /// vLLM.
    Vllm,
}

impl ServerKind {
    /// The kind's name in `lao.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Openai => "openai",
            Self::Ollama => "ollama",
            Self::LmStudio => "lmstudio",
            Self::LlamaCpp => "llamacpp",
            Self::Vllm => "vllm",
        }
    }
}

/// Which model plays a role, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSettings {
    /// Name of the endpoint; it exists.
    pub endpoint: String,
    /// The model's key, as the server lists it.
    pub model: String,
    /// The window in tokens.
    pub context_tokens: u32,
    /// Most tokens in one answer; less than the window.
    pub output_tokens_max: u32,
    /// Temperature in thousandths; `None` leaves it to the server.
    pub temperature_milli: Option<u32>,
    /// Top-p in thousandths; `None` leaves it to the server.
    pub top_p_milli: Option<u32>,
    /// Seed; `None` when it is to follow from the run's.
    pub seed: Option<u32>,
    /// Repetition penalty in thousandths; `None` leaves it to the server.
    pub repetition_penalty_milli: Option<u32>,
    /// Whether server and model support tool calls.
    pub tools: bool,
    /// Whether the server supports `response_format` with a JSON schema.
    pub json_schema: bool,
}

/// Folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the plans, from the project's folder.
    pub plans: String,
    /// Where to work, instead of a folder named after the plan.
    pub workspace: Option<String>,
}

/// Limits of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orchestration {
    /// Tries at a task before it fails.
    pub attempts_max: u32,
    /// Tasks at once; `None` for as many as the coder's endpoint has permits.
    pub parallel_tasks: Option<u32>,
    /// Tries of the planner after tasks that cannot be used.
    pub planner_tries_max: u32,
    /// Rounds of findings back to the coder within one attempt.
    pub check_rounds_max: u32,
    /// Tries of the reviewer after an answer that cannot be read.
    pub review_tries_max: u32,
    /// Model turns in one attempt.
    pub turns_max: u32,
    /// Identical tool calls in a row.
    pub repeated_calls_max: u32,
    /// Bytes of a tool's output that go back to the model.
    pub tool_output_bytes_max: u32,
    /// Seconds one attempt may take; `None` without a limit.
    pub task_time_limit_s: Option<u64>,
    /// Milliseconds between looks at the plans folder.
    pub watch_interval_ms: u64,
    /// Restarts of one effect after failures that may pass.
    pub effect_restarts_max: u32,
}

/// Checks before review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Commands that must succeed; their names differ.
    pub commands: Vec<CheckCommand>,
    /// Whether placeholder text is a finding.
    pub placeholders: bool,
}

/// A command of the verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckCommand {
    /// Its name in findings.
    pub name: String,
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// What it is run for.
    pub scope: CheckScope,
    /// Seconds it may take.
    pub timeout_s: u64,
}

/// What a command is run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckScope {
    /// Once after each task.
    Task,
    /// Once when no task is running.
    Wave,
    /// After each task, once per changed file that fits; [`FILE_PLACEHOLDER`] stands for it.
    File {
        /// Patterns as gitignore-like globs; at least one, each of them valid.
        patterns: Vec<String>,
    },
}

/// The coder's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// Whether shell commands may be run.
    pub shell: ShellAccess,
    /// What happens to a command that may or may not have run.
    pub on_unknown: OnUnknown,
    /// Seconds one shell command may take.
    pub shell_timeout_s: u64,
}

/// Whether the coder may run shell commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShellAccess {
    /// No.
    Off,
    /// Yes.
    On,
}

/// What happens after a crash to a command that may or may not have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnUnknown {
    /// A person is asked.
    Ask,
    /// It is run again.
    Rerun,
    /// It is taken as not run.
    Skip,
}

/// Commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Whether work is committed.
    pub enabled: bool,
    /// The author's name; `None` as git is configured.
    pub author_name: Option<String>,
    /// The author's address; `None` as git is configured.
    pub author_email: Option<String>,
    /// Where the commits go.
    pub mode: GitMode,
}

/// Where commits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GitMode {
    /// A worktree in an existing repository, else a repository in the workspace.
    Auto,
}

//! The settings as types. A value of these types has been checked; there is no other way to
//! make a [`Config`] than [`Config::load`].

use std::collections::BTreeMap;

use lao_event::{
    GitSettings, Limits, OnUnknown, Role, RoleSettings, Settings, ShellAccess, ToolSpec,
    VerifierSettings, WorkspaceSettings,
};

use lao_redact::Pattern;

use crate::build;
use crate::endpoint::{AllowedHost, LocalEndpoint};
use crate::layer::Layers;
use crate::problem::ConfigError;
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
    pub verifier: VerifierSettings,
    /// The coder's tools.
    pub tools: Tools,
    /// Commits.
    pub git: GitSettings,
    /// What is kept out of everything that is stored.
    pub secrets: Secrets,
    /// How long runs are kept.
    pub journal: Retention,
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

    /// Everything a run is told at its start, as its journal keeps it.
    pub fn run_settings(&self, workspace: WorkspaceSettings, tools: Vec<ToolSpec>) -> Settings {
        Settings {
            roles: self.roles.values().cloned().collect(),
            limits: self.orchestration.limits.clone(),
            verifier: self.verifier.clone(),
            git: self.git.clone(),
            workspace,
            shell: self.tools.shell,
            shell_timeout_ms: self.tools.shell_timeout_s * 1000,
            on_unknown: self.tools.on_unknown,
            tools,
        }
    }

    /// Secret values by the variables that hold them, as `value` tells: those named so, then the
    /// endpoints' keys.
    ///
    /// A key that is a name in the settings is no secret: servers that ask for a key and accept
    /// any are given their own name, say.
    pub fn secret_values(&self, value: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
        let keys = self.endpoints.values().filter_map(|endpoint| match &endpoint.target {
            Target::Server { api_key_env, .. } => api_key_env.as_deref(),
            Target::Scripted { .. } | Target::Whisper => None,
        });
        let held = |name: &str| Some((name.to_owned(), value(name)?));
        let named = self.secrets.env.iter().filter_map(|name| held(name));
        let keys = keys.filter_map(held).filter(|(_, key)| !self.is_in_a_name(key));
        named.chain(keys).collect()
    }

    fn is_in_a_name(&self, key: &str) -> bool {
        let models = self.roles.values().map(|role| &role.model);
        self.endpoints.keys().chain(models).any(|name| name.contains(key))
    }

    /// The settings of a role and its endpoint; `None` when the role has no model.
    pub fn role(&self, role: Role) -> Option<(&RoleSettings, &Endpoint)> {
        let settings = self.roles.get(&role)?;
        let endpoint = self.endpoints.get(&settings.endpoint);
        Some((settings, endpoint.expect("loading checks a role's endpoint")))
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
    /// Answers come token by token.
    pub stream: bool,
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
    /// The engine for speech on this machine.
    Whisper,
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
    /// whisper.cpp's server: speech to text.
    WhisperServer,
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
            Self::WhisperServer => "whisper-server",
        }
    }
}

/// How long runs are kept, and when their size is mentioned. Nothing is removed but by `lao prune`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days a run is kept after its end; `None` for ever.
    pub keep_days: Option<u64>,
    /// How many runs are kept, the newest; `None` for all.
    pub keep_runs: Option<u64>,
    /// Bytes of runs and blobs above which the oldest runs go; `None` without a limit.
    pub max_bytes: Option<u64>,
    /// Bytes of runs and blobs above which that is mentioned; `None` for never.
    pub warn_bytes: Option<u64>,
}

/// What counts as a secret, besides the keys of the endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Keys and tokens of well-known shapes do.
    pub known_shapes: bool,
    /// Environment variables whose values do.
    pub env: Vec<String>,
    /// What the patterns match does.
    pub patterns: Vec<Pattern>,
}

/// Folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of the plans, from the project's folder.
    pub plans: String,
    /// Where to work, instead of a folder named after the plan.
    pub workspace: Option<String>,
}

/// How a run is driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orchestration {
    /// What a run may do before it gives up. Where the number of parallel tasks is not set,
    /// it is that of the permits of the coder's endpoint.
    pub limits: Limits,
    /// Milliseconds between looks at the plans folder.
    pub watch_interval_ms: u64,
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

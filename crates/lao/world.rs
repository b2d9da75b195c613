//! The real world of a run: model servers, tools, verifier, git, clock.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use lao_cli::{CliError, ExitCode};
use lao_config::{Config, Endpoint, ServerKind, Target};
use lao_event::Settings;
use lao_model::{Delivery, LocalUrl, Models, OpenAiModel, Script, ScriptedModel};
use lao_port::{Clock, FlowWorld, World};
use lao_repo::GitRepository;
use lao_runtime::{Permits, RetryPolicy};
use lao_tool::{LocalToolbox, LocalVerifier, ToolLimits, Workspace};

/// The name of the engine for speech on this machine, among the endpoints.
pub(crate) const WHISPER: &str = "whisper";

/// The clock of the machine.
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

/// Milliseconds since 1970, UTC; negative where the clock is set to an earlier time.
pub(crate) fn wall_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> i64 {
        wall_ms()
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The model servers and scripts of a configuration.
pub(crate) fn models(config: &Config, root: &Path) -> Result<Models, CliError> {
    let mut servers = Vec::new();
    let mut scripts = Vec::new();
    for (name, endpoint) in &config.endpoints {
        match &endpoint.target {
            Target::Server { .. } => servers.push(server(name, endpoint, config)?),
            Target::Scripted { script } => scripts.push((name.clone(), scripted(root, script)?)),
            Target::Whisper => {}
        }
    }
    let servers = OpenAiModel::new(servers);
    Ok(Models::new(servers, scripts))
}

fn scripted(root: &Path, script: &str) -> Result<ScriptedModel, CliError> {
    Ok(ScriptedModel::new(self::script(root, script)?))
}

/// A script that plays a model.
pub(crate) fn script(root: &Path, script: &str) -> Result<Script, CliError> {
    let path = root.join(script);
    let failure = |message: String| CliError::new(ExitCode::Configuration, message);
    let text = fs::read_to_string(&path)
        .map_err(|error| failure(format!("cannot read the script {script}")).caused_by(&error))?;
    Script::parse(script, &text).map_err(|error| failure(error.to_string()))
}

/// An endpoint as the model clients take it.
pub(crate) fn server(
    name: &str,
    endpoint: &Endpoint,
    config: &Config,
) -> Result<lao_model::Endpoint, CliError> {
    let Target::Server { kind, address, api_key_env } = &endpoint.target else {
        return Err(CliError::new(ExitCode::Internal, format!("{name} is not a server")));
    };
    let allowed: Vec<String> =
        config.network.allowed_hosts.iter().map(|host| host.as_str().to_owned()).collect();
    let base_url = LocalUrl::parse(address.base_url(), &allowed)
        .map_err(|error| CliError::from_error(ExitCode::Configuration, &error))?;
    let api_key = api_key_env.as_ref().map(|variable| key(name, variable)).transpose()?;
    Ok(lao_model::Endpoint {
        name: name.to_owned(),
        base_url,
        kind: server_kind(*kind),
        api_key,
        delivery: if endpoint.stream { Delivery::Streamed } else { Delivery::Whole },
        connect_timeout_ms: endpoint.connect_timeout_ms,
        first_token_timeout_ms: endpoint.first_token_timeout_s * 1000,
        idle_timeout_ms: endpoint.idle_timeout_s * 1000,
        total_timeout_ms: endpoint.total_timeout_s.map(|seconds| seconds * 1000),
    })
}

fn key(endpoint: &str, variable: &str) -> Result<String, CliError> {
    std::env::var(variable).map_err(|_| {
        let message =
            format!("{variable} is not set, which endpoints.{endpoint}.api_key_env names");
        CliError::new(ExitCode::Configuration, message)
            .hint(format!("`export {variable}=...`, or remove the line from lao.toml"))
    })
}

fn server_kind(kind: ServerKind) -> lao_model::ServerKind {
    match kind {
        ServerKind::Auto => lao_model::ServerKind::Auto,
        // Speech to text is asked for in other ways than a chat.
        ServerKind::Openai | ServerKind::WhisperServer => lao_model::ServerKind::OpenAi,
        ServerKind::Ollama => lao_model::ServerKind::Ollama,
        ServerKind::LmStudio => lao_model::ServerKind::LmStudio,
        ServerKind::LlamaCpp => lao_model::ServerKind::LlamaCpp,
        ServerKind::Vllm => lao_model::ServerKind::Vllm,
    }
}

/// A kind as the configuration names it.
pub(crate) fn config_kind(kind: lao_model::ServerKind) -> ServerKind {
    match kind {
        lao_model::ServerKind::Auto => ServerKind::Auto,
        lao_model::ServerKind::OpenAi => ServerKind::Openai,
        lao_model::ServerKind::Ollama => ServerKind::Ollama,
        lao_model::ServerKind::LmStudio => ServerKind::LmStudio,
        lao_model::ServerKind::LlamaCpp => ServerKind::LlamaCpp,
        lao_model::ServerKind::Vllm => ServerKind::Vllm,
    }
}

/// Places at the model backends, shared with every other process on this machine.
pub(crate) fn permits(config: &Config, root: &Path) -> Permits {
    let mut endpoints: Vec<(String, String, u32)> = config
        .endpoints
        .iter()
        .map(|(name, endpoint)| {
            let address = match &endpoint.target {
                Target::Server { address, .. } => address.base_url().to_owned(),
                Target::Scripted { script } => root.join(script).display().to_string(),
                Target::Whisper => WHISPER.to_owned(),
            };
            (name.clone(), address, endpoint.permits)
        })
        .collect();
    if !config.endpoints.contains_key(WHISPER) {
        endpoints.push((WHISPER.to_owned(), WHISPER.to_owned(), 1));
    }
    Permits::new(&endpoints, slots_folder().as_deref())
}

/// The folder with the lock files of backend places, if one can be made.
fn slots_folder() -> Option<PathBuf> {
    let folder = lao_gateway::runtime_folder().ok()?.join("slots");
    fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

/// How often and how long models are asked again.
pub(crate) fn retry_policy(config: &Config) -> RetryPolicy {
    let wait_for_server_ms = config
        .endpoints
        .values()
        .map(|endpoint| endpoint.wait_for_server_s * 1000)
        .max()
        .unwrap_or(RetryPolicy::default().wait_for_server_ms);
    RetryPolicy { wait_for_server_ms, ..RetryPolicy::default() }
}

/// The world of a run with these settings.
pub(crate) fn world(models: Arc<Models>, settings: &Settings, flow: FlowWorld) -> World {
    let workspace = Arc::new(Workspace::new(settings.workspace.path()));
    let limits = ToolLimits {
        output_bytes_max: settings.limits.tool_output_bytes_max as usize,
        shell: settings.shell,
        shell_timeout_ms: settings.shell_timeout_ms,
    };
    World {
        model: models,
        tools: Arc::new(LocalToolbox::new(Arc::clone(&workspace), limits)),
        verifier: Arc::new(LocalVerifier::new(workspace)),
        repository: Arc::new(GitRepository::new()),
        flow,
        clock: Arc::new(SystemClock::new()),
    }
}

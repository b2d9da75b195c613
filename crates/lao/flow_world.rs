//! The world of workflows: files and commands, engines for speech, plans as steps, earlier results.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use lao_cli::{CliError, ExitCode};
use lao_config::{Config, ServerKind, Target};
use lao_event::{Role, Settings};
use lao_model::{HttpTranscriber, ScriptedTranscriber, SpeechRoute};
use lao_port::{
    BoxFuture, FlowWorld, OnTranscribed, TranscribeError, TranscribeErrorKind, TranscribeRequest,
    Transcriber, Transcript,
};
use lao_tool::{LocalActions, Workspace};
use lao_transcriber::{LocalTranscriber, ModelStore, WorkerLimits};

use crate::{
    plans_inside::PlansInside,
    project::Project,
    results::ResultFolder,
    world::{self, WHISPER},
};

/// The folder of model files, for all projects of the user.
fn models_folder() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("LAO_MODELS")
        .or_else(|| set("XDG_DATA_HOME").map(|folder| folder.join("lao/models")))
        .or_else(|| set("APPDATA").map(|folder| folder.join("lao/models")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/lao/models")))
        .unwrap_or_else(|| PathBuf::from(".lao/models"))
}

/// The store of model files: one for the whole process, so that a file of gigabytes is read and
/// compared once, and not for every run.
pub(crate) fn model_store() -> Arc<ModelStore> {
    static STORE: LazyLock<Arc<ModelStore>> =
        LazyLock::new(|| Arc::new(ModelStore::new(models_folder())));
    Arc::clone(&STORE)
}

/// The only model file for speech, or the first of several by name.
pub(crate) fn only_whisper_model() -> Result<Option<String>, CliError> {
    let stored = model_store().list().map_err(|error| {
        CliError::from_error(ExitCode::Configuration, &error)
            .hint("`lao models list` says what is wrong")
    })?;
    Ok(stored.into_iter().find_map(Result::ok).map(|model| model.name))
}

/// No model for speech is on this machine: which file to fetch, and where to put it.
pub(crate) fn no_whisper_model(error: CliError) -> CliError {
    error
        .hint(
            "fetch ggml-base.bin (142 MiB) of whisper.cpp, from the repository \
             ggerganov/whisper.cpp on Hugging Face, then `lao models add whisper ggml-base.bin`",
        )
        .hint("or name a server for speech: [endpoints.NAME] kind = \"whisper-server\", and [roles.transcriber]")
}

/// What the steps of workflows need besides models and tools.
pub(crate) fn flow_world(
    project: &Project,
    config: &Config,
    settings: &Settings,
) -> Result<FlowWorld, CliError> {
    let workspace = Arc::new(Workspace::new(settings.workspace.path()));
    Ok(FlowWorld {
        actions: Arc::new(LocalActions::new(workspace)),
        transcriber: Arc::new(Engines::new(project, config, settings)?),
        plans: Arc::new(PlansInside::new(project, config)),
        results: Arc::new(ResultFolder::of(project)),
    })
}

/// Engines for speech, by the name of their endpoints: that of the role, and any other once it is
/// asked, as by a step that was under way before the role was given another endpoint.
struct Engines {
    root: PathBuf,
    config: Config,
    by_endpoint: Mutex<BTreeMap<String, Arc<dyn Transcriber>>>,
}

impl Engines {
    fn new(project: &Project, config: &Config, settings: &Settings) -> Result<Self, CliError> {
        let (root, config) = (project.root.clone(), config.clone());
        let mut engines = Self { root, config, by_endpoint: Mutex::default() };
        if let Some(role) = settings.role(Role::Transcriber) {
            let engine = engines.make(&role.endpoint)?;
            let named = engine.map(|engine| (role.endpoint.clone(), engine));
            engines.by_endpoint = Mutex::new(named.into_iter().collect());
        }
        Ok(engines)
    }

    /// Each is made once: a script remembers which of its turns were played.
    fn engine(&self, endpoint: &str) -> Result<Arc<dyn Transcriber>, TranscribeError> {
        let mut made = self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = made.get(endpoint) {
            return Ok(Arc::clone(engine));
        }
        let missing =
            |message| TranscribeError { kind: TranscribeErrorKind::ModelMissing, message };
        let engine = self
            .make(endpoint)
            .map_err(|error| missing(error.message))?
            .ok_or_else(|| missing(format!("there is no endpoint {endpoint:?}")))?;
        made.insert(endpoint.to_owned(), Arc::clone(&engine));
        Ok(engine)
    }

    fn make(&self, name: &str) -> Result<Option<Arc<dyn Transcriber>>, CliError> {
        let config = &self.config;
        let Some(endpoint) = config.endpoints.get(name) else {
            return Ok((name == WHISPER).then(local));
        };
        Ok(Some(match &endpoint.target {
            Target::Whisper => local(),
            Target::Server { kind, .. } => {
                let route = match kind {
                    ServerKind::WhisperServer => SpeechRoute::WhisperServer,
                    ServerKind::Auto
                    | ServerKind::Openai
                    | ServerKind::Ollama
                    | ServerKind::LmStudio
                    | ServerKind::LlamaCpp
                    | ServerKind::Vllm => SpeechRoute::OpenAi,
                };
                Arc::new(HttpTranscriber::new(world::server(name, endpoint, config)?, route))
            }
            Target::Scripted { script } => {
                Arc::new(ScriptedTranscriber::new(world::script(&self.root, script)?))
            }
        }))
    }
}

/// The engine of this machine.
fn local() -> Arc<dyn Transcriber> {
    Arc::new(LocalTranscriber::new(model_store(), None, WorkerLimits::default()))
}

impl Transcriber for Engines {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        Box::pin(async move {
            let engine = self.engine(&request.endpoint)?;
            engine.transcribe(request, on_progress).await
        })
    }
}

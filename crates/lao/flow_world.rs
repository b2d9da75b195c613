//! The world of workflows: files and commands, engines for speech, plans as steps, earlier results.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use lao_cli::{CliError, ExitCode};
use lao_config::{Config, ServerKind, Target};
use lao_event::{Hash, Role, Settings};
use lao_model::{HttpTranscriber, ScriptedTranscriber, SpeechRoute};
use lao_port::{
    BoxFuture, FlowWorld, OnTranscribed, Results, StoredResult, TranscribeError,
    TranscribeErrorKind, TranscribeRequest, Transcriber, Transcript,
};
use lao_tool::{LocalActions, Workspace};
use lao_transcriber::{LocalTranscriber, ModelStore, WorkerLimits};

use crate::{
    plans_inside::PlansInside,
    project::Project,
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
        results: Arc::new(ResultFolder::new(project.root.join(".lao/cache"))),
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

/// Results of earlier steps, a file each. What cannot be read or written is not there.
struct ResultFolder {
    folder: PathBuf,
}

/// How a file of a result begins.
const TEXT: &str = "text\n";
const JSON: &str = "json\n";

impl ResultFolder {
    fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, key: Hash) -> PathBuf {
        let name = key.to_string();
        self.folder.join(&name[..2]).join(name)
    }
}

impl Results for ResultFolder {
    fn get(&self, key: Hash) -> Option<StoredResult> {
        let text = fs::read_to_string(self.path(key)).ok()?;
        let (head, body) = text.split_at_checked(TEXT.len())?;
        // The last line is the hash of all before: a file that was cut is no result.
        let (body, sum) = body.rsplit_once('\n')?;
        if Hash::of(body.as_bytes()).to_string() != sum {
            return None;
        }
        match head {
            TEXT => Some(StoredResult::Text(body.to_owned())),
            JSON => Some(StoredResult::Json(body.to_owned())),
            _ => None,
        }
    }

    fn put(&self, key: Hash, value: &StoredResult) {
        let (head, body) = match value {
            StoredResult::Text(text) => (TEXT, text),
            StoredResult::Json(text) => (JSON, text),
        };
        let path = self.path(key);
        let whole = format!("{head}{body}\n{}", Hash::of(body.as_bytes()));
        // A result that is not kept is made again.
        drop(write_whole(&path, &whole));
    }
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let unborn = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&unborn, text)?;
    fs::rename(&unborn, path)
}

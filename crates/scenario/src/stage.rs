//! The stage: a project of its own on the disk, with the real tools, checks and git.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_config::{Config, FileLayer, Layers};
use lao_event::{
    Content, Role, RunId, Settings, WorkspaceSettings,
    latest::{Definition, NewStep, PlanDefinition},
};
use lao_history::{Contents, RunFolder, RunsFolder};
use lao_kernel::Start;
use lao_model::{ScriptedModel, ScriptedTranscriber};
use lao_port::{Actions, FlowWorld, Model, Repository, Toolbox, Transcriber, Verifier, World};
use lao_redact::{Redactor, Rules};
use lao_repo::GitRepository;
use lao_runtime::{Permits, RetryPolicy};
use lao_tool::{LocalActions, LocalToolbox, LocalVerifier, ToolLimits, Workspace};
use lao_workflow::{
    flow::new_steps,
    plan::{Plan, chunk_room_bytes, chunks},
};
use tempfile::TempDir;

use crate::{
    aside::Aside,
    clock::{PlayedClock, START_MS},
    file::{FlowSource, Place, Scenario, Source},
    flow::{PlayedPlans, PlayedResults},
    programs::{self, PlayedPrograms},
    tree,
};

/// What every scenario has unless its configuration says otherwise.
const DEFAULTS: &str = r#"
[endpoints.script]
kind = "scripted"
script = "scenario"

[roles.planner]
endpoint = "script"
model = "scripted"

[roles.coder]
endpoint = "script"
model = "scripted"

[roles.reviewer]
endpoint = "script"
model = "scripted"

[roles.analyst]
endpoint = "script"
model = "scripted"

[roles.embedder]
endpoint = "script"
model = "scripted"

[roles.transcriber]
endpoint = "script"
model = "scripted"

[git]
author_name = "Scenario"
author_email = "scenario@localhost"
"#;

/// The last part of every run's id, since it stands in files of the trail.
const RUN_TAIL: u32 = 7;

/// What runs of scenarios call the program.
const PROGRAM: &str = "scenario";

/// A scenario cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The configuration is wrong.
    #[error("its configuration: {0}")]
    Config(#[from] lao_config::ConfigError),
    /// A pattern of a secret is wrong.
    #[error("its configuration: {0}")]
    Secrets(#[from] lao_redact::RedactorError),
    /// The plan is wrong.
    #[error("its plan: {0}")]
    Plan(#[from] lao_workflow::plan::PlanError),
    /// The disk refuses.
    #[error("cannot set up its project")]
    Disk(#[from] std::io::Error),
    /// Git refuses.
    #[error("cannot set up its repository: {0}")]
    Git(#[from] git2::Error),
    /// The project's folder cannot be used.
    #[error(transparent)]
    Folder(#[from] lao_history::FolderError),
}

/// A project and what every life in it needs.
pub(crate) struct Stage {
    root: TempDir,
    settings: Settings,
    definition: Definition,
    steps: Vec<NewStep>,
    permits: Permits,
    pub retry: RetryPolicy,
    redactor: Redactor,
    runs: RunsFolder,
    pub clock: Arc<PlayedClock>,
    pub programs: Arc<PlayedPrograms>,
    model: Arc<dyn Model>,
    transcriber: Arc<dyn Transcriber>,
    results: Arc<PlayedResults>,
}

/// A memory disk where there is one: what is tested is the order of things, not the disk.
fn disk() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::Builder::new().prefix("lao-scenario-").tempdir_in(memory)
    {
        return Ok(folder);
    }
    tempfile::tempdir()
}

fn load(scenario: &Scenario) -> Result<Config, lao_config::ConfigError> {
    let layer = |path: &str, text: &str| FileLayer { path: path.to_owned(), text: text.to_owned() };
    Config::load(&Layers {
        user: Some(layer("the scenario's defaults", DEFAULTS)),
        project: Some(layer("[config]", &scenario.config)),
        ..Layers::default()
    })
}

impl Stage {
    pub(crate) fn new(scenario: &Scenario) -> Result<Self, StageError> {
        let config = load(scenario)?;
        let root = disk()?;
        let workspace = place(root.path(), scenario)?;
        let mut settings = config.run_settings(workspace, lao_tool::specs(config.tools.shell));
        settings.git.enabled &= scenario.has_git();
        std::fs::create_dir(root.path().join("home"))?;
        let redactor = Redactor::new(Rules {
            known_shapes: config.secrets.known_shapes,
            values: config.secret_values(|name| scenario.env.get(name).cloned()),
            patterns: config.secrets.patterns.clone(),
        })?;
        let (definition, steps) = definition(scenario, &settings, &redactor)?;
        Ok(Self {
            definition,
            steps,
            permits: permits(&config),
            retry: retry(&config),
            redactor,
            runs: RunsFolder::new(root.path().join(".lao")),
            clock: Arc::default(),
            programs: Arc::new(PlayedPrograms::new(scenario.commands, scenario.command.clone())),
            model: Arc::new(ScriptedModel::new(scenario.script.clone())),
            transcriber: Arc::new(ScriptedTranscriber::new(scenario.script.clone())),
            results: Arc::default(),
            settings,
            root,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn folder(&self) -> RunFolder {
        self.runs.run(&RunId::new(START_MS, RUN_TAIL))
    }

    pub(crate) fn contents(&self) -> Result<Contents, lao_history::FolderError> {
        Ok(self.runs.contents()?.redacted_by(self.redactor.clone()))
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.runs.root().join("blobs")
    }

    pub(crate) fn workspace(&self) -> &Path {
        Path::new(self.settings.workspace.path())
    }

    pub(crate) fn permits(&self) -> Permits {
        self.permits.clone()
    }

    pub(crate) fn start(&self) -> Start {
        Start {
            run: self.folder().run,
            program: PROGRAM.to_owned(),
            steps: self.steps.clone(),
            definition: self.definition.clone(),
            settings: self.settings.clone(),
            seed: 1,
        }
    }

    /// What steps of workflows need; results of earlier steps are there in the next process too.
    fn flow_world(&self) -> FlowWorld {
        let workspace = Arc::new(Workspace::new(self.workspace()));
        let programs = Arc::clone(&self.programs) as Arc<dyn lao_tool::Programs>;
        let clock = Arc::clone(&self.clock) as Arc<dyn lao_port::Clock>;
        let actions: Arc<dyn Actions> =
            Arc::new(LocalActions::new(workspace).with_programs(programs).with_clock(clock));
        FlowWorld {
            actions: Arc::new(Aside(actions)),
            transcriber: Arc::clone(&self.transcriber),
            plans: Arc::new(PlayedPlans::new(self.workspace())),
            results: Arc::clone(&self.results) as Arc<dyn lao_port::Results>,
        }
    }

    pub(crate) fn program() -> String {
        PROGRAM.to_owned()
    }

    /// The world as a new process would make it; its model remembers what it was asked.
    pub(crate) fn world(&self) -> World {
        let workspace = Arc::new(Workspace::new(self.workspace()));
        let limits = ToolLimits {
            output_bytes_max: self.settings.limits.tool_output_bytes_max as usize,
            shell: self.settings.shell,
            shell_timeout_ms: self.settings.shell_timeout_ms,
        };
        let programs = || Arc::clone(&self.programs) as Arc<dyn lao_tool::Programs>;
        let tools: Arc<dyn Toolbox> =
            Arc::new(LocalToolbox::new(Arc::clone(&workspace), limits).with_programs(programs()));
        let verifier: Arc<dyn Verifier> =
            Arc::new(LocalVerifier::new(workspace).with_programs(programs()));
        let home = self.root.path().join("home");
        let repository: Arc<dyn Repository> = Arc::new(GitRepository::with_config_home(home));
        World {
            model: Arc::clone(&self.model),
            tools: Arc::new(Aside(tools)),
            verifier: Arc::new(Aside(verifier)),
            repository: Arc::new(Aside(repository)),
            flow: self.flow_world(),
            clock: Arc::clone(&self.clock) as Arc<dyn lao_port::Clock>,
        }
    }
}

fn permits(config: &Config) -> Permits {
    let endpoints: Vec<(String, String, u32)> = config
        .endpoints
        .iter()
        .map(|(name, endpoint)| (name.clone(), name.clone(), endpoint.permits))
        .collect();
    Permits::new(&endpoints, None)
}

fn retry(config: &Config) -> RetryPolicy {
    let waits_ms = config.endpoints.values().map(|endpoint| endpoint.wait_for_server_s * 1000);
    let policy = RetryPolicy::default();
    let wait_for_server_ms = waits_ms.max().unwrap_or(policy.wait_for_server_ms);
    RetryPolicy { wait_for_server_ms, ..policy }
}

fn definition(
    scenario: &Scenario,
    settings: &Settings,
    redactor: &Redactor,
) -> Result<(Definition, Vec<NewStep>), StageError> {
    let text = match &scenario.source {
        Source::Plan(text) => text,
        Source::Flow(source) => {
            let FlowSource { flow, text, inputs, trigger } = &**source;
            let definition = flow.definition(text, inputs.clone(), trigger);
            return Ok((Definition::Flow(definition), new_steps(&flow.steps)));
        }
    };
    let path = "plans/plan.md";
    let plan = Plan::parse(path, text)?;
    let window = settings
        .role(Role::Planner)
        .map(|role| chunk_room_bytes(role.context_tokens, role.output_tokens_max));
    let room = scenario.plan_chunk_bytes.or(window).unwrap_or(usize::MAX);
    let body = redactor.redact(&plan.body);
    let pieces = chunks(&body, room);
    let plan = PlanDefinition {
        title: plan.title.clone(),
        path: path.to_owned(),
        chunks: pieces.into_iter().map(|piece| Content::Inline(piece.text.to_owned())).collect(),
        text: text.clone().into(),
    };
    Ok((Definition::Plan(plan), Vec::new()))
}

/// Makes what a person has before the run.
fn place(root: &Path, scenario: &Scenario) -> Result<WorkspaceSettings, StageError> {
    let work = root.join("work");
    let folder = WorkspaceSettings::Folder { path: work.display().to_string() };
    let (home, settings) = match scenario.place {
        Place::Folder | Place::NoGit => (work, folder),
        Place::Worktree => {
            let repository = root.join("checkout");
            let settings = WorkspaceSettings::Worktree {
                path: root.join(".lao/worktrees/plan").display().to_string(),
                repository: repository.display().to_string(),
                branch: "lao/plan".to_owned(),
            };
            (repository, settings)
        }
    };
    write_all(&home, &scenario.files)?;
    let has_repository = match scenario.place {
        Place::Folder => !scenario.files.is_empty() && scenario.has_git(),
        Place::Worktree => true,
        Place::NoGit => false,
    };
    if has_repository {
        let names: Vec<&str> = scenario.files.keys().map(String::as_str).collect();
        tree::init_repository(&home, &names)?;
    }
    write_all(&home, &scenario.uncommitted)?;
    Ok(settings)
}

fn write_all(folder: &Path, files: &BTreeMap<String, String>) -> std::io::Result<()> {
    files.iter().try_for_each(|(path, text)| programs::write(&folder.join(path), text))
}

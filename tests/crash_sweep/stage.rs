//! The stage: a project of its own on the disk, with the real tools, checks and git.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_config::{Config, FileLayer, Layers};
use lao_event::{
    Content, RunId, Settings, WorkspaceSettings,
    latest::{Definition, PlanDefinition},
};
use lao_history::{Contents, RunFolder, RunsFolder};
use lao_kernel::Start;
use lao_model::{Script, ScriptedModel};
use lao_port::{Clock, FlowWorld, WorkspaceRequest, World};
use lao_replay::FilesAt;
use lao_repo::GitRepository;
use lao_runtime::{Permits, RetryPolicy};
use lao_scenario::init_repository;
use lao_tool::{LocalToolbox, LocalVerifier, ToolLimits, Workspace};
use lao_workflow::plan::{Plan, chunks};
use tempfile::TempDir;

use super::scenario::{Place, Scenario};

/// Every run of the sweep has the same identity, since it stands in files of the trail.
const RUN_MS: u64 = 1_800_000_000_000;

/// Pauses between tries, short enough not to be felt.
pub(crate) const RETRY: RetryPolicy =
    RetryPolicy { tries_max: 4, pause_ms_min: 1, pause_ms_max: 2, wait_for_server_ms: 1000 };

/// A project and what every life in it needs.
pub(crate) struct Stage<'a> {
    root: TempDir,
    script: &'a Script,
    permits: u32,
    definition: PlanDefinition,
    settings: Settings,
    runs: RunsFolder,
}

/// A memory disk where there is one: what is tested is the order of things, not the disk.
fn disk() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return folder;
    }
    tempfile::tempdir().expect("there is room for a temporary folder")
}

impl<'a> Stage<'a> {
    pub(crate) fn new(scenario: &Scenario, script: &'a Script) -> Self {
        let root = disk();
        let config = FileLayer { path: "lao.toml".to_owned(), text: scenario.config() };
        let layers = Layers { project: Some(config), ..Layers::default() };
        let config = Config::load(&layers).unwrap_or_else(|error| panic!("{error}"));
        let workspace = place(root.path(), scenario.place);
        let mut settings = config.run_settings(workspace, lao_tool::specs(config.tools.shell));
        settings.git.enabled = scenario.place != Place::WithoutGit;
        fs::create_dir(root.path().join("home")).expect("the folder is fresh");
        Self {
            script,
            permits: config.endpoints.values().map(|endpoint| endpoint.permits).max().unwrap_or(1),
            definition: definition(scenario),
            settings,
            runs: RunsFolder::new(root.path().join(".lao")),
            root,
        }
    }

    pub(crate) fn folder(&self) -> RunFolder {
        self.runs.run(&RunId::new(RUN_MS, 7))
    }

    pub(crate) fn contents(&self) -> Contents {
        self.runs.contents().expect("the project's folder can be written")
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.runs.root().join("blobs")
    }

    pub(crate) fn workspace(&self) -> &Path {
        Path::new(self.settings.workspace.path())
    }

    /// The user's own checkout, which the run has to leave alone.
    pub(crate) fn checkout(&self) -> Option<&Path> {
        match &self.settings.workspace {
            WorkspaceSettings::Worktree { repository, .. } => Some(Path::new(repository)),
            WorkspaceSettings::Folder { .. } => None,
        }
    }

    /// Puts files and history into the workspace as another run had them.
    pub(crate) fn put(&self, origin: &Self, then: &FilesAt) {
        let folder = self.workspace();
        if let Some(commit) = &then.commit {
            copy(&origin.workspace().join(".git"), &folder.join(".git"));
            let repository = git2::Repository::open(folder).expect("it was just copied");
            let commit = git2::Oid::from_str(commit).expect("a commit's name");
            let commit = repository.find_object(commit, None).expect("the run made it");
            repository.reset(&commit, git2::ResetType::Hard, None).expect("the folder is fresh");
        } else {
            let (workspace, git) = (self.settings.workspace.clone(), self.settings.git.clone());
            let request = WorkspaceRequest { run: self.folder().run, workspace, git };
            let recorder = GitRepository::with_config_home(self.root.path().join("home"));
            recorder.prepare_blocking(&request).expect("the folder is fresh");
        }
        let contents = origin.contents();
        for (path, file) in &then.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("it is below")).expect("there is room");
            let bytes = contents.bytes(&file.content).expect("the journal has it");
            fs::write(path, bytes).expect("there is room");
        }
        for path in &then.absent {
            match fs::remove_file(folder.join(path)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
                Ok(()) | Err(_) => {}
            }
        }
        copy(&origin.blobs(), &self.blobs());
    }

    pub(crate) fn start(&self) -> Start {
        Start {
            run: self.folder().run,
            program: "sweep".to_owned(),
            steps: Vec::new(),
            definition: Definition::Plan(self.definition.clone()),
            settings: self.settings.clone(),
            seed: 1,
        }
    }

    pub(crate) fn permits(&self) -> Permits {
        let endpoints: Vec<_> = self
            .settings
            .roles
            .iter()
            .map(|role| (role.endpoint.clone(), role.endpoint.clone(), self.permits))
            .collect();
        Permits::new(&endpoints, None)
    }

    /// The real world, as a new process would make it.
    pub(crate) fn world(&self, clock: Arc<dyn Clock>) -> World {
        let workspace = Arc::new(Workspace::new(self.workspace()));
        let limits = ToolLimits {
            output_bytes_max: self.settings.limits.tool_output_bytes_max as usize,
            shell: self.settings.shell,
            shell_timeout_ms: self.settings.shell_timeout_ms,
        };
        World {
            model: Arc::new(ScriptedModel::new(self.script.clone())),
            tools: Arc::new(LocalToolbox::new(Arc::clone(&workspace), limits)),
            verifier: Arc::new(LocalVerifier::new(workspace)),
            repository: Arc::new(GitRepository::with_config_home(self.root.path().join("home"))),
            clock,
            flow: FlowWorld::default(),
        }
    }
}

/// Copies a folder, if there is one.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        return;
    }
    fs::create_dir_all(to).expect("there is room");
    for entry in fs::read_dir(from).expect("it is a folder") {
        let entry = entry.expect("it can be listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("it has a kind").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("there is room");
        }
    }
}

fn place(root: &Path, place: Place) -> WorkspaceSettings {
    match place {
        Place::Folder | Place::WithoutGit => {
            WorkspaceSettings::Folder { path: root.join("work").display().to_string() }
        }
        Place::Worktree => {
            let repository = root.join("checkout");
            fs::create_dir_all(repository.join("src")).expect("the folder is fresh");
            fs::write(repository.join("README.md"), "The user's.\n").expect("the folder is fresh");
            fs::write(repository.join("src/a.txt"), "a\n").expect("the folder is fresh");
            init_repository(&repository, &["README.md", "src/a.txt"]).expect("git takes it");
            fs::write(repository.join("src/a.txt"), "changed\n").expect("it was just written");
            WorkspaceSettings::Worktree {
                path: root.join(".lao/worktrees/plan").display().to_string(),
                repository: repository.display().to_string(),
                branch: "lao/plan".to_owned(),
            }
        }
    }
}

fn definition(scenario: &Scenario) -> PlanDefinition {
    let text = scenario.plan();
    let plan = Plan::parse("plans/plan.md", &text).unwrap_or_else(|error| panic!("{error}"));
    let chunks = chunks(&plan.body, scenario.chunk_bytes);
    PlanDefinition {
        title: plan.title.clone(),
        path: "plans/plan.md".to_owned(),
        chunks: chunks.into_iter().map(|chunk| Content::Inline(chunk.text.to_owned())).collect(),
        text: text.into(),
    }
}

//! A temporary folder with a workspace, a user's configuration, and the real `git` when there is one.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use lao_event::{
    EffectId, GitSettings, Hash, RunId, WorkspaceSettings,
    latest::{CommitOutcome, CommitPath, WorkspaceOutcome},
};
use lao_port::{CommitRequest, TrailText, WorkspaceRequest};
use lao_repo::GitRepository;
use tempfile::TempDir;

pub(crate) const CONFIG: &str = "[user]\n\tname = Ada Example\n\temail = ada@example.com\n";

pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) git: GitRepository,
}

pub(crate) fn run_id() -> RunId {
    RunId::new(1_750_000_000_000, 77)
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::write(folder.path().join("home/.gitconfig"), CONFIG).unwrap();
        let git = GitRepository::with_config_home(folder.path().join("home"));
        Self { folder, git }
    }

    /// With the workspace prepared as an own repository.
    pub(crate) fn ready() -> Self {
        let desk = Self::new();
        assert!(matches!(desk.prepare(), WorkspaceOutcome::Ready { base: None, .. }));
        desk
    }

    /// With a repository of the user's that has a commit.
    pub(crate) fn with_user_commit() -> Self {
        let desk = Self::ready();
        desk.write("user.txt", "one\n");
        desk.write("other.txt", "other\n");
        desk.user_commits(&["user.txt", "other.txt"]);
        desk
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.at("work/app")
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.workspace().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap()
    }

    pub(crate) fn settings(&self) -> WorkspaceSettings {
        WorkspaceSettings::Folder { path: self.workspace().to_str().unwrap().to_owned() }
    }

    pub(crate) fn request(&self) -> WorkspaceRequest {
        WorkspaceRequest { run: run_id(), workspace: self.settings(), git: enabled() }
    }

    pub(crate) fn prepare(&self) -> WorkspaceOutcome {
        self.git.prepare_blocking(&self.request()).unwrap()
    }

    pub(crate) fn dirty(&self) -> Vec<String> {
        match self.prepare() {
            WorkspaceOutcome::Ready { dirty, .. } => dirty,
            WorkspaceOutcome::Unusable { message } => panic!("{message}"),
        }
    }

    /// A commit of the files as they are on disk now; a file that is not there counts as deleted.
    pub(crate) fn commit(&self, effect: u64, files: &[&str]) -> CommitRequest {
        commit_in(self.settings(), effect, files)
    }

    pub(crate) fn make(&self, request: &CommitRequest) -> String {
        made(self.git.commit_blocking(request).unwrap())
    }

    pub(crate) fn fail(&self, request: &CommitRequest) -> String {
        self.git.commit_blocking(request).unwrap_err().to_string()
    }

    pub(crate) fn repository(&self) -> git2::Repository {
        git2::Repository::open(self.workspace()).unwrap()
    }

    /// The paths in a commit's tree.
    pub(crate) fn tree(&self, id: &str) -> Vec<String> {
        paths_in(&self.repository(), id)
    }

    pub(crate) fn content(&self, id: &str, path: &str) -> String {
        let repository = self.repository();
        let object = repository.revparse_single(&format!("{id}:{path}")).unwrap();
        String::from_utf8(object.as_blob().unwrap().content().to_vec()).unwrap()
    }

    pub(crate) fn log(&self) -> usize {
        let repository = self.repository();
        let mut walk = repository.revwalk().unwrap();
        walk.push_head().unwrap();
        walk.count()
    }

    pub(crate) fn user_commits(&self, files: &[&str]) -> git2::Oid {
        user_commits(&self.repository(), files)
    }

    pub(crate) fn stage(&self, path: &str) {
        let repository = self.repository();
        let mut index = repository.index().unwrap();
        index.add_path(Path::new(path)).unwrap();
        index.write().unwrap();
    }

    pub(crate) fn staged_content(&self, path: &str) -> String {
        let repository = self.repository();
        let entry = repository.index().unwrap().get_path(Path::new(path), 0).unwrap();
        let blob = repository.find_blob(entry.id).unwrap();
        String::from_utf8(blob.content().to_vec()).unwrap()
    }

    /// Output of the real git, or `None` (said aloud) when it is not installed.
    pub(crate) fn git_says(&self, arguments: &[&str]) -> Option<String> {
        git_says(&self.workspace(), &self.at("home"), arguments)
    }

    /// What the real git thinks of the repository: sound, and with exactly this status.
    pub(crate) fn git_agrees(&self, status: &str) {
        if let Some(text) = self.git_says(&["fsck", "--strict", "--no-dangling"]) {
            assert!(!text.contains("error"), "{text}");
        }
        if let Some(text) = self.git_says(&["status", "--porcelain"]) {
            assert_eq!(text, status);
        }
    }
}

pub(crate) fn git_says(folder: &Path, home: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output();
    let Ok(output) = output else {
        println!("SKIPPED: no git binary, so nothing is compared with it");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {text}{errors}");
    Some(text)
}

pub(crate) fn enabled() -> GitSettings {
    GitSettings { enabled: true, ..GitSettings::default() }
}

pub(crate) fn commit_in(
    workspace: WorkspaceSettings,
    effect: u64,
    files: &[&str],
) -> CommitRequest {
    let root = PathBuf::from(workspace.path());
    let paths = files
        .iter()
        .map(|path| CommitPath {
            path: (*path).to_owned(),
            hash: fs::read(root.join(path)).ok().map(|bytes| Hash::of(&bytes)),
        })
        .collect();
    CommitRequest {
        run: run_id(),
        effect: EffectId(effect),
        step: format!("t{effect}"),
        subject: format!("code: step {effect}"),
        body: String::new(),
        paths,
        trail: Vec::new(),
        sweep: false,
        dirty: Vec::new(),
        git: enabled(),
        workspace,
    }
}

pub(crate) fn trail(path: &str, text: &str) -> TrailText {
    TrailText { path: path.to_owned(), text: text.to_owned() }
}

pub(crate) fn made(outcome: CommitOutcome) -> String {
    match outcome {
        CommitOutcome::Made { id } => id,
        CommitOutcome::Unchanged => panic!("unchanged"),
        CommitOutcome::Failed { message } => panic!("{message}"),
    }
}

pub(crate) fn user_commits(repository: &git2::Repository, files: &[&str]) -> git2::Oid {
    let mut index = repository.index().unwrap();
    for file in files {
        index.add_path(Path::new(file)).unwrap();
    }
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let user = git2::Signature::now("User", "user@example.com").unwrap();
    let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    repository.commit(Some("HEAD"), &user, &user, "by hand", &tree, &parents).unwrap()
}

pub(crate) fn paths_in(repository: &git2::Repository, id: &str) -> Vec<String> {
    let commit = repository.find_commit(id.parse().unwrap()).unwrap();
    let mut paths = Vec::new();
    commit
        .tree()
        .unwrap()
        .walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(git2::ObjectType::Blob) {
                paths.push(format!("{folder}{}", entry.name().unwrap()));
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
    paths
}

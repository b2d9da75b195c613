//! The recorder: git behind the port.

use std::{
    panic,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_event::{
    GitSettings, RunId, WorkspaceSettings,
    latest::{CommitOutcome, WorkspaceOutcome},
};
use lao_port::{BoxFuture, CommitRequest, Repository, WorkspaceRequest};
use tokio::task::spawn_blocking;

use crate::{
    branch::Head,
    commit::{self, Histories},
    describe::{self, Description},
    error::{CommitError, IdentityError, OpenError, PrepareError},
    folder,
    history::{self, CommitInfo},
    identity::{self, Identity},
    open::GlobalConfig,
    worktree,
};

/// Git, for any number of workspaces; cheap to clone.
#[derive(Debug, Clone)]
pub struct GitRepository {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    global: GlobalConfig,
    histories: Histories,
}

impl Default for GitRepository {
    fn default() -> Self {
        Self::new()
    }
}

impl GitRepository {
    /// Git with the user's and the system's configuration.
    pub fn new() -> Self {
        Self::with(GlobalConfig::Found)
    }

    /// Git that reads no configuration but the repository's own and `home/.gitconfig`: for tests.
    pub fn with_config_home(home: impl Into<PathBuf>) -> Self {
        Self::with(GlobalConfig::Home(home.into()))
    }

    fn with(global: GlobalConfig) -> Self {
        Self { shared: Arc::new(Shared { global, histories: Histories::default() }) }
    }

    /// Makes the workspace ready; the blocking form of the port's call.
    pub fn prepare_blocking(
        &self,
        request: &WorkspaceRequest,
    ) -> Result<WorkspaceOutcome, PrepareError> {
        let global = &self.shared.global;
        match &request.workspace {
            WorkspaceSettings::Folder { path } => {
                folder::prepare(global, Path::new(path), &request.git)
            }
            WorkspaceSettings::Worktree { path, repository, branch } => {
                let place = worktree::Place {
                    path: Path::new(path),
                    repository: Path::new(repository),
                    branch,
                };
                worktree::prepare(global, &place, &request.git)
            }
        }
    }

    /// Makes a branch at a commit of a repository; one of that name stays where it is. Blocking.
    pub fn branch_at(
        &self,
        repository: &Path,
        branch: &str,
        commit: &str,
    ) -> Result<(), PrepareError> {
        worktree::branch_at(&self.shared.global, (repository, branch), commit)
    }

    /// Commits whatever differs from the last commit in the work tree at `path`: for files that are
    /// put into a workspace before a run goes on in it. Blocking.
    pub fn commit_all(
        &self,
        path: &Path,
        git: &GitSettings,
        message: &str,
    ) -> Result<(), PrepareError> {
        worktree::commit_all(&self.shared.global, path, git, message)
    }

    /// Makes a commit or finds it; the blocking form of the port's call.
    pub fn commit_blocking(&self, request: &CommitRequest) -> Result<CommitOutcome, CommitError> {
        commit::record(&self.shared.global, &self.shared.histories, request)
    }

    /// Who commits in `path` would be by. The folder need not be a repository, nor exist.
    pub fn identity(&self, path: &Path, git: &GitSettings) -> Result<Identity, IdentityError> {
        identity::of_folder(&self.shared.global, path, git)
    }

    /// What `path` is to git.
    pub fn describe(&self, path: &Path) -> Result<Description, OpenError> {
        describe::describe(&self.shared.global, path)
    }

    /// The commits of a run in the work tree at `path`, oldest first; people's commits on top are
    /// passed over, up to 64 of them.
    pub fn commits_of_run(&self, path: &Path, run: &RunId) -> Result<Vec<CommitInfo>, OpenError> {
        let repository = self.shared.global.open(path)?;
        Head::read(&repository)
            .and_then(|head| history::commits_of_run(&repository, head.tip, run))
            .map_err(|source| OpenError::Damaged { path: path.to_owned(), source })
    }
}

impl Repository for GitRepository {
    fn prepare<'a>(&'a self, request: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome> {
        let (git, request) = (self.clone(), request.clone());
        Box::pin(async move {
            blocking(move || git.prepare_blocking(&request))
                .await
                .unwrap_or_else(|error| WorkspaceOutcome::Unusable { message: error.to_string() })
        })
    }

    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome> {
        let (git, request) = (self.clone(), request.clone());
        Box::pin(async move {
            blocking(move || git.commit_blocking(&request))
                .await
                .unwrap_or_else(|error| CommitOutcome::Failed { message: error.to_string() })
        })
    }
}

/// Runs on a thread that may block. A panic goes on in the caller, where it is supervised. Work
/// whose caller went away ends by itself; the turn keeps it apart from a repetition.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            // The runtime is shutting down: nobody waits for this any more.
            Err(_) => std::future::pending().await,
        },
    }
}

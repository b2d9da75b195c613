//! The workspace of a run that is branched off: the files as they were, in a folder of its own.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use lao_cli::{CliError, ExitCode};
use lao_event::{GitSettings, RunId, StepId, WorkspaceSettings, latest::WorkspaceOutcome};
use lao_history::RunFolder;
use lao_journal::Reader;
use lao_port::WorkspaceRequest;
use lao_replay::{FilesAt, ForkPoint, files_at, files_without};
use lao_repo::GitRepository;

use crate::{
    commands::{
        checkout::{files_failure, write_files},
        fork::short,
        import::is_imported,
    },
    failure::{internal, io_failure},
    project::{Project, STATE_FOLDER, state_of},
};

/// Folders that no copy of a workspace takes along.
const NEVER_COPIED: [&str; 2] = [".git", STATE_FOLDER];

/// What a new workspace is made from.
pub(crate) struct Site<'a> {
    project: &'a Project,
    origin: &'a RunFolder,
    old: WorkspaceSettings,
    files: FilesAt,
    git: bool,
    takes_back: bool,
}

/// A workspace that is ready.
pub(crate) struct Placed {
    pub workspace: WorkspaceSettings,
    /// Files that were put there.
    pub files: u64,
}

impl<'a> Site<'a> {
    /// The files at the point; without those of tasks that are done again.
    pub(crate) fn new(
        project: &'a Project,
        origin: &'a RunFolder,
        (reader, point): (&Reader, &ForkPoint),
        redone: &BTreeSet<StepId>,
    ) -> Result<Self, CliError> {
        let files = if redone.is_empty() {
            files_at(reader, Some(point.seq))
        } else {
            files_without(reader, redone)
        };
        let settings = &point.state.run().expect("a journal begins with its run").settings;
        Ok(Self {
            project,
            origin,
            old: settings.workspace.clone(),
            files: files.map_err(|error| files_failure(&error, origin))?,
            git: settings.git.enabled,
            takes_back: !redone.is_empty(),
        })
    }

    /// Makes the workspace of the new run.
    pub(crate) fn make(&self, run: &RunId, git: &GitSettings) -> Result<Placed, CliError> {
        let state = self.project.root.join(STATE_FOLDER);
        match (&self.files.commit, self.git) {
            (Some(commit), true) if !is_imported(self.origin) => {
                self.worktree(&state, (run, commit), git)
            }
            (Some(_) | None, _) => self.folder(&state, run, git),
        }
    }

    fn worktree(
        &self,
        state: &Path,
        (run, commit): (&RunId, &str),
        git: &GitSettings,
    ) -> Result<Placed, CliError> {
        let repository = match &self.old {
            WorkspaceSettings::Folder { path } => path,
            WorkspaceSettings::Worktree { repository, .. } => repository,
        };
        if !Path::new(repository).is_dir() {
            return Err(gone(repository));
        }
        let path = state.join("worktrees").join(short(run));
        let workspace = WorkspaceSettings::Worktree {
            path: path.display().to_string(),
            repository: repository.clone(),
            branch: format!("lao/fork-{}", short(run)),
        };
        let WorkspaceSettings::Worktree { branch, .. } = &workspace else {
            unreachable!("it was just made");
        };
        let recorder = GitRepository::new();
        let branched = recorder.branch_at(Path::new(repository), branch, commit);
        branched.map_err(|error| unprepared(&error))?;
        prepare(&recorder, run, (&workspace, git))?;
        let files = self.put(&path)?;
        if self.takes_back {
            let message = format!("lao: tasks of {} are taken back", self.origin.run);
            let taken_back = recorder.commit_all(&path, git, &message);
            taken_back.map_err(|error| unprepared(&error))?;
        }
        Ok(Placed { workspace, files })
    }

    /// A folder without git, or with a repository that is still to be made: what the run never
    /// touched is as it is now.
    fn folder(&self, state: &Path, run: &RunId, git: &GitSettings) -> Result<Placed, CliError> {
        let path = state.join("workspaces").join(short(run));
        let old = Path::new(self.old.path());
        let known =
            |path: &str| self.files.files.contains_key(path) || self.files.absent.contains(path);
        // Where an imported run says that it worked may be anything on this machine.
        if old.is_dir() && !is_imported(self.origin) {
            copy(old, &path, &known)
                .map_err(|error| io_failure(&format!("cannot copy {}", old.display()), &error))?;
        }
        let workspace = WorkspaceSettings::Folder { path: path.display().to_string() };
        if self.git {
            // A commit that was under way is made again at once, and needs its repository.
            prepare(&GitRepository::new(), run, (&workspace, git))?;
        }
        let files = self.put(&path)?;
        Ok(Placed { workspace, files })
    }

    /// Puts the run's files into a workspace and takes away those that were not there.
    fn put(&self, path: &Path) -> Result<u64, CliError> {
        let contents = state_of(self.origin).contents().map_err(|error| internal(&error))?;
        write_files(&self.files, &contents, path)?;
        let workspace = lao_tool::Workspace::new(path);
        for absent in &self.files.absent {
            workspace.clear(absent).map_err(|error| internal(&error))?;
        }
        Ok(self.files.files.len() as u64)
    }
}

/// Makes a workspace ready as the run's own process would.
fn prepare(
    recorder: &GitRepository,
    run: &RunId,
    (workspace, git): (&WorkspaceSettings, &GitSettings),
) -> Result<(), CliError> {
    let request =
        WorkspaceRequest { run: run.clone(), workspace: workspace.clone(), git: git.clone() };
    match recorder.prepare_blocking(&request).map_err(|error| unprepared(&error))? {
        WorkspaceOutcome::Ready { .. } => Ok(()),
        WorkspaceOutcome::Unusable { message } => {
            Err(CliError::new(ExitCode::Configuration, message))
        }
    }
}

fn unprepared(error: &lao_repo::PrepareError) -> CliError {
    CliError::from_error(ExitCode::Configuration, error)
}

fn gone(repository: &str) -> CliError {
    let message = format!("the run's repository {repository} is gone");
    CliError::new(ExitCode::Configuration, message)
        .hint("`lao checkout RUN --at N DIR` writes the files that the journal knows")
}

/// Copies a folder without what `is_known` names, which is written from the journal, and without
/// folders in which there is nothing else.
fn copy(from: &Path, to: &Path, is_known: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut open = vec![PathBuf::new()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(from.join(&inner))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = inner.join(&name);
            let kind = entry.file_type()?;
            if inner.as_os_str().is_empty() && NEVER_COPIED.iter().any(|never| name == *never) {
                continue;
            }
            let shown = path.to_string_lossy().replace('\\', "/");
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() && !is_known(&shown) {
                fs::create_dir_all(to.join(&inner))?;
                fs::copy(entry.path(), to.join(&path))?;
            }
        }
    }
    Ok(())
}

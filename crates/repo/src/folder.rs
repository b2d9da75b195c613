//! A workspace that is a folder, with a repository of its own.

use std::{fs, io, path::Path};

use git2::{Repository, RepositoryInitOptions};
use lao_event::{GitSettings, latest::WorkspaceOutcome};

use crate::{
    branch::Head,
    dirty::{self, TEMPORARY_PREFIX},
    error::{OpenError, PrepareError},
    identity,
    open::{GlobalConfig, operation},
    platform::sync_folder,
};

/// The branch of a new repository.
const FIRST_BRANCH: &str = "main";

/// Makes the folder, and a repository in it unless the folder is the top of one. A repository
/// further up is not the workspace's: the run gets one of its own.
pub(crate) fn prepare(
    global: &GlobalConfig,
    path: &Path,
    git: &GitSettings,
) -> Result<WorkspaceOutcome, PrepareError> {
    fs::create_dir_all(path).map_err(|source| io_error(path, source))?;
    if !git.enabled {
        return Ok(WorkspaceOutcome::Ready { base: None, dirty: Vec::new() });
    }
    let repository = match global.open_to_record(path) {
        Ok(repository) => repository,
        Err(OpenError::NotFound { .. }) => {
            init(path)?;
            global.open_to_record(path)?
        }
        Err(error) => return Err(error.into()),
    };
    identity::of_repository(&repository, git)?.signature()?;
    ready(&repository, path)
}

/// The state of a repository at the start of a run.
pub(crate) fn ready(
    repository: &Repository,
    path: &Path,
) -> Result<WorkspaceOutcome, PrepareError> {
    if let Some(operation) = operation(repository) {
        return Err(PrepareError::Busy { path: path.to_owned(), operation });
    }
    let failed = |action: &'static str| {
        move |source| PrepareError::Git { action, path: path.to_owned(), source }
    };
    let head = Head::read(repository).map_err(failed("read HEAD"))?;
    let dirty = dirty::paths(repository).map_err(failed("read the status"))?;
    Ok(WorkspaceOutcome::Ready { base: head.tip.map(|id| id.to_string()), dirty })
}

/// Makes a repository aside and renames it into place, so that a half-made one is never seen.
fn init(path: &Path) -> Result<(), PrepareError> {
    let aside = path.join(format!("{TEMPORARY_PREFIX}init"));
    remove_folder(&aside).map_err(|source| io_error(&aside, source))?;
    let mut options = RepositoryInitOptions::new();
    options.initial_head(FIRST_BRANCH).external_template(false).no_reinit(true);
    Repository::init_opts(&aside, &options).map_err(|source| PrepareError::Git {
        action: "make a repository",
        path: path.to_owned(),
        source,
    })?;
    let made = aside.join(".git");
    let target = path.join(".git");
    sync_below(&made)
        .and_then(|()| fs::rename(&made, &target))
        .and_then(|()| sync_folder(path))
        .and_then(|()| remove_folder(&aside))
        .map_err(|source| io_error(&target, source))
}

pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Syncs everything in a folder of a few small files.
fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        } else {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> PrepareError {
    PrepareError::Io { path: path.to_owned(), source }
}

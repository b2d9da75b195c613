//! Opening a repository, and with which global configuration.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use git2::{Config, ConfigLevel, ErrorCode, Repository, RepositoryOpenFlags, RepositoryState};

use crate::error::OpenError;

/// Name of the recorder's own folder inside a repository's git folder.
const OWN_FOLDER: &str = "lao";

/// Whose settings count beside the repository's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GlobalConfig {
    /// The user's and the system's, as git finds them.
    Found,
    /// Only `.gitconfig` in this folder, if there is one.
    Home(PathBuf),
}

impl GlobalConfig {
    /// Opens the repository whose top folder is `path`.
    pub(crate) fn open(&self, path: &Path) -> Result<Repository, OpenError> {
        let none: [&OsStr; 0] = [];
        let repository = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, none)
            .map_err(|source| open_error(path, source))?;
        if let Self::Home(home) = self {
            let replaced = home_config(home)
                .and_then(|mut config| {
                    let own = repository.commondir().join("config");
                    config.add_file(&own, ConfigLevel::Local, false)?;
                    Ok(config)
                })
                .and_then(|config| repository.set_config(&config));
            replaced.map_err(|source| damaged(path, source))?;
        }
        Ok(repository)
    }

    /// Opens the repository at `path` to record in it: it has a work tree, and a folder for the
    /// recorder's own files.
    pub(crate) fn open_to_record(&self, path: &Path) -> Result<Repository, OpenError> {
        let repository = self.open(path)?;
        if repository.is_bare() {
            return Err(OpenError::Bare { path: path.to_owned() });
        }
        let folder = own_folder(&repository);
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(repository),
            Err(source) => Err(OpenError::Write { path: folder, source }),
        }
    }

    /// The settings outside any repository.
    pub(crate) fn global(&self) -> Result<Config, git2::Error> {
        match self {
            Self::Found => Config::open_default(),
            Self::Home(home) => home_config(home),
        }
    }
}

fn home_config(home: &Path) -> Result<Config, git2::Error> {
    let mut config = Config::new()?;
    let file = home.join(".gitconfig");
    if file.exists() {
        config.add_file(&file, ConfigLevel::Global, false)?;
    }
    Ok(config)
}

/// The recorder's own folder in a repository (in a worktree: in the worktree's part of it).
pub(crate) fn own_folder(repository: &Repository) -> PathBuf {
    repository.path().join(OWN_FOLDER)
}

fn damaged(path: &Path, source: git2::Error) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), source }
}

fn open_error(path: &Path, source: git2::Error) -> OpenError {
    let path = path.to_owned();
    if source.code() == ErrorCode::Owner {
        OpenError::NotOwner { path }
    } else if source.code() == ErrorCode::NotFound && !path.join(".git").exists() {
        OpenError::NotFound { path }
    } else {
        OpenError::Damaged { path, source }
    }
}

/// What a repository is in the middle of; `None` when it is at rest.
pub(crate) fn operation(repository: &Repository) -> Option<&'static str> {
    match repository.state() {
        RepositoryState::Clean | RepositoryState::Bisect => None,
        RepositoryState::Merge => Some("a merge"),
        RepositoryState::Revert | RepositoryState::RevertSequence => Some("a revert"),
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Some("a cherry-pick"),
        RepositoryState::Rebase
        | RepositoryState::RebaseInteractive
        | RepositoryState::RebaseMerge => Some("a rebase"),
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
            Some("applying patches")
        }
    }
}

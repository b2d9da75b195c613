//! What is changed and not committed in a work tree.

use std::collections::BTreeSet;

use git2::{Repository, Status, StatusOptions};

/// Untracked files that are named one by one; beyond that, whole untracked folders are named.
const PATHS_MAX: usize = 4096;
/// First letters of the names of the program's own temporary files.
pub(crate) const TEMPORARY_PREFIX: &str = ".lao-tmp-";
/// The program's own folder in a project.
const STATE_FOLDER: &str = ".lao";

/// A changed path; a whole untracked folder ends in `/`.
pub(crate) type Changed = Vec<String>;

/// Everything staged, modified or untracked (not ignored), sorted. Idempotent as long as nobody
/// changes anything.
pub(crate) fn paths(repository: &Repository) -> Result<Changed, git2::Error> {
    let each = changed(repository, Untracked::EachFile)?;
    if each.len() <= PATHS_MAX {
        return Ok(each);
    }
    changed(repository, Untracked::WholeFolders)
}

/// How untracked files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untracked {
    /// Each by its own path.
    EachFile,
    /// A folder without any tracked file by its path with a `/` at the end.
    WholeFolders,
}

/// Changed paths, sorted. Names that are no UTF-8 are passed over: the journal could not name them.
pub(crate) fn changed(
    repository: &Repository,
    untracked: Untracked,
) -> Result<Changed, git2::Error> {
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(untracked == Untracked::EachFile)
        .include_ignored(false)
        .exclude_submodules(true);
    let statuses = repository.statuses(Some(&mut options))?;
    let mut paths: Changed = statuses
        .iter()
        .filter(|entry| entry.status() != Status::CURRENT)
        .filter_map(|entry| entry.path().ok().map(str::to_owned))
        .filter(|path| !is_own(path))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// The program's own files, which belong in no commit.
pub(crate) fn is_own(path: &str) -> bool {
    path.split('/').any(|name| name == STATE_FOLDER || name.starts_with(TEMPORARY_PREFIX))
}

/// The user's dirty paths, for looking many others up.
#[derive(Debug, Default)]
pub(crate) struct Dirty<'a> {
    paths: BTreeSet<&'a str>,
    folders: Vec<&'a str>,
}

impl<'a> Dirty<'a> {
    pub(crate) fn new(dirty: &'a [String]) -> Self {
        Self {
            paths: dirty.iter().map(String::as_str).collect(),
            folders: dirty.iter().map(String::as_str).filter(|path| path.ends_with('/')).collect(),
        }
    }

    /// Whether a path is dirty, or in a dirty folder.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.paths.contains(path) || self.folders.iter().any(|folder| path.starts_with(folder))
    }
}

//! A workspace that is a worktree of the user's repository, on a branch of the run's own.
//!
//! The worktree is made aside and renamed into place when its files are complete, so that a
//! half-checked-out one is never taken for a user's deletions. The user's own checkout, index
//! and `HEAD` are read only.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use git2::{
    BranchType, ErrorCode, IndexAddOption, Oid, Reference, Repository, WorktreeAddOptions,
    WorktreeLockStatus,
};
use lao_event::{GitSettings, latest::WorkspaceOutcome};

use crate::{
    branch::Head,
    dirty::TEMPORARY_PREFIX,
    error::{OpenError, PrepareError},
    folder::{io_error, ready, remove_folder},
    identity,
    open::GlobalConfig,
};

/// Where a worktree is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The worktree's folder.
    pub(crate) path: &'a Path,
    /// The user's repository.
    pub(crate) repository: &'a Path,
    /// The run's branch.
    pub(crate) branch: &'a str,
}

/// Makes the branch and the worktree, or finds them.
pub(crate) fn prepare(
    global: &GlobalConfig,
    place: &Place<'_>,
    git: &GitSettings,
) -> Result<WorkspaceOutcome, PrepareError> {
    let main = global.open(place.repository)?;
    if git.enabled {
        identity::of_repository(&main, git)?.signature()?;
    }
    if !place.path.join(".git").exists() {
        make(&main, place)?;
    }
    let worktree = reuse(global, &main, place)?;
    ready(&worktree, place.path)
}

/// Opens the worktree that is there, if it is the one that is wanted.
fn reuse(
    global: &GlobalConfig,
    main: &Repository,
    place: &Place<'_>,
) -> Result<Repository, PrepareError> {
    let occupied = || PrepareError::Occupied {
        path: place.path.to_owned(),
        repository: place.repository.to_owned(),
    };
    let worktree = match global.open_to_record(place.path) {
        Ok(worktree) => worktree,
        Err(OpenError::Damaged { .. } | OpenError::NotFound { .. }) => return Err(occupied()),
        Err(error) => return Err(error.into()),
    };
    if !worktree.is_worktree() || !same_folder(worktree.commondir(), main.commondir()) {
        return Err(occupied());
    }
    let head = Head::read(&worktree).map_err(|source| git_error(place, "read HEAD", source))?;
    if head.branch() == Some(place.branch) {
        return Ok(worktree);
    }
    Err(PrepareError::OtherBranch {
        path: place.path.to_owned(),
        found: head.branch().unwrap_or("a detached HEAD").to_owned(),
        branch: place.branch.to_owned(),
    })
}

fn make(main: &Repository, place: &Place<'_>) -> Result<(), PrepareError> {
    let parent = place.path.parent().unwrap_or(place.path);
    fs::create_dir_all(parent).map_err(|source| io_error(parent, source))?;
    clear_place(place)?;
    let name = place.branch.replace(|letter: char| !is_plain(letter), "-");
    let aside = parent.join(format!("{TEMPORARY_PREFIX}worktree-{name}"));
    remove_folder(&aside).map_err(|source| io_error(&aside, source))?;
    let branch = branch(main, place)?;
    free_branch(main, place)?;
    let name = unused_name(main, &name);
    let mut options = WorktreeAddOptions::new();
    options.reference(Some(&branch));
    main.worktree(&name, &aside, Some(&options))
        .map_err(|source| git_error(place, "make a worktree", source))?;
    // First the pointer to the final place, then the folder: a crash in between leaves a worktree
    // whose folder is missing, which the next try prunes.
    let pointer = main.commondir().join("worktrees").join(&name).join("gitdir");
    let place_git = absolute(parent, place.path).join(".git");
    fs::write(&pointer, format!("{}\n", place_git.display()))
        .and_then(|()| fs::rename(&aside, place.path))
        .map_err(|source| io_error(place.path, source))
}

/// An empty folder may stand in the worktree's place; anything else is somebody's.
fn clear_place(place: &Place<'_>) -> Result<(), PrepareError> {
    match fs::remove_dir(place.path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory
            ) =>
        {
            Err(PrepareError::Occupied {
                path: place.path.to_owned(),
                repository: place.repository.to_owned(),
            })
        }
        Err(error) => Err(io_error(place.path, error)),
    }
}

/// The run's branch, made at the user's `HEAD` when missing.
fn branch<'r>(main: &'r Repository, place: &Place<'_>) -> Result<Reference<'r>, PrepareError> {
    let failed = |source| PrepareError::Branch { branch: place.branch.to_owned(), source };
    match main.find_branch(place.branch, BranchType::Local) {
        Ok(branch) => return Ok(branch.into_reference()),
        Err(error) if error.code() == ErrorCode::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let head = Head::read(main).map_err(|source| git_error(place, "read HEAD", source))?;
    let Some(tip) = head.tip else {
        return Err(PrepareError::Unborn { path: place.repository.to_owned() });
    };
    let commit = main.find_commit(tip).map_err(failed)?;
    let branch = main.branch(place.branch, &commit, false).map_err(failed)?;
    Ok(branch.into_reference())
}

/// Makes a branch at a commit of the repository; one of that name stays where it is.
pub(crate) fn branch_at(
    global: &GlobalConfig,
    (repository, branch): (&Path, &str),
    commit: &str,
) -> Result<(), PrepareError> {
    let main = global.open(repository)?;
    let made = Oid::from_str(commit)
        .and_then(|id| main.find_commit(id))
        .and_then(|commit| main.branch(branch, &commit, false).map(drop));
    match made {
        Err(error) if error.code() == ErrorCode::Exists => Ok(()),
        made => made.map_err(|source| PrepareError::Branch { branch: branch.to_owned(), source }),
    }
}

/// Commits whatever differs from the last commit in the work tree at `path`.
pub(crate) fn commit_all(
    global: &GlobalConfig,
    path: &Path,
    git: &GitSettings,
    message: &str,
) -> Result<(), PrepareError> {
    let worktree = global.open_to_record(path)?;
    let signature = identity::of_repository(&worktree, git)?.signature()?;
    let commit = || {
        let mut index = worktree.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        index.update_all(["*"], None)?;
        let tree = worktree.find_tree(index.write_tree()?)?;
        let parent = worktree.head()?.peel_to_commit()?;
        if parent.tree_id() != tree.id() {
            worktree.commit(Some("HEAD"), &signature, &signature, message, &tree, &[&parent])?;
        }
        index.write()
    };
    let action = "commit what was taken back";
    commit().map_err(|source| PrepareError::Git { action, path: path.to_owned(), source })
}

/// Forgets worktrees of the branch whose folder is gone; one that is there keeps the branch.
fn free_branch(main: &Repository, place: &Place<'_>) -> Result<(), PrepareError> {
    let wanted = format!("ref: refs/heads/{}", place.branch);
    let in_use = |path: &Path| PrepareError::BranchInUse {
        branch: place.branch.to_owned(),
        path: path.to_owned(),
    };
    let on_branch = |folder: &Path| {
        fs::read_to_string(folder.join("HEAD")).is_ok_and(|text| text.trim_end() == wanted)
    };
    let folder = main.commondir().join("worktrees");
    for name in worktree_names(&folder) {
        if !on_branch(&folder.join(&name)) {
            continue;
        }
        let failed = |source| git_error(place, "read a worktree", source);
        let Ok(worktree) = main.find_worktree(&name) else {
            // Without its pointers it is what a crash left of one that was being made.
            remove_folder(&folder.join(&name)).map_err(|source| io_error(&folder, source))?;
            continue;
        };
        let locked = worktree.is_locked().map_err(failed)? != WorktreeLockStatus::Unlocked;
        if locked || worktree.path().exists() {
            return Err(in_use(worktree.path()));
        }
        worktree.prune(None).map_err(failed)?;
    }
    if !main.is_bare() && on_branch(main.commondir()) {
        return Err(in_use(place.repository));
    }
    Ok(())
}

/// What lies in git's folder of worktrees, half-made ones too.
fn worktree_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn unused_name(main: &Repository, name: &str) -> String {
    let folder = main.commondir().join("worktrees");
    let numbered = |number: u32| match number {
        1 => name.to_owned(),
        _ => format!("{name}-{number}"),
    };
    (1..=u32::MAX)
        .map(numbered)
        .find(|name| !folder.join(name).exists())
        .expect("a folder has fewer entries than there are numbers")
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

fn same_folder(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// The path with its parent's links resolved, as git records worktrees.
fn absolute(parent: &Path, path: &Path) -> PathBuf {
    match (fs::canonicalize(parent), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        (Err(_), _) | (_, None) => path.to_owned(),
    }
}

fn git_error(place: &Place<'_>, action: &'static str, source: git2::Error) -> PrepareError {
    PrepareError::Git { action, path: place.repository.to_owned(), source }
}

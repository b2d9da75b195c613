//! What can go wrong, per operation, with the place and the cure.

use std::{io, path::PathBuf};

/// A repository cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing there is a repository.
    #[error(
        "{} is not a git repository: run `git init` there, or name the repository's top folder",
        .path.display()
    )]
    NotFound {
        /// Where one was expected.
        path: PathBuf,
    },
    /// The repository has no working files.
    #[error("{} is a bare repository: name one with a work tree", .path.display())]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// The folder belongs to another user, whom git does not trust.
    #[error(
        "{0} belongs to another user: run `git config --global --add safe.directory {0}` if you trust it",
        .path.display()
    )]
    NotOwner {
        /// The repository.
        path: PathBuf,
    },
    /// There is a `.git`, but git cannot read it.
    #[error(
        "{} holds a damaged git repository ({}): repair it, or move its `.git` away",
        .path.display(),
        .source.message()
    )]
    Damaged {
        /// The repository.
        path: PathBuf,
        /// What git says.
        source: git2::Error,
    },
    /// The recorder's own files inside `.git` cannot be written.
    #[error("cannot write {}: {source}; check the folder's permissions and free space", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// No author can be named for a commit.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Neither git nor the configuration names one.
    #[error(
        "git does not know who you are ({missing} missing): run `git config --global user.name \"Your \
         Name\"` and `git config --global user.email you@example.com`, or set author_name and \
         author_email under [git] in lao.toml"
    )]
    Missing {
        /// The keys without a value, as git names them.
        missing: &'static str,
    },
    /// The name or the address has a form that git refuses.
    #[error("git refuses the author {name:?} <{email}>: {}; correct user.name and user.email", .source.message())]
    Refused {
        /// The name.
        name: String,
        /// The address.
        email: String,
        /// What git says.
        source: git2::Error,
    },
    /// The configuration cannot be read.
    #[error("cannot read git's configuration ({}): correct the file it names", .0.message())]
    Config(#[source] git2::Error),
    /// The repository cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another program holds it, or left it.
    #[error(
        "{} is held by another program: wait for it to end; if no git command is running, remove the file",
        .path.display()
    )]
    Foreign {
        /// The lock.
        path: PathBuf,
    },
    /// Another process of ours has been recording for too long.
    #[error("{} has been held by another lao process for {waited_s} s: end that process", .path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long it was waited for, in seconds.
        waited_s: u64,
    },
    /// The file system refused.
    #[error("cannot lock {}: {source}; check the folder's permissions and free space", .path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The workspace cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A folder cannot be made or read.
    #[error("cannot prepare {}: {source}; check the folder's permissions and free space", .path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The repository cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No author can be named.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The repository is in the middle of something.
    #[error("{} is in the middle of {operation}: finish or abort it first", .path.display())]
    Busy {
        /// The repository.
        path: PathBuf,
        /// What is under way.
        operation: &'static str,
    },
    /// A worktree needs a commit to start from.
    #[error("{} has no commits yet: make a first commit, so that a branch can start from it", .path.display())]
    Unborn {
        /// The repository.
        path: PathBuf,
    },
    /// The place of the worktree is taken.
    #[error("{} exists and is no worktree of {}: move it away, or choose another workspace", .path.display(), .repository.display())]
    Occupied {
        /// The worktree's folder.
        path: PathBuf,
        /// The repository it should belong to.
        repository: PathBuf,
    },
    /// The branch is in use in another place.
    #[error("branch {branch} is checked out in {}: switch that checkout to another branch, or remove it with `git worktree remove`", .path.display())]
    BranchInUse {
        /// The branch.
        branch: String,
        /// Where it is checked out.
        path: PathBuf,
    },
    /// The worktree is on another branch than the run's.
    #[error("{0} is on {found}, not on {branch}: run `git -C {0} switch {branch}`", .path.display())]
    OtherBranch {
        /// The worktree.
        path: PathBuf,
        /// The branch it is on, or the commit.
        found: String,
        /// The branch it should be on.
        branch: String,
    },
    /// The branch cannot be made.
    #[error("cannot make branch {branch}: {}; rename what is in its way, or the plan", .source.message())]
    Branch {
        /// The branch.
        branch: String,
        /// What git says.
        source: git2::Error,
    },
    /// Git refused something.
    #[error("git cannot {action} in {}: {}", .path.display(), .source.message())]
    Git {
        /// What was tried.
        action: &'static str,
        /// The repository.
        path: PathBuf,
        /// What git says.
        source: git2::Error,
    },
}

/// A commit cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The repository cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No author can be named.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A lock is held.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The repository is in the middle of something.
    #[error("{} is in the middle of {operation}: finish or abort it, then retry", .path.display())]
    Busy {
        /// The repository.
        path: PathBuf,
        /// What is under way.
        operation: &'static str,
    },
    /// The worktree is on another branch than the run's.
    #[error("{0} is on {found}, not on {branch}: run `git -C {0} switch {branch}`, then retry", .path.display())]
    OtherBranch {
        /// The worktree.
        path: PathBuf,
        /// The branch it is on, or `HEAD` when detached.
        found: String,
        /// The branch it should be on.
        branch: String,
    },
    /// A file is no longer as the run left it.
    #[error(
        "{path} is no longer as the run left it: somebody else changed it; keep one of the two versions, then retry"
    )]
    Changed {
        /// Relative to the workspace.
        path: String,
    },
    /// A file that the run deleted is there again.
    #[error("{path} was deleted by the run and is there again: remove or keep it, then retry")]
    Reappeared {
        /// Relative to the workspace.
        path: String,
    },
    /// A path that does not lead into the work tree.
    #[error(
        "{path} does not lead to a file inside the workspace: name one without `..`, `.git` or links that lead out"
    )]
    Outside {
        /// As it was given.
        path: String,
    },
    /// A file cannot be read or written.
    #[error("cannot access {}: {source}; check its permissions and free space", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The branch moved at every try.
    #[error(
        "{reference} was moved by another program {tries} times while the commit was made: retry when it is done"
    )]
    Moving {
        /// The reference.
        reference: String,
        /// How often it was tried.
        tries: usize,
    },
    /// Git refused something.
    #[error("git cannot {action} in {}: {}", .path.display(), .source.message())]
    Git {
        /// What was tried.
        action: &'static str,
        /// The repository.
        path: PathBuf,
        /// What git says.
        source: git2::Error,
    },
}

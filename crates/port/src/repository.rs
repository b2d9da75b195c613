//! Git: the workspace made ready, commits made exactly once.

use lao_event::{
    EffectId, GitSettings, RunId, WorkspaceSettings,
    latest::{CommitOutcome, CommitPath, WorkspaceOutcome},
};

use crate::BoxFuture;

/// The workspace a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRequest {
    /// The run.
    pub run: RunId,
    /// Where it works.
    pub workspace: WorkspaceSettings,
    /// How it uses git.
    pub git: GitSettings,
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// The run; goes into a trailer.
    pub run: RunId,
    /// The effect; goes into a trailer. A commit of this run and effect that is already there
    /// is returned, not made again.
    pub effect: EffectId,
    /// Key of the step; goes into a trailer.
    pub step: String,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message; may be empty.
    pub body: String,
    /// Files of the task with the hashes the run left them at. A file that is no longer so was
    /// changed by somebody else: what the run wrote is not lost, what they wrote is not swept
    /// in; the outcome is `Failed` and names the file.
    pub paths: Vec<CommitPath>,
    /// Files to write and to include.
    pub trail: Vec<TrailText>,
    /// Include whatever else changed since the workspace was made ready, except `dirty`.
    pub sweep: bool,
    /// Paths the user had changed before the run began.
    pub dirty: Vec<String>,
    /// How the run uses git.
    pub git: GitSettings,
    /// Where the run works.
    pub workspace: WorkspaceSettings,
}

/// A file of the trail with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailText {
    /// Relative to the workspace.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Git.
pub trait Repository: Send + Sync {
    /// Makes the workspace ready; may be repeated.
    fn prepare<'a>(&'a self, request: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome>;

    /// Makes a commit, or finds that it was made.
    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome>;
}

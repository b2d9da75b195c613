//! The workspace and the commits.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Contents, without_contents};
use crate::{Content, EffectId, Hash, StepId};

/// The workspace is being made ready: folder, repository, worktree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct WorkspaceStarted {
    /// The effect.
    pub effect: EffectId,
}

/// The workspace is ready, or cannot be made so.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct WorkspaceEnded {
    /// The effect.
    pub effect: EffectId,
    /// What came of it.
    pub outcome: WorkspaceOutcome,
}

/// What came of making the workspace ready.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceOutcome {
    /// Work may begin.
    Ready {
        /// The commit the run builds on; `None` without git or in an empty repository.
        base: Option<String>,
        /// Paths the user had changed and not committed; no commit of the run contains them
        /// unless the run itself writes them.
        dirty: Vec<String>,
    },
    /// It cannot.
    Unusable {
        /// Why, and what to do.
        message: String,
    },
}

/// A commit is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommitStarted {
    /// The effect; named in a trailer of the commit.
    pub effect: EffectId,
    /// The step it belongs to.
    pub step: StepId,
    /// What it records.
    pub phase: CommitPhase,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message, without trailers; may be empty.
    pub body: String,
    /// Files of the task, as the run left them.
    pub paths: Vec<CommitPath>,
    /// Files of the trail, written with the commit.
    pub trail: Vec<TrailFile>,
    /// Whatever else changed in the workspace since the run began belongs to the commit
    /// (commands were run, whose changes nobody announced).
    pub sweep: bool,
}

/// What a commit records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitPhase {
    /// The plan and its tasks.
    Planning,
    /// A task's code.
    Code,
    /// A review.
    Review,
}

/// A file in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommitPath {
    /// Relative to the workspace.
    pub path: String,
    /// BLAKE3 of the content; `None` when the file is deleted.
    pub hash: Option<Hash>,
}

/// A file of the trail: what a run leaves for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TrailFile {
    /// Relative to the workspace.
    pub path: String,
    /// The whole content.
    pub content: Content,
}

/// A commit was made, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommitEnded {
    /// The effect.
    pub effect: EffectId,
    /// What came of it.
    pub outcome: CommitOutcome,
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitOutcome {
    /// It was made, now or before a crash.
    Made {
        /// The commit's id, in hexadecimal.
        id: String,
    },
    /// There was nothing to record.
    Unchanged,
    /// It could not be made; the step parks.
    Failed {
        /// Why, and what to do.
        message: String,
    },
}

impl Contents for CommitStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        for TrailFile { path: _, content } in &mut self.trail {
            visit(content);
        }
    }
}

without_contents!(WorkspaceStarted, WorkspaceEnded, CommitEnded);

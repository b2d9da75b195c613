//! A run at one of its events.

use serde::{Deserialize, Serialize};

use crate::{ContentView, EventView, FindingView, MessageView, RunStatus};

/// A run as it was when one of its events was durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MomentView {
    /// Position of the event, from 1.
    pub at: u64,
    /// Position of the journal's last event.
    pub last: u64,
    /// The event.
    pub event: EventView,
    /// How the run stood, the event included.
    pub status: RunStatus,
    /// What joined the conversation of the event's step with it: a prompt, an answer, a tool's reply.
    pub messages: Vec<MessageView>,
    /// What the event found wrong: the verifier, or a reviewer.
    pub findings: Vec<FindingView>,
    /// The file that the event is about.
    pub file: Option<FileChangeView>,
}

/// A file, before and after an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChangeView {
    /// Relative to the workspace.
    pub path: String,
    /// As it was; `null` where there was none.
    pub before: Option<ContentView>,
    /// As it is, or will be when the write has ended; `null` where it is deleted.
    pub after: Option<ContentView>,
}

/// Positions worth a jump.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksView {
    /// Where steps begin and end.
    pub steps: Vec<u64>,
    /// Where something failed: a step, a call, a check, a command, a review.
    pub failures: Vec<u64>,
    /// Where files changed.
    pub files: Vec<u64>,
}

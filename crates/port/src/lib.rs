//! What the runtime asks of the world.
//!
//! ```text
//!   runtime --asks--> port (these traits) <--implement-- model, tool, repo, testkit
//! ```
//!
//! Traits and the plain data that crosses them; no implementation. Texts are whole here (the
//! runtime resolves blobs before it asks and stores them after); every future may be dropped at
//! any await point, which cancels what it was doing as far as that is possible.

mod action;
mod clock;
mod model;
mod repository;
mod tool;
mod transcriber;
mod verifier;

use std::sync::Arc;

pub use action::{
    ActionError, Actions, NoWorkflows, PlanResult, Plans, ProgramFailure, ProgramOutput,
    ProgramRun, Results, StoredResult, Written,
};
pub use clock::Clock;
pub use futures_util::future::BoxFuture;
pub use model::{
    Chat, ChatAnswer, ChatError, ChatErrorKind, ChatFormat, ChatMessage, ChatToolCall, Embed,
    Model, OnProgress, Progress, Sampling,
};
pub use repository::{CommitRequest, Repository, TrailText, WorkspaceRequest};
pub use tool::{
    CommandReply, CommandRun, FileWrite, Prepared, PreparedAction, ToolReply, ToolRequest, Toolbox,
};
pub use transcriber::{
    OnTranscribed, Segment, TranscribeError, TranscribeErrorKind, TranscribeProgress,
    TranscribeRequest, Transcriber, Transcript,
};
pub use verifier::{
    ChangedFile, CommandResult, TaskReport, Verifier, VerifyReport, VerifyRequest, VerifyTask,
};

/// Everything a run touches, as one bundle.
#[derive(Clone)]
pub struct World {
    /// Model servers.
    pub model: Arc<dyn Model>,
    /// Tools, bound to the run's workspace.
    pub tools: Arc<dyn Toolbox>,
    /// Checks, bound to the run's workspace.
    pub verifier: Arc<dyn Verifier>,
    /// Git.
    pub repository: Arc<dyn Repository>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What steps of workflows need besides.
    pub flow: FlowWorld,
}

/// What the steps of workflows need besides models and tools.
#[derive(Clone)]
pub struct FlowWorld {
    /// Files and commands, bound to the run's workspace.
    pub actions: Arc<dyn Actions>,
    /// Speech to text.
    pub transcriber: Arc<dyn Transcriber>,
    /// Plans as steps.
    pub plans: Arc<dyn Plans>,
    /// Results of earlier steps.
    pub results: Arc<dyn Results>,
}

impl Default for FlowWorld {
    /// A world in which no workflow can run.
    fn default() -> Self {
        Self {
            actions: Arc::new(NoWorkflows),
            transcriber: Arc::new(NoWorkflows),
            plans: Arc::new(NoWorkflows),
            results: Arc::new(NoWorkflows),
        }
    }
}

//! What the steps of a workflow do in the world: files, commands, moments; plans as steps; and
//! the results of earlier runs.

use lao_event::{
    Content, Hash, RunId,
    latest::{ActionFailure, FlowValue, ReadForm},
};

use crate::BoxFuture;

/// Why an action could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    /// The kind of failure.
    pub kind: ActionFailure,
    /// In words, with the place and the cure.
    pub message: String,
}

impl ActionError {
    /// An error about a file.
    pub fn file(message: impl Into<String>) -> Self {
        Self { kind: ActionFailure::File, message: message.into() }
    }
}

/// A command of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramRun {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder it runs in, from the workspace; `None` for the workspace itself.
    pub folder: Option<String>,
    /// Variables: names and values.
    pub env: Vec<(String, String)>,
    /// Variables: names, and the variables of this program that have the values.
    pub secrets: Vec<(String, String)>,
    /// Its standard input.
    pub input: Option<String>,
    /// Its standard output must be JSON.
    pub json: bool,
    /// Exit codes that are no failure.
    pub exit_codes: Vec<i32>,
}

/// A command that ended as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Its exit code.
    pub exit_code: i32,
    /// What it wrote to its standard output.
    pub output: String,
}

/// A command that did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFailure {
    /// Its exit code, where it exited.
    pub exit_code: Option<i32>,
    /// In words, with the end of what it wrote to its standard error.
    pub message: String,
}

/// What came of a file write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The file is as it should be, or already was.
    AsAsked,
    /// Somebody else changed it.
    Conflict,
}

/// Files and commands of workflows, bound to one workspace.
pub trait Actions: Send + Sync {
    /// The bytes of a file that is to be written; `None` where there is none. An error where it
    /// may not be written.
    fn before<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ActionError>>;

    /// A moment from its text: RFC 3339, or milliseconds since 1970.
    fn moment(&self, text: &str) -> Result<i64, ActionError>;

    /// BLAKE3 of a file's bytes.
    fn hash<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Hash, ActionError>>;

    /// The absolute path of a file that is named from the workspace.
    fn absolute(&self, path: &str) -> String;

    /// Reads a file: its text, or JSON text.
    fn read<'a>(
        &'a self,
        path: &'a str,
        form: ReadForm,
    ) -> BoxFuture<'a, Result<String, ActionError>>;

    /// Lists the files that fit a pattern, sorted.
    fn list<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, ActionError>>;

    /// Writes a file: whole or not at all, and only if it is as `before` says or already as it
    /// should be.
    fn write<'a>(
        &'a self,
        path: &'a str,
        before: Option<Hash>,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Written, ActionError>>;

    /// Runs a command. Dropping the future ends it and its children.
    fn run<'a>(
        &'a self,
        program: &'a ProgramRun,
    ) -> BoxFuture<'a, Result<ProgramOutput, ProgramFailure>>;
}

/// How a plan that ran as a step ended: in words, as JSON text.
pub type PlanResult = Result<String, ActionError>;

/// Plans as steps.
pub trait Plans: Send + Sync {
    /// Runs a plan to its end, as a run of its own; one of the same text that is not over is
    /// taken up. Dropping the future stops it, resumable.
    fn run<'a>(&'a self, file: &'a str, run: &'a RunId) -> BoxFuture<'a, PlanResult>;
}

/// Results of earlier steps, by what they depend on. A cache: it may lose what it has.
pub trait Results: Send + Sync {
    /// What is stored under a key.
    fn get(&self, key: Hash) -> Option<StoredResult>;

    /// Stores a result.
    fn put(&self, key: Hash, value: &StoredResult);
}

/// A stored result, its text whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredResult {
    /// A text.
    Text(String),
    /// JSON text.
    Json(String),
}

impl StoredResult {
    /// As a value of a workflow.
    pub fn into_value(self) -> FlowValue {
        match self {
            Self::Text(text) => FlowValue::Text(Content::Inline(text)),
            Self::Json(text) => FlowValue::Json(Content::Inline(text)),
        }
    }
}

/// A world without workflows: every step says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWorkflows;

fn none<T: Send + 'static>() -> BoxFuture<'static, Result<T, ActionError>> {
    Box::pin(std::future::ready(Err(ActionError::file("there are no workflows here"))))
}

impl Actions for NoWorkflows {
    fn before<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ActionError>> {
        none()
    }

    fn moment(&self, _: &str) -> Result<i64, ActionError> {
        Err(ActionError::file("there are no workflows here"))
    }

    fn hash<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Hash, ActionError>> {
        none()
    }

    fn absolute(&self, path: &str) -> String {
        path.to_owned()
    }

    fn read<'a>(&'a self, _: &'a str, _: ReadForm) -> BoxFuture<'a, Result<String, ActionError>> {
        none()
    }

    fn list<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<String>, ActionError>> {
        none()
    }

    fn write<'a>(
        &'a self,
        _: &'a str,
        _: Option<Hash>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Written, ActionError>> {
        none()
    }

    fn run<'a>(
        &'a self,
        _: &'a ProgramRun,
    ) -> BoxFuture<'a, Result<ProgramOutput, ProgramFailure>> {
        let message = "there are no workflows here".to_owned();
        Box::pin(std::future::ready(Err(ProgramFailure { exit_code: None, message })))
    }
}

impl Plans for NoWorkflows {
    fn run<'a>(&'a self, _: &'a str, _: &'a RunId) -> BoxFuture<'a, PlanResult> {
        none()
    }
}

impl Results for NoWorkflows {
    fn get(&self, _: Hash) -> Option<StoredResult> {
        None
    }

    fn put(&self, _: Hash, _: &StoredResult) {}
}

impl crate::Transcriber for NoWorkflows {
    fn transcribe<'a>(
        &'a self,
        _: &'a crate::TranscribeRequest,
        _: crate::OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<crate::Transcript, crate::TranscribeError>> {
        let kind = crate::TranscribeErrorKind::ModelMissing;
        let message = "there is no engine for speech here".to_owned();
        Box::pin(std::future::ready(Err(crate::TranscribeError { kind, message })))
    }
}

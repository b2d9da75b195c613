//! Tools: prepared (checked, resolved, compared with what is there), then carried out.
//!
//! Preparing only reads. What it returns says exactly what would happen, so that the journal
//! can hold it before it does.

use lao_event::{
    Hash,
    latest::{CommandOutcome, FileWriteOutcome, TodoItem, ToolOutcome},
};

use crate::BoxFuture;

/// A tool call as a model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRequest {
    /// The tool's name, possibly misspelt.
    pub name: String,
    /// The arguments as JSON text, possibly broken.
    pub arguments: String,
}

/// What a tool call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The tool, by its own name where the call could be matched to one.
    pub tool: String,
    /// How the call was mended before it could be read, if it was.
    pub repair: Option<String>,
    /// What would happen.
    pub action: PreparedAction,
}

/// What a tool call would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreparedAction {
    /// Read something.
    Read {
        /// The checked arguments as canonical JSON text.
        arguments: String,
    },
    /// Write, change or delete a file.
    Write {
        /// Relative to the workspace, `/` between the parts.
        path: String,
        /// The bytes that are there; `None` where there is no file.
        before: Option<Vec<u8>>,
        /// The text that will be there; `None` when the file is deleted.
        after: Option<String>,
        /// What the model is told when it succeeds.
        reply: String,
    },
    /// Run a command in the workspace.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// How long it may take, in milliseconds.
        timeout_ms: u64,
    },
    /// Replace the to-do list.
    TodoSet {
        /// The whole list.
        items: Vec<TodoItem>,
    },
    /// Show the to-do list.
    TodoGet,
    /// A rule forbids it.
    Denied {
        /// The rule.
        rule: String,
        /// What the model is told.
        reply: String,
    },
    /// It cannot be carried out as it is: unknown tool, wrong arguments, no such passage.
    Invalid {
        /// What the model is told: what was expected, with the schema or the closest passage.
        reply: String,
    },
}

/// What a reading tool returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolReply {
    /// Whether it found what it was asked for.
    pub outcome: ToolOutcome,
    /// What the model is told, cut to the limit.
    pub text: String,
}

/// A prepared file write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWrite {
    /// Relative to the workspace.
    pub path: String,
    /// BLAKE3 of what must be there; `None` where there must be nothing.
    pub before: Option<Hash>,
    /// The text to write; `None` to delete.
    pub after: Option<String>,
}

/// A command to run in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRun {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandReply {
    /// How it ended.
    pub outcome: CommandOutcome,
    /// What the model is told: exit code and output, cut to the limit.
    pub text: String,
}

/// Tools, bound to one workspace.
pub trait Toolbox: Send + Sync {
    /// Says what a call would do. Only reads.
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared>;

    /// Carries out a `Read`; `arguments` are those that `prepare` returned.
    fn read<'a>(&'a self, tool: &'a str, arguments: &'a str) -> BoxFuture<'a, ToolReply>;

    /// Carries out a `Write`: atomically, and only if the file is as `before` says; when it is
    /// already as `after` says, reports `AlreadyWritten`.
    fn write<'a>(&'a self, write: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome>;

    /// Carries out a `Command`. Dropping the future ends the command and its children.
    fn run<'a>(&'a self, command: &'a CommandRun) -> BoxFuture<'a, CommandReply>;
}

//! Tool calls: decided, then run; each reply goes back to the model.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Contents;
use crate::{CallId, Content, EffectId, Hash, StepId};

/// A tool call was allowed, denied or found invalid.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ToolDecided {
    /// The step whose model asked.
    pub step: StepId,
    /// The call.
    pub call: CallId,
    /// The tool, by its own name where the call could be matched to one.
    pub tool: String,
    /// What was decided.
    pub verdict: ToolVerdict,
    /// How the arguments were mended before they could be read, if they were.
    pub repair: Option<String>,
}

/// What was decided about a tool call.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolVerdict {
    /// It may run.
    Allowed {
        /// The rule that allows it.
        rule: String,
    },
    /// It may not; the model is told.
    Denied {
        /// The rule that denies it.
        rule: String,
        /// What the model is told.
        reply: Content,
    },
    /// The call cannot be carried out as it is; the model is told.
    Invalid {
        /// What the model is told.
        reply: Content,
    },
}

impl Contents for ToolDecided {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.verdict {
            ToolVerdict::Allowed { rule: _ } => {}
            ToolVerdict::Denied { rule: _, reply } | ToolVerdict::Invalid { reply } => visit(reply),
        }
    }
}

/// A tool that only reads is running.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ToolCallStarted {
    /// The effect.
    pub effect: EffectId,
    /// The step.
    pub step: StepId,
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// The checked arguments, as JSON text.
    pub arguments: Content,
}

/// A reading tool returned.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ToolCallEnded {
    /// The effect.
    pub effect: EffectId,
    /// Whether it found what it was asked for.
    pub outcome: ToolOutcome,
    /// What the model is told.
    pub reply: Content,
}

/// Whether a tool did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// It did.
    Succeeded,
    /// It could not; the reply says why.
    Failed,
}

impl Contents for ToolCallStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        visit(&mut self.arguments);
    }
}

impl Contents for ToolCallEnded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        visit(&mut self.reply);
    }
}

/// A file is about to be written or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct FileWriteStarted {
    /// The effect.
    pub effect: EffectId,
    /// The step.
    pub step: StepId,
    /// The call.
    pub call: CallId,
    /// Relative to the workspace, `/` between the parts.
    pub path: String,
    /// The file as it is now.
    pub before: Before,
    /// The file as it will be; `None` when it is deleted.
    pub after: Option<Content>,
    /// What the model is told when the write succeeds.
    pub reply: Content,
}

/// A file before a write.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// There is none.
    Absent,
    /// Its content is already in the journal.
    Known {
        /// BLAKE3 of the content.
        hash: Hash,
    },
    /// Its content, kept because the task touches the file for the first time.
    Kept(Content),
}

impl Before {
    /// BLAKE3 of the file; `None` where there is none.
    pub fn hash(&self) -> Option<Hash> {
        match self {
            Self::Absent => None,
            Self::Known { hash } => Some(*hash),
            Self::Kept(content) => Some(content.hash()),
        }
    }
}

/// A file write ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct FileWriteEnded {
    /// The effect.
    pub effect: EffectId,
    /// What came of it.
    pub outcome: FileWriteOutcome,
}

/// What came of a file write.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileWriteOutcome {
    /// The file is as it should be.
    Written,
    /// It already was: a lost effect had happened.
    AlreadyWritten,
    /// Somebody else changed the file; it was left alone.
    Conflict {
        /// BLAKE3 of what is there; `None` where there is nothing.
        found: Option<Hash>,
    },
    /// It could not be written.
    Failed {
        /// Why.
        message: String,
    },
}

impl Contents for FileWriteStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.before {
            Before::Absent | Before::Known { hash: _ } => {}
            Before::Kept(content) => visit(content),
        }
        self.after.iter_mut().for_each(&mut *visit);
        visit(&mut self.reply);
    }
}

/// A command of the model's is about to run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommandStarted {
    /// The effect.
    pub effect: EffectId,
    /// The step.
    pub step: StepId,
    /// The call.
    pub call: CallId,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

/// A command ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct CommandEnded {
    /// The effect.
    pub effect: EffectId,
    /// How.
    pub outcome: CommandOutcome,
    /// What the model is told: its output, cut to the limit.
    pub reply: Content,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    /// By itself.
    Exited {
        /// Its exit code; 128 and the signal's number where a signal ended it.
        code: i32,
    },
    /// It took too long and was ended.
    TimedOut,
    /// It could not be started.
    NotStarted {
        /// Why.
        message: String,
    },
    /// A crash hid how it ended, and it is not run again.
    Unknown,
}

impl Contents for CommandEnded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        visit(&mut self.reply);
    }
}

/// The coder's to-do list changed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TodoSet {
    /// The step.
    pub step: StepId,
    /// The call.
    pub call: CallId,
    /// The whole list.
    pub items: Vec<TodoItem>,
}

/// One item of a to-do list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TodoItem {
    /// What is to be done.
    pub text: String,
    /// It is done.
    pub done: bool,
}

super::without_contents!(FileWriteEnded, CommandStarted, TodoSet);

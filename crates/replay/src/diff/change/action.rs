//! What differs of workflows: values, actions, outputs.

use lao_event::latest::ActionFailure;

use crate::diff::{align::Pair, text::TextDiff};

/// A value that differs: an input, an item, what a step gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueDiff {
    /// What it is in either run; `None` where there is none.
    pub forms: Pair<Option<ValueForm>>,
    /// Where its texts differ. JSON is compared as it is when every entry has its own line.
    pub text: Option<TextDiff>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueForm {
    /// Nothing.
    Nothing,
    /// A text.
    Text,
    /// JSON.
    Json,
    /// A file; its text is the path.
    File,
}

/// An action of a step of a workflow that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDiff {
    /// What is done.
    pub kind: ActionKind,
    /// The action in either run.
    pub sides: Pair<Option<ActionLine>>,
    /// What it is done with, resolved, an entry a line.
    pub arguments: Option<TextDiff>,
    /// The long text that it is done with: a standard input, a hint for the transcript, texts to
    /// embed, what a person is asked.
    pub input: Option<TextDiff>,
    /// What it gave.
    pub value: Option<ValueDiff>,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionKind {
    /// It runs a command.
    Run,
    /// It reads a file.
    Read,
    /// It lists files.
    List,
    /// It writes a file.
    Write,
    /// It turns speech into text.
    Transcribe,
    /// It turns texts into vectors.
    Embed,
    /// It runs a plan.
    Plan,
    /// It asks a person.
    Approve,
    /// It waits until a moment.
    Wait,
    /// It waits before the next attempt.
    Pause,
}

/// An action in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionLine {
    /// What it is about: a command line, a file, a pattern; empty where nothing can be named.
    pub about: String,
    /// What came of it.
    pub result: ActionResult,
    /// The exit code of a command.
    pub exit_code: Option<i32>,
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionResult {
    /// There is no word of it.
    Open,
    /// It did what it should.
    Done,
    /// It did not.
    Failed(ActionFailure, String),
}

/// An output that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputDiff {
    /// Where it comes from; `None` where there is none.
    pub origins: Pair<Option<OutputOrigin>>,
    /// What an earlier result was found by, an entry a line.
    pub keyed_on: Option<TextDiff>,
    /// What it is.
    pub value: Option<ValueDiff>,
}

/// Where an output comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutputOrigin {
    /// It was read out of a model's answer.
    Answer,
    /// It was made of what the steps inside gave.
    Inside,
    /// An earlier run gave it.
    Cache,
}

impl ValueDiff {
    pub(super) fn swapped(self) -> Self {
        let Self { forms, text } = self;
        Self { forms: forms.swapped(), text: text.map(TextDiff::swapped) }
    }
}

impl ActionDiff {
    pub(super) fn swapped(self) -> Self {
        let Self { kind, sides, arguments, input, value } = self;
        Self {
            kind,
            sides: sides.swapped(),
            arguments: arguments.map(TextDiff::swapped),
            input: input.map(TextDiff::swapped),
            value: value.map(ValueDiff::swapped),
        }
    }
}

impl OutputDiff {
    pub(super) fn swapped(self) -> Self {
        let Self { origins, keyed_on, value } = self;
        Self {
            origins: origins.swapped(),
            keyed_on: keyed_on.map(TextDiff::swapped),
            value: value.map(ValueDiff::swapped),
        }
    }
}

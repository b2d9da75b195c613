//! What a workflow's steps do to the world, besides asking models, and what comes of it.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Before, Contents};
use crate::{Attempt, Content, EffectId, Hash, RunId, StepId, TranscriptFormat};

/// A value of a workflow: an input, or what a step gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowValue {
    /// None.
    #[default]
    Nothing,
    /// A text.
    Text(Content),
    /// JSON: a number, a list, an object.
    Json(Content),
    /// A file.
    File {
        /// Its path, relative to the workspace where it is in it.
        path: String,
    },
}

impl FlowValue {
    /// Calls `visit` on its text.
    pub(crate) fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match self {
            Self::Nothing | Self::File { path: _ } => {}
            Self::Text(content) | Self::Json(content) => visit(content),
        }
    }
}

/// The world was looked at before a step of a workflow could begin or go on: a text that its
/// expressions name lies in a blob, or what it does depends on what is there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepLooked {
    /// The step.
    pub step: StepId,
    /// The attempt.
    pub attempt: Attempt,
    /// What was found besides texts.
    pub found: Found,
}

/// What looking found.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Texts alone were needed.
    Nothing,
    /// The file that is to be written, and its content where more is added to it.
    File {
        /// As it is now.
        before: Before,
        /// It holds this before what is added; `None` where it is replaced.
        start: Option<Content>,
    },
    /// The moment until which to wait.
    Until {
        /// Milliseconds since 1970.
        until_ms: i64,
    },
    /// An identity for a run inside this one.
    Run {
        /// The identity.
        run: RunId,
    },
    /// The store of earlier results.
    Cache {
        /// What the result is stored under: hash of all that it depends on.
        key: Hash,
        /// What that is, in words.
        keyed_on: String,
        /// What is stored there; `None` where nothing is.
        value: Option<FlowValue>,
    },
    /// The world does not allow it.
    Refused {
        /// Why.
        message: String,
    },
}

impl Contents for StepLooked {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.found {
            Found::File { before, start } => {
                visit_before(before, visit);
                start.iter_mut().for_each(visit);
            }
            Found::Cache { key: _, keyed_on: _, value } => {
                if let Some(value) = value {
                    value.visit_contents(visit);
                }
            }
            Found::Nothing | Found::Until { .. } | Found::Run { .. } | Found::Refused { .. } => {}
        }
    }
}

fn visit_before(before: &mut Before, visit: &mut dyn FnMut(&mut Content)) {
    match before {
        Before::Absent | Before::Known { hash: _ } => {}
        Before::Kept(content) => visit(content),
    }
}

/// A step of a workflow is about to act.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ActionStarted {
    /// The effect.
    pub effect: EffectId,
    /// The step.
    pub step: StepId,
    /// What it does.
    pub action: Action,
}

/// What a step of a workflow does: everything is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Run a command.
    Run(ActionRun),
    /// Read a file.
    Read {
        /// Its path.
        path: String,
        /// What is made of it.
        form: ReadForm,
    },
    /// List the files that fit a pattern.
    List {
        /// The pattern.
        pattern: String,
    },
    /// Write a file.
    Write {
        /// Its path, relative to the workspace.
        path: String,
        /// As it is now.
        before: Before,
        /// As it will be.
        after: Content,
    },
    /// Turn speech into text.
    Transcribe(ActionTranscribe),
    /// Turn texts into vectors.
    Embed {
        /// The endpoint's name.
        endpoint: String,
        /// The model's key there.
        model: String,
        /// A list of texts, as JSON text.
        texts: Content,
        /// One text was given, not a list.
        single: bool,
    },
    /// Run a plan, as a run of its own.
    Plan {
        /// Its file.
        file: String,
        /// The run's identity.
        run: RunId,
    },
    /// Wait for a person's word.
    Approve {
        /// What the person is asked.
        message: Content,
    },
    /// Wait until a moment.
    Wait {
        /// Milliseconds since 1970.
        until_ms: i64,
    },
    /// Wait before the next attempt.
    Pause {
        /// Milliseconds.
        wait_ms: u64,
    },
}

impl Action {
    /// Nothing happens but that time passes.
    pub const fn only_waits(&self) -> bool {
        matches!(self, Self::Wait { .. } | Self::Pause { .. })
    }
}

/// A command of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ActionRun {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder it runs in, relative to the workspace; `None` for the workspace itself.
    pub folder: Option<String>,
    /// Variables: names and values.
    pub env: Vec<(String, String)>,
    /// Variables: names, and the variables of this program that have the values.
    pub secrets: Vec<(String, String)>,
    /// Its standard input.
    pub input: Option<Content>,
    /// Its standard output is JSON.
    pub json: bool,
    /// Exit codes that are no failure.
    pub exit_codes: Vec<i32>,
    /// It may be run again when a crash hid whether it ended.
    pub repeatable: bool,
}

/// What is made of a file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadForm {
    /// Its text.
    Text,
    /// Its JSON.
    Json,
    /// A list of its lines.
    Lines,
}

/// A file to transcribe.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ActionTranscribe {
    /// The endpoint's name.
    pub endpoint: String,
    /// The model's key there.
    pub model: String,
    /// The file.
    pub file: String,
    /// The language, as a two-letter code; `None` to have it found out.
    pub language: Option<String>,
    /// Translate into English.
    pub translate: bool,
    /// Words that the speaker is likely to use.
    pub prompt: Option<Content>,
    /// Threads to use.
    pub threads: Option<u32>,
    /// The form of the result.
    pub format: TranscriptForm,
}

/// The form of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptForm {
    /// The words.
    Text,
    /// `SubRip`.
    Srt,
    /// `WebVTT`.
    Vtt,
    /// JSON with segments.
    Json,
}

impl From<TranscriptFormat> for TranscriptForm {
    fn from(format: TranscriptFormat) -> Self {
        match format {
            TranscriptFormat::Text => Self::Text,
            TranscriptFormat::Srt => Self::Srt,
            TranscriptFormat::Vtt => Self::Vtt,
            TranscriptFormat::Json => Self::Json,
        }
    }
}

impl Contents for ActionStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.action {
            Action::Run(run) => run.input.iter_mut().for_each(visit),
            Action::Write { path: _, before, after } => {
                visit_before(before, visit);
                visit(after);
            }
            Action::Transcribe(transcribe) => transcribe.prompt.iter_mut().for_each(visit),
            Action::Embed { texts, .. } => visit(texts),
            Action::Approve { message } => visit(message),
            Action::Read { .. }
            | Action::List { .. }
            | Action::Plan { .. }
            | Action::Wait { .. }
            | Action::Pause { .. } => {}
        }
    }
}

/// A step of a workflow has acted, or could not.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ActionEnded {
    /// The effect.
    pub effect: EffectId,
    /// What came of it.
    pub outcome: ActionOutcome,
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// It did what it should.
    Done {
        /// What it gave.
        value: FlowValue,
        /// The exit code of a command.
        exit_code: Option<i32>,
    },
    /// It did not.
    Failed {
        /// The kind of failure.
        kind: ActionFailure,
        /// In words.
        message: String,
        /// The exit code of a command.
        exit_code: Option<i32>,
    },
}

/// Kinds of failure of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionFailure {
    /// A command could not be run, or ended with another code than it should.
    Command,
    /// A file could not be read or written, or is not what it should be.
    File,
    /// Somebody else changed the file; it was left alone.
    Conflict,
    /// An engine crashed, hung or talked rubbish.
    Engine,
    /// A model server failed.
    Model,
    /// The server does not answer.
    Unreachable,
    /// The model is not there.
    ModelMissing,
    /// The time was up.
    TimedOut,
    /// A run inside failed.
    Inside,
    /// A person said no.
    Denied,
}

impl ActionFailure {
    /// It is no end of the attempt: the run stops, and the same is done again when what is missing
    /// is there.
    pub const fn goes_on(self) -> bool {
        match self {
            Self::Unreachable | Self::ModelMissing => true,
            Self::Command
            | Self::File
            | Self::Conflict
            | Self::Engine
            | Self::Model
            | Self::TimedOut
            | Self::Inside
            | Self::Denied => false,
        }
    }
}

impl Contents for ActionEnded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.outcome {
            ActionOutcome::Done { value, exit_code: _ } => value.visit_contents(visit),
            ActionOutcome::Failed { .. } => {}
        }
    }
}

/// A step has this output, which is not simply the result of its last effect.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct OutputSet {
    /// The step.
    pub step: StepId,
    /// The output.
    pub value: FlowValue,
    /// Where it comes from.
    pub source: OutputSource,
}

/// Where an output comes from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputSource {
    /// It was read out of a model's answer.
    Answer,
    /// It was made of the outputs of the steps inside.
    Inside,
    /// An earlier run gave it for the same step, inputs and model.
    Cache {
        /// Hash of what it was keyed on.
        key: Hash,
        /// What it was keyed on, in words.
        keyed_on: String,
    },
}

impl Contents for OutputSet {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        self.value.visit_contents(visit);
    }
}

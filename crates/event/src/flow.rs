//! A workflow's steps as a run has them: checked, with every default filled in.
//!
//! They are stored as one JSON document for each step (not as positional bytes), because they
//! gain keys with every release: a missing key takes its default, so that old runs stay readable.
//! No floats: sampling parameters are in thousandths.

use serde::{Deserialize, Serialize};

use crate::Role;

/// A text with `${{ }}` in it, as written; `lao-expression` reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The most bytes of a step's definition as JSON, steps of called workflows included: an event holds
/// it whole.
pub const FLOW_STEP_BYTES_MAX: usize = 256 * 1024;

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// What it does.
    #[serde(rename = "do")]
    pub action: FlowAction,
    /// It runs only if this comes to true: one `${{ }}`, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Template>,
    /// How often it is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<FlowRetry>,
    /// How long one attempt may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What follows when it fails.
    #[serde(default, skip_serializing_if = "OnFailure::is_stop")]
    pub on_failure: OnFailure,
    /// The step it stands in for when that one fails: it runs only then. It needs that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_for: Option<String>,
    /// An earlier result of the same step with the same inputs is taken instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cache: bool,
}

/// What follows when a step fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// What needs it is skipped, and the run fails.
    #[default]
    Stop,
    /// What needs it goes on; its output is nothing.
    Continue,
    /// Another step runs in its place, and what needs it takes that step's output. Whoever needs
    /// the one needs the other too.
    Fallback(String),
}

impl OnFailure {
    fn is_stop(&self) -> bool {
        *self == Self::Stop
    }
}

/// How often a step is tried, and the pauses between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRetry {
    /// Tries, counting the first; at least 1.
    pub attempts: u32,
    /// The pause before the second try, in milliseconds; it doubles with each further one.
    pub pause_ms: u64,
    /// The longest pause, in milliseconds.
    pub pause_ms_max: u64,
    /// After which failures; all of them that may pass where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<RetryOn>,
}

/// Failures after which a step may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// A model failed, or its answer was of no use.
    Model,
    /// A command could not be run or ended with another code than it should.
    Command,
    /// A file could not be read or written.
    File,
    /// An engine failed: a transcription, an embedding.
    Engine,
    /// The time was up.
    Timeout,
    /// A step inside failed: an item, a workflow, a plan.
    Inside,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowAction {
    /// One call of a model.
    Prompt(FlowPrompt),
    /// A model with tools, until it is done.
    Agent(FlowAgent),
    /// A plan: tasks, coded, checked, reviewed, committed; a run of its own.
    Plan(FlowPlan),
    /// Speech to text.
    Transcribe(FlowTranscribe),
    /// Texts to vectors.
    Embed(FlowEmbed),
    /// A command.
    Run(FlowRun),
    /// The text of a file.
    Read(FlowRead),
    /// A file written.
    Write(FlowWrite),
    /// The same step for every item of a list.
    Map(Box<FlowMap>),
    /// A person is asked whether to go on.
    Approve(FlowApprove),
    /// Time passes.
    Wait(FlowWait),
    /// Another workflow.
    Workflow(FlowCall),
    /// Something that must be true.
    Assert(FlowAssert),
}

/// The form of a text result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowFormat {
    /// Text.
    #[default]
    Text,
    /// JSON; for models by this schema (JSON Schema as JSON text), where there is one.
    Json {
        /// The schema.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
    },
}

/// Who is asked, and what differs from the role's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowModel {
    /// The role.
    pub role: Role,
    /// Sampling temperature in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_milli: Option<u32>,
    /// Nucleus sampling in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p_milli: Option<u32>,
    /// Sampling seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The most tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
}

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowPrompt {
    /// What is asked.
    pub text: Template,
    /// What the model is told to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Template>,
    /// Who is asked.
    pub model: FlowModel,
    /// The form of the answer.
    #[serde(default)]
    pub format: FlowFormat,
}

/// A model with tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowAgent {
    /// What is to be done.
    pub text: Template,
    /// What the model is told to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Template>,
    /// Who is asked.
    pub model: FlowModel,
    /// The tools offered; all of the project's where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The most answers of the model.
    pub turns_max: u32,
}

/// A plan as a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowPlan {
    /// The plan's file, from the project's folder.
    pub file: Template,
}

/// Speech to text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTranscribe {
    /// The audio file.
    pub file: Template,
    /// The language spoken: a two-letter code, or `auto`.
    pub language: Template,
    /// Translate into English.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub translate: bool,
    /// Words that the speaker is likely to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Template>,
    /// Threads to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The form of the output.
    #[serde(default)]
    pub format: TranscriptFormat,
}

/// The form of a transcript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptFormat {
    /// The words.
    #[default]
    Text,
    /// `SubRip`.
    Srt,
    /// `WebVTT`.
    Vtt,
    /// `{language, duration_ms, text, segments: [{start_ms, end_ms, text}]}`.
    Json,
}

/// Texts to vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEmbed {
    /// A text, or a list of texts.
    pub text: Template,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRun {
    /// Program and arguments; one `${{ }}` that is a list stands for several.
    pub argv: Vec<Template>,
    /// The folder it runs in, from the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<Template>,
    /// Variables it sees besides the few that every command does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, Template)>,
    /// Variables it sees whose values are those of variables of `lao` itself, by name; they are in
    /// no journal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<(String, String)>,
    /// Its standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Template>,
    /// The form of its standard output.
    #[serde(default)]
    pub format: FlowFormat,
    /// Exit codes that are no failure.
    pub exit_codes: Vec<i32>,
    /// It may be run again when a crash hid whether it ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
}

/// A file read, or files listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRead {
    /// What is read.
    pub what: ReadWhat,
}

/// What a reading step gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadWhat {
    /// The text of a file.
    Text(Template),
    /// A file's JSON.
    Json(Template),
    /// The lines of a file, as a list.
    Lines(Template),
    /// The paths of the files that fit a pattern, sorted, as a list.
    Files(Template),
}

/// A file written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowWrite {
    /// The file, from the project's folder.
    pub path: Template,
    /// Its text; what is no text is written as JSON.
    pub text: Template,
    /// What happens to a file that is there.
    #[serde(default)]
    pub mode: WriteMode,
}

/// What happens to a file that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// It is replaced.
    #[default]
    Replace,
    /// The text is added at its end.
    Append,
    /// The step fails, unless the file has the text already.
    Create,
}

/// The same step for every item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowMap {
    /// The items.
    pub over: MapOver,
    /// The most items under way at the same time; at least 1.
    pub concurrency: u32,
    /// What is done with each; `item` and `index` are known there.
    pub step: FlowStep,
}

/// The items of a map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapOver {
    /// A list.
    List(Template),
    /// The files that fit a pattern.
    Files(Template),
}

/// A person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowApprove {
    /// What the person is asked.
    pub message: Template,
}

/// Time passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowWait {
    /// So many milliseconds.
    Ms(u64),
    /// Until a moment: milliseconds since 1970, or an RFC 3339 text.
    Until(Template),
}

/// Another workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowCall {
    /// Its file, for people.
    pub file: String,
    /// Its inputs, all of them, defaults filled in.
    pub inputs: Vec<(String, Template)>,
    /// Its steps, needed ones first.
    pub steps: Vec<NamedStep>,
    /// What it gives: its `output`, else the output of its last step.
    pub output: Template,
}

/// A step with its name and what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedStep {
    /// Its `id`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Ids of the steps that must be settled first, of the same workflow.
    pub needs: Vec<String>,
    /// The step.
    pub step: FlowStep,
}

/// Something that must be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowAssert {
    /// What must come to true: one `${{ }}`, as written.
    pub that: Template,
    /// What is said where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Template>,
}

impl FlowAction {
    /// The kind's name, as it is written in a workflow.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Prompt(_) => "prompt",
            Self::Agent(_) => "agent",
            Self::Plan(_) => "plan",
            Self::Transcribe(_) => "transcribe",
            Self::Embed(_) => "embed",
            Self::Run(_) => "run",
            Self::Read(_) => "read",
            Self::Write(_) => "write",
            Self::Map(_) => "map",
            Self::Approve(_) => "approve",
            Self::Wait(_) => "wait",
            Self::Workflow(_) => "workflow",
            Self::Assert(_) => "assert",
        }
    }

    /// The prompt, where it is one.
    pub const fn as_prompt(&self) -> Option<&FlowPrompt> {
        if let Self::Prompt(prompt) = self { Some(prompt) } else { None }
    }

    /// The agent, where it is one.
    pub const fn as_agent(&self) -> Option<&FlowAgent> {
        if let Self::Agent(agent) = self { Some(agent) } else { None }
    }

    /// The map, where it is one.
    pub const fn as_map(&self) -> Option<&FlowMap> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// Who is asked, where it holds a conversation with a model.
    pub fn model(&self) -> Option<&FlowModel> {
        let prompted = self.as_prompt().map(|prompt| &prompt.model);
        prompted.or_else(|| self.as_agent().map(|agent| &agent.model))
    }

    /// The role whose model it asks itself.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Prompt(_) | Self::Agent(_) => self.model().map(|model| model.role),
            Self::Transcribe(_) => Some(Role::Transcriber),
            Self::Embed(_) => Some(Role::Embedder),
            Self::Plan(_)
            | Self::Run(_)
            | Self::Read(_)
            | Self::Write(_)
            | Self::Map(_)
            | Self::Approve(_)
            | Self::Wait(_)
            | Self::Workflow(_)
            | Self::Assert(_) => None,
        }
    }

    /// The roles whose models it asks, those of plans and of steps inside included.
    pub fn visit_roles(&self, visit: &mut dyn FnMut(Role)) {
        self.role().into_iter().for_each(&mut *visit);
        if let Self::Plan(_) = self {
            [Role::Planner, Role::Coder, Role::Reviewer].into_iter().for_each(visit);
        } else if let Self::Map(map) = self {
            map.step.action.visit_roles(visit);
        } else if let Self::Workflow(call) = self {
            for named in &call.steps {
                named.step.action.visit_roles(visit);
            }
        }
    }
}

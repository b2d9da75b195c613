//! How two runs differ, as clients see it.

use serde::{Deserialize, Serialize};

use crate::StepStatus;

/// How two runs, A and B, differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDiffView {
    /// Nothing differs.
    pub identical: bool,
    /// The runs.
    pub runs: DiffSides<DiffRun>,
    /// Where they part first; `None` where nothing differs.
    pub first: Option<DiffFirst>,
    /// What differs of the runs as wholes.
    pub changes: Vec<DiffChange>,
    /// The steps that differ, in the order in which they begin to.
    pub steps: Vec<DiffStep>,
}

/// What something is in either run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffSides<T> {
    /// In A.
    pub a: T,
    /// In B.
    pub b: T,
}

/// In which run something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffPresence {
    /// In both.
    Both,
    /// In A only.
    OnlyA,
    /// In B only.
    OnlyB,
}

/// A run that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffRun {
    /// Its id.
    pub run: String,
    /// What people call it.
    pub title: String,
    /// Position of the last event that was compared.
    pub last_seq: u64,
    /// When it started, milliseconds since 1970.
    pub started_ms: i64,
    /// How it ended, in words.
    pub end: String,
    /// What it took.
    pub totals: DiffTotals,
}

/// What a run took. None of it is a difference by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffTotals {
    /// Events.
    pub events: u64,
    /// Times it was resumed.
    pub resumed: u64,
    /// Effects that were lost to a crash.
    pub effects_lost: u64,
    /// Steps.
    pub steps: u64,
    /// Attempts that began.
    pub attempts: u64,
    /// Answers of models.
    pub answers: u64,
    /// Tries of model calls that failed.
    pub failed_tries: u64,
    /// Tool calls.
    pub tool_calls: u64,
    /// Actions of steps of a workflow.
    pub actions: u64,
    /// Writes of files.
    pub file_writes: u64,
    /// Findings of the verifier and of reviewers.
    pub findings: u64,
    /// Commits.
    pub commits: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Milliseconds that models took.
    pub model_ms: u64,
    /// Milliseconds that processes worked on the run.
    pub active_ms: u64,
}

/// Where two runs part first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffFirst {
    /// Key of the step; `None` where the runs as wholes differ.
    pub step: Option<String>,
    /// The attempt; `None` where the step as a whole differs.
    pub attempt: Option<u32>,
    /// What differs.
    pub change: DiffChange,
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffStep {
    /// Its key.
    pub key: String,
    /// In which run it is.
    pub presence: DiffPresence,
    /// The step in either run.
    pub sides: DiffSides<Option<DiffStepSide>>,
    /// What differs of the step as a whole.
    pub changes: Vec<DiffChange>,
    /// The attempts that differ, in order.
    pub attempts: Vec<DiffAttempt>,
}

/// A step in one of the runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffStepSide {
    /// What people call it.
    pub title: String,
    /// How it ended; `None` where it did not.
    pub status: Option<StepStatus>,
    /// Attempts that began.
    pub attempts: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Milliseconds from its first start to its last event.
    pub elapsed_ms: u64,
}

/// An attempt that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// Times a person had sent the step back before, which begins the numbers anew.
    pub retries: u32,
    /// In which run there is such an attempt.
    pub presence: DiffPresence,
    /// What differs, in order.
    pub changes: Vec<DiffChange>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffChange {
    /// What kind of thing.
    pub kind: DiffKind,
    /// In which run it is.
    pub presence: DiffPresence,
    /// Positions of the events where the runs part.
    pub seq: DiffSides<Option<u64>>,
    /// Whose conversation it belongs to.
    pub role: Option<String>,
    /// Number of the answer in its conversation, from 1.
    pub turn: Option<DiffSides<Option<u64>>>,
    /// Which one of its kind: a path, a tool, a command, an input, an action, the place of a finding.
    pub subject: Option<String>,
    /// Short values.
    pub values: Vec<DiffValue>,
    /// Long ones.
    pub texts: Vec<DiffText>,
}

/// Kinds of things that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// The plan.
    Plan,
    /// The workflow.
    Workflow,
    /// What a workflow was given.
    Input,
    /// What the runs were told.
    Settings,
    /// How the runs ended.
    RunEnd,
    /// A step is in one run only.
    Step,
    /// A step's title.
    Title,
    /// What a step is to do.
    Description,
    /// How a step of a workflow is defined.
    Definition,
    /// The item that a step is about.
    Item,
    /// The steps that a step needs.
    Needs,
    /// The files that a step must leave.
    Files,
    /// The files that a step must delete.
    Deletes,
    /// What must hold for a step to be accepted.
    Acceptance,
    /// How a step ended.
    StepEnd,
    /// An attempt is in one run only.
    Attempt,
    /// Why an attempt began.
    Cause,
    /// A message that a model was sent; the subject says whose words it has.
    Prompt,
    /// How a model was asked.
    Request,
    /// Whether a model answered.
    Outcome,
    /// What a model thought.
    Reasoning,
    /// What a model said.
    Answer,
    /// Why a model stopped.
    Finish,
    /// A tool call.
    Call,
    /// What a step of a workflow does besides asking models.
    Action,
    /// What a step gives, where that is not simply what an action or a model gave.
    Output,
    /// A file as it was before the run wrote it.
    Before,
    /// A file as it was written.
    File,
    /// A round of checks is in one run only.
    Checks,
    /// A command of the checks.
    CheckCommand,
    /// A finding is in one run only.
    Finding,
    /// A reviewer's verdict.
    Verdict,
    /// A verdict's words.
    Summary,
    /// Why an answer could not be used.
    Rejected,
    /// A commit.
    Commit,
    /// Tokens of an attempt.
    Tokens,
}

/// A short value in either run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffValue {
    /// What it is of.
    pub name: String,
    /// In A; `None` where there is none.
    pub a: Option<String>,
    /// In B.
    pub b: Option<String>,
}

/// Where two texts differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffText {
    /// Which text.
    pub of: DiffTextOf,
    /// How closely it was looked.
    pub by: DiffBy,
    /// In which run there is such a text.
    pub presence: DiffPresence,
    /// The places, in order.
    pub hunks: Vec<DiffHunk>,
    /// Lines that differ as well and are left out.
    pub more_lines: DiffSides<u64>,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffTextOf {
    /// The thing itself.
    Text,
    /// The arguments of a tool call, or what an action is done with.
    Arguments,
    /// The long text that an action is done with.
    Input,
    /// What an earlier result was found by.
    KeyedOn,
    /// What a model is told of its tool call.
    Reply,
    /// What a command printed, or an action gave.
    Output,
}

/// How closely texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffBy {
    /// Word by word, within lines that differ.
    Words,
    /// Line by line.
    Lines,
}

/// A place in which texts differ, with the lines around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffHunk {
    /// Its first line in either text, from 1.
    pub line: DiffSides<u64>,
    /// The text, piece by piece.
    pub pieces: Vec<DiffPiece>,
}

/// A stretch of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffPiece {
    /// It is the same in both.
    Same(String),
    /// It is not; one side may be empty.
    Changed(DiffSides<String>),
}

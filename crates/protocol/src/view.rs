//! Views: runs and steps as people look at them.

use serde::{Deserialize, Serialize};

/// A run on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run's id.
    pub run: String,
    /// What it executes: `plan` or `workflow`.
    pub kind: String,
    /// What people call it.
    pub title: String,
    /// The file it came from, relative to the project.
    pub source: String,
    /// How it stands.
    pub status: RunStatusCode,
    /// When it started, milliseconds since 1970.
    pub started_ms: i64,
    /// When its last event happened.
    pub last_event_ms: i64,
    /// Process id of the process that works on it, where one does.
    pub pid: Option<u32>,
    /// Its tasks, counted.
    pub tasks: StepCounts,
    /// The run it was branched off, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentView>,
}

/// Where a run was branched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentView {
    /// The other run's id.
    pub run: String,
    /// Position of the last event that both have.
    pub seq: u64,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatusCode {
    /// The planner is at work.
    Planning,
    /// Tasks are under way.
    Running,
    /// It ends when what is in flight has ended.
    Stopping,
    /// It was stopped or its process ended; it can be resumed.
    Interrupted,
    /// It waits for a person.
    Parked,
    /// Every step succeeded.
    Succeeded,
    /// It ended with failed steps.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its journal cannot be read; `title` says why.
    Unreadable,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It waits for what it needs, or for a free place.
    Pending,
    /// It is under way.
    Running,
    /// It waits for a person.
    Parked,
    /// It did what it should.
    Succeeded,
    /// It failed.
    Failed,
    /// It never ran.
    Skipped,
}

/// Steps by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    /// All of them.
    pub total: u32,
    /// Waiting.
    pub pending: u32,
    /// Under way.
    pub running: u32,
    /// Waiting for a person.
    pub parked: u32,
    /// Done.
    pub succeeded: u32,
    /// Failed.
    pub failed: u32,
    /// Never run.
    pub skipped: u32,
}

/// A run in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStatus {
    /// The line.
    pub summary: RunSummary,
    /// Why it stopped, where it did.
    pub stopped_because: Option<String>,
    /// Exit code that a process ending with the run in this state returns.
    pub exit_code: u8,
    /// Folder it works in.
    pub workspace: String,
    /// Branch of its worktree, where it has one.
    pub branch: Option<String>,
    /// The user's repository that the worktree belongs to, where it has one.
    pub repository: Option<String>,
    /// Steps in the order of addition, planning included.
    pub steps: Vec<StepView>,
    /// Effects that were started and have not ended.
    pub in_flight: Vec<InFlightView>,
    /// Questions that wait for an answer.
    pub questions: Vec<QuestionView>,
    /// Totals per role.
    pub roles: Vec<RoleTotals>,
    /// Number of commits made.
    pub commits: u32,
    /// Number of findings, of the verifier and of reviewers.
    pub findings: u32,
    /// Number of events in the journal.
    pub events: u64,
    /// Milliseconds in which a process was at work on it.
    pub active_ms: u64,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Short name.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// `planning` or `task`; of a workflow's step what it does: `prompt`, `write`.
    pub kind: String,
    /// How it stands.
    pub status: StepStatus,
    /// What it is doing, in words: `coding, turn 3`.
    pub activity: Option<String>,
    /// Attempts so far.
    pub attempts: u32,
    /// Keys of the steps it needs.
    pub needs: Vec<String>,
    /// Why it failed, was skipped or is parked.
    pub failure: Option<FailureView>,
    /// Number of findings so far.
    pub findings: u32,
    /// Files it changed.
    pub files: Vec<String>,
    /// Commits it made.
    pub commits: Vec<CommitView>,
    /// Milliseconds from its first start to its end or last event, by a steady clock; pauses in
    /// which no process worked on the run do not count.
    pub elapsed_ms: u64,
    /// What happened, in detail; only filled when one step is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<StepDetail>,
}

/// The inside of a step: what it was told, said and found wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDetail {
    /// What is to be done.
    pub description: String,
    /// Files that must exist afterwards.
    pub claimed_files: Vec<String>,
    /// What must hold.
    pub acceptance: Vec<String>,
    /// Its conversations, message by message.
    pub messages: Vec<MessageView>,
    /// Its findings, oldest first.
    pub findings: Vec<FindingView>,
    /// The to-do list.
    pub todo: Vec<TodoView>,
    /// The last verdict with its summary.
    pub review: Option<String>,
    /// What a step of a workflow gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// What the step has in common with that of an earlier run whose result it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<String>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Position of the event it came with.
    pub seq: u64,
    /// The role the conversation is held with.
    pub role: String,
    /// `system`, `user`, `assistant` or `tool`.
    pub from: String,
    /// The text.
    pub content: ContentView,
    /// Tools called, as `name(arguments)`.
    pub tool_calls: Vec<String>,
}

/// A text, or where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentView {
    /// The text.
    Text(String),
    /// It is in the blob store.
    Blob {
        /// BLAKE3.
        hash: String,
        /// Size.
        size_bytes: u64,
    },
}

/// Why a step did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    /// The kind, such as `checks_red` or `upstream_failed`.
    pub kind: String,
    /// In words.
    pub message: String,
    /// The command that helps.
    pub next: Option<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// `verifier` or `reviewer`.
    pub by: String,
    /// The file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// What was violated.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// An item of a to-do list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoView {
    /// What is to be done.
    pub text: String,
    /// It is.
    pub done: bool,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitView {
    /// Its id.
    pub id: String,
    /// Its first line.
    pub subject: String,
}

/// An effect that was started and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlightView {
    /// Its number.
    pub effect: u64,
    /// Key of the step.
    pub step: Option<String>,
    /// In words: `asking the coder (qwen3:8b)`.
    pub text: String,
    /// When it started, milliseconds since 1970.
    pub since_ms: i64,
    /// What happens to it on resume, where no process works on the run: `is asked again`.
    pub on_resume: String,
}

/// A question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// Its number.
    pub question: u32,
    /// Key of the step that waits.
    pub step: String,
    /// What is asked.
    pub text: String,
    /// What may be answered.
    pub choices: Vec<String>,
}

/// What one role used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleTotals {
    /// The role.
    pub role: String,
    /// The model it used last.
    pub model: String,
    /// Calls that ended.
    pub calls: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Milliseconds of asking.
    pub total_ms: u64,
}

//! A run as its journal tells it, step by step and attempt by attempt: what a diff compares.

use std::collections::BTreeMap;

use lao_event::{
    Attempt, CallId, Content, Hash, Role, RoleSettings, RunId, Settings,
    latest::{
        Before, CheckReport, CommandOutcome, CommandReport, CommitOutcome, CommitPhase,
        FailureReason, FileWriteOutcome, Finding, FlowInput, FlowValue, ModelOutcome, ModelRequest,
        OutputSource, RunOutcome, StartCause, StepDefinition, StopReason, ToolOutcome, ToolVerdict,
        Verdict,
    },
};

/// A run up to some event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The run.
    pub run: RunId,
    /// What people call it.
    pub title: String,
    /// The plan, or the workflow.
    pub plan: Content,
    /// What a workflow was given; `None` for a plan.
    pub inputs: Option<Vec<FlowInput>>,
    /// What it was told last, and the position of the event that says so.
    pub settings: (u64, Settings),
    /// Its steps, by their numbers.
    pub steps: Vec<StepRecord>,
    /// How it ended, and the position of the event that says so.
    pub end: (u64, RunEnd),
    /// Position of the last event that was read.
    pub last_seq: u64,
    /// When the first event happened, milliseconds since 1970.
    pub started_ms: i64,
    /// What it took.
    pub totals: Totals,
    /// Contents of files by their hashes, as far as the journal has them.
    pub files: BTreeMap<Hash, Content>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// It did not, as far as the events go.
    Open,
    /// It stopped and can be resumed.
    Stopped(StopReason),
    /// It is over.
    Over(RunOutcome),
}

/// What a run took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
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
    /// Tool calls that were decided.
    pub tool_calls: u64,
    /// Actions of steps of a workflow that ended.
    pub actions: u64,
    /// Files that were written or deleted, each time.
    pub file_writes: u64,
    /// Findings of the verifier and of reviewers.
    pub findings: u64,
    /// Commits.
    pub commits: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Milliseconds that models took for their answers.
    pub model_ms: u64,
    /// Milliseconds that processes worked on the run.
    pub active_ms: u64,
}

/// Tokens, as servers count them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of prompts.
    pub prompt: u64,
    /// Of answers.
    pub completion: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// Its name, unique in the run.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// Keys of the steps that must succeed first.
    pub needs: Vec<String>,
    /// What is to be done.
    pub definition: StepDefinition,
    /// Position of the event that added it.
    pub seq: u64,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
    /// How it ended, and the position of the event that says so.
    pub end: Option<(u64, StepEnd)>,
    /// Milliseconds from its first start to its last event, while processes worked on the run.
    pub elapsed_ms: u64,
    /// Times a person sent it back.
    pub retries: u32,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// As it should.
    Succeeded,
    /// It failed.
    Failed {
        /// The kind of failure.
        reason: FailureReason,
        /// In words.
        message: String,
    },
    /// It never ran, since the step with this key failed.
    UpstreamFailed(String),
    /// It never ran, since the run was cancelled.
    Cancelled,
    /// It never ran, since its condition is false.
    ConditionFalse,
    /// It never ran, since the step it stands in for did not fail.
    NotNeeded,
}

/// Which attempt: numbers begin anew when a person sends a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptId {
    /// Times the step was sent back before.
    pub retries: u32,
    /// The number, from 1.
    pub attempt: Attempt,
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Which.
    pub id: AttemptId,
    /// Why there is this attempt.
    pub cause: StartCause,
    /// Position of the event that began it.
    pub seq: u64,
    /// Its conversations, in order.
    pub talks: Vec<TalkRecord>,
    /// Rounds of checks.
    pub checks: Vec<CheckRecord>,
    /// Verdicts.
    pub reviews: Vec<ReviewRecord>,
    /// Answers that could not be used.
    pub rejected: Vec<RejectedRecord>,
    /// Commits.
    pub commits: Vec<CommitRecord>,
    /// What a step of a workflow did besides asking models.
    pub actions: Vec<ActionRecord>,
    /// What it gave, where that is not simply what an action or a model gave.
    pub outputs: Vec<OutputRecord>,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TalkRecord {
    /// With whom.
    pub role: Role,
    /// What the model was told, besides its own answers and the replies of tools.
    pub prompts: Vec<PromptRecord>,
    /// What it answered.
    pub turns: Vec<TurnRecord>,
}

/// A message that a model was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRecord {
    /// Position of the call it went out with.
    pub seq: u64,
    /// Whose words they are.
    pub from: Speaker,
    /// The text.
    pub content: Content,
}

/// Whose words a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speaker {
    /// Instructions.
    System,
    /// What is asked.
    User,
    /// A model's own words.
    Assistant,
    /// A tool's.
    Tool,
}

/// One answer of a model, or the wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// Position of the event that asked.
    pub seq: u64,
    /// How it was asked.
    pub request: ModelRequest,
    /// What the run was told about the role then, where it was told anything.
    pub settings: Option<RoleSettings>,
    /// What came of it, and the position of the event that says so.
    pub outcome: Option<(u64, ModelOutcome)>,
    /// Tries that failed before.
    pub failed_tries: u64,
    /// The tools it called.
    pub calls: Vec<CallRecord>,
}

/// One tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Its number in the run.
    pub id: CallId,
    /// Position of the latest event about what it does.
    pub seq: u64,
    /// The tool as the model named it.
    pub name: String,
    /// The arguments, as JSON text that may be broken.
    pub arguments: Content,
    /// What was decided, once it was.
    pub verdict: Option<ToolVerdict>,
    /// What was done.
    pub action: Action,
}

/// What a tool call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing that the journal tells of.
    Nothing,
    /// It read.
    Read {
        /// What came of it.
        ended: Option<(ToolOutcome, Content)>,
    },
    /// It wrote or deleted a file.
    Write(WriteRecord),
    /// It ran a command.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// What came of it.
        ended: Option<(CommandOutcome, Content)>,
    },
    /// It changed the to-do list.
    TodoSet,
}

/// A file that was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRecord {
    /// Relative to the workspace.
    pub path: String,
    /// The file before.
    pub before: Before,
    /// The file after; `None` where it is deleted.
    pub after: Option<Content>,
    /// What the model is told.
    pub reply: Content,
    /// What came of it.
    pub outcome: Option<FileWriteOutcome>,
}

impl WriteRecord {
    /// The file is as it should be.
    pub fn is_done(&self) -> bool {
        match self.outcome {
            Some(FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten) => true,
            Some(FileWriteOutcome::Conflict { .. } | FileWriteOutcome::Failed { .. }) | None => {
                false
            }
        }
    }
}

/// One round of checks of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRecord {
    /// Position of the event that reports.
    pub seq: u64,
    /// What is wrong.
    pub report: CheckReport,
    /// The commands that ran.
    pub commands: Vec<CommandReport>,
}

/// One verdict of a reviewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRecord {
    /// Position of the event that tells it.
    pub seq: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// In a sentence or two.
    pub summary: String,
    /// What the reviewer found.
    pub findings: Vec<Finding>,
}

/// An answer that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Position of the event that says so.
    pub seq: u64,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRecord {
    /// Position of the event that began it.
    pub seq: u64,
    /// What it records.
    pub phase: CommitPhase,
    /// First line of its message.
    pub subject: String,
    /// What came of it.
    pub outcome: Option<CommitOutcome>,
}

/// What a step of a workflow did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRecord {
    /// Position of the event that began it.
    pub seq: u64,
    /// What it did.
    pub action: lao_event::latest::Action,
    /// What came of it, and the position of the event that says so.
    pub outcome: Option<(u64, lao_event::latest::ActionOutcome)>,
}

/// A file that an action writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenFile<'a> {
    pub(super) path: &'a str,
    pub(super) before: &'a Before,
    pub(super) after: &'a Content,
}

impl ActionRecord {
    /// The file it writes.
    pub(super) fn written(&self) -> Option<WrittenFile<'_>> {
        use lao_event::latest::Action;
        match &self.action {
            Action::Write { path, before, after } => Some(WrittenFile { path, before, after }),
            Action::Run(_)
            | Action::Read { .. }
            | Action::List { .. }
            | Action::Transcribe(_)
            | Action::Embed { .. }
            | Action::Plan { .. }
            | Action::Approve { .. }
            | Action::Wait { .. }
            | Action::Pause { .. } => None,
        }
    }

    /// It did what it should.
    pub(super) fn is_done(&self) -> bool {
        use lao_event::latest::ActionOutcome;
        match &self.outcome {
            Some((_, ActionOutcome::Done { .. })) => true,
            Some((_, ActionOutcome::Failed { .. })) | None => false,
        }
    }

    /// It is to be done once more, for there was nobody to do it.
    pub(super) fn goes_on(&self) -> bool {
        use lao_event::latest::{ActionFailure, ActionOutcome};
        match &self.outcome {
            None => true,
            Some((_, ActionOutcome::Failed { kind, .. })) => match kind {
                ActionFailure::Unreachable | ActionFailure::ModelMissing => true,
                ActionFailure::Command
                | ActionFailure::File
                | ActionFailure::Conflict
                | ActionFailure::Engine
                | ActionFailure::Model
                | ActionFailure::TimedOut
                | ActionFailure::Inside
                | ActionFailure::Denied => false,
            },
            Some((_, ActionOutcome::Done { .. })) => false,
        }
    }
}

/// An output that a step was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputRecord {
    /// Position of the event that says so.
    pub seq: u64,
    /// The output.
    pub value: FlowValue,
    /// Where it comes from.
    pub source: OutputSource,
}

impl AttemptRecord {
    /// Tokens of its answers.
    pub fn tokens(&self) -> Tokens {
        let turns = self.talks.iter().flat_map(|talk| &talk.turns);
        turns.map(TurnRecord::tokens).fold(Tokens::default(), Tokens::plus)
    }
}

impl TurnRecord {
    /// Tokens of the answer; none where there is no answer.
    pub fn tokens(&self) -> Tokens {
        match &self.outcome {
            Some((_, ModelOutcome::Answered(answer))) => Tokens {
                prompt: answer.usage.prompt_tokens,
                completion: answer.usage.completion_tokens,
            },
            Some((_, ModelOutcome::Failed(_))) | None => Tokens::default(),
        }
    }
}

impl Tokens {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.saturating_add(other.prompt),
            completion: self.completion.saturating_add(other.completion),
        }
    }
}

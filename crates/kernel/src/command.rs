//! Commands: requests to the kernel and the results of effects. They may be rejected.
//!
//! Texts inside commands are whole (`Content::Inline` of any size), except for file contents
//! that are not text or that the worker has stored as blobs already.

use lao_event::{
    Attempt, CallId, Content, EffectId, Hash, QuestionId, Settings, StepId,
    latest::{
        ActionOutcome, CheckReport, CommandOutcome, CommandReport, CommitOutcome, Definition,
        FileWriteOutcome, Found, LossCause, ModelOutcome, NewStep, QuestionAnswer, TodoItem,
        ToolOutcome, WorkspaceOutcome,
    },
};

use crate::flow::Texts;

/// A request to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Begin a run.
    Start(Box<Start>),
    /// Take a run up again, in a new process.
    Resume {
        /// Version of the program.
        program: String,
        /// New settings, where they differ.
        settings: Option<Box<Settings>>,
        /// Steps to send back to pending at the same time.
        retry: Option<Retry>,
    },
    /// Go on from this history as a run of its own.
    Fork(Box<Fork>),
    /// Start whatever may start.
    Advance,
    /// Start nothing new; stop when what is in flight has ended.
    Stop,
    /// End for good.
    Cancel,
    /// Send steps back to pending.
    Retry(Retry),
    /// A person's answer.
    Answer {
        /// To which question.
        question: QuestionId,
        /// The answer.
        answer: QuestionAnswer,
        /// Who gave it.
        by: String,
    },
    /// The workspace is ready, or not.
    WorkspaceEnded {
        /// The effect.
        effect: EffectId,
        /// What came of it.
        outcome: WorkspaceOutcome,
    },
    /// A model answered, or not.
    ModelCallEnded {
        /// The effect.
        effect: EffectId,
        /// What came of it.
        outcome: ModelOutcome,
        /// Tries that failed before.
        failed_tries: Vec<String>,
    },
    /// A tool call was looked at.
    ToolPrepared {
        /// The call.
        call: CallId,
        /// The tool's own name.
        tool: String,
        /// How the call was mended.
        repair: Option<String>,
        /// What it would do.
        plan: ToolPlan,
    },
    /// A reading tool returned.
    ToolCallEnded {
        /// The effect.
        effect: EffectId,
        /// Whether it worked.
        outcome: ToolOutcome,
        /// What the model is told.
        reply: String,
    },
    /// A file was written, or not.
    FileWriteEnded {
        /// The effect.
        effect: EffectId,
        /// What came of it.
        outcome: FileWriteOutcome,
    },
    /// A command of the model's ended.
    CommandEnded {
        /// The effect.
        effect: EffectId,
        /// How.
        outcome: CommandOutcome,
        /// What the model is told.
        reply: String,
    },
    /// The verifier reported.
    ChecksEnded {
        /// The effect.
        effect: EffectId,
        /// A report for each task.
        reports: Vec<CheckReport>,
        /// The commands that ran.
        commands: Vec<CommandReport>,
    },
    /// A commit was made, or not.
    CommitEnded {
        /// The effect.
        effect: EffectId,
        /// What came of it.
        outcome: CommitOutcome,
    },
    /// The world was looked at for a step of a workflow.
    StepLooked {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: Attempt,
        /// The texts that its expressions need and that lie in blobs.
        texts: Texts,
        /// What was found besides.
        found: Found,
    },
    /// A step of a workflow has acted, or could not.
    ActionEnded {
        /// The effect.
        effect: EffectId,
        /// What came of it.
        outcome: ActionOutcome,
    },
    /// The time that an attempt at a step may take is over.
    TimeUp {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: Attempt,
    },
    /// A worker was lost with what it was doing.
    EffectsLost {
        /// Its effects.
        effects: Vec<EffectId>,
        /// How.
        cause: LossCause,
    },
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The run's identity.
    pub run: lao_event::RunId,
    /// Version of the program.
    pub program: String,
    /// What is to be done.
    pub definition: Definition,
    /// The steps of a workflow, needed ones first; none for a plan.
    pub steps: Vec<NewStep>,
    /// With which settings.
    pub settings: Settings,
    /// Source of everything that looks random.
    pub seed: u64,
}

/// How a run is branched off another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The new run's identity.
    pub run: lao_event::RunId,
    /// The run it is branched off.
    pub parent: lao_event::RunId,
    /// Position of the last event that both have.
    pub seq: u64,
    /// The parent's chain hash there.
    pub head: Hash,
    /// Version of the program.
    pub program: String,
    /// With which settings it goes on.
    pub settings: Settings,
    /// Tasks that are done again, with all that depends on them.
    pub redo: Vec<StepId>,
}

/// Which steps to send back to pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Every failed one.
    Failed,
    /// The one with this key.
    Step(String),
}

/// What a tool call would do, as the toolbox found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolPlan {
    /// Read something.
    Read {
        /// The checked arguments.
        arguments: String,
    },
    /// Write or delete a file.
    Write {
        /// Relative to the workspace.
        path: String,
        /// What is there.
        before: Option<BeforeFile>,
        /// What will be there.
        after: Option<String>,
        /// What the model is told.
        reply: String,
    },
    /// Run a command.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// How long it may take.
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
    /// It cannot be carried out.
    Invalid {
        /// What the model is told.
        reply: String,
    },
}

/// A file before a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeFile {
    /// BLAKE3 of its bytes.
    pub hash: Hash,
    /// Its content; a blob that is stored already where it is large or not text.
    pub content: Content,
}

/// Why a command was turned down. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is a run already.
    #[error("the run has started already")]
    AlreadyStarted,
    /// There is no run yet.
    #[error("the run has not started")]
    NotStarted,
    /// The settings lack a role that is needed.
    #[error("no model is set for the role {0}")]
    RoleMissing(lao_event::Role),
    /// The definition has nothing to do.
    #[error("the plan is empty")]
    NothingToDo,
    /// The run is over.
    #[error("the run is over")]
    Ended,
    /// The run is already being stopped.
    #[error("the run is being stopped already")]
    Stopping,
    /// A result that nobody waits for: it came twice, or its effect was given up.
    #[error("nothing waits for the result of {0}")]
    UnknownEffect(EffectId),
    /// A preparation that nobody waits for.
    #[error("nothing waits for tool call {0}")]
    UnknownCall(CallId),
    /// No such step.
    #[error("the run has no step {0:?}")]
    UnknownStep(String),
    /// The attempt is over, or its time is up already.
    #[error("{0} is not in that attempt")]
    NotInAttempt(StepId),
    /// The steps of a workflow are no graph that a run can have.
    #[error("the steps are no graph: {0}")]
    GraphUnusable(String),
    /// The question has other answers.
    #[error("{0} cannot be answered so")]
    AnswerNotOffered(QuestionId),
    /// The step is inside another one, and cannot be retried or taken back by itself.
    #[error("step {step:?} is inside {outer:?}: name that one")]
    InsideAnother {
        /// The step.
        step: String,
        /// The one it is inside of.
        outer: String,
    },
    /// The step cannot be retried.
    #[error("step {0:?} has not failed")]
    NotFailed(String),
    /// The step cannot be taken back.
    #[error(
        "step {0:?} is under way or makes the plan: it cannot be done again from its beginning"
    )]
    NotRedone(String),
    /// Nothing can be retried.
    #[error("no step has failed")]
    NothingFailed,
    /// No such question, or it was answered.
    #[error("{0} does not wait for an answer")]
    UnknownQuestion(QuestionId),
    /// A step that a report does not cover.
    #[error("the report leaves out {0}")]
    ReportIncomplete(StepId),
    /// A step that a report covers twice or was not to cover.
    #[error("the report was not to cover {0}, or covers it twice")]
    ReportUnasked(StepId),
    /// Settings that do not fit an event.
    #[error("the settings are {size_bytes} bytes, more than the {size_bytes_max} a run may have")]
    SettingsTooLarge {
        /// Their size as JSON.
        size_bytes: usize,
        /// The most they may have.
        size_bytes_max: usize,
    },
}

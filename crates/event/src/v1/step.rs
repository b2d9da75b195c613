//! Steps: the vertices of a run's graph.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Contents, FlowValue, without_contents};
use crate::{Attempt, Content, QuestionId, StepId};

/// The graph grew. Steps are numbered in the order of addition.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepsAdded {
    /// The step that added them; `None` for those a run begins with.
    pub by: Option<StepId>,
    /// The new steps.
    pub steps: Vec<NewStep>,
}

/// A step as it enters the graph.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NewStep {
    /// Short name, unique within the run: `plan`, `t1`.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// Steps that must succeed first.
    pub needs: Vec<StepId>,
    /// What is to be done.
    pub definition: StepDefinition,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDefinition {
    /// Turn one chunk of the plan into tasks.
    Planning {
        /// Index of the chunk.
        chunk: u32,
    },
    /// Code, check, review and commit one task.
    Task(TaskDefinition),
    /// A step of a workflow.
    Flow {
        /// [`crate::FlowStep`] as JSON. Stays in place whatever its size: a run is folded without
        /// its blobs.
        spec: String,
    },
    /// One item of a step that does the same for every item of a list.
    Item {
        /// Its place in the list, from 0.
        index: u32,
        /// The item.
        value: FlowValue,
    },
}

/// A task as the planner wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// What is to be done.
    pub description: Content,
    /// Files that must exist afterwards, relative to the workspace.
    pub files: Vec<String>,
    /// Files that must not.
    pub deletes: Vec<String>,
    /// What must hold for the task to be accepted.
    pub acceptance: Vec<String>,
}

impl Contents for StepsAdded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        for NewStep { key: _, title: _, needs: _, definition } in &mut self.steps {
            match definition {
                StepDefinition::Planning { chunk: _ } | StepDefinition::Flow { spec: _ } => {}
                StepDefinition::Item { index: _, value } => value.visit_contents(visit),
                StepDefinition::Task(TaskDefinition {
                    description,
                    files: _,
                    deletes: _,
                    acceptance: _,
                }) => visit(description),
            }
        }
    }
}

/// An attempt at a step began.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepStarted {
    /// Which.
    pub step: StepId,
    /// The number of the attempt, from 1.
    pub attempt: Attempt,
    /// Why there is this attempt.
    pub cause: StartCause,
}

/// Why an attempt began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartCause {
    /// What the step needs is done.
    Ready,
    /// The reviewer asked for changes.
    Rework,
    /// The reviewer rejected the work.
    Rejected,
    /// The conversation outgrew the model's window and starts afresh.
    WindowFull,
    /// The conversation ran out of turns or repeated itself.
    Stuck,
    /// The attempt before took too long.
    TimedOut,
    /// The attempt before failed, and the step may be tried again.
    Failed,
}

/// A step is over.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepEnded {
    /// Which.
    pub step: StepId,
    /// How.
    pub outcome: StepOutcome,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// As it should.
    Succeeded,
    /// For good, unless a person retries it.
    Failed {
        /// The kind of failure.
        reason: FailureReason,
        /// In words.
        message: String,
    },
    /// It never ran.
    Skipped(SkipReason),
}

/// Kinds of failure of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The model server refused or failed.
    ModelFailed,
    /// The planner's answers could not be used.
    PlanUnusable,
    /// The verifier still had findings after the last round.
    ChecksRed,
    /// The reviewer did not approve within the allowed attempts.
    NotApproved,
    /// The reviewer's answers could not be read.
    ReviewUnreadable,
    /// The coder ran out of turns, repeated itself or outgrew its window in every attempt.
    CoderStuck,
    /// Every attempt took too long.
    TimedOut,
    /// A command, a file or an engine failed.
    ActionFailed,
    /// An answer is not JSON, or not of the form it should have.
    OutputUnusable,
    /// An expression could not be evaluated.
    ExpressionFailed,
    /// What must be true is not.
    AssertionFailed,
    /// A person said no.
    Denied,
    /// A step inside failed.
    InsideFailed,
}

/// Why a step never ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A step it needs failed or was skipped.
    UpstreamFailed {
        /// The step that failed first.
        step: StepId,
    },
    /// The run was cancelled.
    Cancelled,
    /// Its condition is false.
    ConditionFalse,
    /// It stands in for a step that did not fail.
    NotNeeded,
}

/// A step waits for a person; others go on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepParked {
    /// Which.
    pub step: StepId,
    /// Why.
    pub reason: ParkReason,
}

/// Why a step waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// A question must be answered.
    Question {
        /// Which.
        question: QuestionId,
    },
    /// A commit could not be made; it is tried again when the run is resumed.
    CommitFailed {
        /// Why.
        message: String,
    },
}

/// A person sent a step back to pending, or back to its commit where that is what failed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepRetried {
    /// Which.
    pub step: StepId,
}

/// An answer of a planner, a reviewer or a prompt could not be used; it is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct AnswerRejected {
    /// The step.
    pub step: StepId,
    /// What is wrong with it, a sentence each.
    pub problems: Vec<String>,
}

/// The time of an attempt is up; it ends at its next move.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct StepTimedOut {
    /// Which.
    pub step: StepId,
    /// The attempt.
    pub attempt: Attempt,
}

without_contents!(StepStarted, StepEnded, StepParked, StepRetried, AnswerRejected, StepTimedOut);

//! Questions to a person, and effects whose outcome a crash hid.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::without_contents;
use crate::{EffectId, QuestionId, StepId};

/// A person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct QuestionAsked {
    /// The question.
    pub question: QuestionId,
    /// The step that waits for the answer.
    pub step: StepId,
    /// The effect in question.
    pub effect: EffectId,
    /// What is asked.
    pub subject: QuestionSubject,
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionSubject {
    /// A command was started and a crash hid whether it ended: run it again, or go on?
    CommandUnknown {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Somebody else changed a file the model wants to write: try again, or go on without?
    FileConflict {
        /// Relative to the workspace.
        path: String,
    },
    /// A workflow waits for a word: go on, or not?
    Approval {
        /// What is asked, shortened where it is long.
        message: String,
    },
}

/// A person answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct QuestionAnswered {
    /// The question.
    pub question: QuestionId,
    /// The answer.
    pub answer: QuestionAnswer,
    /// Who gave it.
    pub by: String,
}

/// What a person may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionAnswer {
    /// Do it again.
    Rerun,
    /// Leave it, tell the model and go on.
    Skip,
    /// Go on.
    Approve,
    /// Do not.
    Deny,
}

/// Effects in flight were lost; whether they happened is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct EffectsLost {
    /// Which.
    pub effects: Vec<EffectId>,
    /// How.
    pub cause: LossCause,
}

/// How an effect was lost.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The process ended.
    ProcessEnded,
    /// The worker that carried it out panicked.
    WorkerPanicked {
        /// Its last words.
        message: String,
    },
}

without_contents!(QuestionAsked, QuestionAnswered, EffectsLost);

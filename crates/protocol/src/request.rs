//! What a client asks, and what it gets back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{RunStatus, StepView, Update};

/// One request; a JSON object on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The run as it stands. Answered by one [`Reply::Status`].
    Status,
    /// One step in detail. Answered by one [`Reply::Step`].
    Step {
        /// Its key.
        key: String,
    },
    /// Events from a position on, then every update until the run's process ends.
    Follow {
        /// Position of the first event wanted, from 1.
        from: u64,
    },
    /// Events from a position up to now, then [`Reply::Done`].
    Events {
        /// Position of the first event wanted, from 1.
        from: u64,
    },
    /// Copy the journal, as it is at this moment, into a folder of this machine that is there.
    /// Answered by [`Reply::Done`] when the copy is durable.
    Backup {
        /// The folder, absolute.
        folder: PathBuf,
    },
    /// End gracefully; the run can be resumed.
    Stop,
    /// End for good.
    Cancel,
    /// Send failed steps back to pending.
    Retry {
        /// Key of the step; every failed one when absent.
        step: Option<String>,
    },
    /// Answer a question.
    Answer {
        /// The question's number.
        question: u32,
        /// The answer.
        answer: AnswerChoice,
        /// Who answers.
        by: String,
    },
}

/// What a person may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerChoice {
    /// Do it again.
    Rerun,
    /// Leave it, tell the model and go on.
    Skip,
    /// Go on.
    Approve,
    /// Do not.
    Deny,
}

/// One answer; a JSON object on one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The first line of every connection.
    Hello {
        /// [`crate::PROTOCOL_VERSION`] of the run's process.
        protocol: u32,
        /// Version of the program.
        program: String,
        /// The run.
        run: String,
        /// Process id.
        pid: u32,
    },
    /// The run as it stands.
    Status(Box<RunStatus>),
    /// One step in detail.
    Step(Box<StepView>),
    /// Something happened.
    Update(Box<Update>),
    /// What was asked is done.
    Done,
    /// It cannot be done.
    Rejected {
        /// Why, and what to do.
        message: String,
    },
}

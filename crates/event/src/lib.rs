//! The words of the journal: what happened in a run, as immutable facts.
//!
//! ```text
//!   Event (enum) --codec::encode--> type number + schema version + payload bytes
//!         ^                                       |
//!         '------- upcast (on reading) -----------'
//! ```
//!
//! Every payload is a struct of its own with a type number that is never reused and a schema
//! version. A released struct never changes; a change is a new version beside the old one and
//! an upcast that is applied on reading only. An enum inside a payload may grow at its end,
//! which raises the schema version of the events that contain it.
//!
//! This crate has no behaviour: what follows from an event is decided in `lao-kernel`.

pub mod codec;
mod content;
mod flow;
mod hash;
mod ids;
mod settings;
pub mod v1;

pub use content::{Blob, Content, INLINE_BYTES_MAX};
pub use flow::{
    FLOW_STEP_BYTES_MAX, FlowAction, FlowAgent, FlowApprove, FlowAssert, FlowCall, FlowEmbed,
    FlowFormat, FlowMap, FlowModel, FlowPlan, FlowPrompt, FlowRead, FlowRetry, FlowRun, FlowStep,
    FlowTranscribe, FlowWait, FlowWrite, MapOver, NamedStep, OnFailure, ReadWhat, RetryOn,
    Template, TranscriptFormat, WriteMode,
};
pub use hash::{Hash, HashParseError};
pub use ids::{Attempt, CallId, ConversationId, EffectId, QuestionId, RunId, RunIdError, StepId};
pub use settings::{
    CheckCommand, CheckScope, GitSettings, Limits, OnUnknown, Role, RoleSettings, Settings,
    ShellAccess, ToolSpec, VerifierSettings, WorkspaceSettings,
};

/// The newest version of every event: what the program writes and the kernel folds.
pub mod latest {
    pub use crate::v1::*;
}

pub use latest::Event;

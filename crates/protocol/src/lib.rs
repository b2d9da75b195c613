//! What clients may say to a run and hear from it.
//!
//! ```text
//!   client --Request (one JSON line)--> gateway
//!   client <--Reply  (JSON lines)------ gateway
//! ```
//!
//! Requests and replies travel over the run's local socket, one JSON object a line; the same
//! [`Update`]s are what `--json` prints. Updates are forgettable: whoever missed one asks for the
//! status. This crate depends on no other of ours, so that clients can be written against it.

mod diff;
mod graph;
mod moment;
mod request;
mod scenario;
mod update;
mod view;

pub use diff::{
    DiffAttempt, DiffBy, DiffChange, DiffFirst, DiffHunk, DiffKind, DiffPiece, DiffPresence,
    DiffRun, DiffSides, DiffStep, DiffStepSide, DiffText, DiffTextOf, DiffTotals, DiffValue,
    RunDiffView,
};
pub use graph::{GraphStep, GraphView};
pub use moment::{FileChangeView, MarksView, MomentView};
pub use request::{AnswerChoice, Reply, Request};
pub use scenario::{CrashFailure, CrashReport, Difference, ScenarioReport, ScenarioVerdict};
pub use update::{EventView, Update};
pub use view::{
    CommitView, ContentView, FailureView, FindingView, InFlightView, MessageView, ParentView,
    QuestionView, RoleTotals, RunStatus, RunStatusCode, RunSummary, StepCounts, StepDetail,
    StepStatus, StepView, TodoView,
};

/// The version of the protocol; both sides say it and must agree.
pub const PROTOCOL_VERSION: u32 = 1;

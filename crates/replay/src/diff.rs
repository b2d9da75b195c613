//! Diff: how two runs differ, aligned by step and attempt, not by position.
//!
//! ```text
//!   Reader --read_run--> RunRecord (A) --.
//!                                        +--diff--> RunDiff: first divergence, then step by step
//!   Reader --read_run--> RunRecord (B) --'
//! ```
//!
//! Ids, times, numbers of effects and what a resume or a crash leaves behind are no difference
//! unless something else follows from them. `diff(b, a)` is `diff(a, b)` the other way round.

mod align;
mod change;
mod compare;
mod fold;
mod record;
mod text;

use lao_event::RunId;
use lao_history::{ContentError, HistoryError};

pub use align::{Pair, Presence};
pub use change::{
    ActionDiff, ActionKind, ActionLine, ActionResult, AttemptDiff, CallDiff, CallLine, CallOutcome,
    Change, CommitLine, CommitResult, Demand, Divergence, FieldChange, FoundBy, OutputDiff,
    OutputOrigin, Place, RequestField, RunDiff, RunHead, StepDiff, StepHead, Turn, TurnOutcome,
    ValueDiff, ValueForm, What,
};
pub use compare::{Side, diff};
pub use fold::read_run;
pub use record::{
    Action, ActionRecord, AttemptId, AttemptRecord, CallRecord, CheckRecord, CommitRecord,
    OutputRecord, PromptRecord, RejectedRecord, ReviewRecord, RunEnd, RunRecord, Speaker, StepEnd,
    StepRecord, TalkRecord, Tokens, Totals, TurnRecord, WriteRecord,
};
pub use text::{Grain, Hunk, Piece, TextDiff};

/// Runs could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// A journal cannot be read, or has events of a newer program.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A journal has no event.
    #[error("the journal has no event")]
    Empty,
    /// A position is behind the end of a journal.
    #[error("run {run} has no event {at}: its last one is {last_seq}")]
    OutOfRange {
        /// The run.
        run: RunId,
        /// The position.
        at: u64,
        /// Position of the last event.
        last_seq: u64,
    },
    /// A text that must be compared is not to be had.
    #[error("event {seq} of run {run} names a text that cannot be read")]
    Content {
        /// The run.
        run: RunId,
        /// The position.
        seq: u64,
        /// Why.
        source: ContentError,
    },
}

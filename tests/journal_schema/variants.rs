//! The variants of every enum inside a payload, in the order of their numbers.
//!
//! The match has no wildcard: a new variant does not compile before it is listed here, and then
//! the harness demands a new version of the events that contain it.

use lao_event::{Content, Role, latest::*};

macro_rules! enums {
    ($( $name:ident { $($variant:ident),+ $(,)? } )+) => {
        /// Every enum.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),+];

        /// The variants of an enum.
        pub(crate) fn of(name: &str) -> Option<&'static [&'static str]> {
            $( {
                // Never called: it only has to compile.
                let _exhaustive = |value: &$name| match value {
                    $( $name::$variant { .. } => {} )+
                };
            } )+
            match name {
                $( stringify!($name) => Some(&[$(stringify!($variant)),+]), )+
                _ => None,
            }
        }
    };
}

enums! {
    AnswerFormat { Text, Json }
    Before { Absent, Known, Kept }
    ChecksScope { Task, Wave }
    CommandOutcome { Exited, TimedOut, NotStarted, Unknown }
    CommitOutcome { Made, Unchanged, Failed }
    CommitPhase { Planning, Code, Review }
    Content { Inline, Blob }
    Definition { Plan }
    FailureKind {
        Unreachable, ModelMissing, WindowExceeded, Refused, ServerFailed, Unreadable, TimedOut,
        ScriptMismatch, Aborted,
    }
    FailureReason {
        ModelFailed, PlanUnusable, ChecksRed, NotApproved, ReviewUnreadable, CoderStuck, TimedOut,
    }
    FileWriteOutcome { Written, AlreadyWritten, Conflict, Failed }
    FinishReason { Stop, Length, ToolCalls, ContentFilter }
    LossCause { ProcessEnded, WorkerPanicked }
    Message { System, User, Assistant, Tool }
    ModelOutcome { Answered, Failed }
    ParkReason { Question, CommitFailed }
    QuestionAnswer { Rerun, Skip }
    QuestionSubject { CommandUnknown, FileConflict }
    Role { Planner, Coder, Reviewer, Analyst, Pilot, Embedder, Transcriber }
    RunOutcome { Succeeded, Failed, Cancelled }
    SkipReason { UpstreamFailed, Cancelled }
    StartCause { Ready, Rework, Rejected, WindowFull, Stuck, TimedOut }
    StepDefinition { Planning, Task }
    StepOutcome { Succeeded, Failed, Skipped }
    StopReason {
        Interrupted, ServerUnreachable, ModelMissing, Parked, EffectLostTooOften,
        WorkspaceUnusable, Cancelled,
    }
    ToolOutcome { Succeeded, Failed }
    ToolVerdict { Allowed, Denied, Invalid }
    Verdict { Approved, Rework, Rejected }
    WorkspaceOutcome { Ready, Unusable }
}

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
    Action {
        Run, Read, List, Write, Transcribe, Embed, Plan, Approve, Wait, Pause,
    }
    ActionFailure {
        Command, File, Conflict, Engine, Model, Unreachable, ModelMissing, TimedOut, Inside, Denied,
    }
    ActionOutcome { Done, Failed }
    AnswerFormat { Text, Json }
    Before { Absent, Known, Kept }
    ChecksScope { Task, Wave }
    CommandOutcome { Exited, TimedOut, NotStarted, Unknown }
    CommitOutcome { Made, Unchanged, Failed }
    CommitPhase { Planning, Code, Review }
    Content { Inline, Blob }
    Definition { Plan, Flow }
    FailureKind {
        Unreachable, ModelMissing, WindowExceeded, Refused, ServerFailed, Unreadable, TimedOut,
        ScriptMismatch, Aborted,
    }
    FailureReason {
        ModelFailed, PlanUnusable, ChecksRed, NotApproved, ReviewUnreadable, CoderStuck, TimedOut,
        ActionFailed, OutputUnusable, ExpressionFailed, AssertionFailed, Denied, InsideFailed,
    }
    FileWriteOutcome { Written, AlreadyWritten, Conflict, Failed }
    FinishReason { Stop, Length, ToolCalls, ContentFilter }
    FlowValue { Nothing, Text, Json, File }
    Found { Nothing, File, Until, Run, Cache, Refused }
    LossCause { ProcessEnded, WorkerPanicked }
    Message { System, User, Assistant, Tool }
    ModelOutcome { Answered, Failed }
    OutputSource { Answer, Inside, Cache }
    ParkReason { Question, CommitFailed }
    QuestionAnswer { Rerun, Skip, Approve, Deny }
    QuestionSubject { CommandUnknown, FileConflict, Approval }
    ReadForm { Text, Json, Lines }
    Role { Planner, Coder, Reviewer, Analyst, Pilot, Embedder, Transcriber }
    RunOutcome { Succeeded, Failed, Cancelled }
    SkipReason { UpstreamFailed, Cancelled, ConditionFalse, NotNeeded }
    StartCause { Ready, Rework, Rejected, WindowFull, Stuck, TimedOut, Failed }
    StepDefinition { Planning, Task, Flow, Item }
    StepOutcome { Succeeded, Failed, Skipped }
    StopReason {
        Interrupted, ServerUnreachable, ModelMissing, Parked, EffectLostTooOften,
        WorkspaceUnusable, Cancelled,
    }
    ToolOutcome { Succeeded, Failed }
    ToolVerdict { Allowed, Denied, Invalid }
    TriggerCause { File, Schedule, Manual }
    TriggerOutcome { Succeeded, Failed, Cancelled }
    TranscriptForm { Text, Srt, Vtt, Json }
    Verdict { Approved, Rework, Rejected }
    WorkspaceOutcome { Ready, Unusable }
}

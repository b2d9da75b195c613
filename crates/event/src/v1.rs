//! Version 1 of every event, and the enum that joins them.

mod action;
mod checks;
mod model;
mod question;
mod repository;
mod run;
mod step;
mod tool;
mod trigger;

pub use action::{
    Action, ActionEnded, ActionFailure, ActionOutcome, ActionRun, ActionStarted, ActionTranscribe,
    FlowValue, Found, OutputSet, OutputSource, ReadForm, StepLooked, TranscriptForm,
};
pub use checks::{
    CheckReport, ChecksEnded, ChecksScope, ChecksStarted, CommandReport, Finding, ReviewGiven,
    Verdict,
};
pub use model::{
    Answer, AnswerFormat, FailureKind, FinishReason, Message, ModelCallEnded, ModelCallStarted,
    ModelFailure, ModelOutcome, ModelRequest, Timing, ToolCall, Usage,
};
pub use question::{
    EffectsLost, LossCause, QuestionAnswer, QuestionAnswered, QuestionAsked, QuestionSubject,
};
pub use repository::{
    CommitEnded, CommitOutcome, CommitPath, CommitPhase, CommitStarted, TrailFile, WorkspaceEnded,
    WorkspaceOutcome, WorkspaceStarted,
};
pub use run::{
    Definition, FlowDefinition, FlowInput, PlanDefinition, RunEnded, RunForked, RunOutcome,
    RunResumed, RunStarted, RunStopped, RunStopping, StopReason,
};
pub use step::{
    AnswerRejected, FailureReason, NewStep, ParkReason, SkipReason, StartCause, StepDefinition,
    StepEnded, StepOutcome, StepParked, StepRetried, StepStarted, StepTimedOut, StepsAdded,
    TaskDefinition,
};
pub use tool::{
    Before, CommandEnded, CommandOutcome, CommandStarted, FileWriteEnded, FileWriteOutcome,
    FileWriteStarted, TodoItem, TodoSet, ToolCallEnded, ToolCallStarted, ToolDecided, ToolOutcome,
    ToolVerdict,
};
pub use trigger::{
    FilesPassedOver, OpenedSchedule, ScheduleMissed, TriggerCause, TriggerEnded, TriggerEvent,
    TriggerFired, TriggerOpened, TriggerOutcome,
};

use crate::{Blob, Content, INLINE_BYTES_MAX};

/// The most text that all contents of one event may keep in place together, in bytes.
const EVENT_TEXT_BYTES_MAX: usize = 512 * 1024;

/// Declares the events of one kind of journal: the enum, their type numbers and the walk over contents.
macro_rules! events {
    ($(#[$of:meta])* enum $Events:ident {
        $( $(#[$doc:meta])* $number:literal $name:ident ),+ $(,)?
    }) => {
        $(#[$of])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        pub enum $Events {
            $( $(#[$doc])* $name($name), )+
        }

        $( impl From<$name> for $Events {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        } )+

        impl $Events {
            /// Every event's type number and name, in ascending order.
            pub const TYPES: &'static [(u16, &'static str)] = &[$(($number, stringify!($name))),+];

            /// The type number in the journal.
            pub const fn type_number(&self) -> u16 {
                match self { $( Self::$name(_) => $number, )+ }
            }

            /// The event's name, as the glossary has it.
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$name(_) => stringify!($name), )+ }
            }

            /// Calls `visit` on every text of the event.
            pub fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut crate::Content)) {
                match self {
                    $( Self::$name(event) => crate::v1::Contents::visit_contents(event, visit), )+
                }
            }
        }

        impl crate::codec::Events for $Events {
            fn head(&self) -> crate::codec::EventHead {
                crate::codec::EventHead {
                    name: self.name(),
                    event_type: self.type_number(),
                    schema_version: self.schema_version(),
                }
            }

            fn encode_payload(&self) -> Result<Vec<u8>, bincode::error::EncodeError> {
                match self { $( Self::$name(event) => crate::codec::to_bytes(event), )+ }
            }

            fn decode_payload(
                type_number: u16,
                payload: &[u8],
            ) -> Option<Result<Self, crate::codec::PayloadError>> {
                match type_number {
                    $( $number => Some(crate::codec::from_bytes(payload).map(Self::$name)), )+
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use events;

events! {
    /// A fact of a run. The number before each is its type in the journal, never reused.
    enum Event {
        /// The run exists.
        1 RunStarted,
        /// A process took the run up again.
        2 RunResumed,
        /// The run starts nothing new; what is in flight may end.
        3 RunStopping,
        /// Nothing is in flight any more; the run can be resumed.
        4 RunStopped,
        /// The run is over.
        5 RunEnded,
        /// The run was branched off another one.
        6 RunForked,
        /// The graph grew.
        10 StepsAdded,
        /// An attempt at a step began.
        11 StepStarted,
        /// A step is over.
        12 StepEnded,
        /// A step waits for a person.
        13 StepParked,
        /// A person sent a step back to pending, or back to its commit where that is what failed.
        14 StepRetried,
        /// An answer of a planner, a reviewer or a prompt could not be used; it is asked again.
        15 AnswerRejected,
        /// The time of an attempt is up; it ends at its next move.
        16 StepTimedOut,
        /// A model is being asked.
        20 ModelCallStarted,
        /// The model answered, or failed to.
        21 ModelCallEnded,
        /// A tool call was allowed, denied or found invalid.
        30 ToolDecided,
        /// A tool that only reads is running.
        31 ToolCallStarted,
        /// It returned.
        32 ToolCallEnded,
        /// A file is about to be written or deleted.
        33 FileWriteStarted,
        /// It was, or was not.
        34 FileWriteEnded,
        /// A command of the model's is about to run.
        35 CommandStarted,
        /// It ended.
        36 CommandEnded,
        /// The coder's to-do list changed.
        37 TodoSet,
        /// The verifier is at work.
        40 ChecksStarted,
        /// It reported.
        41 ChecksEnded,
        /// The reviewer's verdict was read.
        42 ReviewGiven,
        /// The workspace is being made ready.
        50 WorkspaceStarted,
        /// It is, or cannot be.
        51 WorkspaceEnded,
        /// A commit is about to be made.
        52 CommitStarted,
        /// It was, or was not.
        53 CommitEnded,
        /// A person is asked.
        60 QuestionAsked,
        /// A person answered.
        61 QuestionAnswered,
        /// Effects in flight were lost; whether they happened is unknown.
        62 EffectsLost,
        /// The world was looked at before a step of a workflow could begin or go on.
        70 StepLooked,
        /// A step of a workflow is about to act.
        71 ActionStarted,
        /// It has acted, or could not.
        72 ActionEnded,
        /// A step has an output that is not simply the result of its last effect.
        73 OutputSet,
    }
}

impl Event {
    /// The schema version this program writes for the event.
    pub const fn schema_version(&self) -> u16 {
        1
    }

    /// Turns every text that is too large to stay in place into a blob.
    ///
    /// Must be called on an event before it is folded or stored; the blobs must be durable
    /// before the event is.
    pub fn split_blobs(&mut self) -> Vec<Blob> {
        let mut blobs = Vec::new();
        let mut inline_bytes = 0;
        self.visit_contents(&mut |content| {
            let room = EVENT_TEXT_BYTES_MAX.saturating_sub(inline_bytes).min(INLINE_BYTES_MAX);
            blobs.extend(content.split(room));
            inline_bytes += content.inline().map_or(0, str::len);
        });
        blobs
    }
}

/// The texts of an event payload.
pub(crate) trait Contents {
    /// Calls `visit` on every text.
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content));
}

/// Events without any text that could be large.
macro_rules! without_contents {
    ($($name:ty),+ $(,)?) => {
        $( impl crate::v1::Contents for $name {
            fn visit_contents(&mut self, _: &mut dyn FnMut(&mut crate::Content)) {}
        } )+
    };
}
pub(crate) use without_contents;

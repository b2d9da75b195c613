//! Which events are worth a line, and to whom.

use crate::args::Verbosity;

/// How much an event matters to somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Of use when looking for a fault.
    Detail,
    /// An effect with a visible result.
    Work,
    /// A stage of a step's life.
    Milestone,
    /// It changes what the run will come to, or needs a person.
    Landmark,
}

impl Weight {
    /// The weight of an event, by the name it has in the journal.
    ///
    /// Names come from the run's process, which may be newer: an unknown one counts as work.
    pub(crate) fn of(event: &str) -> Self {
        match event {
            "RunStarted" | "RunResumed" | "RunStopping" | "RunStopped" | "RunEnded"
            | "StepsAdded" | "StepEnded" | "StepParked" | "StepRetried" | "StepTimedOut"
            | "AnswerRejected" | "QuestionAsked" | "QuestionAnswered" | "EffectsLost" => {
                Self::Landmark
            }
            "StepStarted" | "ChecksEnded" | "ReviewGiven" | "CommitEnded" => Self::Milestone,
            "ToolDecided" | "ToolCallStarted" | "TodoSet" | "FileWriteStarted"
            | "CommitStarted" | "WorkspaceStarted" => Self::Detail,
            _ => Self::Work,
        }
    }

    /// The least weight that is printed above the bars.
    pub(crate) const fn above_bars(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Quiet | Verbosity::Normal => Self::Landmark,
            Verbosity::Verbose => Self::Work,
            Verbosity::Everything => Self::Detail,
        }
    }

    /// The least weight that is printed in a pipe.
    pub(crate) const fn in_pipe(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Quiet => Self::Landmark,
            Verbosity::Normal => Self::Milestone,
            Verbosity::Verbose => Self::Work,
            Verbosity::Everything => Self::Detail,
        }
    }
}

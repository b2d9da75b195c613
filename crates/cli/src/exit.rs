//! Exit codes: documented, tested, stable.

use lao_protocol::{RunStatus, RunStatusCode};

/// How the process ends, as a number that scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for is done.
    Done = 0,
    /// A fault of the program itself.
    Internal = 1,
    /// The arguments cannot be understood.
    Usage = 2,
    /// The configuration is missing or wrong.
    Configuration = 3,
    /// The run ended with failed steps.
    StepsFailed = 4,
    /// The run waits for a person.
    Parked = 5,
    /// The run was cancelled.
    Cancelled = 6,
    /// The model server cannot be reached, or lacks the model.
    ServerUnavailable = 7,
    /// A journal is unreadable, newer than the program or held by another process.
    JournalUnavailable = 8,
    /// A budget or limit was reached.
    LimitReached = 9,
    /// What was compared differs: a replay from its record, a run from another, a scenario from
    /// its snapshot.
    Different = 10,
    /// Interrupted; the run can be resumed.
    Interrupted = 130,
}

impl ExitCode {
    /// Every code, ascending.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Internal,
        Self::Usage,
        Self::Configuration,
        Self::StepsFailed,
        Self::Parked,
        Self::Cancelled,
        Self::ServerUnavailable,
        Self::JournalUnavailable,
        Self::LimitReached,
        Self::Different,
        Self::Interrupted,
    ];

    /// The number the process returns.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code with this number, where there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// What the code says, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "all done",
            Self::Internal => "internal error",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::StepsFailed => "the run ended with failed steps",
            Self::Parked => "parked: the run waits for a person",
            Self::Cancelled => "cancelled",
            Self::ServerUnavailable => "model server unreachable or model missing",
            Self::JournalUnavailable => "journal unreadable, newer or held",
            Self::LimitReached => "budget or limit reached",
            Self::Different => "what was compared differs",
            Self::Interrupted => "interrupted; the run can be resumed",
        }
    }

    /// The code of a process that ends while its run stands as `status` says.
    ///
    /// The run's own process knows best why it ends and says so in the status; its number is
    /// believed unless it contradicts the run: only a run that succeeded ends with 0.
    pub fn from_status(status: &RunStatus) -> Self {
        let by_state = Self::from_state(status.summary.status);
        let succeeded = by_state == Self::Done;
        match Self::from_number(status.exit_code) {
            Some(stated) if (stated == Self::Done) == succeeded => stated,
            Some(_) | None => by_state,
        }
    }

    /// The code that a run's state alone calls for.
    pub const fn from_state(state: RunStatusCode) -> Self {
        match state {
            RunStatusCode::Planning
            | RunStatusCode::Running
            | RunStatusCode::Stopping
            | RunStatusCode::Interrupted => Self::Interrupted,
            RunStatusCode::Parked => Self::Parked,
            RunStatusCode::Succeeded => Self::Done,
            RunStatusCode::Failed => Self::StepsFailed,
            RunStatusCode::Cancelled => Self::Cancelled,
            RunStatusCode::Unreadable => Self::JournalUnavailable,
        }
    }

    /// The worse of two codes, for a process that worked on several runs.
    ///
    /// An interruption outweighs everything, then the order is that of the numbers.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

//! Kills that the scenario does not know of: at a commit of its journal, before or after it.

use std::fmt;

/// On which side of a commit the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// What led to the events has happened, and none of them is durable: where one of them is the end
    /// of an effect, its outcome is unknown.
    Before,
    /// The events are durable, and nobody was told.
    After,
}

/// Where the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// The first event of the commit, by its position in the undisturbed journal.
    pub seq: u64,
    /// Before or after it.
    pub moment: Moment,
}

impl Kill {
    /// Whether it strikes at the commit of these events.
    pub(crate) fn strikes(self, moment: Moment, (first_seq, last_seq): (u64, u64)) -> bool {
        self.moment == moment && (first_seq..=last_seq).contains(&self.seq)
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moment {
            Moment::Before => write!(f, "killed before event {} was durable", self.seq),
            Moment::After => write!(f, "killed after event {} was durable", self.seq),
        }
    }
}

/// A commit of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitSeen {
    /// Position of its first event.
    pub first_seq: u64,
    /// Position of its last.
    pub last_seq: u64,
    /// How many effects end with it.
    pub effects_ended: u64,
}

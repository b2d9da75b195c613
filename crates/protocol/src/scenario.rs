//! Scenarios: what came of playing them.

use serde::{Deserialize, Serialize};

/// What came of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Its file.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// How it went.
    pub verdict: ScenarioVerdict,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// Where it differs from its snapshot; for a new one, from nothing.
    pub difference: Option<Difference>,
    /// What the kills came to, where it was killed.
    pub crashes: Option<CrashReport>,
    /// Events of its journal.
    pub events: u64,
    /// Milliseconds that pass in it.
    pub played_ms: u64,
    /// Milliseconds that it took.
    pub elapsed_ms: u64,
}

/// How a scenario went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioVerdict {
    /// All is as it should be.
    Passed,
    /// It was played and has no snapshot yet.
    New,
    /// It went in another way than its snapshot says.
    Different,
    /// Something does not hold that must.
    Failed,
    /// It cannot be read or played.
    Unreadable,
}

/// Two texts that should be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// As it should be.
    pub was: String,
    /// As it is.
    pub is: String,
}

/// What killing a scenario everywhere came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashReport {
    /// Kills with everything so far durable.
    pub positions: u32,
    /// Kills with the outcome of an effect unknown.
    pub effects: u32,
    /// Those after which it did not come to the same end.
    pub failures: Vec<CrashFailure>,
}

/// A kill after which a run did not come to the same end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashFailure {
    /// Where it was killed.
    pub at: String,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// Where its end differs.
    pub difference: Option<Difference>,
}

//! The roles a model can be given in `[roles.NAME]`.

use std::fmt;

/// What a model is used for. The order is the order of display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Turns a plan into tasks.
    Planner,
    /// Works on a task with tools.
    Coder,
    /// Judges a task's result.
    Reviewer,
    /// Answers questions about text and data in workflows.
    Analyst,
    /// Drives an agent or a chat.
    Pilot,
    /// Turns text into vectors.
    Embedder,
    /// Turns speech into text.
    Transcriber,
}

impl Role {
    /// Every role, in the order of display.
    pub const ALL: [Self; 7] = [
        Self::Planner,
        Self::Coder,
        Self::Reviewer,
        Self::Analyst,
        Self::Pilot,
        Self::Embedder,
        Self::Transcriber,
    ];

    /// The role's name in `lao.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Coder => "coder",
            Self::Reviewer => "reviewer",
            Self::Analyst => "analyst",
            Self::Pilot => "pilot",
            Self::Embedder => "embedder",
            Self::Transcriber => "transcriber",
        }
    }

    /// What the role does, as a sentence without its full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Planner => "Turns a plan into tasks",
            Self::Coder => "Works on a task with tools",
            Self::Reviewer => "Judges a task's result",
            Self::Analyst => "Answers questions about text and data in workflows",
            Self::Pilot => "Drives agents and chats",
            Self::Embedder => "Turns text into vectors",
            Self::Transcriber => "Turns speech into text",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

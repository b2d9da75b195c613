//! Where a value came from, and where a problem is.

use std::fmt;

/// Which of the two kinds of file a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileOrigin {
    /// The file in the user's configuration folder.
    User,
    /// The project's own `lao.toml`.
    Project,
}

impl FileOrigin {
    /// The origin in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// Where a value came from. Later variants override earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// The program's own default.
    BuiltIn,
    /// A place in a file.
    File {
        /// The user's file or the project's.
        origin: FileOrigin,
        /// The file's path, as the caller gave it.
        path: String,
        /// Line, counted from 1.
        line: u32,
        /// Column in characters, counted from 1.
        column: u32,
    },
    /// An environment variable.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// A `key=value` pair of the command line.
    Flag {
        /// The pair's key, or the whole argument where there is no key in it.
        key: String,
    },
}

impl Source {
    /// Layer, line and column, by which places are put in order.
    pub(crate) fn order(&self) -> (u8, u32, u32) {
        match self {
            Self::BuiltIn => (0, 0, 0),
            Self::File { origin, line, column, .. } => match origin {
                FileOrigin::User => (1, *line, *column),
                FileOrigin::Project => (2, *line, *column),
            },
            Self::Environment { .. } => (3, 0, 0),
            Self::Flag { .. } => (4, 0, 0),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => formatter.write_str("built-in"),
            Self::File { origin: _, path, line, column } => {
                write!(formatter, "{path}:{line}:{column}")
            }
            Self::Environment { variable } => write!(formatter, "environment {variable}"),
            Self::Flag { key } => write!(formatter, "command line {key}"),
        }
    }
}

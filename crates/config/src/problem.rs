//! What can be wrong with settings. Every problem has a place and says its cure.

use std::fmt;

use lao_event::Role;
use thiserror::Error;

use crate::endpoint::EndpointError;
use crate::source::Source;

/// All that is wrong with the settings, in the order of the layers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigError {
    /// The problems; at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the text at fault stands.
    pub place: Source,
    /// The dotted key it is about; empty for bad syntax.
    pub key: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(formatter, "{}: {}", self.place, self.fault),
            key => write!(formatter, "{}: `{key}`: {}", self.place, self.fault),
        }
    }
}

/// What is wrong with a value, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The file is not TOML.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// There is no such key.
    #[error("unknown key{}", did_you_mean(nearest.as_ref()))]
    UnknownKey {
        /// The known key most like it.
        nearest: Option<String>,
    },
    /// An environment variable or flag names no key.
    #[error("does not name a setting{}", did_you_mean(nearest.as_ref()))]
    NotASetting {
        /// How it was probably meant.
        nearest: Option<String>,
    },
    /// An endpoint's name has other characters than allowed.
    #[error(
        "an endpoint's name is made of lowercase letters, digits, `-` and single `_`, \
         at most {} bytes",
        crate::schema::ENDPOINT_NAME_BYTES_MAX
    )]
    EndpointName,
    /// The value is of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the key holds.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A number lies outside its range.
    #[error("{value} is out of range; allowed is {min} to {max}")]
    OutOfRange {
        /// The value as written.
        value: String,
        /// The smallest value allowed.
        min: String,
        /// The largest value allowed.
        max: String,
    },
    /// A word is none of those allowed.
    #[error("`{value}` is not one of {}{}", allowed.join(", "), did_you_mean(nearest.as_ref()))]
    NotAChoice {
        /// The value as written.
        value: String,
        /// The words allowed.
        allowed: &'static [&'static str],
        /// The one most like it.
        nearest: Option<String>,
    },
    /// A text is empty or holds control characters.
    #[error("the text must be one line and not empty")]
    BadText,
    /// A key that is needed is missing.
    #[error("missing; add {example}")]
    Missing {
        /// A line that would do.
        example: String,
    },
    /// The endpoint's address cannot be used.
    #[error("{0}")]
    Endpoint(EndpointError),
    /// The key has no use beside another one.
    #[error("has no use here: {why}; remove it")]
    Useless {
        /// Why not.
        why: &'static str,
    },
    /// The value cannot go into its place.
    #[error("{why}")]
    Unusable {
        /// Why not, and what would do.
        why: &'static str,
    },
    /// A role names an endpoint that does not exist.
    #[error("there is no endpoint `{name}`{}", known_endpoints(nearest.as_ref(), known))]
    UnknownEndpoint {
        /// The name given.
        name: String,
        /// The one most like it.
        nearest: Option<String>,
        /// Those that exist.
        known: Vec<String>,
    },
    /// Two commands share a name.
    #[error("there are two commands named `{name}`; findings could not tell them apart")]
    RepeatedName {
        /// The name.
        name: String,
    },
    /// A pattern cannot be read.
    #[error("`{pattern}` is not a file pattern: {cause}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What the pattern parser says.
        cause: String,
    },
    /// A pattern of secrets cannot be used.
    #[error("{0}")]
    SecretPattern(lao_redact::PatternError),
    /// An answer as long as the window leaves nothing for the prompt.
    #[error(
        "{output_tokens_max} tokens of answer do not fit beside a prompt in the window of \
         {context_tokens} (roles.{role}.context_tokens); lower the one or raise the other"
    )]
    OutputTooLarge {
        /// The role.
        role: Role,
        /// The answer's limit.
        output_tokens_max: u64,
        /// The window.
        context_tokens: u64,
    },
}

fn did_you_mean(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn known_endpoints(nearest: Option<&String>, known: &[String]) -> String {
    match (nearest, known) {
        (Some(_), _) => did_you_mean(nearest),
        (None, []) => "; add an [endpoints.NAME] section".to_owned(),
        (None, known) => format!("; there is {}", known.join(", ")),
    }
}

//! Values of arguments: parsed once, trusted afterwards.

use std::{convert::Infallible, str::FromStr};

use crate::text::short_run;

/// A value that does not have the form its argument needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// There is no `=`, or nothing before it.
    #[error("expected KEY=VALUE, as in `roles.coder.temperature=0.2`")]
    NotKeyValue,
    /// There is no `=`, or nothing on one of its sides.
    #[error("expected ROLE=MODEL, as in `coder=qwen3-coder:30b`")]
    NotRoleModel,
    /// There is no `=`, or nothing on one of its sides.
    #[error("expected ROLE=FILE, as in `reviewer=strict.md`")]
    NotRoleFile,
    /// It is no number, or there is nothing before the `=`.
    #[error("expected a number or ROLE=NUMBER, as in `coder=0.2`")]
    NotTemperature,
    /// What stands behind an `@` is no position.
    #[error("expected RUN@N, as in `x7k2q@120`: N is the number of an event, from 1")]
    NotPosition,
}

/// A configuration value given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Dotted path: `git.enabled`.
    pub key: String,
    /// The value as typed.
    pub value: String,
}

impl FromStr for Override {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.to_owned() })
            }
            Some(_) | None => Err(ValueError::NotKeyValue),
        }
    }
}

/// Another model for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOverride {
    /// The role's name as typed; the configuration knows which there are.
    pub role: String,
    /// The model's key on its endpoint.
    pub model: String,
}

impl FromStr for ModelOverride {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((role, model)) if !role.trim().is_empty() && !model.trim().is_empty() => {
                Ok(Self { role: role.trim().to_owned(), model: model.trim().to_owned() })
            }
            Some(_) | None => Err(ValueError::NotRoleModel),
        }
    }
}

/// Which run is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSelector {
    /// The newest.
    Last,
    /// The one whose id this is, begins with this, or ends with this.
    Named(String),
}

/// No run, or more than one, is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// There are no runs at all.
    #[error("there are no runs in this project yet")]
    NoRuns,
    /// No run fits.
    #[error("no run is called {name:?}")]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// Several runs fit.
    #[error("{name:?} could be any of {}", matches.join(", "))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// The runs that fit, oldest first.
        matches: Vec<String>,
    },
}

impl FromStr for RunSelector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "last" { Self::Last } else { Self::Named(text.to_owned()) })
    }
}

/// A run as it was after one of its events: `RUN@N`, or as it is: `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAt {
    /// Which run.
    pub run: RunSelector,
    /// Position of the event, from 1; `None` for the last one there is.
    pub at: Option<u64>,
}

impl FromStr for RunAt {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let selector =
            |name: &str| name.parse::<RunSelector>().unwrap_or_else(|never| match never {});
        let Some((name, position)) = text.rsplit_once('@') else {
            return Ok(Self { run: selector(text), at: None });
        };
        match position.parse() {
            Ok(at @ 1..) if !name.is_empty() => Ok(Self { run: selector(name), at: Some(at) }),
            // A folder may be called anything.
            Ok(_) | Err(_) if text.contains(std::path::is_separator) => {
                Ok(Self { run: selector(text), at: None })
            }
            Ok(_) | Err(_) => Err(ValueError::NotPosition),
        }
    }
}

impl RunSelector {
    /// Finds the run among all ids of the project, in any order.
    ///
    /// A whole id wins over a last part, a last part over a prefix. Ids sort by time, so the
    /// greatest is the newest.
    ///
    /// # Errors
    /// No run fits, or several do.
    pub fn resolve<'a>(&self, ids: &[&'a str]) -> Result<&'a str, SelectError> {
        let newest = ids.iter().max().ok_or(SelectError::NoRuns)?;
        let name = match self {
            Self::Last => return Ok(newest),
            Self::Named(name) => name,
        };
        let unknown = || SelectError::Unknown { name: name.clone() };
        if name.is_empty() {
            return Err(unknown());
        }
        let ways: [&dyn Fn(&str) -> bool; 3] =
            [&|id| id == name, &|id| short_run(id) == name, &|id| id.starts_with(name.as_str())];
        ways.iter()
            .map(|fits| ids.iter().copied().filter(|id| fits(id)).collect())
            .find(|matches: &Vec<&str>| !matches.is_empty())
            .map_or(Err(unknown()), |matches| only(name, matches))
    }
}

fn only<'a>(name: &str, mut matches: Vec<&'a str>) -> Result<&'a str, SelectError> {
    if let [one] = matches[..] {
        return Ok(one);
    }
    matches.sort_unstable();
    Err(SelectError::Ambiguous {
        name: name.to_owned(),
        matches: matches.into_iter().map(str::to_owned).collect(),
    })
}

//! Arguments of `fork` and `rerun`.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use super::{ModelOverride, RunAt, RunSelector, ValueError};

const FORK_HELP: &str = "\
Examples:
  lao fork last@41 --model coder=qwen3-coder:30b    another model from event 41 on
  lao fork last --at 41 --temperature coder=0.2     another temperature
  lao fork last@41 --prompt reviewer=strict.md      another prompt
  lao fork last@41 --no-run                         only branch off; `lao resume` goes on

The new run begins with the events up to the end of the decision that event 41 belongs to, works in a
folder of its own with the files as they were then, and goes on live. It shares the blobs; the run it
comes from is not touched. Conversations under way keep their prompt; new ones take the new one.
Next: `lao diff RUN FORK` for what came out differently, `lao runs --tree` for the family.";

/// `lao fork`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = FORK_HELP)]
pub struct ForkArgs {
    /// The run, with the position after an `@`
    #[arg(value_name = "RUN[@N]")]
    pub run: RunAt,
    /// Branch off after event N; the first is 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
    /// What to change and whether to go on
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// What a run that is branched off does otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ChangeArgs {
    /// Use another model for a role; repeatable
    #[arg(long = "model", value_name = "ROLE=MODEL")]
    pub models: Vec<ModelOverride>,
    /// Tell a role what the file says, in place of what it was told to be and do; repeatable
    #[arg(long = "prompt", value_name = "ROLE=FILE")]
    pub prompts: Vec<RoleFile>,
    /// Another temperature, of one role or of all; repeatable
    #[arg(long = "temperature", value_name = "[ROLE=]T")]
    pub temperatures: Vec<RoleTemperature>,
    /// Only branch off: `lao resume` goes on
    #[arg(long)]
    pub no_run: bool,
}

const RERUN_HELP: &str = "\
Examples:
  lao rerun last --from t3                    task t3 and all that depends on it, anew
  lao rerun last --from t3 --model coder=X    the same with another model

It is a fork of the whole run: what does not depend on the task is kept, with its files; the task and
all that depends on it are done again, on files without their changes.
Next: `lao diff RUN RERUN` for what came out differently.";

/// `lao rerun`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RERUN_HELP)]
pub struct RerunArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// The task that is done again, by its key
    #[arg(long, value_name = "STEP")]
    pub from: String,
    /// What to change and whether to go on
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// A role and a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFile {
    /// The role's name as typed.
    pub role: String,
    /// The file.
    pub file: PathBuf,
}

impl FromStr for RoleFile {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((role, file)) if !role.trim().is_empty() && !file.is_empty() => {
                Ok(Self { role: role.trim().to_owned(), file: PathBuf::from(file) })
            }
            Some(_) | None => Err(ValueError::NotRoleFile),
        }
    }
}

/// A temperature, of one role or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleTemperature {
    /// The role's name as typed; `None` for all.
    pub role: Option<String>,
    /// The temperature as typed; the configuration knows its form.
    pub temperature: String,
}

impl FromStr for RoleTemperature {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (role, temperature) = match text.split_once('=') {
            Some((role, temperature)) => (Some(role.trim()), temperature.trim()),
            None => (None, text.trim()),
        };
        if temperature.parse::<f64>().is_err() || role.is_some_and(str::is_empty) {
            return Err(ValueError::NotTemperature);
        }
        Ok(Self { role: role.map(str::to_owned), temperature: temperature.to_owned() })
    }
}

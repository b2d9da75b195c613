//! Arguments of `scenario`: test, begin and record scenarios.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Subcommand};

use super::RunSelector;

const SCENARIO_HELP: &str = "\
Examples:
  lao scenario new rework         a file to begin with
  lao scenario test               all of them, in milliseconds each
  lao scenario record last        what a run did, as a scenario

A scenario is a plan with the answers of its models; the rest of the run is real.
Next: docs/testing-your-plans.md.";

/// `lao scenario`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = SCENARIO_HELP)]
pub struct ScenarioArgs {
    /// What to do with scenarios.
    #[command(subcommand)]
    pub command: ScenarioCommand,
}

/// What can be done with scenarios.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ScenarioCommand {
    /// Play scenarios and compare each with its snapshot
    Test(ScenarioTestArgs),
    /// Write a scenario to begin with
    New(ScenarioNewArgs),
    /// Make a scenario of a run: its answers become the script
    Record(ScenarioRecordArgs),
}

const TEST_HELP: &str = "\
Examples:
  lao scenario test                         everything in scenarios/
  lao scenario test scenarios/rework --review
  lao scenario test --crash --junit report.xml

It ends with 10 when a scenario did not go as it should, with 3 when one cannot be read.
Next: read the difference, then --review or --accept if it is meant.";

/// `lao scenario test`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = TEST_HELP)]
pub struct ScenarioTestArgs {
    /// Files and folders with scenarios; without any, scenarios/ of the project
    #[arg(value_name = "PATHS")]
    pub paths: Vec<PathBuf>,
    /// Make what happened what should happen, for every scenario that differs
    #[arg(long, conflicts_with = "review")]
    pub accept: bool,
    /// Show each difference and ask whether it is meant
    #[arg(long)]
    pub review: bool,
    /// Kill each scenario at every position of its journal, and demand the same end
    #[arg(long)]
    pub crash: bool,
    /// Write a `JUnit` report into FILE
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Play N scenarios at the same time instead of one for each processor
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

const NEW_HELP: &str = "\
Example:
  lao scenario new rework    scenarios/rework.scenario.toml

Nothing that exists is overwritten.
Next: change its plan and turns, then `lao scenario test --review`.";

/// `lao scenario new`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = NEW_HELP)]
pub struct ScenarioNewArgs {
    /// What it is called, or where it is to lie
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
}

const RECORD_HELP: &str = "\
Examples:
  lao scenario record last                     scenarios/RUN.scenario.toml
  lao scenario record x7k2q --to bug.scenario.toml

Nothing that exists is overwritten. Secrets stay out of it, as they are not in the journal.
Next: `lao scenario test FILE --review`.";

/// `lao scenario record`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RECORD_HELP)]
pub struct ScenarioRecordArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// Write it into FILE
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

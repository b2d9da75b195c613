//! Arguments of the commands that look at runs: `runs`, `status`, `show` and `log`.

use clap::Args;

use super::RunSelector;

/// Runs listed unless more are asked for.
const RUNS_LIMIT: usize = 20;

const RUNS_HELP: &str = "\
Examples:
  lao runs              the newest 20
  lao runs --all        every one
  lao runs --tree       each below the one it was branched off
  lao runs --json       one object a line

Next: `lao status RUN` with the last part of an id.";

/// `lao runs`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RUNS_HELP)]
pub struct RunsArgs {
    /// List at most N runs, the newest first
    #[arg(long, value_name = "N", default_value_t = RUNS_LIMIT)]
    pub limit: usize,
    /// List every run
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Show which run was branched off which
    #[arg(long)]
    pub tree: bool,
}

const STATUS_HELP: &str = "\
Examples:
  lao status          the newest run
  lao status x7k2q    this one, by the last part of its id

It works while the run goes on in another process.
Next: what it says under `next`.";

/// `lao status`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = STATUS_HELP)]
pub struct StatusArgs {
    /// The run: its id, a unique beginning, its last part, or `last`; without it, the newest
    #[arg(value_name = "RUN")]
    pub run: Option<RunSelector>,
}

const SHOW_HELP: &str = "\
Examples:
  lao show last                every step, with files, commits and failures
  lao show last --step t3      one step: what it was told, what the model said, what was found wrong
  lao show last --at 41        the same as it was after event 41

Next: `git show COMMIT` in the workspace for the change itself, `lao log RUN` for every event.";

/// `lao show`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = SHOW_HELP)]
pub struct ShowArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// Show one step in detail, by its key
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Show it as it was after event N; the first is 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
}

const LOG_HELP: &str = "\
Examples:
  lao log last               every event so far, one a line
  lao log last -f            and those to come, until the run's process ends
  lao log last --from 120    from event 120 on
  lao log last --json        one object a line, with every field

Next: `lao show RUN --step STEP` for the conversation behind the events.";

/// `lao log`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = LOG_HELP)]
pub struct LogArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// Keep printing while the run goes on
    #[arg(short, long)]
    pub follow: bool,
    /// Begin with event N; the first is 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
}

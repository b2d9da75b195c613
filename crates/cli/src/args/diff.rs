//! Arguments of `lao diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::RunAt;

const DIFF_HELP: &str = "\
Examples:
  lao diff x7k2q last                       how the newest run differs from x7k2q
  lao diff last@120 last                    what came after event 120
  lao diff last last --journal ../copy      this project's newest run and that of another one
  lao diff x7k2q last --format html -o diff.html

Nothing is printed and it ends with 0 where nothing differs, else with 10.
Next: `lao show RUN --step STEP` for a step from the inside.";

/// `lao diff`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = DIFF_HELP)]
pub struct DiffArgs {
    /// One run, as it is or as it was after event N: RUN or RUN@N
    #[arg(value_name = "A")]
    pub a: RunAt,
    /// The other one; with --journal, the newest there unless named
    #[arg(value_name = "B", required_unless_present = "journal")]
    pub b: Option<RunAt>,
    /// Look for B in DIR: the folder of a project, of a backup, or of one run
    #[arg(long, value_name = "DIR")]
    pub journal: Option<PathBuf>,
    /// How to show it; text, or json with --json, unless named
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<DiffFormat>,
    /// Write it to FILE instead of printing it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a diff is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people, on a terminal.
    Text,
    /// For programs: one object on one line.
    Json,
    /// For people, in a browser: one file that needs no other.
    Html,
}

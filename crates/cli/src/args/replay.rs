//! Arguments of `replay`.

use clap::Args;

use super::RunSelector;

const REPLAY_HELP: &str = "\
Examples:
  lao replay last           derive the run again from its journal, and compare
  lao replay last --json    the same as one object

The recorded answers, tool results and a person's words are given to the kernel again, which must
decide exactly what is recorded: no model is asked, no tool runs, no file is touched. Journal and
blobs are checked first. It ends with 0 if all is identical, 10 at the first difference, 8 if the
record was altered or cannot be read.
Next: `lao log RUN --from N` for what is around a difference.";

/// `lao replay`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = REPLAY_HELP)]
pub struct ReplayArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

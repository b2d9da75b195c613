//! Arguments of `replay`.

use clap::Args;

use super::{ModelOverride, RunAt};

const REPLAY_HELP: &str = "\
Examples:
  lao replay last           derive the run again from its journal, and compare
  lao replay last --json    the same as one object
  lao replay last --step    walk through the run, forwards and backwards
  lao replay last@41        the run at event 41: the steps, the prompt or answer, the file
  lao replay last --with coder=qwen3:4b    would the smaller model have done it?

The recorded answers, tool results and a person's words are given to the kernel again, which must
decide exactly what is recorded: no model is asked, no tool runs, no file is touched. Journal and
blobs are checked first. It ends with 0 if all is identical, 10 at the first difference, 8 if the
record was altered or cannot be read.
Next: `lao log RUN --from N` for what is around a difference.";

/// `lao replay`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = REPLAY_HELP)]
pub struct ReplayArgs {
    /// The run: its id, a unique beginning, its last part, or `last`; a position after an `@`
    #[arg(value_name = "RUN[@N]")]
    pub run: RunAt,
    /// Show the run at event N instead; the first is 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
    /// Ask another model the recorded prompts of a role, act on nothing, and say how far it agrees
    #[arg(long, value_name = "ROLE=MODEL", conflicts_with_all = ["at", "step"])]
    pub with: Option<ModelOverride>,
    /// Walk through the run with the keys of the terminal, from `--at` on
    #[arg(long)]
    pub step: bool,
}

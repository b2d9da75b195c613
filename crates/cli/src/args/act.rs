//! Arguments of the commands that act on runs: `retry`, `cancel` and `answer`.

use clap::{Args, ValueEnum};
use lao_protocol::AnswerChoice;

use super::RunSelector;

const RETRY_HELP: &str = "\
Examples:
  lao retry                   every failed step of the newest run
  lao retry last --step t3    this one, and what was skipped because of it

Next: `lao resume` unless the run is going on in another process.";

/// `lao retry`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RETRY_HELP)]
pub struct RetryArgs {
    /// The run: its id, a unique beginning, its last part, or `last`; without it, the newest
    #[arg(value_name = "RUN")]
    pub run: Option<RunSelector>,
    /// Retry one step, by its key
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
}

const CANCEL_HELP: &str = "\
Example:
  lao cancel x7k2q

A cancelled run cannot be resumed; what it has committed stays. To stop for now, press Ctrl-C where
it runs.
Next: `lao run PLAN --again` starts anew.";

/// `lao cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = CANCEL_HELP)]
pub struct CancelArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
}

const ANSWER_HELP: &str = "\
Examples:
  lao answer last 5 rerun    do it again
  lao answer last 5 skip     leave it, tell the model and go on
  lao answer last 5 approve  yes, to a workflow that asks whether to go on

`lao status` lists the questions with their numbers.
Next: `lao resume` unless the run is going on in another process.";

/// `lao answer`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = ANSWER_HELP)]
pub struct AnswerArgs {
    /// The run: its id, a unique beginning, its last part, or `last`
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// The question's number
    #[arg(value_name = "QUESTION")]
    pub question: u32,
    /// The answer
    #[arg(value_name = "ANSWER", value_enum)]
    pub answer: AnswerWord,
}

/// The answers that can be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerWord {
    /// Do it again
    Rerun,
    /// Leave it, tell the model and go on
    Skip,
    /// Yes: the workflow goes on
    Approve,
    /// No: the step fails
    Deny,
}

impl From<AnswerWord> for AnswerChoice {
    fn from(word: AnswerWord) -> Self {
        match word {
            AnswerWord::Rerun => Self::Rerun,
            AnswerWord::Skip => Self::Skip,
            AnswerWord::Approve => Self::Approve,
            AnswerWord::Deny => Self::Deny,
        }
    }
}

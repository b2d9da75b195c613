//! Arguments of the commands that go back in a run's time: `checkout` and `blame`.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use super::{RunAt, ValueError};

const CHECKOUT_HELP: &str = "\
Examples:
  lao checkout last --at 120 ./then    the run's files as they were after event 120
  lao checkout x7k2q ./end             as they were at the end

Only what the journal holds is needed, neither the workspace nor git. Files that the run never
touched are not written; where a commit has them, it says which.
Next: `lao blame RUN FILE` says who wrote what.";

/// `lao checkout`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = CHECKOUT_HELP)]
pub struct CheckoutArgs {
    /// The run: its id, a unique beginning, its last part, `last`, or a backup; `RUN@N` is `--at N`
    #[arg(value_name = "RUN")]
    pub run: RunAt,
    /// The folder to write to, which is made if it is not there
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// As it was after event N, as in `RUN@N`; without it, after the last one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
    /// Write into DIR although there are files in it
    #[arg(long)]
    pub force: bool,
}

const BLAME_HELP: &str = "\
Examples:
  lao blame last src/store.py        each line with the event, step, attempt and model that wrote it
  lao blame last src/store.py:41     one line, with the prompt and the tool call that led to it
  lao blame last src/store.py --at 90

FILE is relative to the workspace.
Next: `lao show RUN --step STEP` for the whole conversation.";

/// `lao blame`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = BLAME_HELP)]
pub struct BlameArgs {
    /// The run: its id, a unique beginning, its last part, `last`, or a backup; `RUN@N` is `--at N`
    #[arg(value_name = "RUN")]
    pub run: RunAt,
    /// The file, relative to the workspace, and the line, from 1, where one is meant
    #[arg(value_name = "FILE[:LINE]")]
    pub place: FilePlace,
    /// As it was after event N, as in `RUN@N`; without it, after the last one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
}

/// A file, or a line of it: `FILE` or `FILE:LINE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// The file, relative to the workspace.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u64>,
}

impl FromStr for FilePlace {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = || Self { file: text.to_owned(), line: None };
        let Some((file, line)) = text.rsplit_once(':') else {
            return Ok(whole());
        };
        match line.parse() {
            Ok(line @ 1..) if !file.is_empty() => {
                Ok(Self { file: file.to_owned(), line: Some(line) })
            }
            // A file may be called anything.
            Ok(_) | Err(_) => Ok(whole()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FilePlace;

    #[test]
    fn a_line_stands_behind_the_last_colon() {
        let place = |text: &str| {
            let FilePlace { file, line } = text.parse().unwrap();
            (file, line)
        };
        assert_eq!(place("src/a.py"), ("src/a.py".to_owned(), None));
        assert_eq!(place("src/a.py:41"), ("src/a.py".to_owned(), Some(41)));
        assert_eq!(place("a:b:2"), ("a:b".to_owned(), Some(2)));
        for text in ["a:b", "a:0", "a:", ":3", "a:-1", ""] {
            assert_eq!(place(text), (text.to_owned(), None), "{text}");
        }
    }
}

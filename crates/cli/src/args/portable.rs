//! Arguments of the commands that carry runs from one project to another: `export` and `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::RunSelector;

const EXPORT_HELP: &str = "\
Examples:
  lao export x7k2q run.laorun                     events, large texts, provenance
  lao export x7k2q run.laorun --redact            keys and tokens replaced, for somebody else
  lao export x7k2q events.jsonl --format jsonl    one event a line, for other programs
  lao export x7k2q - --format jsonl | jq .event

The run is only read. docs/portable-runs.md describes both formats.
Next: `lao import FILE` in another project.";

/// `lao export`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct ExportArgs {
    /// The run: its id, a unique beginning, its last part, `last`, or a backup
    #[arg(value_name = "RUN")]
    pub run: RunSelector,
    /// The file to write; `-` for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The form of the file
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ExportFormat::Laorun)]
    pub format: ExportFormat,
    /// Replace secrets: those of the configuration, and keys and tokens of well-known shapes
    #[arg(long)]
    pub redact: bool,
    /// With --redact, replace what this regular expression finds, too; repeatable
    #[arg(long, value_name = "REGEX", requires = "redact")]
    pub redact_rule: Vec<String>,
    /// With `--format jsonl`, write large texts too, a line each
    #[arg(long)]
    pub blobs: bool,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// Forms of an exported run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One file that `lao import` reads.
    Laorun,
    /// One event a line, for other programs.
    Jsonl,
}

const IMPORT_HELP: &str = "\
Example:
  lao import run.laorun

Every byte is checked before there is a run, and nothing in the file says where to write.
The run can be looked at, replayed and compared; it is not resumed, since its workspace is elsewhere.
Next: `lao show RUN`.";

/// `lao import`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = IMPORT_HELP)]
pub struct ImportArgs {
    /// The file that `lao export` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

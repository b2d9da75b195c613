//! The command line: what may be typed, and its help.
//!
//! [`Cli::parse_or_exit_code`] is the entry; the argument types of the commands are grouped by
//! what they are for: running plans, looking at runs, acting on runs, and the project itself.

mod act;
mod diff;
mod flow;
mod fork;
mod inspect;
mod journal;
mod portable;
mod project;
mod replay;
mod run;
mod scenario;
mod travel;
mod value;

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use act::{AnswerArgs, AnswerWord, CancelArgs, RetryArgs};
pub use diff::{DiffArgs, DiffFormat};
pub use flow::{
    ChainArgs, EngineName, GraphArgs, GraphFormat, ModelsAddArgs, ModelsArgs, ModelsCommand,
    ModelsRemoveArgs, NewArgs, NewWhat, NewWorkflowArgs, ServeArgs, StepsArgs, ValidateArgs,
    WatchArgs,
};
pub use fork::{ChangeArgs, ForkArgs, RerunArgs, RoleFile, RoleTemperature};
pub use inspect::{LogArgs, RunsArgs, ShowArgs, StatusArgs};
pub use journal::{
    JournalArgs, JournalBackupArgs, JournalCheckArgs, JournalCommand, JournalCompactArgs,
    JournalGcArgs, JournalRepairArgs, JournalStatsArgs, PinArgs, PruneArgs, PruneStatus, Size,
    SizeError, UnpinArgs,
};
pub use portable::{ExportArgs, ExportFormat, ImportArgs};
pub use project::{CompletionsArgs, ConfigArgs, ConfigCommand, ConfigShowArgs, DemoArgs, InitArgs};
pub use replay::ReplayArgs;
pub use run::{ResumeArgs, RunArgs};
pub use scenario::{
    ScenarioArgs, ScenarioCommand, ScenarioNewArgs, ScenarioRecordArgs, ScenarioTestArgs,
};
pub use travel::{BlameArgs, CheckoutArgs, FilePlace};
pub use value::{ModelOverride, Override, RunAt, RunSelector, SelectError, ValueError};

use crate::{CliError, ExitCode, Output};

const AFTER_HELP: &str = "\
Start here:
  lao demo               see the whole thing work, without a server or a download
  lao init               set up this folder and find the local model server
  lao run plans/app.md   turn a plan into reviewed, committed code

Runs survive anything: interrupt one in any way, type the same command, and it goes on.
`lao help COMMAND` has examples and says what to do next.";

const DOCTOR_HELP: &str = "\
Example:
  lao doctor

Each line is ok, a warning or a problem; a problem says its cure. It ends with the code that a run
would end with.
Next: `lao run PLAN` when nothing is a problem.";

/// Runs AI work on your own machine and does not lose it.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "lao",
    version,
    propagate_version = false,
    after_help = AFTER_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    max_term_width = 100
)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Work on the project in DIR instead of the current folder or its parents
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Print JSON, one object a line, for programs to read
    #[arg(long, global = true)]
    pub json: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Print results and errors only, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more of what happens; twice for every event
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Override a configuration value by its dotted path, as in `--set git.enabled=false`; repeatable
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub overrides: Vec<Override>,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also in a pipe.
    Always,
    /// Not at all.
    Never,
}

/// How much is said about what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Results and errors.
    Quiet,
    /// What decides a run's course.
    Normal,
    /// Every effect.
    Verbose,
    /// Every event.
    Everything,
}

impl GlobalArgs {
    /// How much to say.
    pub const fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Verbose,
            (false, 2..) => Verbosity::Everything,
        }
    }
}

/// What `lao` can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Set up this folder: lao.toml, plans/, .gitignore; finds the local model server
    Init(InitArgs),
    /// Turn plans into reviewed, committed code, or run a workflow
    Run(RunArgs),
    /// Run steps on one line: `"transcribe talk.wav | summarize | save talk.md"`
    Chain(ChainArgs),
    /// Run a workflow for each file that comes, and on schedule
    Watch(WatchArgs),
    /// Keep the triggers of all workflows of the project
    Serve(ServeArgs),
    /// Check workflows and tell every mistake
    Validate(ValidateArgs),
    /// Draw the steps of a workflow or a run
    Graph(GraphArgs),
    /// List the steps that chains are made of
    Steps(StepsArgs),
    /// Make a new workflow, from a template or a description
    New(NewArgs),
    /// Look after model files, such as those of Whisper
    Models(ModelsArgs),
    /// Go on with an interrupted run
    Resume(ResumeArgs),
    /// List the runs of the project
    Runs(RunsArgs),
    /// Say how a run stands and what to do next
    Status(StatusArgs),
    /// Show a run, or one of its steps in detail
    Show(ShowArgs),
    /// Print what happened in a run, event by event
    Log(LogArgs),
    /// Say how two runs differ, step by step
    Diff(DiffArgs),
    /// Derive a run again from its journal, without a model, and compare
    Replay(ReplayArgs),
    /// Branch a new run off an event of another, with another model, prompt or setting
    Fork(ForkArgs),
    /// Do a step and what depends on it again, in a new run that keeps the rest
    Rerun(RerunArgs),
    /// Write the files of a run as they were at one of its events
    Checkout(CheckoutArgs),
    /// Say which event, step, attempt and model wrote each line of a file
    Blame(BlameArgs),
    /// Write a run into one file, to be carried elsewhere
    Export(ExportArgs),
    /// Read a run from a file that `lao export` wrote
    Import(ImportArgs),
    /// Send failed steps back to be done again
    Retry(RetryArgs),
    /// End a run for good
    Cancel(CancelArgs),
    /// Answer a question that a run waits for
    Answer(AnswerArgs),
    /// Check server, models, git, disk and journal, and say how to mend what is wrong
    #[command(after_help = DOCTOR_HELP)]
    Doctor,
    /// Look at the configuration
    Config(ConfigArgs),
    /// Test plans, prompts and policies: runs with a script
    Scenario(ScenarioArgs),
    /// Look after the journal files
    Journal(JournalArgs),
    /// Remove runs that are no longer needed, and their blobs
    Prune(PruneArgs),
    /// Keep a run whatever `lao prune` is told
    Pin(PinArgs),
    /// Let `lao prune` remove a run again
    Unpin(UnpinArgs),
    /// Run a small real plan with a scripted model: no server, no download
    Demo(DemoArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

impl Cli {
    /// Reads the arguments of the process, program name first.
    ///
    /// Help and version are printed and end with 0; a mistake is reported on stderr, as JSON where
    /// `--json` is among the arguments, and ends with 2.
    ///
    /// # Errors
    /// The exit code to end with.
    pub fn parse_or_exit_code<I>(args: I) -> Result<Self, ExitCode>
    where
        I: IntoIterator<Item = OsString>,
    {
        let args: Vec<OsString> = args.into_iter().collect();
        let wants_json = args.iter().any(|arg| arg == "--json");
        Self::try_parse_from(args).map_err(|error| report(&error, wants_json.into()))
    }

    /// The whole command line as clap describes it.
    pub fn description() -> clap::Command {
        Self::command()
    }
}

/// The form of an error report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportForm {
    Text,
    Json,
}

impl From<bool> for ReportForm {
    fn from(wants_json: bool) -> Self {
        if wants_json { Self::Json } else { Self::Text }
    }
}

fn report(error: &clap::Error, form: ReportForm) -> ExitCode {
    let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done };
    if code == ExitCode::Usage && form == ReportForm::Json {
        Output::stderr().line(&usage_error(error).to_json());
    } else {
        // A reader who left needs no help text.
        error.print().unwrap_or_default();
    }
    code
}

/// clap's report as one of ours: its first line is the message, what follows are the hints.
fn usage_error(error: &clap::Error) -> CliError {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("the arguments cannot be understood");
    let message = first.strip_prefix("error: ").unwrap_or(first);
    lines.fold(CliError::new(ExitCode::Usage, message), CliError::hint)
}

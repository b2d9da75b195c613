//! Arguments of the commands about workflows: `validate`, `graph`, `chain`, `steps`, `new`,
//! `watch`, `serve` and `models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ModelOverride;

const VALIDATE_HELP: &str = "\
Examples:
  lao validate flow.yaml
  lao validate flow.yaml --json    problems for an editor

Every mistake is told at once, with its line and its cure; docs/workflow.schema.json lets editors
complete the file. It ends with 2 when something is wrong.
Next: `lao run flow.yaml`.";

/// `lao validate`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = VALIDATE_HELP)]
pub struct ValidateArgs {
    /// The workflows, YAML files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

const GRAPH_HELP: &str = "\
Examples:
  lao graph flow.yaml                       the steps, and what each needs
  lao graph last                            a run, with how its steps stand
  lao graph flow.yaml --format svg > flow.svg

Next: `lao show RUN --step STEP` for the inside of a step.";

/// `lao graph`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = GRAPH_HELP)]
pub struct GraphArgs {
    /// A workflow's file, or a run
    #[arg(value_name = "FILE|RUN")]
    pub what: String,
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Text)]
    pub format: GraphFormat,
}

/// Forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Lines for a terminal.
    Text,
    /// A Mermaid flowchart.
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
}

const CHAIN_HELP: &str = "\
Examples:
  lao chain \"transcribe talk.wav | summarize | save talk.md\"
  cat notes.txt | lao chain summarize > short.txt
  lao chain \"read report.md | translate German\" --to translate.yaml

Steps are those that `lao steps` lists: built-in ones, and prompt files in the project's steps/ folder.
Standard input is what the first step takes; the last result goes to standard output, progress to
standard error. --to writes the workflow that the chain stands for and runs nothing.
Next: `lao steps`; `lao run flow.yaml` once a chain has become a file.";

/// `lao chain`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = CHAIN_HELP)]
pub struct ChainArgs {
    /// The steps, with | between them
    #[arg(value_name = "CHAIN")]
    pub chain: String,
    /// The text that the first step takes, instead of standard input
    #[arg(long, value_name = "TEXT")]
    pub input: Option<String>,
    /// Use another model for a role; repeatable
    #[arg(long = "model", value_name = "ROLE=MODEL")]
    pub models: Vec<ModelOverride>,
    /// Write the workflow to FILE (- for standard output) and run nothing
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

const STEPS_HELP: &str = "\
Examples:
  lao steps
  lao steps --json

A file steps/NAME.md is a step of the project's own: front matter, then the prompt with ${{ input }}.
Next: `lao chain \"read FILE | NAME\"`; docs/workflows.md has every kind of step.";

/// `lao steps`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = STEPS_HELP)]
pub struct StepsArgs {}

const NEW_HELP: &str = "\
Examples:
  lao new workflow notes                                     a commented file to change
  lao new workflow notes --from \"transcribe what lies in inbox, summarise it, save Markdown\"

With a description, a model drafts the file. It is checked like any other, mended where it is wrong,
shown, and only then saved; nothing that exists is overwritten.
Next: `lao validate NAME.yaml`, `lao run NAME.yaml`.";

/// `lao new`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = NEW_HELP)]
pub struct NewArgs {
    /// What to make.
    #[command(subcommand)]
    pub what: NewWhat,
}

/// What can be made.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum NewWhat {
    /// A workflow
    #[command(after_help = NEW_HELP)]
    Workflow(NewWorkflowArgs),
}

/// `lao new workflow`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NewWorkflowArgs {
    /// Its name; the file is NAME.yaml
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it is to do, in your own words; a model drafts it
    #[arg(long, value_name = "DESCRIPTION")]
    pub from: Option<String>,
    /// Save the draft without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Use another model for a role; repeatable
    #[arg(long = "model", value_name = "ROLE=MODEL")]
    pub models: Vec<ModelOverride>,
}

const WATCH_HELP: &str = "\
Examples:
  lao watch voice-notes.yaml
  lao watch voice-notes.yaml --input folder=~/Recordings
  lao watch voice-notes.yaml --once     what is there now, then end

Each file that has stopped growing starts a run of its own, once: content that was seen is not done
again, also after a restart, and files that came in between are found. Ctrl-C stops; nothing is lost.
Next: `lao runs`; docs/running-unattended.md to start it with the machine.";

/// `lao watch`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = WATCH_HELP)]
pub struct WatchArgs {
    /// The workflow, a YAML file with `on:`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// An input of the workflow, as NAME=VALUE; repeatable
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Use another model for a role; repeatable
    #[arg(long = "model", value_name = "ROLE=MODEL")]
    pub models: Vec<ModelOverride>,
    /// Do what is due now, then end
    #[arg(long)]
    pub once: bool,
}

const SERVE_HELP: &str = "\
Examples:
  lao serve                 every workflow in workflows/ that has triggers
  lao serve a.yaml b.yaml   these

Folders are watched and schedules kept until Ctrl-C or a signal.
Next: `lao runs`; docs/running-unattended.md to start it with the machine.";

/// `lao serve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeArgs {
    /// The workflows; without them, all of workflows/ that have triggers
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Do what is due now, then end
    #[arg(long)]
    pub once: bool,
}

const MODELS_HELP: &str = "\
Examples:
  lao models list
  lao models add whisper ~/Downloads/ggml-base.bin
  lao models add whisper ggml-base.bin --name base
  lao models remove whisper base

A model file is looked through before it is kept: a cut or foreign one never reaches the engine.
Next: a workflow with `transcribe`, or `lao chain \"transcribe talk.wav\"`.";

/// `lao models`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = MODELS_HELP)]
pub struct ModelsArgs {
    /// What to do with model files.
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What can be done with model files.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ModelsCommand {
    /// List the model files that LAO keeps
    #[command(after_help = MODELS_HELP)]
    List,
    /// Check a model file and keep a copy
    #[command(after_help = MODELS_HELP)]
    Add(ModelsAddArgs),
    /// Remove a model file
    #[command(after_help = MODELS_HELP)]
    Remove(ModelsRemoveArgs),
}

/// Engines that run model files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// whisper.cpp: speech to text.
    Whisper,
}

/// `lao models add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ModelsAddArgs {
    /// The engine that runs it
    #[arg(value_name = "ENGINE", value_enum)]
    pub engine: EngineName,
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Its name here; otherwise that of the file
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `lao models remove`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ModelsRemoveArgs {
    /// The engine that runs it
    #[arg(value_name = "ENGINE", value_enum)]
    pub engine: EngineName,
    /// Its name here
    #[arg(value_name = "NAME")]
    pub name: String,
}

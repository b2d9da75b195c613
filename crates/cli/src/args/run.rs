//! Arguments of the commands that do work: `run` and `resume`.

use std::path::PathBuf;

use clap::Args;

use super::{ModelOverride, RunSelector};

const RUN_HELP: &str = "\
Examples:
  lao run plans/app.md                      this plan, until it is done
  lao run                                   everything in plans/, then watch for new and changed plans
  lao run --once                            everything in plans/, then end
  lao run plans/app.md --model coder=qwen3-coder:30b
  lao run plans/app.md --workspace ~/src/shop   work in a git worktree of that repository
  lao run flow.yaml --input folder=inbox    a workflow
  lao run flow.yaml --dry-run               what would be done, without doing it

A plan that was run already is not run twice: the same text is skipped (--again runs it anew), and
an unfinished run goes on where it was. Ctrl-C ends gracefully, a second Ctrl-C at once.
Next: `lao status` while it runs, `lao show last` afterwards.";

/// `lao run`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RUN_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is there or not")]
pub struct RunArgs {
    /// The plan, a Markdown file, or the workflow, a YAML file; without it, everything in plans/
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// End when nothing is left instead of watching for new plans
    #[arg(long)]
    pub once: bool,
    /// Run the plan anew although the same text was run before
    #[arg(long)]
    pub again: bool,
    /// Make no commits
    #[arg(long)]
    pub no_git: bool,
    /// An input of the workflow, as NAME=VALUE, or the text that it takes; repeatable
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Say what the workflow would do and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Run this step of the workflow alone, with what it needs
    #[arg(long, value_name = "STEP")]
    pub only: Option<String>,
    /// Use another model for a role; repeatable
    #[arg(long = "model", value_name = "ROLE=MODEL")]
    pub models: Vec<ModelOverride>,
    /// Work in DIR; a git repository is left as it is and worked on in a worktree of its own
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
}

const RESUME_HELP: &str = "\
Examples:
  lao resume          the last interrupted run
  lao resume x7k2q    this one, by the last part of its id

It first says what is known to be done, what is unknown and what it will do. Nothing that ended is
done twice. `lao run` with the same plan resumes as well.
Next: `lao status`; `lao answer` when the run waits for you.";

/// `lao resume`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RESUME_HELP)]
pub struct ResumeArgs {
    /// The run: its id, a unique beginning, its last part, or `last`; without it, the last interrupted one
    #[arg(value_name = "RUN")]
    pub run: Option<RunSelector>,
}

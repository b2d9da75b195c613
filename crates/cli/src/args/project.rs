//! Arguments of the commands about the project and the program: `init`, `config`, `demo`
//! and `completions`.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Subcommand};
use clap_complete::Shell;

use super::Cli;

const INIT_HELP: &str = "\
Examples:
  lao init          look for a model server, ask what is unclear
  lao init --yes    ask nothing

It writes lao.toml, plans/ and a line in .gitignore, fills in the local servers that answer (Ollama,
LM Studio, llama-server, vLLM) and the models they have. Nothing that exists is overwritten.
Next: write plans/app.md, then `lao run plans/app.md`; `lao doctor` when something is missing.";

/// `lao init`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = INIT_HELP)]
pub struct InitArgs {
    /// Ask nothing; take what is found
    #[arg(short, long)]
    pub yes: bool,
}

const CONFIG_HELP: &str = "\
Example:
  lao config show

Next: edit lao.toml; docs/configuration.md describes every key.";

/// `lao config`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = CONFIG_HELP)]
pub struct ConfigArgs {
    /// What to do with the configuration.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What can be done with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print every value and where it comes from
    Show(ConfigShowArgs),
}

const CONFIG_SHOW_HELP: &str = "\
Examples:
  lao config show                 every value
  lao config show roles.coder     those below this key

Layers, later ones win: built-in, user folder, lao.toml, LAO_* environment, flags.
Next: `--set KEY=VALUE` tries another value for one command.";

/// `lao config show`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = CONFIG_SHOW_HELP)]
pub struct ConfigShowArgs {
    /// Dotted path of a value or of a group of values
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
}

const DEMO_HELP: &str = "\
Examples:
  lao demo            in ./lao-demo
  lao demo /tmp/try   in that folder

Only the model is played, from a script: tools write files, the checks run the project's real tests,
git records, the journal holds it all.
Next: what it says at its end.";

/// `lao demo`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// The folder to work in
    #[arg(value_name = "DIR", default_value = "lao-demo")]
    pub folder: PathBuf,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  lao completions bash > ~/.local/share/bash-completion/completions/lao
  lao completions zsh > ~/.zfunc/_lao
  lao completions fish > ~/.config/fish/completions/lao.fish

Next: open a new shell.";

/// `lao completions`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

impl CompletionsArgs {
    /// The completion script.
    pub fn script(&self) -> String {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lao", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

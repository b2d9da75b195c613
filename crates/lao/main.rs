//! The `lao` binary: the one place that sees every crate and puts them together.
//!
//! ```text
//!   arguments -> command -> project, config -> world -> run -> screen
//! ```

mod blob_names;
mod commands;
mod drive;
mod failure;
mod flow_file;
mod flow_run;
mod flow_world;
mod fork_place;
mod plan_run;
mod plans_inside;
mod preflight;
mod project;
mod quiet;
mod results;
mod screen;
mod secrets;
mod settings_change;
mod signal;
mod watch;
mod watching;
mod world;

use std::process::ExitCode as ProcessExit;

use lao_cli::{Cli, CliError, Command, ExitCode};

use crate::{commands as c, commands::prune::Pin, failure::io_failure, screen::Screen};

fn main() -> ProcessExit {
    let cli = match Cli::parse_or_exit_code(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code.into(),
    };
    let code = run(&cli).unwrap_or_else(|error| error.report(&cli.global));
    code.into()
}

fn run(cli: &Cli) -> Result<ExitCode, CliError> {
    let mut screen = Screen::new(&cli.global);
    let code = match &cli.command {
        Command::Config(args) => c::config::run(&cli.global, args, &mut screen)?,
        Command::Blame(args) => c::blame::blame(&cli.global, args, &mut screen)?,
        Command::Checkout(args) => c::checkout::checkout(&cli.global, args, &mut screen)?,
        Command::Export(args) => c::export::export(&cli.global, args, &mut screen)?,
        Command::Import(args) => c::import::import(&cli.global, args, &mut screen)?,
        Command::Scenario(args) => c::scenario::run(&cli.global, args, &mut screen)?,
        Command::Pin(args) => c::prune::pin(&cli.global, (&args.run, Pin::On), &mut screen)?,
        Command::Unpin(args) => c::prune::pin(&cli.global, (&args.run, Pin::Off), &mut screen)?,
        Command::Validate(args) => c::flow::validate(&cli.global, args, &mut screen)?,
        Command::Steps(args) => c::chain::steps(&cli.global, args, &mut screen)?,
        Command::Models(args) => c::models::run(args, &mut screen)?,
        Command::Completions(args) => {
            screen.output.text(&args.script());
            ExitCode::Done
        }
        Command::Init(_)
        | Command::Run(_)
        | Command::Resume(_)
        | Command::Replay(_)
        | Command::Fork(_)
        | Command::Rerun(_)
        | Command::Runs(_)
        | Command::Status(_)
        | Command::Show(_)
        | Command::Log(_)
        | Command::Diff(_)
        | Command::Retry(_)
        | Command::Cancel(_)
        | Command::Answer(_)
        | Command::Doctor
        | Command::Journal(_)
        | Command::Prune(_)
        | Command::Chain(_)
        | Command::Watch(_)
        | Command::Serve(_)
        | Command::Graph(_)
        | Command::New(_)
        | Command::Demo(_) => with_tokio(cli, &mut screen)?,
    };
    screen.close(code)
}

/// Commands that talk to servers, sockets or runs. One thread serves all actors: they wait for
/// models and the disk, and what blocks has threads of its own.
fn with_tokio(cli: &Cli, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| io_failure("cannot start the runtime", &error))?;
    runtime.block_on(dispatch(cli, screen))
}

async fn dispatch(cli: &Cli, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let global = &cli.global;
    match &cli.command {
        Command::Init(args) => c::init::run(global, args, screen).await,
        Command::Run(args) => c::run::run(global, args, screen).await,
        Command::Resume(args) => c::resume::resume(global, args, screen).await,
        Command::Replay(args) => c::replay::replay(global, args, screen).await,
        Command::Fork(args) => c::fork::fork(global, args, screen).await,
        Command::Rerun(args) => c::fork::rerun(global, args, screen).await,
        Command::Runs(args) => c::look::runs(global, args, screen).await,
        Command::Status(args) => c::look::status(global, args, screen).await,
        Command::Show(args) => c::look::show(global, args, screen).await,
        Command::Log(args) => c::look::log(global, args, screen).await,
        Command::Diff(args) => c::diff::diff(global, args, screen).await,
        Command::Retry(args) => c::resume::retry(global, args, screen).await,
        Command::Cancel(args) => c::act::cancel(global, args, screen).await,
        Command::Answer(args) => c::act::answer(global, args, screen).await,
        Command::Doctor => c::doctor::run(global, screen).await,
        Command::Demo(args) => c::demo::run(global, args, screen).await,
        Command::Journal(args) => c::journal::run(global, args, screen).await,
        Command::Prune(args) => c::prune::prune(global, args, screen).await,
        Command::Graph(args) => c::graph::graph(global, args, screen).await,
        Command::Chain(args) => c::chain::chain(global, args, screen).await,
        Command::Watch(args) => c::watch::watch(global, args, screen).await,
        Command::Serve(args) => c::watch::serve(global, args, screen).await,
        Command::New(args) => c::new::new(global, args, screen).await,
        Command::Config(_)
        | Command::Validate(_)
        | Command::Steps(_)
        | Command::Models(_)
        | Command::Scenario(_)
        | Command::Blame(_)
        | Command::Checkout(_)
        | Command::Export(_)
        | Command::Import(_)
        | Command::Pin(_)
        | Command::Unpin(_)
        | Command::Completions(_) => {
            unreachable!("served without a runtime")
        }
    }
}

//! `lao runs`, `lao status`, `lao show`, `lao log`: look at runs, whether a process works on them
//! or not.

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, LogArgs, RunSelector, RunsArgs, ShowArgs, StatusArgs},
    output::Listener,
    render::{self, RunsOrder, json},
};
use lao_gateway::{Client, live, offline};
use lao_history::RunFolder;
use lao_protocol::{EventView, Reply, Request, RunStatus, RunSummary, StepView, Update};

use super::{resume::rejected, travel};
use crate::{
    failure::{internal, view_failure},
    project::{Project, state_of},
    screen::Screen,
};

pub(crate) async fn runs(
    global: &GlobalArgs,
    args: &RunsArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let mut folders = project.list()?;
    folders.reverse();
    let shown = if args.all { folders.len() } else { args.limit.min(folders.len()) };
    let hidden = folders.len() - shown;
    folders.truncate(shown);
    let mut summaries: Vec<RunSummary> = Vec::with_capacity(shown);
    for folder in &folders {
        summaries.push(offline::summary(folder).await);
    }
    let order = if args.tree { RunsOrder::Family } else { RunsOrder::Newest };
    screen.report_all(&summaries, |runs, style| render::runs(runs, (order, hidden), style));
    Ok(ExitCode::Done)
}

pub(crate) async fn status(
    global: &GlobalArgs,
    args: &StatusArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(args.run.as_ref().unwrap_or(&RunSelector::Last))?;
    let status = status_of(&folder).await?;
    screen.report(&status, render::status);
    Ok(ExitCode::Done)
}

/// A run as its process or its journal tells.
pub(crate) async fn status_of(folder: &RunFolder) -> Result<RunStatus, CliError> {
    if let Some(mut client) = live(folder).await.map_err(|error| internal(&error))? {
        let reply = client.request(&Request::Status).await.map_err(|error| internal(&error))?;
        return match reply {
            Reply::Status(status) => Ok(*status),
            reply @ (Reply::Hello { .. }
            | Reply::Step(_)
            | Reply::Update(_)
            | Reply::Done
            | Reply::Rejected { .. }) => Err(unexpected(&reply)),
        };
    }
    let view = offline::view(folder).map_err(|error| view_failure(&error))?;
    Ok(view.status(None))
}

fn unexpected(reply: &Reply) -> CliError {
    rejected(reply).unwrap_or_else(|| {
        CliError::new(
            ExitCode::Internal,
            "the run's process gave another answer than was asked for",
        )
    })
}

pub(crate) async fn show(
    global: &GlobalArgs,
    args: &ShowArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(&args.run)?;
    if let Some(at) = args.at {
        return travel::show(&folder, (args.step.as_deref(), at), screen);
    }
    let status = status_of(&folder).await?;
    let Some(key) = &args.step else {
        screen.report(&status, render::show);
        return Ok(ExitCode::Done);
    };
    let step = step_of(&folder, key).await?.ok_or_else(|| no_step(&status, key))?;
    screen.report(&step, |step, style| render::step(&status, step, style));
    Ok(ExitCode::Done)
}

/// No step is called so.
pub(crate) fn no_step(status: &RunStatus, key: &str) -> CliError {
    let keys: Vec<&str> = status.steps.iter().map(|step| step.key.as_str()).collect();
    CliError::new(ExitCode::Usage, format!("run {} has no step {key:?}", status.summary.run))
        .hint(format!("it has: {}", keys.join(", ")))
}

async fn step_of(folder: &RunFolder, key: &str) -> Result<Option<StepView>, CliError> {
    if let Some(mut client) = live(folder).await.map_err(|error| internal(&error))? {
        let request = Request::Step { key: key.to_owned() };
        let reply = client.request(&request).await.map_err(|error| internal(&error))?;
        return match reply {
            Reply::Step(step) => Ok(Some(*step)),
            Reply::Rejected { .. } => Ok(None),
            reply @ (Reply::Hello { .. } | Reply::Status(_) | Reply::Update(_) | Reply::Done) => {
                Err(unexpected(&reply))
            }
        };
    }
    let contents = state_of(folder).contents().map_err(|error| internal(&error))?;
    offline::step(folder, key, &contents).map_err(|error| view_failure(&error))
}

pub(crate) async fn log(
    global: &GlobalArgs,
    args: &LogArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(&args.run)?;
    match live(&folder).await.map_err(|error| internal(&error))? {
        Some(client) if args.follow => follow(client, args.from, screen).await?,
        Some(mut client) => client
            .events(args.from, |event| show_event(event, screen))
            .await
            .or_else(Stop::into_result)?,
        None => offline::events(&folder, args.from, |event| show_event(event, screen))
            .or_else(Stop::into_result)?,
    }
    Ok(ExitCode::Done)
}

/// Why no more events are shown.
enum Stop {
    /// Nobody reads any more.
    ReaderLeft,
    Failed(CliError),
}

impl Stop {
    fn into_result(self) -> Result<(), CliError> {
        match self {
            Self::ReaderLeft => Ok(()),
            Self::Failed(error) => Err(error),
        }
    }
}

impl From<lao_gateway::ClientError> for Stop {
    fn from(error: lao_gateway::ClientError) -> Self {
        Self::Failed(internal(&error))
    }
}

impl From<lao_gateway::ViewError> for Stop {
    fn from(error: lao_gateway::ViewError) -> Self {
        Self::Failed(view_failure(&error))
    }
}

fn show_event(event: EventView, screen: &mut Screen) -> Result<(), Stop> {
    let listener = if screen.json {
        screen.output.line(&json::line(&Update::Event(event)))
    } else {
        screen.output.line(render::log_line(&event, &screen.style).trim_end_matches('\n'))
    };
    heard(listener)
}

fn heard(listener: Listener) -> Result<(), Stop> {
    match listener {
        Listener::Present => Ok(()),
        Listener::Gone => Err(Stop::ReaderLeft),
    }
}

/// Events, for programs also what else happens, until the run's process is done with it.
async fn follow(client: Client, from: u64, screen: &mut Screen) -> Result<(), CliError> {
    let mut follow = client.follow(from).await.map_err(|error| internal(&error))?;
    while let Some(update) = follow.next().await.map_err(|error| internal(&error))? {
        let shown = match update {
            Update::Event(event) => show_event(event, screen),
            Update::Tokens { .. }
            | Update::Transcribed { .. }
            | Update::Retrying { .. }
            | Update::Waiting { .. }
            | Update::DiskSlow { .. }
            | Update::DiskCaughtUp { .. }
            | Update::WorkerRestarted { .. }
            | Update::Finished(_) => show_passing(&update, screen),
        };
        if let Err(stop) = shown {
            return stop.into_result();
        }
    }
    Ok(())
}

/// What is no event is for programs; a person follows `lao run`.
fn show_passing(update: &Update, screen: &mut Screen) -> Result<(), Stop> {
    if screen.json { heard(screen.output.line(&json::line(update))) } else { Ok(()) }
}

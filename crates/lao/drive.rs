//! Drives one run in this process: socket, live view, signals, summary, exit code.

use std::time::Duration;

use lao_cli::{CliError, ExitCode, LiveView, args::GlobalArgs, render};
use lao_gateway::{Follow, LiveRun, Updates, serve, socket_path};
use lao_kernel::Command;
use lao_protocol::{RunStatus, RunStatusCode, Update};
use lao_runtime::{Begin, RunHandle, RunSpec, Supervisor};

use crate::{
    failure::{begin_failure, gave_up},
    screen::Screen,
    signal::{Signals, asked_to_end},
    world::wall_ms,
};

/// How often the live view shows that time passes.
const TICK: Duration = Duration::from_millis(250);

/// How a run left the process.
pub(crate) struct Driven {
    pub status: RunStatus,
    pub code: ExitCode,
}

/// Takes a run up and stays with it until it leaves the process. What happened before is known to
/// whoever resumes a run: `before` is how it stood then.
pub(crate) async fn drive(
    global: &GlobalArgs,
    mut spec: RunSpec,
    (begin, before): (Begin, Option<&RunStatus>),
    screen: &mut Screen,
) -> Result<Driven, CliError> {
    let folder = spec.folder.clone();
    let contents = spec.contents.clone();
    let path = socket_path(&folder.run);
    spec.socket = Some(path.clone());
    let mut signals = Signals::listen()?;
    if asked_to_end() {
        let message = "interrupted before the run went on";
        return Err(
            CliError::new(ExitCode::Interrupted, message).hint("type the same command to go on")
        );
    }
    let supervisor = Supervisor::spawn().await.map_err(|error| begin_failure(&error))?;
    let handle = supervisor.begin(spec, begin).await.map_err(|error| begin_failure(&error))?;
    let live = LiveRun::observe(handle.clone(), folder, contents).await;
    // Without a socket the run goes on; other commands then wait for its end.
    let server = serve(live.clone(), &path).ok();
    let mut view = live_view(global, screen);
    if let Some(before) = before {
        view.begin_with(before);
    }
    let mut updates = live.follow(before.map_or(1, |before| before.events + 1));
    let watched = watch(&handle, (&live, &mut updates), &mut view, &mut signals).await;
    view.finish();
    let finish = handle.finished().await;
    let status = match watched {
        Some(status) => status,
        None => ended_at_once(live.status()),
    };
    if let Some(server) = server {
        server.close().await;
    }
    if let Some(error) = gave_up(&finish) {
        return Err(error);
    }
    show_summary(global, &status, screen);
    let code = ExitCode::from_status(&status);
    Ok(Driven { status, code })
}

/// A run as it stands when its process leaves it in the midst of things.
fn ended_at_once(mut status: RunStatus) -> RunStatus {
    status.summary.status = RunStatusCode::Interrupted;
    status.summary.pid = None;
    status
}

/// Shows updates until the run has left; signals stop it, the second one at once, and then its
/// last state is not known here.
async fn watch(
    handle: &RunHandle,
    (live, updates): (&LiveRun, &mut Updates),
    view: &mut LiveView,
    signals: &mut Signals,
) -> Option<RunStatus> {
    let mut tick = tokio::time::interval(TICK);
    let mut stopping = false;
    loop {
        tokio::select! {
            update = updates.next() => match update.as_deref() {
                Some(update) => {
                    view.update(update, wall_ms());
                    if let Update::Finished(status) = update {
                        return Some((**status).clone());
                    }
                }
                None => return Some(live.status()),
            },
            _ = tick.tick() => {
                view.tick(wall_ms());
            }
            () = signals.next() => {
                if stopping {
                    handle.abort();
                    return None;
                }
                stopping = true;
                view.say(&stopping_words(&live.status()), wall_ms());
                if let Err(rejection) = handle.command(Command::Stop).await {
                    view.say(&rejection.to_string(), wall_ms());
                }
            }
        }
    }
}

/// What is said at the first Ctrl-C.
fn stopping_words(status: &RunStatus) -> String {
    let flying: Vec<String> = status
        .in_flight
        .iter()
        .map(|flight| match &flight.step {
            Some(step) => format!("{step}: {}", flight.text),
            None => flight.text.clone(),
        })
        .collect();
    let waits = if flying.is_empty() {
        "nothing is in flight".to_owned()
    } else {
        format!("waiting for {}", flying.join("; "))
    };
    format!("stopping; {waits} (Ctrl-C again stops at once; nothing is lost either way)")
}

/// Follows a run that another process works on until that process is done with it.
pub(crate) async fn attach(
    global: &GlobalArgs,
    mut follow: Follow,
    screen: &mut Screen,
) -> Result<Driven, CliError> {
    let mut signals = Signals::listen()?;
    let mut view = LiveView::on_stdout(global);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            update = follow.next() => {
                let update = update.map_err(|error| {
                    CliError::from_error(ExitCode::Interrupted, &error)
                        .hint("`lao resume` takes the run up where it was")
                })?;
                let Some(update) = update else {
                    return Err(CliError::new(ExitCode::Interrupted, "the run's process has ended")
                        .hint("`lao resume` takes the run up where it was"));
                };
                view.update(&update, wall_ms());
                if let Update::Finished(status) = update {
                    view.finish();
                    show_summary(global, &status, screen);
                    let code = ExitCode::from_status(&status);
                    return Ok(Driven { status: *status, code });
                }
            }
            _ = tick.tick() => {
                view.tick(wall_ms());
            }
            () = signals.next() => {
                view.finish();
                return Err(CliError::new(ExitCode::Interrupted, "no longer watching; the run goes on in its own process")
                    .hint("`lao cancel RUN` ends it; Ctrl-C where it runs stops it"));
            }
        }
    }
}

/// Where progress is shown.
fn live_view(global: &GlobalArgs, screen: &Screen) -> LiveView {
    if screen.filters { LiveView::on_stderr(global) } else { LiveView::on_stdout(global) }
}

/// The end, for people; with `--json` the last update says it. Of a run whose result is all that is
/// wanted, only what went wrong.
fn show_summary(global: &GlobalArgs, status: &RunStatus, screen: &mut Screen) {
    if screen.filters {
        let succeeded = ExitCode::from_status(status) == ExitCode::Done;
        if !global.json && !succeeded {
            let style = lao_cli::Style::for_stderr(global.color);
            lao_cli::Output::stderr().text(&render::summary(status, &style));
        }
        return;
    }
    if !global.json {
        screen.output.text(&render::summary(status, &screen.style));
    }
}

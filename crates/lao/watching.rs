//! Triggers kept in this process: folders watched, schedules followed, a run for each firing.
//!
//! ```text
//!   FolderWatch --settled file--> Watching --TriggerFired, durable--> run --over--> TriggerEnded
//!   the clock -----moment------->    '-- what was fired and is not over, after a restart
//! ```
//!
//! A firing is durable before its run is begun, under an identity that it names, and ends when that
//! run is over. So whoever takes the triggers up again begins or resumes just the runs that are
//! open, and no content is done twice.

mod flow;
mod runs;

use std::time::Duration;

use lao_cli::{
    CliError, ExitCode,
    render::{self, WatchEvent, WatchLine},
    units,
};
use lao_config::Config;
use lao_event::{
    RunId,
    latest::{TriggerCause, TriggerFired, TriggerOutcome},
};
use lao_trigger::Noticed;
use tokio::sync::mpsc;

pub(crate) use self::flow::KeptFlow;
use self::{
    flow::Found,
    runs::{End, Over, Runs},
};
use crate::{project::Project, screen::Screen, signal::Signals, world::wall_ms};

/// Settled files that may wait to be looked at.
const FOUND_MAX: usize = 64;
/// How long a run that stopped rests before it is taken up again.
const REST: Duration = Duration::from_secs(20);
/// The longest sleep at once: the clock may be set while it lasts.
const SLEEP_MAX: Duration = Duration::from_secs(30);
/// How long nothing must happen before a watch that is to end by itself does.
const QUIET: Duration = Duration::from_millis(1500);

/// Whether triggers are kept until a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until the process is asked to end.
    Asked,
    /// Until nothing is left to be done.
    Done,
}

/// The workflows whose triggers are kept, and their runs.
pub(crate) struct Watching<'a> {
    project: &'a Project,
    config: &'a Config,
    flows: Vec<KeptFlow>,
    runs: Runs,
    worst: ExitCode,
}

impl<'a> Watching<'a> {
    pub(crate) async fn new(
        project: &'a Project,
        config: &'a Config,
        flows: Vec<KeptFlow>,
    ) -> Result<Self, CliError> {
        let runs = Runs::new(config).await?;
        Ok(Self { project, config, flows, runs, worst: ExitCode::Done })
    }

    /// Keeps the triggers.
    pub(crate) async fn keep(
        mut self,
        until: Until,
        screen: &mut Screen,
    ) -> Result<ExitCode, CliError> {
        let mut signals = Signals::listen()?;
        let (sender, mut found) = mpsc::channel(FOUND_MAX);
        for index in 0..self.flows.len() {
            self.take_up(index, screen);
            self.flows[index].watch(index, &sender)?;
            self.say(screen, index, WatchEvent::Ready, (None, &self.flows[index].ready_words()));
        }
        drop(sender);
        let quiet = QUIET + self.flows.iter().map(KeptFlow::settle).max().unwrap_or_default();
        let mut stopping = false;
        loop {
            if stopping && self.runs.is_empty() {
                break;
            }
            let busy = !self.runs.is_empty();
            let idle = until == Until::Done && !busy;
            let sleep = self.sleep();
            tokio::select! {
                Some(it) = found.recv(), if !stopping => self.noticed(it, screen)?,
                Some(over) = self.runs.next(), if busy => {
                    self.over(over, stopping, screen)?;
                }
                () = tokio::time::sleep(sleep), if !stopping => self.due(screen)?,
                () = tokio::time::sleep(quiet), if idle && !stopping => break,
                () = signals.next() => {
                    if stopping {
                        self.runs.abort();
                        break;
                    }
                    stopping = true;
                    self.runs.stop().await;
                }
            }
        }
        for flow in self.flows {
            flow.close()?;
        }
        Ok(self.worst)
    }

    /// Begins or resumes what was fired and is not over.
    fn take_up(&mut self, index: usize, screen: &mut Screen) {
        for fired in self.flows[index].open_firings() {
            self.begin(index, fired, screen);
        }
    }

    /// How long to sleep before schedules are looked at.
    fn sleep(&self) -> Duration {
        let next = self.flows.iter().filter_map(KeptFlow::next_due_ms).min();
        let left = next.map(|next| u64::try_from(next - wall_ms()).unwrap_or(0));
        left.map_or(SLEEP_MAX, |left| Duration::from_millis(left).min(SLEEP_MAX))
    }

    fn due(&mut self, screen: &mut Screen) -> Result<(), CliError> {
        for index in 0..self.flows.len() {
            for fired in self.flows[index].due()? {
                self.begin(index, fired, screen);
            }
        }
        Ok(())
    }

    fn noticed(&mut self, found: Found, screen: &mut Screen) -> Result<(), CliError> {
        let Found { flow, watch, noticed } = found;
        match noticed {
            Noticed::Settled(file) => {
                if let Some(fired) = self.flows[flow].settled(watch, file)? {
                    self.begin(flow, fired, screen);
                }
            }
            Noticed::Trouble(trouble) => {
                self.say(screen, flow, WatchEvent::Trouble, (None, &trouble.to_string()));
            }
        }
        Ok(())
    }

    /// Begins the run of a firing, or goes on with it.
    fn begin(&mut self, index: usize, fired: TriggerFired, screen: &mut Screen) {
        let folder = self.project.runs().run(&fired.run);
        let event = if folder.exists() { WatchEvent::Resumed } else { WatchEvent::Fired };
        let words = cause_words(&fired.cause);
        self.say(screen, index, event, (Some(&fired.run), &words));
        let plan = self.flows[index].plan(self.project, &fired.cause);
        self.runs.begin((self.project, self.config), (index, fired, plan), Duration::ZERO);
    }

    fn over(&mut self, over: Over, stopping: bool, screen: &mut Screen) -> Result<(), CliError> {
        let Over { flow, fired, plan, end } = over;
        let run = fired.run.clone();
        let (outcome, event, words) = match end {
            End::Over(outcome, words) => {
                let event = match outcome {
                    TriggerOutcome::Succeeded => WatchEvent::Succeeded,
                    TriggerOutcome::Failed | TriggerOutcome::Cancelled => WatchEvent::Failed,
                };
                (outcome, event, words)
            }
            End::Stopped(words) => {
                self.say(screen, flow, WatchEvent::Stopped, (Some(&run), &words));
                if !stopping {
                    let parts = (self.project, self.config);
                    self.runs.begin(parts, (flow, fired, plan), REST);
                }
                return Ok(());
            }
            End::Waits => {
                if !stopping {
                    let parts = (self.project, self.config);
                    self.runs.begin(parts, (flow, fired, plan), REST);
                }
                return Ok(());
            }
        };
        self.say(screen, flow, event, (Some(&run), &words));
        if outcome == TriggerOutcome::Failed {
            self.worst = self.worst.worse(ExitCode::StepsFailed);
        }
        let next = self.flows[flow].ended(fired.number, outcome)?;
        for fired in next {
            if stopping {
                // It is found open at the next start.
                continue;
            }
            self.begin(flow, fired, screen);
        }
        Ok(())
    }

    fn say(
        &self,
        screen: &mut Screen,
        flow: usize,
        event: WatchEvent,
        (run, text): (Option<&RunId>, &str),
    ) {
        let line = WatchLine {
            time_ms: wall_ms(),
            workflow: self.flows[flow].name().to_owned(),
            event,
            run: run.map(ToString::to_string),
            text: text.to_owned(),
        };
        screen.report(&line, render::watch_line);
    }
}

/// What set a run off, in words.
fn cause_words(cause: &TriggerCause) -> String {
    match cause {
        TriggerCause::File { path, .. } => path.clone(),
        TriggerCause::Schedule { due_ms, late, .. } => {
            let moment = units::rfc3339(*due_ms);
            if *late { format!("due at {moment}, late") } else { format!("due at {moment}") }
        }
        TriggerCause::Manual => "by hand".to_owned(),
    }
}

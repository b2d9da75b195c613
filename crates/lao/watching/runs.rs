//! Runs that go on beside one another in this process, without a screen of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use lao_cli::CliError;
use lao_config::Config;
use lao_event::{
    Hash, RunId,
    latest::{RunOutcome, StopReason, TriggerFired, TriggerOutcome},
};
use lao_gateway::{LiveRun, RunView, live, offline, serve, socket_path};
use lao_history::RunFolder;
use lao_kernel::{Command, Rejection, RunPhase, State};
use lao_protocol::{RunStatus, StepStatus};
use lao_redact::Redactor;
use lao_runtime::{Begin, BeginError, Finish, RunHandle, RunSpec, Supervisor};

use crate::{
    commands::{resume::resumed_settings, run::spec},
    failure::{begin_failure, view_failure},
    flow_run::{self, FlowPlan},
    plan_run,
    project::Project,
    secrets, world,
};

/// A run that left this process.
pub(super) struct Over {
    pub flow: usize,
    pub fired: TriggerFired,
    pub plan: FlowPlan,
    pub end: End,
}

/// How it left.
pub(super) enum End {
    /// It is over; in words, what came of it.
    Over(TriggerOutcome, String),
    /// It stopped, and is taken up again after a rest.
    Stopped(String),
    /// It still waits for a person, or another process works on it.
    Waits,
}

/// The runs under way.
pub(super) struct Runs {
    supervisor: Supervisor,
    /// Made once: it compiles every pattern.
    redactor: Redactor,
    under_way: FuturesUnordered<BoxFuture<'static, Over>>,
    handles: Handles,
}

/// The runs that actors work on.
type Handles = Arc<Mutex<BTreeMap<RunId, RunHandle>>>;

/// All that a run needs, apart from the lifetimes of who begins it.
struct Order {
    supervisor: Supervisor,
    redactor: Redactor,
    handles: Handles,
    project: Project,
    config: Config,
    flow: usize,
    fired: TriggerFired,
    plan: FlowPlan,
}

impl Runs {
    pub(super) async fn new(config: &Config) -> Result<Self, CliError> {
        Ok(Self {
            supervisor: Supervisor::spawn().await.map_err(|error| begin_failure(&error))?,
            redactor: secrets::redactor(config)?,
            under_way: FuturesUnordered::new(),
            handles: Handles::default(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The next that is over.
    pub(super) async fn next(&mut self) -> Option<Over> {
        self.under_way.next().await
    }

    /// Begins a run or goes on with it, after a rest.
    pub(super) fn begin(
        &mut self,
        (project, config): (&Project, &Config),
        (flow, fired, plan): (usize, TriggerFired, FlowPlan),
        rest: Duration,
    ) {
        let order = Order {
            supervisor: self.supervisor.clone(),
            redactor: self.redactor.clone(),
            handles: Arc::clone(&self.handles),
            project: Project::at(project.root.clone()),
            config: config.clone(),
            flow,
            fired,
            plan,
        };
        self.under_way.push(Box::pin(async move {
            tokio::time::sleep(rest).await;
            let end = order.run().await;
            let Order { flow, fired, plan, .. } = order;
            Over { flow, fired, plan, end }
        }));
    }

    /// Lets every run stop where it can be resumed; those that rest are not begun.
    pub(super) async fn stop(&mut self) {
        let handles: Vec<RunHandle> = lock(&self.handles).values().cloned().collect();
        if handles.is_empty() {
            self.under_way.clear();
        }
        for handle in handles {
            // One that is over needs no word.
            drop(handle.command(Command::Stop).await);
        }
    }

    /// Ends every run where it is.
    pub(super) fn abort(&mut self) {
        for handle in lock(&self.handles).values() {
            handle.abort();
        }
    }
}

fn lock(handles: &Handles) -> MutexGuard<'_, BTreeMap<RunId, RunHandle>> {
    handles.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Order {
    async fn run(&self) -> End {
        match self.try_run().await {
            Ok(end) => end,
            // What cannot be begun now may be begun later: a server is away, a model is missing.
            Err(error) => End::Stopped(error.message),
        }
    }

    async fn try_run(&self) -> Result<End, CliError> {
        let folder = self.project.runs().run(&self.fired.run);
        let (spec, begin) = if folder.exists() {
            if let Some(outcome) = plan_run::sealed(&folder) {
                return Ok(over(outcome, &folder));
            }
            if matches!(live(&folder).await, Ok(Some(_))) {
                return Ok(End::Waits);
            }
            let view = offline::view(&folder).map_err(|error| view_failure(&error))?;
            let run = view.state().run().expect("a journal begins with its run");
            if let RunPhase::Ended(outcome) = run.phase {
                return Ok(over(outcome, &folder));
            }
            if waits_for_person(&view) {
                return Ok(End::Waits);
            }
            self.resumed(&folder, view.state())?
        } else {
            self.started()?
        };
        let contents = spec.contents.clone();
        let path = socket_path(&folder.run);
        let spec = RunSpec { socket: Some(path.clone()), ..spec };
        let handle = match self.supervisor.begin(spec, begin).await {
            Ok(handle) => handle,
            Err(BeginError::Rejected(Rejection::Ended)) => return Ok(End::Waits),
            Err(error) => return Err(begin_failure(&error)),
        };
        lock(&self.handles).insert(folder.run.clone(), handle.clone());
        let seen = LiveRun::observe(handle.clone(), folder.clone(), contents).await;
        // Without a socket the run goes on; other commands then wait for its end.
        let server = serve(seen, &path).ok();
        let finish = handle.finished().await;
        lock(&self.handles).remove(&folder.run);
        if let Some(server) = server {
            server.close().await;
        }
        Ok(match finish {
            Finish::Ended(outcome) => over(outcome, &folder),
            Finish::Stopped(reason) => End::Stopped(stop_words(&folder, &reason)),
            Finish::GaveUp { message, storage: _ } => End::Stopped(message),
        })
    }

    fn started(&self) -> Result<(RunSpec, Begin), CliError> {
        let settings = flow_run::settings(&self.project, &self.config, &self.plan.roles())?;
        self.plan.check_secrets(&self.redactor)?;
        let models = Arc::new(world::models(&self.config, &self.project.root)?);
        let run = &self.fired.run;
        let seed = Hash::of(run.as_str().as_bytes()).0;
        let seed = u64::from_le_bytes(seed[..8].try_into().expect("a hash has eight bytes"));
        let start = self.plan.start(run.clone(), seed, settings.clone());
        let parts = (&settings, models, self.redactor.clone());
        let spec = spec(&self.project, &self.config, run, parts)?;
        let spec = RunSpec { labels: self.plan.labels(), ..spec };
        Ok((spec, Begin::Start(Box::new(start))))
    }

    fn resumed(&self, folder: &RunFolder, state: &State) -> Result<(RunSpec, Begin), CliError> {
        let run = state.run().expect("a journal begins with its run");
        let mut settings = resumed_settings(&self.config, &run.settings);
        flow_run::fill_roles(&mut settings, &flow_run::roles_of(state))?;
        let changed = (settings != run.settings).then(|| Box::new(settings.clone()));
        let models = Arc::new(world::models(&self.config, &self.project.root)?);
        let parts = (&settings, models, self.redactor.clone());
        let spec = spec(&self.project, &self.config, &folder.run, parts)?;
        Ok((spec, Begin::Resume { settings: changed, retry: None }))
    }
}

/// A parked run that nobody has answered yet is not worth taking up.
fn waits_for_person(view: &RunView) -> bool {
    let phase = view.state().run().map(|run| run.phase.clone());
    let parked = matches!(phase, Some(RunPhase::Stopped(StopReason::Parked)));
    parked && !view.status(None).questions.is_empty()
}

fn over(outcome: RunOutcome, folder: &RunFolder) -> End {
    let status = offline::view(folder).ok().map(|view| view.status(None));
    match outcome {
        RunOutcome::Succeeded => End::Over(TriggerOutcome::Succeeded, done_words(status.as_ref())),
        RunOutcome::Failed => End::Over(TriggerOutcome::Failed, failed_words(status.as_ref())),
        RunOutcome::Cancelled => End::Over(TriggerOutcome::Cancelled, "cancelled".to_owned()),
    }
}

/// The files that a run wrote.
fn done_words(status: Option<&RunStatus>) -> String {
    let files: Vec<&str> = status
        .into_iter()
        .flat_map(|status| &status.steps)
        .flat_map(|step| step.files.iter().map(String::as_str))
        .collect();
    if files.is_empty() { "done".to_owned() } else { format!("done: {}", files.join(", ")) }
}

/// The first step that failed, and why.
fn failed_words(status: Option<&RunStatus>) -> String {
    let failed = status
        .into_iter()
        .flat_map(|status| &status.steps)
        .find(|step| step.status == StepStatus::Failed);
    match failed.and_then(|step| step.failure.as_ref().map(|failure| (step, failure))) {
        Some((step, failure)) => {
            let message = failure.message.lines().next().unwrap_or_default();
            format!("failed: {}: {message}", step.key)
        }
        None => "failed".to_owned(),
    }
}

fn stop_words(folder: &RunFolder, reason: &StopReason) -> String {
    match reason {
        StopReason::Interrupted => "stopped; it goes on at the next start".to_owned(),
        StopReason::Parked => {
            format!("waits for a person: `lao status {}` says for what", folder.run)
        }
        StopReason::ServerUnreachable { message, .. }
        | StopReason::ModelMissing { message, .. } => {
            format!("stopped, tried again later: {message}")
        }
        StopReason::EffectLostTooOften { .. }
        | StopReason::WorkspaceUnusable { .. }
        | StopReason::Cancelled => format!("stopped: `lao status {}` says why", folder.run),
    }
}

//! Plans as steps of workflows: a run of its own, driven in this process without a screen.

use std::{path::PathBuf, sync::Arc};

use lao_config::Config;
use lao_event::{RunId, latest::ActionFailure};
use lao_port::{ActionError, BoxFuture, PlanResult, Plans};
use lao_runtime::{Begin, Finish, RunSpec, Supervisor};
use serde_json::json;

use crate::{
    commands::run::spec,
    plan_run::{self, Earlier, PlanFile},
    preflight,
    project::Project,
    secrets, world,
};

/// Plans of one project.
pub(crate) struct PlansInside {
    root: PathBuf,
    config: Config,
}

impl PlansInside {
    pub(crate) fn new(project: &Project, config: &Config) -> Self {
        Self { root: project.root.clone(), config: config.clone() }
    }

    async fn run_plan(&self, file: &str, run: &RunId) -> PlanResult {
        let project = Project::at(self.root.clone());
        let plan = PlanFile::read(&project, &self.root.join(file)).map_err(failed)?;
        let (spec, begin) = match plan_run::earlier_run(&project, &plan.plan).map_err(failed)? {
            Earlier::Ended(folder, outcome) => {
                return ended(&folder.run, &Finish::Ended(outcome));
            }
            Earlier::Unfinished(folder) => self.resumed(&project, &folder)?,
            Earlier::None => self.started(&project, &plan, run)?,
        };
        let id = spec.folder.run.clone();
        preflight::check_plan_models(&self.config).await.map_err(failed)?;
        let supervisor = Supervisor::spawn().await.map_err(stopped)?;
        let handle = supervisor.begin(spec, begin).await.map_err(stopped)?;
        ended(&id, &handle.finished().await)
    }

    fn started(
        &self,
        project: &Project,
        plan: &PlanFile,
        run: &RunId,
    ) -> Result<(RunSpec, Begin), ActionError> {
        let placement = plan_run::place(project, &self.config, plan, None).map_err(failed)?;
        let settings = plan_run::settings(&self.config, placement);
        preflight::check_git(&self.root, &settings.git).map_err(failed)?;
        let models = Arc::new(world::models(&self.config, &self.root).map_err(failed)?);
        let redactor = secrets::redactor(&self.config).map_err(failed)?;
        let mut start = plan_run::start(plan, None, settings.clone(), &redactor);
        start.run = run.clone();
        let labels = plan_run::labels(plan);
        let spec =
            spec(project, &self.config, run, (&settings, models, redactor)).map_err(failed)?;
        Ok((RunSpec { labels, ..spec }, Begin::Start(Box::new(start))))
    }

    fn resumed(
        &self,
        project: &Project,
        folder: &lao_history::RunFolder,
    ) -> Result<(RunSpec, Begin), ActionError> {
        let view = lao_gateway::offline::view(folder).map_err(stopped)?;
        let settings = match view.state().run() {
            Some(run) => run.settings.clone(),
            None => return Err(ActionError::file("the run inside has no beginning")),
        };
        let models = Arc::new(world::models(&self.config, &self.root).map_err(failed)?);
        let redactor = secrets::redactor(&self.config).map_err(failed)?;
        let parts = (&settings, models, redactor);
        let spec = spec(project, &self.config, &folder.run, parts).map_err(failed)?;
        Ok((spec, Begin::Resume { settings: None, retry: None }))
    }
}

fn failed(error: lao_cli::CliError) -> ActionError {
    ActionError { kind: ActionFailure::Inside, message: error.message }
}

fn stopped(error: impl std::fmt::Display) -> ActionError {
    ActionError { kind: ActionFailure::Inside, message: error.to_string() }
}

/// How the run inside ended.
fn ended(run: &RunId, finish: &Finish) -> PlanResult {
    let inside = |message: String| Err(ActionError { kind: ActionFailure::Inside, message });
    match finish {
        Finish::Ended(lao_event::latest::RunOutcome::Succeeded) => {
            Ok(json!({ "run": run.as_str(), "outcome": "succeeded" }).to_string())
        }
        Finish::Ended(outcome) => {
            let word = lao_runtime::outcome_word(*outcome);
            inside(format!("the plan's run {run} {word}; `lao status {run}` says why"))
        }
        Finish::Stopped(_) => inside(format!(
            "the plan's run {run} stopped; `lao status {run}` says what it needs, then retry this"
        )),
        Finish::GaveUp { message, storage: _ } => {
            inside(format!("the plan's run {run} was given up: {message}"))
        }
    }
}

impl Plans for PlansInside {
    fn run<'a>(&'a self, file: &'a str, run: &'a RunId) -> BoxFuture<'a, PlanResult> {
        Box::pin(self.run_plan(file, run))
    }
}

//! `lao resume` and `lao retry`: takes a run up where it was.

use std::sync::Arc;

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ResumeArgs, RetryArgs, RunSelector},
    render,
};
use lao_config::Config;
use lao_event::{
    Settings,
    latest::{Definition, RunOutcome, StopReason},
};
use lao_gateway::{live, offline};
use lao_history::RunFolder;
use lao_kernel::{Retry, RunPhase};
use lao_protocol::{Reply, Request, RunStatus, StepStatus, StepView, Update};
use lao_runtime::Begin;

use super::{
    import::demand_own,
    prune,
    run::{after_run, spec},
};
use crate::{
    drive::{attach, drive},
    failure::{internal, view_failure},
    flow_run, plan_run, preflight,
    project::Project,
    screen::Screen,
    secrets, world,
};

pub(crate) async fn resume(
    global: &GlobalArgs,
    args: &ResumeArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = match &args.run {
        Some(selector) => project.select(selector)?,
        None => last_unfinished(&project)?,
    };
    if let Some(client) = live(&folder).await.map_err(|error| internal(&error))? {
        let follow = client.follow(1).await.map_err(|error| internal(&error))?;
        return Ok(attach(global, follow, screen).await?.code);
    }
    let config = project.config(global, &[], &[])?;
    take_up(global, &project, &config, (folder, None), screen).await
}

/// The newest run that did not end.
fn last_unfinished(project: &Project) -> Result<RunFolder, CliError> {
    let unfinished = |folder: &RunFolder| plan_run::outcome(folder).is_none();
    project.list()?.into_iter().rev().find(unfinished).ok_or_else(|| {
        CliError::new(ExitCode::Usage, "there is no interrupted run")
            .hint("`lao runs` lists all; `lao retry` does failed steps again")
    })
}

/// Shows what is known and unknown, and goes on.
pub(crate) async fn take_up(
    global: &GlobalArgs,
    project: &Project,
    config: &Config,
    (folder, retry): (RunFolder, Option<Retry>),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    demand_own(&folder)?;
    let view = offline::view(&folder).map_err(|error| view_failure(&error))?;
    let status = view.status(None);
    let run = view.state().run().expect("a journal begins with its run");
    match &retry {
        None => {
            if let RunPhase::Ended(outcome) = run.phase {
                return Err(over(&folder, outcome));
            }
        }
        Some(retry) => check_retry(&folder, &status, retry)?,
    }
    let parked = matches!(run.phase, RunPhase::Stopped(StopReason::Parked)) && retry.is_none();
    if parked && waits_for_answers(&status) {
        return Ok(show_waiting(global, status, screen));
    }
    if !global.json && !global.quiet {
        match &retry {
            None => screen.output.text(&render::resume(&status, &screen.style)),
            Some(retry) => screen.output.line(&retry_words(&status, retry)),
        };
    }
    // A run that was branched off keeps what was changed there.
    let roles = match run.definition {
        Definition::Plan(_) => preflight::PLAN_ROLES.to_vec(),
        Definition::Flow(_) => flow_run::roles_of(view.state()),
    };
    let mut settings = match run.parent {
        Some(_) => run.settings.clone(),
        None => resumed_settings(config, &run.settings),
    };
    if run.plan().is_none() {
        flow_run::fill_roles(&mut settings, &roles)?;
    }
    preflight::check_git(&project.root, &settings.git)?;
    let models = Arc::new(world::models(config, &project.root)?);
    if run.plan().is_some() {
        preflight::check_plan_roles(config)?;
    }
    preflight::check_settings(config, &settings, &roles).await?;
    let changed = (settings != run.settings).then(|| Box::new(settings.clone()));
    let spec = spec(project, config, &folder.run, (&settings, models, secrets::redactor(config)?))?;
    let begin = Begin::Resume { settings: changed, retry };
    let driven = drive(global, spec, (begin, Some(&status)), screen).await?;
    after_run(global, &settings, &driven.status, screen);
    prune::mention_size(global, (project, config), screen);
    Ok(driven.code)
}

/// Whether nothing but answers would help a parked run.
fn waits_for_answers(status: &RunStatus) -> bool {
    let asked = |step: &StepView| status.questions.iter().any(|it| it.step == step.key);
    let mut parked = status.steps.iter().filter(|step| step.status == StepStatus::Parked);
    !status.questions.is_empty() && parked.all(asked)
}

/// Shows what a parked run waits for.
fn show_waiting(global: &GlobalArgs, status: RunStatus, screen: &mut Screen) -> ExitCode {
    let code = ExitCode::from_status(&status);
    if global.json {
        screen.output.line(&render::json::line(&Update::Finished(Box::new(status))));
    } else {
        screen.output.text(&render::summary(&status, &screen.style));
    }
    code
}

/// The steps that a retry of all that failed does again: not those whose failure their workflow
/// provides for.
fn failed_again(status: &RunStatus) -> impl Iterator<Item = &StepView> {
    let failed = status.steps.iter().filter(|step| step.status == StepStatus::Failed);
    failed.filter(|step| step.failure.as_ref().is_some_and(|failure| failure.next.is_some()))
}

/// What is done again.
fn retry_words(status: &RunStatus, retry: &Retry) -> String {
    let again: Vec<&str> = match retry {
        Retry::Failed => failed_again(status).map(|step| step.key.as_str()).collect(),
        Retry::Step(key) => vec![key],
    };
    let title = &status.summary.title;
    format!("Doing again, with what was skipped because of it: {} ({title})", again.join(", "))
}

/// There is something to be done again.
fn check_retry(folder: &RunFolder, status: &RunStatus, retry: &Retry) -> Result<(), CliError> {
    let run = &folder.run;
    let failure = |message: String| Err(CliError::new(ExitCode::Usage, message));
    let may = |step: &StepView| matches!(step.status, StepStatus::Failed | StepStatus::Parked);
    match retry {
        Retry::Failed if failed_again(status).next().is_some() => Ok(()),
        Retry::Failed => failure(format!("no step of run {run} has failed"))
            .map_err(|error| error.hint(format!("`lao status {run}` says how it stands"))),
        Retry::Step(key) => match status.steps.iter().find(|step| step.key == *key) {
            Some(step) if may(step) => Ok(()),
            Some(step) => {
                let error = failure(format!("step {key:?} of run {run} has not failed"));
                match step.failure.as_ref().and_then(|failure| failure.next.clone()) {
                    Some(next) => error.map_err(|error| error.hint(format!("try `{next}`"))),
                    None => error,
                }
            }
            None => {
                let keys: Vec<&str> = status.steps.iter().map(|step| step.key.as_str()).collect();
                failure(format!("run {run} has no step {key:?}"))
                    .map_err(|error| error.hint(format!("it has: {}", keys.join(", "))))
            }
        },
    }
}

/// The settings of today's configuration, in the workspace of the run.
pub(crate) fn resumed_settings(config: &Config, run: &Settings) -> Settings {
    let mut settings = config.run_settings(run.workspace.clone(), run.tools.clone());
    settings.git.enabled = run.git.enabled;
    // The tools were offered in the prompts so far, so the shell stays as it was.
    settings.shell = run.shell;
    settings
}

/// Nothing more can be done with a run that ended so.
pub(crate) fn over(folder: &RunFolder, outcome: RunOutcome) -> CliError {
    let run = &folder.run;
    let error = |how: &str| CliError::new(ExitCode::Usage, format!("run {run} is over: it {how}"));
    let again = "`lao run PLAN --again` runs its plan anew";
    match outcome {
        RunOutcome::Succeeded => error("succeeded").hint(again),
        RunOutcome::Cancelled => error("was cancelled").hint(again),
        RunOutcome::Failed => {
            error("failed").hint(format!("`lao retry {run}` does the failed steps again"))
        }
    }
}

pub(crate) async fn retry(
    global: &GlobalArgs,
    args: &RetryArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select(args.run.as_ref().unwrap_or(&RunSelector::Last))?;
    if let Some(mut client) = live(&folder).await.map_err(|error| internal(&error))? {
        let request = Request::Retry { step: args.step.clone() };
        let reply = client.request(&request).await.map_err(|error| internal(&error))?;
        return super::act::answered(reply, (&folder, &mut client), screen).await;
    }
    let retry = args.step.clone().map_or(Retry::Failed, Retry::Step);
    let config = project.config(global, &[], &[])?;
    take_up(global, &project, &config, (folder, Some(retry)), screen).await
}

/// A reply that says no.
pub(crate) fn rejected(reply: &Reply) -> Option<CliError> {
    match reply {
        Reply::Rejected { message } => Some(CliError::new(ExitCode::Usage, message.clone())),
        Reply::Hello { .. }
        | Reply::Status(_)
        | Reply::Step(_)
        | Reply::Update(_)
        | Reply::Done => None,
    }
}

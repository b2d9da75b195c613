//! `lao run`: one plan until it is done, or all of them, watching for more.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ModelOverride, RunArgs},
    render::json,
};
use lao_config::Config;
use lao_event::{Hash, RunId, Settings, latest::RunOutcome};
use lao_gateway::{live, offline};
use lao_history::RunFolder;
use lao_journal::Options;
use lao_protocol::Update;
use lao_redact::Redactor;
use lao_runtime::{Begin, RunSpec};

use super::prune;
use crate::{
    drive::{attach, drive},
    failure::{internal, view_failure},
    flow_file::is_workflow,
    flow_world,
    plan_run::{self, Earlier, PlanFile},
    preflight,
    project::Project,
    screen::Screen,
    secrets,
    signal::asked_to_end,
    watch::PlanWatch,
    world,
};

/// What the flags of `lao run` ask for.
#[derive(Default)]
pub(crate) struct RunOptions {
    pub again: bool,
    pub no_git: bool,
    pub models: Vec<ModelOverride>,
    pub workspace: Option<PathBuf>,
}

impl RunOptions {
    fn flags(&self) -> Vec<String> {
        if self.no_git { vec!["git.enabled=false".to_owned()] } else { Vec::new() }
    }

    /// The project's settings under these flags.
    fn config(&self, global: &GlobalArgs, project: &Project) -> Result<Config, CliError> {
        project.config(global, &self.models, &self.flags())
    }
}

pub(crate) async fn run(
    global: &GlobalArgs,
    args: &RunArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    if let Some(path) = &args.plan
        && is_workflow(path)
    {
        return super::flow::run(global, args, path, screen).await;
    }
    let project = Project::here(global)?;
    let options = RunOptions {
        again: args.again,
        no_git: args.no_git,
        models: args.models.clone(),
        workspace: args.workspace.clone(),
    };
    match &args.plan {
        Some(plan) => run_plan(global, &project, plan, &options, screen).await,
        None => run_all(global, &project, &options, (args.once, screen)).await,
    }
}

/// Every plan of the folder, then, unless told otherwise, those that come.
async fn run_all(
    global: &GlobalArgs,
    project: &Project,
    options: &RunOptions,
    (once, screen): (bool, &mut Screen),
) -> Result<ExitCode, CliError> {
    let config = options.config(global, project)?;
    let mut watch = PlanWatch::new(project, &config)?;
    let mut seen: BTreeSet<(PathBuf, Hash)> = BTreeSet::new();
    let mut code = ExitCode::Done;
    // Changes that bring no plan are not worth a line.
    let mut worked = true;
    if plan_run::plan_files(project, &config)?.is_empty() {
        say(global, screen, &no_plans(&config));
    }
    loop {
        for path in plan_run::plan_files(project, &config)? {
            let Some(hash) = unseen(project, &path, &mut seen, screen) else {
                continue;
            };
            if asked_to_end() {
                return Ok(code.worse(ExitCode::Interrupted));
            }
            let result = run_plan(global, project, &path, options, screen).await;
            // A plan that cannot be run does not keep the others from running.
            let ended = result.unwrap_or_else(|error| error.report(global));
            seen.insert((path, hash));
            worked = true;
            code = code.worse(ended);
            if ended == ExitCode::Interrupted || ended == ExitCode::ServerUnavailable {
                return Ok(code);
            }
        }
        if once || asked_to_end() {
            return Ok(code);
        }
        if worked {
            let plans = &config.paths.plans;
            let words = format!("watching {plans} for new and changed plans; Ctrl-C ends");
            say(global, screen, &words);
        }
        worked = false;
        if !watch.changed().await? {
            return Ok(code);
        }
    }
}

/// Says something to people.
fn say(global: &GlobalArgs, screen: &mut Screen, words: &str) {
    if !global.json && !global.quiet {
        screen.output.line(words);
    }
}

fn no_plans(config: &Config) -> String {
    format!(
        "no plans in {0}/ yet: write what is to be made into {0}/NAME.md, in your own words",
        config.paths.plans
    )
}

/// The plan's identity, if this process has not dealt with it.
fn unseen(
    project: &Project,
    path: &Path,
    seen: &mut BTreeSet<(PathBuf, Hash)>,
    screen: &mut Screen,
) -> Option<Hash> {
    let bytes = std::fs::read(path).ok()?;
    let hash = Hash::of(&bytes);
    if seen.contains(&(path.to_owned(), hash)) {
        return None;
    }
    // A file that is no plan yet (empty, half written) is looked at again when it changes.
    if let Err(error) = PlanFile::read(project, path) {
        screen.warn(&error);
        seen.insert((path.to_owned(), hash));
        return None;
    }
    Some(hash)
}

/// Runs a plan until it is done, goes on with it, watches it, or says that it is done.
pub(crate) async fn run_plan(
    global: &GlobalArgs,
    project: &Project,
    path: &Path,
    options: &RunOptions,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let plan = PlanFile::read(project, path)?;
    let config = options.config(global, project)?;
    let earlier = plan_run::earlier_run(project, &plan.plan)?;
    match earlier {
        Earlier::Unfinished(folder) => {
            return go_on(global, project, &config, folder, screen).await;
        }
        Earlier::Ended(folder, outcome) if !options.again => {
            return ended_before(&folder, outcome, screen);
        }
        Earlier::None | Earlier::Ended(..) => {}
    }
    let placement = plan_run::place(project, &config, &plan, options.workspace.as_deref())?;
    let settings = plan_run::settings(&config, placement);
    preflight::check_git(&project.root, &settings.git)?;
    let models = Arc::new(world::models(&config, &project.root)?);
    preflight::check_plan_models(&config).await?;
    let redactor = secrets::redactor(&config)?;
    let newest = project.list()?.pop().map(|folder| folder.run);
    let start = plan_run::start(&plan, newest.as_ref(), settings.clone(), &redactor);
    let spec = RunSpec {
        labels: plan_run::labels(&plan),
        ..spec(project, &config, &start.run, (&settings, models, redactor))?
    };
    let driven = drive(global, spec, (Begin::Start(Box::new(start)), None), screen).await?;
    after_run(global, &settings, &driven.status, screen);
    prune::mention_size(global, (project, &config), screen);
    Ok(driven.code)
}

/// What a run needs besides its beginning.
pub(crate) fn spec(
    project: &Project,
    config: &Config,
    run: &RunId,
    (settings, models, redactor): (&Settings, Arc<lao_model::Models>, Redactor),
) -> Result<RunSpec, CliError> {
    secrets::check(&redactor, settings)?;
    let runs = project.runs();
    Ok(RunSpec {
        folder: runs.run(run),
        contents: runs.contents().map_err(|error| internal(&error))?.redacted_by(redactor),
        world: world::world(models, settings, flow_world::flow_world(project, config, settings)?),
        permits: world::permits(config, &project.root),
        retry: world::retry_policy(config),
        journal: Options::default(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        socket: None,
        labels: std::collections::BTreeMap::new(),
    })
}

/// Takes an unfinished run up, or watches the process that works on it.
pub(crate) async fn go_on(
    global: &GlobalArgs,
    project: &Project,
    config: &Config,
    folder: RunFolder,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    if let Some(client) = live(&folder).await.map_err(|error| internal(&error))? {
        let words = format!("run {} goes on in process {}; watching it", folder.run, client.pid());
        say(global, screen, &words);
        let follow = client.follow(1).await.map_err(|error| internal(&error))?;
        return Ok(attach(global, follow, screen).await?.code);
    }
    super::resume::take_up(global, project, config, (folder, None), screen).await
}

/// Says how a run of the same text ended.
fn ended_before(
    folder: &RunFolder,
    outcome: RunOutcome,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let run = &folder.run;
    let again = "`lao run PLAN --again` runs the same text anew";
    let (code, how, next) = match outcome {
        RunOutcome::Succeeded => (ExitCode::Done, "succeeded", again.to_owned()),
        RunOutcome::Cancelled => (ExitCode::Cancelled, "was cancelled", again.to_owned()),
        RunOutcome::Failed => {
            let next = format!("`lao retry {run}` does the failed steps again");
            (ExitCode::StepsFailed, "failed", next)
        }
    };
    if screen.json {
        let view = offline::view(folder).map_err(|error| view_failure(&error))?;
        let finished = Update::Finished(Box::new(view.status(None)));
        screen.output.line(&json::line(&finished));
    } else {
        screen.output.line(&format!("this plan was run already: {run} {how}; {next}"));
    }
    Ok(code)
}

/// What to do with the branch of a worktree.
pub(crate) fn after_run(
    global: &GlobalArgs,
    settings: &Settings,
    status: &lao_protocol::RunStatus,
    screen: &mut Screen,
) {
    let Some(hint) = lao_repo::merge_hint(&settings.workspace) else {
        return;
    };
    if global.json || global.quiet || status.commits == 0 {
        return;
    }
    screen.output.text(&format!(
        "\nYour checkout is as it was; the work is on the branch {}. When it is merged:\n  {}\n",
        hint.branch, hint.remove
    ));
}

//! `lao run FILE.yaml` and `lao validate`: workflows.

use std::{path::Path, sync::Arc};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, RunArgs, ValidateArgs},
    render::{self, FlowProblemLine},
};
use lao_config::Config;
use lao_gateway::offline;
use lao_history::RunFolder;
use lao_kernel::Texts;
use lao_runtime::{Begin, RunSpec};

use super::{
    prune,
    run::{go_on, spec},
};
use crate::{
    drive::{Driven, drive},
    failure::{internal, view_failure},
    flow_file::{FlowFault, FlowFile},
    flow_run::{self, FlowPlan},
    preflight,
    project::Project,
    screen::Screen,
    secrets, world,
};

/// `lao run FILE.yaml`.
pub(crate) async fn run(
    global: &GlobalArgs,
    args: &RunArgs,
    path: &Path,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let file = FlowFile::read(project.top(), path)?;
    let inputs = flow_run::bind(&file.flow, &args.inputs)?;
    let mut plan = FlowPlan::new(&file, inputs, &flow_run::by_hand());
    if let Some(step) = &args.only {
        plan = plan.only(step)?;
    }
    let config = project.config(global, &args.models, &[])?;
    if args.dry_run {
        return dry_run(&project, &config, &plan, screen);
    }
    if !args.again
        && let Some(folder) = flow_run::unfinished(&project, &plan)?
    {
        let code = go_on(global, &project, &config, folder.clone(), screen).await?;
        show_result(&folder, &project, screen)?;
        return Ok(code);
    }
    let driven = start(global, (&project, &config), &plan, screen).await?;
    prune::mention_size(global, (&project, &config), screen);
    Ok(driven.code)
}

/// Starts a workflow's run and stays with it; then shows what it gave.
pub(crate) async fn start(
    global: &GlobalArgs,
    (project, config): (&Project, &Config),
    plan: &FlowPlan,
    screen: &mut Screen,
) -> Result<Driven, CliError> {
    let roles = plan.roles();
    let settings = flow_run::settings(project, config, &roles)?;
    let redactor = secrets::redactor(config)?;
    plan.check_secrets(&redactor)?;
    let models = Arc::new(world::models(config, &project.root)?);
    preflight::check_settings(config, &settings, &roles).await?;
    let newest = project.list()?.pop().map(|folder| folder.run);
    let start = plan.start_after(newest.as_ref(), settings.clone());
    let spec = RunSpec {
        labels: plan.labels(),
        ..spec(project, config, &start.run, (&settings, models, redactor))?
    };
    let folder = spec.folder.clone();
    let driven = drive(global, spec, (Begin::Start(Box::new(start)), None), screen).await?;
    if driven.code == ExitCode::Done {
        show_result(&folder, project, screen)?;
    }
    Ok(driven)
}

/// Shows what a run gave, where it gave something.
fn show_result(folder: &RunFolder, project: &Project, screen: &mut Screen) -> Result<(), CliError> {
    let view = offline::view(folder).map_err(|error| view_failure(&error))?;
    let Some(result) = view.state().result() else {
        return Ok(());
    };
    let contents = project.runs().contents().map_err(|error| internal(&error))?;
    let mut texts = Texts::new();
    for (hash, content) in result.blobs() {
        texts.insert(hash, contents.text(&content).map_err(|error| internal(&error))?);
    }
    let value = result.value(&texts).map_err(|failure| {
        CliError::new(ExitCode::StepsFailed, "the result of the run cannot be shown")
            .cause(failure.to_string())
    })?;
    screen.result(&value);
    Ok(())
}

/// Says what a workflow would do.
fn dry_run(
    project: &Project,
    config: &Config,
    plan: &FlowPlan,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let roles = plan.roles();
    let settings = flow_run::settings(project, config, &roles)?;
    let models = roles
        .iter()
        .filter_map(|role| settings.role(*role))
        .map(|role| (role.role.name().to_owned(), role.model.clone(), role.endpoint.clone()))
        .collect();
    let view = super::graph::of_plan(plan, models);
    screen.report(&view, render::flow_plan);
    Ok(ExitCode::Done)
}

/// `lao validate FILE...`.
pub(crate) fn validate(
    global: &GlobalArgs,
    args: &ValidateArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let root = Project::here(global).ok().map(|project| project.root);
    let mut code = ExitCode::Done;
    for path in &args.files {
        match FlowFile::read(root.as_deref(), path) {
            Ok(file) => {
                let line = render::ValidLine {
                    path: file.source.clone(),
                    valid: true,
                    steps: file.flow.steps_total as u64,
                    problems: Vec::new(),
                };
                screen.report(&line, render::valid);
            }
            Err(FlowFault::Unreadable(error)) => return Err(error),
            Err(FlowFault::Wrong(error)) => {
                code = code.worse(ExitCode::Usage);
                let problems = error.problems.iter().map(problem).collect();
                let path = error.path.clone();
                let line = render::ValidLine { path, valid: false, steps: 0, problems };
                let text = error.render();
                screen.report(&line, |_, _| format!("{text}\n"));
            }
        }
    }
    Ok(code)
}

fn problem(problem: &lao_workflow::flow::FlowProblem) -> FlowProblemLine {
    FlowProblemLine {
        path: problem.path.clone(),
        line: problem.line as u64,
        column: problem.column as u64,
        length: problem.length as u64,
        message: problem.message.clone(),
        hint: problem.hint.clone(),
    }
}

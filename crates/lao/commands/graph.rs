//! `lao graph`: the steps of a workflow or a run, as text, Mermaid, Graphviz or a picture.

use std::{convert::Infallible, path::Path};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, GraphArgs, GraphFormat, RunSelector},
    render,
};
use lao_gateway::{live, offline};
use lao_protocol::{GraphStep, GraphView, Reply, Request, RunStatus};

use crate::{
    failure::{internal, view_failure},
    flow_file::{FlowFile, is_workflow},
    flow_run::FlowPlan,
    project::Project,
    screen::Screen,
};

pub(crate) async fn graph(
    global: &GlobalArgs,
    args: &GraphArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let path = Path::new(&args.what);
    let view = if is_workflow(path) {
        let root = Project::here(global).ok().map(|project| project.root);
        let file = FlowFile::read(root.as_deref(), path)?;
        let plan = FlowPlan::of(&file);
        of_plan(&plan, Vec::new())
    } else {
        let status = status(global, &args.what).await?;
        of_run(&status)
    };
    if screen.json {
        screen.output.line(&render::json::line(&view));
        return Ok(ExitCode::Done);
    }
    let text = match args.format {
        GraphFormat::Text => render::graph::text(&view, &screen.style),
        GraphFormat::Mermaid => render::graph::mermaid(&view),
        GraphFormat::Dot => render::graph::dot(&view),
        GraphFormat::Svg => render::graph::svg(&view),
    };
    screen.output.text(&text);
    Ok(ExitCode::Done)
}

async fn status(global: &GlobalArgs, run: &str) -> Result<RunStatus, CliError> {
    let project = Project::find(global)?;
    let selector: RunSelector = run.parse().unwrap_or_else(|never: Infallible| match never {});
    let folder = project.select(&selector)?;
    if let Some(mut client) = live(&folder).await.map_err(|error| internal(&error))? {
        let reply = client.request(&Request::Status).await.map_err(|error| internal(&error))?;
        if let Reply::Status(status) = reply {
            return Ok(*status);
        }
    }
    let view = offline::view(&folder).map_err(|error| view_failure(&error))?;
    Ok(view.status(None))
}

/// The graph of a workflow that has not begun.
pub(crate) fn of_plan(plan: &FlowPlan, models: Vec<(String, String, String)>) -> GraphView {
    GraphView {
        title: plan.definition.title.clone(),
        source: plan.definition.path.clone(),
        run: None,
        inputs: plan
            .definition
            .inputs
            .iter()
            .map(|input| (input.name.clone(), value_text(&input.value)))
            .collect(),
        models,
        steps: plan
            .steps
            .iter()
            .map(|named| GraphStep {
                key: named.id.clone(),
                title: named.title.clone(),
                kind: named.step.action.kind().to_owned(),
                needs: named.needs.clone(),
                when: named.step.when.as_ref().map(|when| when.0.clone()),
                status: None,
            })
            .collect(),
    }
}

fn value_text(value: &lao_event::latest::FlowValue) -> String {
    use lao_event::latest::FlowValue;
    match value {
        FlowValue::Nothing => String::new(),
        FlowValue::Text(content) | FlowValue::Json(content) => {
            content.inline().unwrap_or_default().to_owned()
        }
        FlowValue::File { path } => path.clone(),
    }
}

/// The graph of a run, with how its steps stand.
fn of_run(status: &RunStatus) -> GraphView {
    GraphView {
        title: status.summary.title.clone(),
        source: status.summary.source.clone(),
        run: Some(status.summary.run.clone()),
        inputs: Vec::new(),
        models: Vec::new(),
        steps: status
            .steps
            .iter()
            .map(|step| GraphStep {
                key: step.key.clone(),
                title: step.title.clone(),
                kind: step.kind.clone(),
                needs: step.needs.clone(),
                when: None,
                status: Some(step.status),
            })
            .collect(),
    }
}

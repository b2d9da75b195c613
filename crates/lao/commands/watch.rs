//! `lao watch` and `lao serve`: a run for each file that comes, and on schedule.

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ServeArgs, WatchArgs},
};
use lao_workflow::flow::Trigger;

use crate::{
    flow_file::{self, FlowFile},
    flow_run,
    project::Project,
    screen::Screen,
    watching::{KeptFlow, Until, Watching},
};

/// `lao watch FILE`.
pub(crate) async fn watch(
    global: &GlobalArgs,
    args: &WatchArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::here(global)?;
    let config = project.config(global, &args.models, &[])?;
    let file = FlowFile::read(Some(&project.root), &args.file)?;
    let inputs = flow_run::bind(&file.flow, &args.inputs)?;
    // Told now rather than when the first file comes.
    flow_run::settings(&project, &config, &flow_run::FlowPlan::of(&file).roles())?;
    let flow = KeptFlow::open(&project, &args.file, file, inputs)?;
    let watching = Watching::new(&project, &config, vec![flow]).await?;
    watching.keep(until(args.once), screen).await
}

/// `lao serve`.
pub(crate) async fn serve(
    global: &GlobalArgs,
    args: &ServeArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::here(global)?;
    let config = project.config(global, &[], &[])?;
    let named = !args.files.is_empty();
    let paths = if named { args.files.clone() } else { flow_file::of_project(&project) };
    let mut flows = Vec::new();
    for path in paths {
        let file = FlowFile::read(Some(&project.root), &path)?;
        let waits = file.flow.triggers.iter().any(|trigger| !matches!(trigger, Trigger::Manual));
        if !waits && !named {
            continue;
        }
        let inputs = flow_run::bind(&file.flow, &[])?;
        flow_run::settings(&project, &config, &flow_run::FlowPlan::of(&file).roles())?;
        flows.push(KeptFlow::open(&project, &path, file, inputs)?);
    }
    if flows.is_empty() {
        return Err(CliError::new(
            ExitCode::Usage,
            "there is no workflow with triggers in workflows/",
        )
        .hint("name files: `lao serve a.yaml b.yaml`")
        .hint("`lao new workflow NAME` makes one; `on:` says what sets it off"));
    }
    let watching = Watching::new(&project, &config, flows).await?;
    watching.keep(until(args.once), screen).await
}

const fn until(once: bool) -> Until {
    if once { Until::Done } else { Until::Asked }
}

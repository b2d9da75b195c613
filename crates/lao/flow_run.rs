//! From a workflow to a run: its inputs bound, its roles filled, its steps as the graph has them.

use std::{collections::BTreeMap, path::Path};

use lao_cli::{CliError, ExitCode, units::rfc3339};
use lao_config::Config;
use lao_event::{
    FlowStep, Hash, NamedStep, Role, RoleSettings, RunId, Settings, StepId, WorkspaceSettings,
    latest::{Definition, FlowDefinition, StepDefinition},
};
use lao_gateway::{LABEL_FLOW_HASH, LABEL_SOURCE};
use lao_history::RunFolder;
use lao_kernel::{Start, State};
use lao_redact::Redactor;
use lao_workflow::flow::{InputKind, Workflow, new_steps, output_of};
use serde_json::{Value, json};

use crate::{
    flow_file::FlowFile,
    flow_world,
    plan_run::{self, Earlier, new_run},
    project::{Project, absolute},
    world::{WHISPER, wall_ms},
};

/// A run of a workflow that could begin.
pub(crate) struct FlowPlan {
    pub definition: FlowDefinition,
    pub steps: Vec<NamedStep>,
}

/// The roles whose models can stand in for one another where a prompt asks.
const TALKING: [Role; 5] = [Role::Analyst, Role::Coder, Role::Reviewer, Role::Planner, Role::Pilot];

impl FlowPlan {
    /// A workflow with its inputs, set off by `trigger`.
    pub(crate) fn new(file: &FlowFile, inputs: Vec<(String, Value)>, trigger: &Value) -> Self {
        let definition = file.flow.definition(&file.text, inputs, trigger);
        Self { definition, steps: file.flow.steps.clone() }
    }

    /// A workflow without inputs, to be looked at.
    pub(crate) fn of(file: &FlowFile) -> Self {
        Self::new(file, Vec::new(), &json!({}))
    }

    /// The same with one step and what it needs, directly or not.
    pub(crate) fn only(mut self, wanted: &str) -> Result<Self, CliError> {
        if !self.steps.iter().any(|step| step.id == wanted) {
            let ids: Vec<&str> = self.steps.iter().map(|step| step.id.as_str()).collect();
            let message = format!("the workflow has no step {wanted:?}");
            return Err(
                CliError::new(ExitCode::Usage, message).hint(format!("it has: {}", ids.join(", ")))
            );
        }
        let mut kept: Vec<String> = vec![wanted.to_owned()];
        // Needed steps come first, so one walk from the end finds them all.
        for step in self.steps.iter().rev() {
            if kept.contains(&step.id) {
                kept.extend(step.needs.iter().cloned());
            }
        }
        self.steps.retain(|step| kept.contains(&step.id));
        self.definition.output = Some(output_of(wanted));
        Ok(self)
    }

    /// What makes this run the same as another.
    fn identity(&self) -> Hash {
        let steps = new_steps(&self.steps);
        identity(
            &self.definition,
            steps.iter().map(|it| step_identity(&it.key, &it.title, &it.needs, &it.definition)),
        )
    }

    /// The roles whose models its steps ask.
    pub(crate) fn roles(&self) -> Vec<Role> {
        roles(self.steps.iter().map(|named| &named.step))
    }

    /// How the run begins, under an identity that is new or was given.
    pub(crate) fn start(&self, run: RunId, seed: u64, settings: Settings) -> Start {
        Start {
            run,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            steps: new_steps(&self.steps),
            definition: Definition::Flow(self.definition.clone()),
            settings,
            seed,
        }
    }

    /// How the run begins, behind the newest there is.
    pub(crate) fn start_after(&self, newest: Option<&RunId>, settings: Settings) -> Start {
        let (run, seed) = new_run(newest);
        self.start(run, seed, settings)
    }

    /// What the manifest says of the run, for listings and for finding it again.
    pub(crate) fn labels(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            (LABEL_FLOW_HASH.to_owned(), self.identity().to_string().into()),
            (LABEL_SOURCE.to_owned(), self.definition.path.clone().into()),
        ])
    }

    /// Definitions go into the journal as they are, so there must be no secret among them.
    pub(crate) fn check_secrets(&self, redactor: &Redactor) -> Result<(), CliError> {
        for named in &self.steps {
            let text = serde_json::to_string(&named.step).expect("definitions are plain JSON");
            if let Some(held) = redactor.held(text.as_bytes()) {
                let message = format!(
                    "step {:?} holds a secret ({}), and what a run is told stays in its journal",
                    named.id, held.token
                );
                return Err(CliError::new(ExitCode::Configuration, message)
                    .hint("name the variable instead, under `secrets:` of a `run` step"));
            }
        }
        Ok(())
    }
}

/// What makes a run the same as another: its steps, its inputs and its file.
fn identity(definition: &FlowDefinition, steps: impl Iterator<Item = Value>) -> Hash {
    let whole = json!({
        "steps": steps.collect::<Vec<_>>(),
        "output": definition.output,
        "inputs": definition.inputs,
        "path": definition.path,
    });
    Hash::of(whole.to_string().as_bytes())
}

fn step_identity(key: &str, title: &str, needs: &[StepId], definition: &StepDefinition) -> Value {
    json!([key, title, needs, definition])
}

/// What makes a run of a workflow the same as another, as its journal tells.
pub(crate) fn identity_of(definition: &FlowDefinition, state: &State) -> Hash {
    // Those inside others came while it went on.
    let steps = state.steps().iter().filter(|step| step.parent.is_none());
    identity(
        definition,
        steps.map(|it| step_identity(&it.key, &it.title, &it.needs, &it.definition)),
    )
}

fn roles<'a>(steps: impl Iterator<Item = &'a FlowStep>) -> Vec<Role> {
    let mut found = Vec::new();
    for step in steps {
        step.action.visit_roles(&mut |role| {
            if !found.contains(&role) {
                found.push(role);
            }
        });
    }
    found
}

/// The roles that the steps of a run ask.
pub(crate) fn roles_of(state: &State) -> Vec<Role> {
    let ids = (0..).map(StepId).take(state.steps().len());
    roles(ids.filter_map(|id| state.spec(id)))
}

/// The settings of a workflow's run: it works in the project's folder, makes no commits, and its
/// roles have models as far as any can stand in.
pub(crate) fn settings(
    project: &Project,
    config: &Config,
    roles: &[Role],
) -> Result<Settings, CliError> {
    let path = project.folder.display().to_string();
    let workspace = WorkspaceSettings::Folder { path };
    let mut settings = config.run_settings(workspace, lao_tool::specs(config.tools.shell));
    settings.git.enabled = false;
    fill_roles(&mut settings, roles)?;
    Ok(settings)
}

/// Gives the roles that steps ask, and that have no model, one that can stand in.
pub(crate) fn fill_roles(settings: &mut Settings, roles: &[Role]) -> Result<(), CliError> {
    for role in roles {
        if settings.role(*role).is_some() {
            continue;
        }
        let stand_in = match role {
            Role::Analyst | Role::Pilot => {
                let known = TALKING.iter().find_map(|other| settings.role(*other));
                known.map(|known| RoleSettings { role: *role, ..known.clone() })
            }
            Role::Transcriber => flow_world::only_whisper_model()?.map(whisper_role),
            Role::Planner | Role::Coder | Role::Reviewer | Role::Embedder => None,
        };
        match stand_in {
            Some(stand_in) => settings.roles.push(stand_in),
            None => return Err(no_model(*role)),
        }
    }
    Ok(())
}

/// The engine of this machine with a model file.
fn whisper_role(model: String) -> RoleSettings {
    RoleSettings {
        role: Role::Transcriber,
        endpoint: WHISPER.to_owned(),
        model,
        context_tokens: 1,
        output_tokens_max: 1,
        temperature_milli: None,
        top_p_milli: None,
        repetition_penalty_milli: None,
        seed: None,
        tools: false,
        json_schema: false,
        instructions: None,
    }
}

fn no_model(role: Role) -> CliError {
    let error = CliError::new(ExitCode::Configuration, format!("no model is set for: {role}"));
    match role {
        Role::Transcriber => flow_world::no_whisper_model(error),
        Role::Planner
        | Role::Coder
        | Role::Reviewer
        | Role::Analyst
        | Role::Pilot
        | Role::Embedder => error.hint(format!(
            "fill in [roles.{role}] in lao.toml, or name a model: --model {role}=NAME"
        )),
    }
}

/// The inputs as they were typed: `NAME=VALUE`, or a text for the one that takes it.
pub(crate) fn bind(flow: &Workflow, typed: &[String]) -> Result<Vec<(String, Value)>, CliError> {
    let mut named = Vec::new();
    let mut text: Option<&str> = None;
    for input in typed {
        match input.split_once('=') {
            Some((name, value)) if is_name(name) => {
                named.push((name.to_owned(), typed_value(flow, name, value)?));
            }
            Some(_) | None => text = Some(input),
        }
    }
    bind_all(flow, &named, text)
}

/// Binds inputs.
pub(crate) fn bind_all(
    flow: &Workflow,
    named: &[(String, String)],
    text: Option<&str>,
) -> Result<Vec<(String, Value)>, CliError> {
    flow.bind(named, text).map_err(|error| {
        let inputs: Vec<String> = flow
            .inputs
            .iter()
            .map(|input| format!("{} ({})", input.name, input.kind.name()))
            .collect();
        let inputs = if inputs.is_empty() { "none".to_owned() } else { inputs.join(", ") };
        CliError::from_error(ExitCode::Usage, &error)
            .hint(format!("the workflow {:?} takes: {inputs}", flow.name))
    })
}

fn is_name(text: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    !text.is_empty() && text.chars().all(allowed)
}

/// A path that is typed is seen from where it is typed; one in a file from the project.
fn typed_value(flow: &Workflow, name: &str, value: &str) -> Result<String, CliError> {
    let kind = flow.inputs.iter().find(|input| input.name == name).map(|input| input.kind);
    match kind {
        Some(InputKind::Path) if !value.starts_with('~') => {
            Ok(absolute(Path::new(value))?.display().to_string())
        }
        Some(_) | None => Ok(value.to_owned()),
    }
}

/// What set a run off that a person started.
pub(crate) fn by_hand() -> Value {
    json!({ "kind": "manual", "time": rfc3339(wall_ms()) })
}

/// The newest run of the same workflow with the same inputs, if it is not over.
pub(crate) fn unfinished(
    project: &Project,
    plan: &FlowPlan,
) -> Result<Option<RunFolder>, CliError> {
    Ok(match plan_run::labelled(project, LABEL_FLOW_HASH, &plan.identity())? {
        Earlier::Unfinished(folder) => Some(folder),
        Earlier::None | Earlier::Ended(..) => None,
    })
}

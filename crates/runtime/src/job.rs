//! Jobs: outstanding effects with all that a worker needs, taken out of the state.

use lao_event::{
    CallId, CheckCommand, Content, EffectId, GitSettings, Hash, RoleSettings, RunId, StepId,
    ToolSpec, WorkspaceSettings,
    latest::{CommitStarted, Message, ModelRequest, StepDefinition},
};
use lao_kernel::{Effect, EffectKey, EffectWork, LookRequest, State, Work};

use crate::action::ActionJob;

/// The most bytes of a task's diff.
const DIFF_BYTES_MAX: usize = 24_000;

/// What a worker is to do.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    Prepare { call: CallId, name: String, arguments: Content },
    Workspace { effect: EffectId, workspace: WorkspaceSettings, git: GitSettings },
    Model(Box<ModelJob>),
    Read { effect: EffectId, tool: String, arguments: Content },
    Write { effect: EffectId, path: String, before: Option<Hash>, after: Option<Content> },
    Command { effect: EffectId, argv: Vec<String>, timeout_ms: u64 },
    Checks(Box<ChecksJob>),
    Commit(Box<CommitJob>),
    Look(Box<LookRequest>),
    Action(Box<ActionJob>),
}

#[derive(Debug, Clone)]
pub(crate) struct ModelJob {
    pub effect: EffectId,
    pub step: StepId,
    pub step_key: String,
    pub role: RoleSettings,
    pub request: ModelRequest,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolSpec>,
}

#[derive(Debug, Clone)]
pub(crate) struct ChecksJob {
    pub effect: EffectId,
    pub tasks: Vec<ChecksTask>,
    pub commands: Vec<CheckCommand>,
    pub placeholders: bool,
    pub diff_bytes_max: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct ChecksTask {
    pub step: StepId,
    pub files: Vec<String>,
    pub deletes: Vec<String>,
    pub changed: Vec<(String, Option<Content>)>,
    pub todo_open: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct CommitJob {
    pub run: RunId,
    pub step_key: String,
    pub commit: CommitStarted,
    pub dirty: Vec<String>,
    pub git: GitSettings,
    pub workspace: WorkspaceSettings,
}

impl Job {
    /// Takes an effect out of the state.
    pub(crate) fn new(state: &State, effect: &Effect<'_>) -> Self {
        let settings = &state.run().expect("a run with effects has started").settings;
        let key = effect.key;
        match effect.work {
            EffectWork::Prepare { name, arguments } => Self::Prepare {
                call: call(key),
                name: name.to_owned(),
                arguments: arguments.clone(),
            },
            EffectWork::Workspace => Self::Workspace {
                effect: started(key),
                workspace: settings.workspace.clone(),
                git: settings.git.clone(),
            },
            EffectWork::Model { role, request, messages } => {
                let step = effect.step.expect("a model call belongs to a step");
                Self::Model(Box::new(ModelJob {
                    effect: started(key),
                    step,
                    step_key: step_key(state, step),
                    role: state.step_role(step, role).expect("checked when the call started"),
                    request: request.clone(),
                    messages: messages.to_vec(),
                    tools: offered(state, step, request),
                }))
            }
            EffectWork::Read { tool, arguments } => Self::Read {
                effect: started(key),
                tool: tool.to_owned(),
                arguments: arguments.clone(),
            },
            EffectWork::Write { path, before, after } => Self::Write {
                effect: started(key),
                path: path.to_owned(),
                before,
                after: after.cloned(),
            },
            EffectWork::Command { argv, timeout_ms } => {
                Self::Command { effect: started(key), argv: argv.to_vec(), timeout_ms }
            }
            EffectWork::Checks { steps, scope } => Self::Checks(Box::new(ChecksJob {
                effect: started(key),
                tasks: steps.iter().map(|step| checks_task(state, *step)).collect(),
                commands: state.check_commands(scope),
                placeholders: settings.verifier.placeholders,
                diff_bytes_max: diff_bytes_max(state),
            })),
            EffectWork::Commit(commit) => Self::Commit(Box::new(commit_job(state, commit))),
            EffectWork::Look => {
                let request = effect.step.and_then(|step| state.look_request(step));
                Self::Look(Box::new(request.expect("a look that is owed says at what")))
            }
            EffectWork::Action(action) => Self::Action(Box::new(ActionJob {
                effect: started(key),
                step: effect.step.expect("an action belongs to a step"),
                action: action.clone(),
            })),
        }
    }

    /// What it is, for people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Prepare { name, .. } => format!("looking at a call of {name}"),
            Self::Workspace { .. } => "making the workspace ready".to_owned(),
            Self::Model(job) => format!("asking the {} ({})", job.role.role, job.request.model),
            Self::Read { tool, .. } => format!("running {tool}"),
            Self::Write { path, .. } => format!("writing {path}"),
            Self::Command { argv, .. } => format!("running {}", argv.join(" ")),
            Self::Checks(_) => "checking".to_owned(),
            Self::Commit(_) => "committing".to_owned(),
            Self::Look(request) => format!("looking around for {}", request.key),
            Self::Action(job) => job.words(),
        }
    }
}

/// The tools that a model is offered in a call.
fn offered(state: &State, step: StepId, request: &ModelRequest) -> Vec<ToolSpec> {
    let settings = state.run().map(|run| &run.settings);
    let all = settings.filter(|_| request.tools).map_or(&[][..], |settings| &settings.tools);
    match state.step_tools(step) {
        Some(names) => all.iter().filter(|tool| names.contains(&tool.name)).cloned().collect(),
        None => all.to_vec(),
    }
}

fn call(key: EffectKey) -> CallId {
    match key {
        EffectKey::Prepare(call) => call,
        EffectKey::Started(..) | EffectKey::Look(..) => {
            unreachable!("a preparation has the key of its call")
        }
    }
}

fn started(key: EffectKey) -> EffectId {
    match key {
        EffectKey::Started(effect, _) => effect,
        EffectKey::Prepare(_) | EffectKey::Look(..) => {
            unreachable!("a started effect has the key of its number")
        }
    }
}

fn step_key(state: &State, step: StepId) -> String {
    state.step(step).map(|step| step.key.clone()).unwrap_or_default()
}

/// A diff that leaves the reviewer room for the task and the answer.
fn diff_bytes_max(state: &State) -> usize {
    let reviewer = state.run().and_then(|run| run.settings.role(lao_event::Role::Reviewer));
    reviewer.map_or(DIFF_BYTES_MAX, |role| {
        let room = role.context_tokens.saturating_sub(role.output_tokens_max) as usize;
        DIFF_BYTES_MAX.min(room * 3 / 2)
    })
}

fn checks_task(state: &State, id: StepId) -> ChecksTask {
    let step = state.step(id).expect("the state checks only steps it has");
    let (files, deletes) = match &step.definition {
        StepDefinition::Task(task) => (task.files.clone(), task.deletes.clone()),
        StepDefinition::Planning { .. }
        | StepDefinition::Flow { .. }
        | StepDefinition::Item { .. } => (Vec::new(), Vec::new()),
    };
    let changed = match step.work() {
        Some(Work::Task(work)) => {
            work.files.iter().map(|(path, file)| (path.clone(), file.base.clone())).collect()
        }
        Some(Work::Planning(_) | Work::Flow(_)) | None => Vec::new(),
    };
    ChecksTask { step: id, files, deletes, changed, todo_open: state.open_todo(id) }
}

fn commit_job(state: &State, commit: &CommitStarted) -> CommitJob {
    let run = state.run().expect("a run with effects has started");
    CommitJob {
        run: run.id.clone(),
        step_key: step_key(state, commit.step),
        commit: commit.clone(),
        dirty: run.workspace.dirty.clone().unwrap_or_default(),
        git: run.settings.git.clone(),
        workspace: run.settings.workspace.clone(),
    }
}

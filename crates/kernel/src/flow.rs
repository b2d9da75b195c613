//! A step of a workflow: evaluated, begun, ended, tried again.
//!
//! | phase | event | next |
//! | --- | --- | --- |
//! | begin | `StepLooked` (texts, a file, the time, an earlier result) | the same, at once |
//! | begin | `ModelCallStarted` | talking |
//! | begin | `ActionStarted` | acting |
//! | begin | `StepsAdded` (items, steps of a workflow) | inside |
//! | begin | `StepEnded` (condition, assertion, earlier result) | the end |
//! | talking | `ModelCallEnded` | the end, or asked again |
//! | acting | `ActionEnded` (done) | the end; of listed files: inside |
//! | talking, acting | `ActionStarted` (pause), `StepStarted` | pausing, then begin: another attempt |
//! | inside | `StepEnded` (the last step inside) | finishing |
//! | finishing | `OutputSet`, `StepEnded` | the end |
//!
//! What a step does is evaluated here, from the outputs of the steps before it, so that the end of
//! one step and the beginning of the next share a commit. Only where a text lies in a blob, or
//! where the world must be looked at first, a worker looks, and brings what it found.

mod ask;
mod begin;
mod ended;
mod gather;
mod inside;
mod look;
mod resolve;
mod schema;

use std::collections::BTreeSet;

use lao_event::{
    Content, EffectId, Event, FLOW_STEP_BYTES_MAX, FlowAction, FlowStep, Hash, RetryOn, Role,
    RoleSettings, Settings, StepId,
    latest::{
        Action, ActionEnded, ActionFailure, ActionOutcome, FailureReason, NewStep, OutputSet,
        SkipReason, StartCause, StepDefinition, StepEnded, StepOutcome, StepStarted, TodoItem,
    },
};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    ask::after_answer,
    ended::{decide_ended, evolve_action_ended, evolve_action_started, fail_or_retry},
    inside::{
        evolve_child_ended, evolve_inside_added, forget_inside, late_outer, reopen,
        under_way_inside,
    },
    look::{decide_looked, evolve_looked, needs_look},
};
use self::{gather::gather, inside::finish};
pub use self::{
    gather::{RunResult, Texts},
    inside::Inside,
    look::{LookAt, LookRequest, Wants},
};
use crate::{
    command::Rejection,
    evolve::Inconsistency,
    state::{InFlightKind, State},
    step::{self, Work},
    talk::Talk,
};

/// A step of a workflow under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowWork {
    /// What it is at.
    pub phase: FlowPhase,
    /// The conversation of a prompt or an agent.
    pub talk: Talk,
    /// Answers of this attempt that were turned down.
    pub tries: u32,
    /// The time of this attempt is up.
    pub timed_out: bool,
    /// Files that an agent changed.
    pub files: BTreeSet<String>,
    /// An agent's to-do list.
    pub todo: Vec<TodoItem>,
}

/// What a step of a workflow is at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowPhase {
    /// It is evaluated, and begins.
    #[default]
    Begin,
    /// A model is asked, or its tool calls are served.
    Talking,
    /// It acts.
    Acting(EffectId),
    /// It waits before the next attempt.
    Pausing(EffectId),
    /// The steps inside are under way.
    Inside,
    /// They are over.
    Finishing,
}

/// Why a step cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub(crate) reason: FailureReason,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    pub(crate) fn expression(problem: &(impl ToString + ?Sized)) -> Self {
        Self::new(FailureReason::ExpressionFailed, problem.to_string())
    }

    pub(crate) fn role(role: Role) -> Self {
        Self::new(FailureReason::ModelFailed, format!("no model is set for the role {role}"))
    }
}

/// Takes up one of the places that `parallel_steps_max` grants.
pub(crate) fn takes_place(spec: &FlowStep) -> bool {
    match &spec.action {
        FlowAction::Prompt(_)
        | FlowAction::Agent(_)
        | FlowAction::Plan(_)
        | FlowAction::Transcribe(_)
        | FlowAction::Embed(_)
        | FlowAction::Run(_)
        | FlowAction::Read(_)
        | FlowAction::Write(_) => true,
        FlowAction::Map(_)
        | FlowAction::Approve(_)
        | FlowAction::Wait(_)
        | FlowAction::Workflow(_)
        | FlowAction::Assert(_) => false,
    }
}

impl State {
    /// The definition of a step of a workflow; of an item, that of all items.
    pub fn spec(&self, id: StepId) -> Option<&FlowStep> {
        let step = self.step(id)?;
        match &step.definition {
            StepDefinition::Flow { spec: _ } => step.spec.as_deref(),
            StepDefinition::Item { .. } => {
                self.spec(step.parent?)?.action.as_map().map(|map| &map.step)
            }
            StepDefinition::Planning { .. } | StepDefinition::Task(_) => None,
        }
    }

    /// The settings with which a step asks its model: those of the role, changed as the step says.
    pub fn step_role(&self, id: StepId, role: Role) -> Option<RoleSettings> {
        let mut settings = self.run()?.settings.role(role)?.clone();
        if let Some(model) = self.spec(id).and_then(|spec| spec.action.model()) {
            settings.temperature_milli = model.temperature_milli.or(settings.temperature_milli);
            settings.top_p_milli = model.top_p_milli.or(settings.top_p_milli);
            settings.seed = model.seed.or(settings.seed);
            settings.output_tokens_max =
                model.output_tokens_max.unwrap_or(settings.output_tokens_max);
        }
        Some(settings)
    }

    /// The tools that a step's model is offered, where they are fewer than all.
    pub fn step_tools(&self, id: StepId) -> Option<&[String]> {
        let tools = self.spec(id)?.action.as_agent()?.tools.as_slice();
        (!tools.is_empty()).then_some(tools)
    }

    pub(crate) fn flow(&self, id: StepId) -> Option<&FlowWork> {
        match self.step(id)?.work()? {
            Work::Flow(work) => Some(work),
            Work::Planning(_) | Work::Task(_) => None,
        }
    }

    pub(crate) fn flow_mut(&mut self, id: StepId) -> Result<&mut FlowWork, Inconsistency> {
        match self.work_mut(id)? {
            Work::Flow(work) => Ok(work),
            Work::Planning(_) | Work::Task(_) => {
                Err(Inconsistency::new(format!("{id} is no step of a workflow")))
            }
        }
    }

    /// The role of the model that a step's action asks.
    pub(crate) fn role_of(&self, id: StepId) -> Option<Role> {
        self.spec(id)?.action.role()
    }

    /// What a step that ended may be found under by later runs, where it asked for that.
    pub fn cached_under(&self, id: StepId) -> Option<Hash> {
        self.step(id)?.cached_under
    }

    /// Lets a step go on: it is looked at where that is needed, else it is due.
    pub(crate) fn go_on(&mut self, id: StepId) {
        if needs_look(self, id) {
            self.index.looking.insert(id);
        } else {
            self.index.due.insert(id);
        }
    }
}

/// Why an attempt ended whose time was up.
const TOO_LONG: &str = "it took longer than its `timeout`";

/// The events that add a workflow's steps when its run starts.
pub(crate) fn added_at_start(
    settings: &Settings,
    steps: Vec<NewStep>,
) -> Result<Vec<Event>, Rejection> {
    if steps.is_empty() {
        return Err(Rejection::NothingToDo);
    }
    let mut keys = BTreeSet::new();
    for (index, step) in steps.iter().enumerate() {
        let unusable = |why: &str| Rejection::GraphUnusable(format!("step {:?} {why}", step.key));
        let StepDefinition::Flow { spec } = &step.definition else {
            return Err(unusable("is no step of a workflow"));
        };
        if spec.len() > FLOW_STEP_BYTES_MAX {
            return Err(unusable("has a definition of more than 256 KiB"));
        }
        let spec: FlowStep =
            serde_json::from_str(spec).map_err(|error| unusable(&error.to_string()))?;
        if !keys.insert(step.key.as_str()) {
            return Err(unusable("is there twice"));
        }
        if step.needs.iter().any(|need| need.0 as usize >= index) {
            return Err(unusable("needs a step that comes after it"));
        }
        check_roles(settings, &spec)?;
    }
    Ok(inside::added(None, steps.into_iter()))
}

/// Every role that a step's models play has a model.
fn check_roles(settings: &Settings, spec: &FlowStep) -> Result<(), Rejection> {
    let mut missing = None;
    spec.action.visit_roles(&mut |role| {
        if settings.role(role).is_none() {
            missing = Some(role);
        }
    });
    missing.map_or(Ok(()), |role| Err(Rejection::RoleMissing(role)))
}

/// Begins a step whose needs are met, or leaves it out.
pub(crate) fn start(state: &State, id: StepId) -> Event {
    let spec = state.spec(id).expect("only called on steps of a workflow");
    let skipped = |reason| StepEnded { step: id, outcome: StepOutcome::Skipped(reason) }.into();
    if let Some(step) = inside::late_outer(state, id) {
        return skipped(SkipReason::UpstreamFailed { step });
    }
    if let Some(name) = &spec.fallback_for
        && let Some(other) = gather::sibling(state, id, name)
        && !state.at(other).has_failed()
    {
        return skipped(SkipReason::NotNeeded);
    }
    if let Some(when) = &spec.when {
        let gathered = gather(state, id, [when]);
        if !gathered.has_blobs() && matches!(is_true(when, &gathered), Ok(false)) {
            return skipped(SkipReason::ConditionFalse);
        }
    }
    StepStarted { step: id, attempt: lao_event::Attempt(1), cause: StartCause::Ready }.into()
}

fn is_true(when: &lao_event::Template, gathered: &gather::Gathered) -> Result<bool, Failure> {
    let context = gathered.context(&Texts::new())?;
    gather::evaluate(when, &context).map(|value| lao_expression::is_true(&value))
}

/// The action that a step carries out, if it can be given up because it takes too long.
pub(crate) fn acting(state: &State, id: StepId) -> Option<EffectId> {
    let (FlowPhase::Acting(effect) | FlowPhase::Pausing(effect)) = state.flow(id)?.phase else {
        return None;
    };
    let flight = state.in_flight.get(&effect)?;
    let writes = matches!(&flight.kind, InFlightKind::Action(action)
        if matches!(**action, Action::Write { .. }));
    (!writes && flight.waits_for.is_none()).then_some(effect)
}

/// A command that could run again does not: the time of what it is inside of is up.
pub(crate) fn too_late(step: StepId, effect: EffectId) -> [Event; 2] {
    let failure = Failure::new(FailureReason::TimedOut, TOO_LONG);
    [action_timed_out(effect), failed(step, failure)]
}

/// An action is given up because it takes too long.
pub(crate) fn action_timed_out(effect: EffectId) -> Event {
    let message = TOO_LONG.to_owned();
    let kind = ActionFailure::TimedOut;
    let outcome = ActionOutcome::Failed { kind, message, exit_code: None };
    ActionEnded { effect, outcome }.into()
}

/// An attempt is over, and the pause before the next one is on.
pub(crate) fn pauses(state: &State, id: StepId) -> bool {
    state.flow(id).is_some_and(|work| matches!(work.phase, FlowPhase::Pausing(_)))
}

/// The next move of a step that is due.
pub(crate) fn advance(state: &State, id: StepId) -> Vec<Event> {
    let work = state.flow(id).expect("a due step is under way");
    if work.timed_out {
        let failure = Failure::new(FailureReason::TimedOut, TOO_LONG);
        return fail_or_retry(state, id, RetryOn::Timeout, failure);
    }
    match work.phase {
        FlowPhase::Begin => begin::begin(state, id, &Texts::new(), None),
        FlowPhase::Talking => ask::again(state, id),
        FlowPhase::Finishing => finish(state, id, &Texts::new()),
        FlowPhase::Acting(_) | FlowPhase::Pausing(_) | FlowPhase::Inside => {
            unreachable!("a step in this phase waits and is not due")
        }
    }
}

/// Notes an output.
pub(crate) fn evolve_output(state: &mut State, event: &OutputSet) -> Result<(), Inconsistency> {
    state.flow_mut(event.step)?;
    state.step_mut(event.step)?.output = event.value.clone();
    Ok(())
}

/// An answer of a model that is the output itself.
pub(crate) fn evolve_answered(
    state: &mut State,
    id: StepId,
    text: &Content,
) -> Result<(), Inconsistency> {
    let is_text = state.spec(id).is_some_and(|spec| {
        let prompt = spec.action.as_prompt();
        prompt.is_some_and(|prompt| prompt.format == lao_event::FlowFormat::Text)
            || spec.action.as_agent().is_some()
    });
    if is_text {
        state.step_mut(id)?.output = lao_event::latest::FlowValue::Text(text.clone());
    }
    Ok(())
}

/// The end of a step that failed, without another attempt.
pub(crate) fn failed(id: StepId, failure: Failure) -> Event {
    step::failed(id, failure.reason, failure.message)
}

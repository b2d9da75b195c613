//! Steps: from pending to their end.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | - | `StepsAdded` | pending |
//! | pending | `StepStarted` (attempt 1) | running |
//! | running | `StepStarted` (next attempt) | running, work afresh |
//! | running | `StepParked` | parked, work kept |
//! | parked | `QuestionAnswered`, `RunResumed` (failed commit) | running |
//! | running | `StepEnded` (succeeded, failed) | ended |
//! | running | `StepEnded` (skipped: condition false) | ended |
//! | pending | `StepEnded` (skipped) | ended |
//! | ended (failed, skipped), parked (question) | `StepRetried` | pending; with steps inside: running |
//! | parked (failed commit) | `StepRetried` | running |

use std::collections::BTreeSet;

use lao_event::{
    Attempt, Event, FlowStep, Hash, OnFailure, StepId,
    latest::{
        FailureReason, FlowValue, NewStep, ParkReason, SkipReason, StartCause, StepDefinition,
        StepEnded, StepOutcome, StepParked, StepRetried, StepStarted, StepsAdded,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    answer,
    command::{Rejection, Retry},
    evolve::Inconsistency,
    flow::{self, FlowWork, Inside},
    planning::PlanningWork,
    run::RunPhase,
    state::State,
    task::TaskWork,
};

/// A vertex of the run's graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Short name.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// Steps that must succeed first.
    pub needs: Vec<StepId>,
    /// What is to be done.
    pub definition: StepDefinition,
    /// How it stands.
    pub status: StepStatus,
    /// The attempt under way, or the last one; 0 before the first.
    pub attempt: Attempt,
    pub(crate) dependents: Vec<StepId>,
    pub(crate) unmet: u32,
    /// The step of a workflow that added it, and that it is inside of.
    pub parent: Option<StepId>,
    /// The steps inside it: items, or steps of another workflow.
    pub inside: Option<Inside>,
    /// What it gave.
    pub output: FlowValue,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// The definition of a step of a workflow.
    pub(crate) spec: Option<Box<FlowStep>>,
    /// It waits for another item to end.
    pub(crate) held: bool,
    /// What its result may be found under later.
    pub(crate) cached_under: Option<Hash>,
    /// What a task that ended or was sent back left, for the next time it starts.
    pub(crate) left: Option<Box<TaskWork>>,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepStatus {
    /// It has not begun.
    Pending,
    /// It is under way.
    Running(Work),
    /// It waits for a person.
    Parked(ParkReason, Work),
    /// It is over.
    Ended(StepOutcome),
}

/// What a step under way is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Turning a chunk of the plan into tasks.
    Planning(Box<PlanningWork>),
    /// Doing a task.
    Task(Box<TaskWork>),
    /// Doing a step of a workflow.
    Flow(Box<FlowWork>),
}

impl Step {
    /// It did what it should.
    pub fn has_succeeded(&self) -> bool {
        matches!(self.status, StepStatus::Ended(StepOutcome::Succeeded))
    }

    /// It ended failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.status, StepStatus::Ended(StepOutcome::Failed { .. }))
    }

    /// It waits because its commit could not be made.
    pub(crate) fn has_failed_commit(&self) -> bool {
        matches!(self.status, StepStatus::Parked(ParkReason::CommitFailed { .. }, _))
    }

    /// It is a task.
    pub fn is_task(&self) -> bool {
        matches!(self.definition, StepDefinition::Task(_))
    }

    /// It is a step of a workflow.
    pub fn is_flow(&self) -> bool {
        matches!(self.definition, StepDefinition::Flow { .. } | StepDefinition::Item { .. })
    }

    /// What it is at, while it is under way or parked.
    pub fn work(&self) -> Option<&Work> {
        match &self.status {
            StepStatus::Running(work) | StepStatus::Parked(_, work) => Some(work),
            StepStatus::Pending | StepStatus::Ended(_) => None,
        }
    }

    fn work_mut(&mut self) -> Option<&mut Work> {
        match &mut self.status {
            StepStatus::Running(work) | StepStatus::Parked(_, work) => Some(work),
            StepStatus::Pending | StepStatus::Ended(_) => None,
        }
    }
}

impl State {
    /// A step failed, and what needs it goes on all the same.
    pub fn is_tolerated(&self, id: StepId) -> bool {
        self.spec(id).is_some_and(|spec| spec.on_failure != OnFailure::Stop)
    }

    /// What needs a step may go on: it succeeded, or is over in a way that does not stand in the way.
    pub(crate) fn is_met(&self, id: StepId) -> bool {
        match &self.at(id).status {
            StepStatus::Ended(
                StepOutcome::Succeeded
                | StepOutcome::Skipped(SkipReason::ConditionFalse | SkipReason::NotNeeded),
            ) => true,
            StepStatus::Ended(StepOutcome::Failed { .. }) => self.is_tolerated(id),
            StepStatus::Ended(StepOutcome::Skipped(
                SkipReason::UpstreamFailed { .. } | SkipReason::Cancelled,
            ))
            | StepStatus::Pending
            | StepStatus::Running(_)
            | StepStatus::Parked(..) => false,
        }
    }

    pub(crate) fn task(&self, id: StepId) -> Option<&TaskWork> {
        match self.step(id)?.work()? {
            Work::Task(work) => Some(work),
            Work::Planning(_) | Work::Flow(_) => None,
        }
    }

    pub(crate) fn step_mut(&mut self, id: StepId) -> Result<&mut Step, Inconsistency> {
        self.steps
            .get_mut(id.0 as usize)
            .ok_or_else(|| Inconsistency::new(format!("there is no {id}")))
    }

    pub(crate) fn work_mut(&mut self, id: StepId) -> Result<&mut Work, Inconsistency> {
        self.step_mut(id)?
            .work_mut()
            .ok_or_else(|| Inconsistency::new(format!("{id} is not under way")))
    }

    pub(crate) fn task_mut(&mut self, id: StepId) -> Result<&mut TaskWork, Inconsistency> {
        match self.work_mut(id)? {
            Work::Task(work) => Ok(work),
            Work::Planning(_) | Work::Flow(_) => {
                Err(Inconsistency::new(format!("{id} is not a task")))
            }
        }
    }

    pub(crate) fn planning_mut(&mut self, id: StepId) -> Result<&mut PlanningWork, Inconsistency> {
        match self.work_mut(id)? {
            Work::Planning(work) => Ok(work),
            Work::Task(_) | Work::Flow(_) => Err(Inconsistency::new(format!("{id} does not plan"))),
        }
    }
}

pub(crate) fn failed(step: StepId, reason: FailureReason, message: impl Into<String>) -> Event {
    StepEnded { step, outcome: StepOutcome::Failed { reason, message: message.into() } }.into()
}

pub(crate) fn succeeded(step: StepId) -> Event {
    StepEnded { step, outcome: StepOutcome::Succeeded }.into()
}

/// Another attempt if the settings allow one, else the given failure.
pub(crate) fn again_or_fail(
    state: &State,
    step: StepId,
    cause: StartCause,
    (reason, message): (FailureReason, String),
) -> Event {
    let attempt = state.at(step).attempt;
    if attempt.0 < state.started().settings.limits.attempts_max {
        StepStarted { step, attempt: Attempt(attempt.0 + 1), cause }.into()
    } else {
        failed(step, reason, message)
    }
}

pub(crate) fn decide_retry(state: &State, retry: &Retry) -> Result<Vec<Event>, Rejection> {
    let run = state.run().ok_or(Rejection::NotStarted)?;
    if matches!(run.phase, RunPhase::Ended(_)) {
        return Err(Rejection::Ended);
    }
    let steps = steps_to_retry(state, retry)?.into_iter();
    Ok(steps.map(|step| StepRetried { step }.into()).collect())
}

/// What a retry adds to a resume, which by itself tries failed commits again.
pub(crate) fn retried_by_resume(state: &State, retry: &Retry) -> Result<Vec<Event>, Rejection> {
    let steps = steps_to_retry(state, retry)?.into_iter();
    let others = steps.filter(|step| !state.at(*step).has_failed_commit());
    Ok(others.map(|step| StepRetried { step }.into()).collect())
}

fn steps_to_retry(state: &State, retry: &Retry) -> Result<Vec<StepId>, Rejection> {
    let steps: Vec<StepId> = match retry {
        Retry::Failed => state.index.red.intersection(&state.index.failed).copied().collect(),
        Retry::Step(key) => {
            let id = state.step_by_key(key).ok_or_else(|| Rejection::UnknownStep(key.clone()))?;
            let step = state.at(id);
            if let Some(outer) = state.outer_steps(id).last() {
                let (step, outer) = (key.clone(), state.at(outer).key.clone());
                return Err(Rejection::InsideAnother { step, outer });
            }
            let may = step.has_failed() || matches!(step.status, StepStatus::Parked(..));
            if !may {
                return Err(Rejection::NotFailed(key.clone()));
            }
            vec![id]
        }
    };
    if steps.is_empty() {
        return Err(Rejection::NothingFailed);
    }
    Ok(steps)
}

pub(crate) fn evolve_added(state: &mut State, event: &StepsAdded) -> Result<(), Inconsistency> {
    let first = state.steps.len();
    for new in &event.steps {
        add(state, new)?;
    }
    if let Some(by) = event.by.filter(|by| state.spec(*by).is_some()) {
        let count = u32::try_from(event.steps.len()).expect("a run has fewer than 2^32 steps");
        flow::evolve_inside_added(state, by, (id_at(first), count))?;
    }
    for index in first..state.steps.len() {
        link(state, id_at(index))?;
    }
    Ok(())
}

pub(crate) fn id_at(index: usize) -> StepId {
    StepId(u32::try_from(index).expect("a run has fewer than 2^32 steps"))
}

fn add(state: &mut State, new: &NewStep) -> Result<(), Inconsistency> {
    let id = id_at(state.steps.len());
    if state.keys.insert(new.key.clone(), id).is_some() {
        return Err(Inconsistency::new(format!("two steps are called {:?}", new.key)));
    }
    state.steps.push(Step {
        key: new.key.clone(),
        title: new.title.clone(),
        needs: new.needs.clone(),
        definition: new.definition.clone(),
        status: StepStatus::Pending,
        attempt: Attempt(0),
        dependents: Vec::new(),
        unmet: 0,
        parent: None,
        inside: None,
        output: FlowValue::Nothing,
        exit_code: None,
        spec: read_spec(&new.definition)?,
        held: false,
        cached_under: None,
        left: None,
    });
    state.index.open += 1;
    match &new.definition {
        StepDefinition::Task(_) => {
            for name in [&new.key, &new.title] {
                state.index.names.insert(answer::task_name(name), id);
            }
            state.index.tasks += 1;
        }
        StepDefinition::Planning { .. } => state.index.unplanned += 1,
        StepDefinition::Flow { .. } | StepDefinition::Item { .. } => {}
    }
    Ok(())
}

/// Reads the definition of a step of a workflow.
fn read_spec(definition: &StepDefinition) -> Result<Option<Box<FlowStep>>, Inconsistency> {
    let StepDefinition::Flow { spec } = definition else {
        return Ok(None);
    };
    let problem =
        |error| Inconsistency::new(format!("a step's definition cannot be read: {error}"));
    serde_json::from_str(spec).map(Some).map_err(problem)
}

/// Counts what a new step needs, now that every step of the event is there.
fn link(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let needs = state.at(id).needs.clone();
    let mut unmet = 0;
    for need in needs {
        state.step_mut(need)?.dependents.push(id);
        unmet += u32::from(!state.is_met(need));
    }
    state.step_mut(id)?.unmet = unmet;
    if let Some(culprit) = first_failed(state, id) {
        state.index.doomed.insert(id, culprit);
    }
    if unmet == 0 && !state.at(id).held {
        state.index.ready.insert(id);
    }
    Ok(())
}

pub(crate) fn evolve_started(state: &mut State, event: &StepStarted) -> Result<(), Inconsistency> {
    let id = event.step;
    let step = state.step_mut(id)?;
    let expected = Attempt(step.attempt.0 + 1);
    if event.attempt != expected {
        return Err(Inconsistency::new(format!("{id} starts {}, not {expected}", event.attempt)));
    }
    step.attempt = event.attempt;
    let is_task = step.is_task();
    let is_flow = step.is_flow();
    let left = step.left.take();
    let previous = std::mem::replace(&mut step.status, StepStatus::Pending);
    let fresh = matches!(previous, StepStatus::Pending);
    step.status = match (previous, is_task) {
        (StepStatus::Pending | StepStatus::Running(Work::Flow(_)), false) if is_flow => {
            step.output = FlowValue::Nothing;
            step.cached_under = None;
            StepStatus::Running(Work::Flow(Box::default()))
        }
        (StepStatus::Pending, false) => StepStatus::Running(Work::Planning(Box::default())),
        (StepStatus::Pending, true) => StepStatus::Running(Work::Task(left.unwrap_or_default())),
        (StepStatus::Running(Work::Task(work)), true) => {
            StepStatus::Running(Work::Task(Box::new(work.next_attempt(event.cause))))
        }
        (previous, _) => {
            step.status = previous;
            return Err(Inconsistency::new(format!("{id} cannot start now")));
        }
    };
    state.index.ready.remove(&id);
    state.index.due.remove(&id);
    if is_task {
        state.index.coding.insert(id);
    }
    if is_task && fresh {
        state.index.begun += 1;
        state.index.places.insert(id);
    }
    if is_flow {
        if state.spec(id).is_some_and(flow::takes_place) {
            state.index.places.insert(id);
        }
        if state.at(id).inside.is_some() {
            // Another attempt at what is inside.
            flow::reopen(state, id)?;
        } else {
            state.go_on(id);
        }
    } else {
        state.make_due(id);
    }
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &StepEnded) -> Result<(), Inconsistency> {
    let id = event.step;
    let step = state.step_mut(id)?;
    match (&step.status, &event.outcome) {
        (StepStatus::Running(Work::Flow(_)), StepOutcome::Skipped(SkipReason::ConditionFalse))
        | (StepStatus::Pending, StepOutcome::Skipped(_))
        | (StepStatus::Running(_) | StepStatus::Parked(..), StepOutcome::Failed { .. })
        | (StepStatus::Running(_), StepOutcome::Succeeded) => {}
        (StepStatus::Pending | StepStatus::Ended(_), _)
        | (StepStatus::Running(_) | StepStatus::Parked(..), StepOutcome::Skipped(_))
        | (StepStatus::Parked(..), StepOutcome::Succeeded) => {
            return Err(Inconsistency::new(format!("{id} cannot end so now")));
        }
    }
    leave(step, StepStatus::Ended(event.outcome.clone()));
    let plans = matches!(step.definition, StepDefinition::Planning { .. });
    let parent = step.parent;
    let dependents = step.dependents.clone();
    leave_indexes(state, id);
    state.index.open -= 1;
    state.index.unplanned -= u32::from(plans && event.outcome == StepOutcome::Succeeded);
    settle_dependents(state, id, &event.outcome, &dependents)?;
    parent.map_or(Ok(()), |parent| flow::evolve_child_ended(state, parent))
}

/// Takes a step out of the status in which it was under way. What is in the workspace stays, so
/// what the step knows of it stays as well, unless it is done.
fn leave(step: &mut Step, status: StepStatus) {
    let done = status == StepStatus::Ended(StepOutcome::Succeeded);
    match std::mem::replace(&mut step.status, status) {
        StepStatus::Running(Work::Task(work)) | StepStatus::Parked(_, Work::Task(work))
            if !done =>
        {
            step.left = Some(Box::new(work.next_attempt(StartCause::Ready)));
        }
        StepStatus::Running(_)
        | StepStatus::Parked(..)
        | StepStatus::Pending
        | StepStatus::Ended(_) => {}
    }
}

/// Takes a step that is no longer under way out of every index. It is in no queue: a step that
/// waits for its checks or its commit does not end.
fn leave_indexes(state: &mut State, id: StepId) {
    let index = &mut state.index;
    index.ready.remove(&id);
    index.due.remove(&id);
    index.waiting.remove(&id);
    index.preparing.remove(&id);
    index.looking.remove(&id);
    index.doomed.remove(&id);
    index.wave.remove(&id);
    index.places.remove(&id);
    index.coding.remove(&id);
    index.parked.remove(&id);
}

fn settle_dependents(
    state: &mut State,
    id: StepId,
    outcome: &StepOutcome,
    dependents: &[StepId],
) -> Result<(), Inconsistency> {
    match outcome {
        StepOutcome::Succeeded => meet(state, dependents)?,
        StepOutcome::Skipped(SkipReason::ConditionFalse | SkipReason::NotNeeded) => {
            state.index.skipped.insert(id);
            meet(state, dependents)?;
        }
        StepOutcome::Failed { .. } => {
            state.index.failed.insert(id);
            if state.is_tolerated(id) {
                return meet(state, dependents);
            }
            note_red(state, id);
            doom(state, dependents, id);
        }
        StepOutcome::Skipped(SkipReason::UpstreamFailed { step }) => {
            state.index.skipped.insert(id);
            note_red(state, id);
            doom(state, dependents, *step);
        }
        StepOutcome::Skipped(SkipReason::Cancelled) => {
            state.index.skipped.insert(id);
            note_red(state, id);
        }
    }
    Ok(())
}

/// What a step needed is there.
fn meet(state: &mut State, dependents: &[StepId]) -> Result<(), Inconsistency> {
    for dependent in dependents {
        let step = state.step_mut(*dependent)?;
        step.unmet -= 1;
        let may = step.unmet == 0 && !step.held && matches!(step.status, StepStatus::Pending);
        if may {
            state.index.ready.insert(*dependent);
        }
    }
    Ok(())
}

/// Notes a step that keeps the run from succeeding.
fn note_red(state: &mut State, id: StepId) {
    if state.at(id).parent.is_none() {
        state.index.red.insert(id);
    }
}

fn doom(state: &mut State, dependents: &[StepId], culprit: StepId) {
    for dependent in dependents {
        let pending = matches!(state.at(*dependent).status, StepStatus::Pending);
        if pending {
            state.index.ready.remove(dependent);
            state.index.doomed.entry(*dependent).or_insert(culprit);
        }
    }
}

pub(crate) fn evolve_parked(state: &mut State, event: &StepParked) -> Result<(), Inconsistency> {
    let id = event.step;
    let step = state.step_mut(id)?;
    step.status = match std::mem::replace(&mut step.status, StepStatus::Pending) {
        StepStatus::Running(work) => StepStatus::Parked(event.reason.clone(), work),
        other @ (StepStatus::Pending | StepStatus::Parked(..) | StepStatus::Ended(_)) => {
            step.status = other;
            return Err(Inconsistency::new(format!("{id} cannot be parked now")));
        }
    };
    state.index.parked.insert(id);
    state.index.due.remove(&id);
    state.index.waiting.remove(&id);
    state.index.coding.remove(&id);
    state.index.places.remove(&id);
    Ok(())
}

/// Makes a parked step running again.
pub(crate) fn unpark(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let step = state.step_mut(id)?;
    step.status = match std::mem::replace(&mut step.status, StepStatus::Pending) {
        StepStatus::Parked(_, work) => StepStatus::Running(work),
        other @ (StepStatus::Pending | StepStatus::Running(_) | StepStatus::Ended(_)) => {
            step.status = other;
            return Err(Inconsistency::new(format!("{id} is not parked")));
        }
    };
    state.index.parked.remove(&id);
    let codes = state.task(id).is_some_and(TaskWork::is_coding);
    if codes {
        state.index.coding.insert(id);
    }
    Ok(())
}

/// A resumed run tries commits again that could not be made.
pub(crate) fn unpark_failed_commits(state: &mut State) {
    let parked: BTreeSet<StepId> = state.index.parked.clone();
    for id in parked {
        if state.at(id).has_failed_commit() {
            commit_again(state, id).expect("it is parked");
        }
    }
}

fn commit_again(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    unpark(state, id)?;
    state.index.commits.push_back(id);
    Ok(())
}

pub(crate) fn evolve_retried(state: &mut State, event: &StepRetried) -> Result<(), Inconsistency> {
    let id = event.step;
    match &state.step_mut(id)?.status {
        // What was done up to the commit is not thrown away.
        StepStatus::Parked(ParkReason::CommitFailed { .. }, _) => return commit_again(state, id),
        StepStatus::Parked(ParkReason::Question { .. }, _) => {
            give_up_effects(state, id);
            leave_indexes(state, id);
        }
        StepStatus::Ended(StepOutcome::Failed { .. } | StepOutcome::Skipped(_)) => {
            state.index.open += 1;
        }
        StepStatus::Pending
        | StepStatus::Running(_)
        | StepStatus::Ended(StepOutcome::Succeeded) => {
            return Err(Inconsistency::new(format!("{id} cannot be retried")));
        }
    }
    state.index.failed.remove(&id);
    state.index.skipped.remove(&id);
    state.index.red.remove(&id);
    if state.at(id).inside.is_some() {
        let dependents = state.at(id).dependents.clone();
        flow::reopen(state, id)?;
        return revive(state, &dependents, id);
    }
    let step = state.step_mut(id)?;
    leave(step, StepStatus::Pending);
    let begun = step.is_task() && step.attempt.0 > 0;
    step.attempt = Attempt(0);
    let dependents = step.dependents.clone();
    if step.unmet == 0 {
        state.index.ready.insert(id);
    }
    state.index.begun -= u32::from(begun);
    revive(state, &dependents, id)
}

/// Makes a step as if it had never begun. Whoever calls this settles all of them afterwards.
pub(crate) fn redo(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let step = state.step_mut(id)?;
    let was_open = match &step.status {
        StepStatus::Pending => true,
        StepStatus::Ended(_) => false,
        StepStatus::Running(_) | StepStatus::Parked(..) => {
            return Err(Inconsistency::new(format!("{id} is under way and cannot be redone")));
        }
    };
    let begun = step.is_task() && step.attempt.0 > 0;
    step.status = StepStatus::Pending;
    step.attempt = Attempt(0);
    step.left = None;
    step.output = FlowValue::Nothing;
    step.exit_code = None;
    step.cached_under = None;
    flow::forget_inside(state, id);
    leave_indexes(state, id);
    state.index.failed.remove(&id);
    state.index.skipped.remove(&id);
    state.index.red.remove(&id);
    state.index.open += u32::from(!was_open);
    state.index.begun -= u32::from(begun);
    Ok(())
}

/// Counts anew what redone steps, and those that depend on them, wait for.
pub(crate) fn settle_redone(state: &mut State, redone: &[StepId]) {
    for id in redone {
        let needs = &state.at(*id).needs;
        let unmet = needs.iter().filter(|need| !state.is_met(**need)).count();
        let culprit = first_failed(state, *id);
        let unmet = u32::try_from(unmet).expect("a step has fewer than 2^32 needs");
        state.steps[id.0 as usize].unmet = unmet;
        if unmet == 0 && !state.at(*id).held && matches!(state.at(*id).status, StepStatus::Pending)
        {
            state.index.ready.insert(*id);
        }
        if let Some(culprit) = culprit {
            state.index.doomed.insert(*id, culprit);
        }
    }
}

/// What a step that is sent back had under way is not waited for any more.
fn give_up_effects(state: &mut State, id: StepId) {
    state.in_flight.retain(|_, flight| flight.step != Some(id));
    state.questions.retain(|_, question| question.step != id);
}

/// Steps that were skipped because of a step that is retried become pending again, unless
/// another step they need has failed.
fn revive(state: &mut State, dependents: &[StepId], culprit: StepId) -> Result<(), Inconsistency> {
    let mut open: Vec<StepId> = dependents.to_vec();
    while let Some(id) = open.pop() {
        state.index.doomed.remove(&id);
        let skipped = matches!(
            state.at(id).status,
            StepStatus::Ended(StepOutcome::Skipped(SkipReason::UpstreamFailed { step }))
                if step == culprit
        );
        if skipped {
            state.index.skipped.remove(&id);
            state.index.red.remove(&id);
            state.index.open += 1;
            let step = state.step_mut(id)?;
            step.status = StepStatus::Pending;
            open.extend(&step.dependents);
        }
        if matches!(state.at(id).status, StepStatus::Pending)
            && let Some(other) = first_failed(state, id)
        {
            state.index.doomed.insert(id, other);
        }
    }
    Ok(())
}

/// The step that failed first among those that a step needs, directly or not.
pub(crate) fn first_failed(state: &State, id: StepId) -> Option<StepId> {
    state.at(id).needs.iter().find_map(|need| match &state.at(*need).status {
        StepStatus::Ended(StepOutcome::Failed { .. }) => {
            (!state.is_tolerated(*need)).then_some(*need)
        }
        StepStatus::Ended(StepOutcome::Skipped(SkipReason::UpstreamFailed { step })) => Some(*step),
        StepStatus::Pending
        | StepStatus::Running(_)
        | StepStatus::Parked(..)
        | StepStatus::Ended(
            StepOutcome::Succeeded
            | StepOutcome::Skipped(
                SkipReason::Cancelled | SkipReason::ConditionFalse | SkipReason::NotNeeded,
            ),
        ) => None,
    })
}

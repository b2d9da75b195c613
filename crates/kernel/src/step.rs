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
//! | pending | `StepEnded` (skipped) | ended |
//! | ended (failed, skipped), parked | `StepRetried` | pending |

use std::collections::BTreeSet;

use lao_event::{
    Attempt, Event, StepId,
    latest::{
        FailureReason, NewStep, ParkReason, SkipReason, StartCause, StepDefinition, StepEnded,
        StepOutcome, StepParked, StepRetried, StepStarted, StepsAdded,
    },
};
use serde::Serialize;

use crate::{
    command::{Rejection, Retry},
    evolve::Inconsistency,
    planning::PlanningWork,
    state::State,
    task::TaskWork,
};

/// A vertex of the run's graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Work {
    /// Turning a chunk of the plan into tasks.
    Planning(Box<PlanningWork>),
    /// Doing a task.
    Task(Box<TaskWork>),
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

    /// It is a task.
    pub fn is_task(&self) -> bool {
        matches!(self.definition, StepDefinition::Task(_))
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
    pub(crate) fn task(&self, id: StepId) -> Option<&TaskWork> {
        match self.step(id)?.work()? {
            Work::Task(work) => Some(work),
            Work::Planning(_) => None,
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
            Work::Planning(_) => Err(Inconsistency::new(format!("{id} is not a task"))),
        }
    }

    pub(crate) fn planning_mut(&mut self, id: StepId) -> Result<&mut PlanningWork, Inconsistency> {
        match self.work_mut(id)? {
            Work::Planning(work) => Ok(work),
            Work::Task(_) => Err(Inconsistency::new(format!("{id} does not plan"))),
        }
    }
}

pub(crate) fn failed(step: StepId, reason: FailureReason, message: impl Into<String>) -> Event {
    StepEnded {
        step,
        outcome: StepOutcome::Failed {
            reason,
            message: message.into(),
        },
    }
    .into()
}

pub(crate) fn succeeded(step: StepId) -> Event {
    StepEnded {
        step,
        outcome: StepOutcome::Succeeded,
    }
    .into()
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
        StepStarted {
            step,
            attempt: Attempt(attempt.0 + 1),
            cause,
        }
        .into()
    } else {
        failed(step, reason, message)
    }
}

pub(crate) fn decide_retry(state: &State, retry: &Retry) -> Result<Vec<Event>, Rejection> {
    let steps: Vec<StepId> = match retry {
        Retry::Failed => state.index.failed.iter().copied().collect(),
        Retry::Step(key) => {
            let id = state
                .step_by_key(key)
                .ok_or_else(|| Rejection::UnknownStep(key.clone()))?;
            let step = state.at(id);
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
    Ok(steps
        .into_iter()
        .map(|step| StepRetried { step }.into())
        .collect())
}

pub(crate) fn evolve_added(state: &mut State, event: &StepsAdded) -> Result<(), Inconsistency> {
    let first = state.steps.len();
    for new in &event.steps {
        add(state, new)?;
    }
    for index in first..state.steps.len() {
        link(state, id_at(index))?;
    }
    Ok(())
}

fn id_at(index: usize) -> StepId {
    StepId(u32::try_from(index).expect("a run has fewer than 2^32 steps"))
}

fn add(state: &mut State, new: &NewStep) -> Result<(), Inconsistency> {
    let id = id_at(state.steps.len());
    if state.keys.insert(new.key.clone(), id).is_some() {
        return Err(Inconsistency::new(format!(
            "two steps are called {:?}",
            new.key
        )));
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
    });
    state.index.open += 1;
    state.index.tasks += u32::from(matches!(new.definition, StepDefinition::Task(_)));
    Ok(())
}

/// Counts what a new step needs, now that every step of the event is there.
fn link(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let needs = state.at(id).needs.clone();
    let mut unmet = 0;
    for need in needs {
        let needed = state.step_mut(need)?;
        needed.dependents.push(id);
        match &needed.status {
            StepStatus::Ended(StepOutcome::Succeeded) => {}
            StepStatus::Pending | StepStatus::Running(_) | StepStatus::Parked(..) => unmet += 1,
            StepStatus::Ended(StepOutcome::Failed { .. } | StepOutcome::Skipped(_)) => {
                unmet += 1;
                state.index.doomed.insert(id, need);
            }
        }
    }
    state.step_mut(id)?.unmet = unmet;
    if unmet == 0 {
        state.index.ready.insert(id);
    }
    Ok(())
}

pub(crate) fn evolve_started(state: &mut State, event: &StepStarted) -> Result<(), Inconsistency> {
    let id = event.step;
    let step = state.step_mut(id)?;
    let expected = Attempt(step.attempt.0 + 1);
    if event.attempt != expected {
        return Err(Inconsistency::new(format!(
            "{id} starts {}, not {expected}",
            event.attempt
        )));
    }
    step.attempt = event.attempt;
    let is_task = step.is_task();
    let previous = std::mem::replace(&mut step.status, StepStatus::Pending);
    let fresh = matches!(previous, StepStatus::Pending);
    step.status = match (previous, is_task) {
        (StepStatus::Pending, false) => StepStatus::Running(Work::Planning(Box::default())),
        (StepStatus::Pending, true) => StepStatus::Running(Work::Task(Box::default())),
        (StepStatus::Running(Work::Task(work)), true) => {
            StepStatus::Running(Work::Task(Box::new(work.next_attempt(event.cause))))
        }
        (previous, _) => {
            step.status = previous;
            return Err(Inconsistency::new(format!("{id} cannot start now")));
        }
    };
    state.index.ready.remove(&id);
    state.index.due.insert(id);
    if is_task {
        state.index.active_tasks += u32::from(fresh);
        state.index.coding.insert(id);
    }
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &StepEnded) -> Result<(), Inconsistency> {
    let id = event.step;
    let step = state.step_mut(id)?;
    let was_active = matches!(step.status, StepStatus::Running(_)) && step.is_task();
    match (&step.status, &event.outcome) {
        (StepStatus::Pending, StepOutcome::Skipped(_))
        | (StepStatus::Running(_) | StepStatus::Parked(..), StepOutcome::Failed { .. })
        | (StepStatus::Running(_), StepOutcome::Succeeded) => {}
        (StepStatus::Pending | StepStatus::Ended(_), _)
        | (StepStatus::Running(_) | StepStatus::Parked(..), StepOutcome::Skipped(_))
        | (StepStatus::Parked(..), StepOutcome::Succeeded) => {
            return Err(Inconsistency::new(format!("{id} cannot end so now")));
        }
    }
    step.status = StepStatus::Ended(event.outcome.clone());
    let dependents = step.dependents.clone();
    leave_indexes(state, id, was_active);
    state.index.open -= 1;
    settle_dependents(state, id, &event.outcome, &dependents)
}

/// Takes a step that is no longer under way out of every index.
fn leave_indexes(state: &mut State, id: StepId, was_active: bool) {
    let waited_for_wave = state.index.wave.remove(&id);
    if was_active && !waited_for_wave {
        state.index.active_tasks -= 1;
    }
    state.index.ready.remove(&id);
    state.index.due.remove(&id);
    state.index.preparing.remove(&id);
    state.index.doomed.remove(&id);
    state.index.coding.remove(&id);
    state.index.parked.remove(&id);
    state.index.checks.retain(|step| *step != id);
    state.index.commits.retain(|step| *step != id);
}

fn settle_dependents(
    state: &mut State,
    id: StepId,
    outcome: &StepOutcome,
    dependents: &[StepId],
) -> Result<(), Inconsistency> {
    match outcome {
        StepOutcome::Succeeded => {
            for dependent in dependents {
                let step = state.step_mut(*dependent)?;
                step.unmet -= 1;
                if step.unmet == 0 && matches!(step.status, StepStatus::Pending) {
                    state.index.ready.insert(*dependent);
                }
            }
        }
        StepOutcome::Failed { .. } => {
            state.index.failed.insert(id);
            doom(state, dependents, id);
        }
        StepOutcome::Skipped(SkipReason::UpstreamFailed { step }) => {
            state.index.skipped.insert(id);
            doom(state, dependents, *step);
        }
        StepOutcome::Skipped(SkipReason::Cancelled) => {
            state.index.skipped.insert(id);
        }
    }
    Ok(())
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
    let is_task = step.is_task();
    step.status = match std::mem::replace(&mut step.status, StepStatus::Pending) {
        StepStatus::Running(work) => StepStatus::Parked(event.reason.clone(), work),
        other @ (StepStatus::Pending | StepStatus::Parked(..) | StepStatus::Ended(_)) => {
            step.status = other;
            return Err(Inconsistency::new(format!("{id} cannot be parked now")));
        }
    };
    state.index.parked.insert(id);
    state.index.due.remove(&id);
    state.index.coding.remove(&id);
    if is_task {
        state.index.active_tasks -= 1;
    }
    Ok(())
}

/// Makes a parked step running again.
pub(crate) fn unpark(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let step = state.step_mut(id)?;
    let is_task = step.is_task();
    step.status = match std::mem::replace(&mut step.status, StepStatus::Pending) {
        StepStatus::Parked(_, work) => StepStatus::Running(work),
        other @ (StepStatus::Pending | StepStatus::Running(_) | StepStatus::Ended(_)) => {
            step.status = other;
            return Err(Inconsistency::new(format!("{id} is not parked")));
        }
    };
    state.index.parked.remove(&id);
    if is_task {
        state.index.active_tasks += 1;
        let codes = state.task(id).is_some_and(TaskWork::is_coding);
        if codes {
            state.index.coding.insert(id);
        }
    }
    Ok(())
}

/// A resumed run tries commits again that could not be made.
pub(crate) fn unpark_failed_commits(state: &mut State) {
    let parked: BTreeSet<StepId> = state.index.parked.clone();
    for id in parked {
        let failed_commit = matches!(
            &state.at(id).status,
            StepStatus::Parked(ParkReason::CommitFailed { .. }, _)
        );
        if failed_commit {
            unpark(state, id).expect("it is parked");
            state.index.commits.push_back(id);
        }
    }
}

pub(crate) fn evolve_retried(state: &mut State, event: &StepRetried) -> Result<(), Inconsistency> {
    let id = event.step;
    match &state.step_mut(id)?.status {
        StepStatus::Parked(..) => {
            give_up_effects(state, id);
            leave_indexes(state, id, false);
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
    let step = state.step_mut(id)?;
    step.status = StepStatus::Pending;
    step.attempt = Attempt(0);
    let dependents = step.dependents.clone();
    if step.unmet == 0 {
        state.index.ready.insert(id);
    }
    revive(state, &dependents, id)
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
            state.index.open += 1;
            let step = state.step_mut(id)?;
            step.status = StepStatus::Pending;
            open.extend(&step.dependents);
        }
        let other = state
            .at(id)
            .needs
            .iter()
            .copied()
            .find(|need| state.at(*need).has_failed());
        if let Some(other) = other
            && matches!(state.at(id).status, StepStatus::Pending)
        {
            state.index.doomed.insert(id, other);
        }
    }
    Ok(())
}

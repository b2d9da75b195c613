//! Forks: a run that goes on from another one's history, as a run of its own.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | any but cancelled | `RunForked` | stopped, under a new identity; steps to be redone are pending |
//!
//! What was in flight is lost, as after a crash, and done again once the run is resumed.
//!
//! A step that is redone begins as if it had never begun, so a list that it goes through is made
//! anew. The steps that were inside it stay in the graph as they ended, for their numbers are in
//! the journal; nothing finds them by their keys any more, and others take their places.

use std::collections::BTreeSet;

use lao_event::{
    Event, StepId,
    latest::{RunForked, RunOutcome, StopReason},
};

use crate::{
    command::{Fork, Rejection},
    evolve::Inconsistency,
    run::{self, Parent, RunPhase},
    state::State,
    step::{self, StepStatus},
};

pub(crate) fn decide_fork(state: &State, fork: Fork) -> Result<Vec<Event>, Rejection> {
    let run = state.run().ok_or(Rejection::NotStarted)?;
    match run.phase {
        // What was in flight was given up for good.
        RunPhase::Stopping(StopReason::Cancelled) | RunPhase::Ended(RunOutcome::Cancelled) => {
            return Err(Rejection::Ended);
        }
        RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Stopped(_) | RunPhase::Ended(_) => {}
    }
    let redone = with_dependents(state, &fork.redo)?;
    let lost = run::lost_with_process(state, &fork.settings);
    let settings = run::settings_content(&fork.settings)?;
    let Fork { run, parent, seq, head, program, settings: _, redo: _ } = fork;
    let forked = RunForked { run, parent, seq, head, program, settings, redone };
    Ok(std::iter::once(forked.into()).chain(lost).collect())
}

/// Steps and all that depends on them, in ascending order. Tasks and a workflow's own steps can be
/// redone while they are not under way. A planning step cannot: what it added stays in the graph,
/// and other steps need it. What is inside a step goes with that one.
fn with_dependents(state: &State, steps: &[StepId]) -> Result<Vec<StepId>, Rejection> {
    let mut found = BTreeSet::new();
    let mut open = steps.to_vec();
    while let Some(id) = open.pop() {
        let step = state.step(id).ok_or_else(|| Rejection::UnknownStep(id.to_string()))?;
        let at_rest = matches!(step.status, StepStatus::Pending | StepStatus::Ended(_));
        if let Some(outer) = state.outer_steps(id).last() {
            let (step, outer) = (step.key.clone(), state.at(outer).key.clone());
            return Err(Rejection::InsideAnother { step, outer });
        }
        if !(step.is_task() || step.is_flow()) || !at_rest {
            return Err(Rejection::NotRedone(step.key.clone()));
        }
        if found.insert(id) {
            open.extend(&step.dependents);
        }
    }
    Ok(found.into_iter().collect())
}

pub(crate) fn evolve_forked(state: &mut State, event: &RunForked) -> Result<(), Inconsistency> {
    let settings = run::read_settings(&event.settings)?;
    let run = run::run_mut(state)?;
    run.id = event.run.clone();
    run.parent = Some(Parent { run: event.parent.clone(), seq: event.seq });
    run.settings = settings;
    run.phase = RunPhase::Stopped(StopReason::Interrupted);
    run::forget_workspace(state)?;
    for id in &event.redone {
        step::redo(state, *id)?;
    }
    step::settle_redone(state, &event.redone);
    Ok(())
}

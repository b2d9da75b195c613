//! What may start now: the scheduler's rule, as a function of the state's indexes.

use lao_event::{
    Attempt, Event, StepId,
    latest::{SkipReason, StartCause, StepEnded, StepOutcome, StepStarted, WorkspaceStarted},
};

use crate::{
    checks, commit, planning,
    run::{self, Readiness, RunPhase},
    state::State,
    step::Work,
    task,
};

/// The next event that follows from the state alone; `None` when the world has to move first.
pub(crate) fn advance(state: &State) -> Option<Event> {
    let run = state.run()?;
    match &run.phase {
        RunPhase::Stopped(_) | RunPhase::Ended(_) => return None,
        RunPhase::Stopping(reason) => {
            return is_idle(state).then(|| run::advance_stopping(reason));
        }
        RunPhase::Working => {}
    }
    match run.workspace.readiness {
        Readiness::Due => {
            return Some(WorkspaceStarted { effect: state.next_effect() }.into());
        }
        Readiness::Preparing => return None,
        Readiness::Ready => {}
    }
    skip_doomed(state)
        .or_else(|| ask_due(state))
        .or_else(|| commit::advance(state))
        .or_else(|| checks::advance_task(state))
        .or_else(|| start_ready(state))
        .or_else(|| checks::advance_wave(state))
        .or_else(|| end_if_idle(state))
}

/// No effect is being carried out.
fn is_idle(state: &State) -> bool {
    state.index.under_way.is_empty()
}

fn skip_doomed(state: &State) -> Option<Event> {
    let (id, culprit) = state.index.doomed.first_key_value()?;
    let reason = SkipReason::UpstreamFailed { step: *culprit };
    Some(StepEnded { step: *id, outcome: StepOutcome::Skipped(reason) }.into())
}

fn ask_due(state: &State) -> Option<Event> {
    let index = &state.index;
    let waiting = || index.waiting.first().filter(|_| has_place(state));
    let id = *index.due.first().or_else(waiting)?;
    let event = match state.at(id).work().expect("a due step is under way") {
        Work::Planning(_) => planning::advance(state, id),
        Work::Task(_) => task::advance(state, id),
    };
    Some(event)
}

/// Another task may take up a place.
fn has_place(state: &State) -> bool {
    let places = state.started().settings.limits.parallel_tasks_max.max(1);
    state.index.places.len() < places as usize
}

/// Planning steps start at once; tasks while there is a place, after those that began earlier.
fn start_ready(state: &State) -> Option<Event> {
    let id: StepId = *state.index.ready.first()?;
    let may = !state.at(id).is_task() || has_place(state);
    may.then(|| StepStarted { step: id, attempt: Attempt(1), cause: StartCause::Ready }.into())
}

fn end_if_idle(state: &State) -> Option<Event> {
    let busy = !is_idle(state) || !state.index.preparing.is_empty();
    (!busy).then(|| run::advance_idle(state))
}

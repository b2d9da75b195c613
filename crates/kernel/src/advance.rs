//! What may start now: the scheduler's rule, as a function of the state's indexes.

use lao_event::{
    Attempt, Event, StepId,
    latest::{
        Definition, SkipReason, StartCause, StepEnded, StepOutcome, StepStarted, WorkspaceStarted,
    },
};

use crate::{
    checks, commit, flow, planning,
    run::{self, Readiness, RunPhase},
    state::State,
    step::Work,
    task,
};

/// The next events that follow from the state alone; none when the world has to move first.
pub(crate) fn advance(state: &State) -> Vec<Event> {
    let Some(run) = state.run() else {
        return Vec::new();
    };
    match &run.phase {
        RunPhase::Stopped(_) | RunPhase::Ended(_) => return Vec::new(),
        RunPhase::Stopping(reason) => {
            return is_idle(state).then(|| run::advance_stopping(reason)).into_iter().collect();
        }
        RunPhase::Working => {}
    }
    match run.workspace.readiness {
        Readiness::Due => {
            return vec![WorkspaceStarted { effect: state.next_effect() }.into()];
        }
        Readiness::Preparing => return Vec::new(),
        Readiness::Ready => {}
    }
    if let Some(skipped) = skip_doomed(state) {
        return vec![skipped];
    }
    let asked = ask_due(state);
    if !asked.is_empty() {
        return asked;
    }
    let next = None
        .or_else(|| commit::advance(state))
        .or_else(|| checks::advance_task(state))
        .or_else(|| start_ready(state))
        .or_else(|| checks::advance_wave(state))
        .or_else(|| end_if_idle(state));
    next.into_iter().collect()
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

fn ask_due(state: &State) -> Vec<Event> {
    let index = &state.index;
    let waiting = || index.waiting.first().filter(|_| has_place(state));
    let Some(id) = index.due.first().or_else(waiting).copied() else {
        return Vec::new();
    };
    match state.at(id).work().expect("a due step is under way") {
        Work::Planning(_) => vec![planning::advance(state, id)],
        Work::Task(_) => vec![task::advance(state, id)],
        Work::Flow(_) => flow::advance(state, id),
    }
}

/// Another task, or step of a workflow, may take up a place.
fn has_place(state: &State) -> bool {
    let limits = &state.started().settings.limits;
    let places = match state.started().definition {
        Definition::Plan(_) => limits.parallel_tasks_max,
        Definition::Flow(_) => limits.parallel_steps_max,
    };
    let places = places.max(1);
    state.index.places.len() < places as usize
}

/// Planning steps and what only waits start at once; others while there is a place, after those
/// that began earlier.
fn start_ready(state: &State) -> Option<Event> {
    let id: StepId = *state.index.ready.first()?;
    if let Some(spec) = state.spec(id) {
        let may = !flow::takes_place(spec) || has_place(state);
        return may.then(|| flow::start(state, id));
    }
    let may = !state.at(id).is_task() || has_place(state);
    may.then(|| StepStarted { step: id, attempt: Attempt(1), cause: StartCause::Ready }.into())
}

fn end_if_idle(state: &State) -> Option<Event> {
    let looks = !state.index.preparing.is_empty() || !state.index.looking.is_empty();
    let busy = !is_idle(state) || looks;
    (!busy).then(|| run::advance_idle(state))
}

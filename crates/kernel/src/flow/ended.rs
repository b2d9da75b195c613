//! The end of an action: the step's end, another attempt, or a question.

use lao_event::{
    Attempt, EffectId, Event, FlowRetry, QuestionId, RetryOn, StepId,
    latest::{
        Action, ActionEnded, ActionFailure, ActionOutcome, ActionStarted, FailureReason, FlowValue,
        ParkReason, QuestionAsked, QuestionSubject, RunStopping, StartCause, StepParked,
        StepStarted, StopReason,
    },
};

use super::{Failure, FlowPhase, begin::is_map, failed, inside, resolve::items};
use crate::{
    command::Rejection,
    evolve::Inconsistency,
    state::{InFlight, InFlightKind, State},
    step,
};

/// What follows when an action has ended.
pub(crate) fn decide_ended(
    state: &State,
    effect: EffectId,
    outcome: ActionOutcome,
) -> Result<Vec<Event>, Rejection> {
    let Some(InFlight {
        step: Some(step),
        kind: InFlightKind::Action(action),
        waits_for: None,
        ..
    }) = state.in_flight.get(&effect)
    else {
        return Err(Rejection::UnknownEffect(effect));
    };
    if action.only_waits() && !state.started().is_working() {
        return Err(Rejection::Stopping);
    }
    let follow_up = follow_up(state, (*step, effect), action, &outcome);
    let ended: Event = ActionEnded { effect, outcome }.into();
    Ok(std::iter::once(ended).chain(follow_up).collect())
}

fn follow_up(
    state: &State,
    (step, effect): (StepId, EffectId),
    action: &Action,
    outcome: &ActionOutcome,
) -> Vec<Event> {
    match (action, outcome) {
        (Action::Pause { .. }, _) => vec![next_attempt(state, step)],
        (Action::List { .. }, ActionOutcome::Done { value, .. }) if is_map(state, step) => {
            match listed(value) {
                Ok(items) => inside::add_items(state, step, items),
                Err(failure) => vec![failed(step, failure)],
            }
        }
        (_, ActionOutcome::Done { .. }) => vec![step::succeeded(step)],
        (
            Action::Write { path, .. },
            ActionOutcome::Failed { kind: ActionFailure::Conflict, .. },
        ) => conflict(state, (step, effect), path),
        (_, ActionOutcome::Failed { kind, message, .. }) => {
            after_failure(state, step, action, (*kind, message))
        }
    }
}

/// The files that were listed, as items.
fn listed(value: &FlowValue) -> Result<Vec<FlowValue>, Failure> {
    let text = match value {
        FlowValue::Json(content) => content.inline().unwrap_or("[]"),
        FlowValue::Nothing | FlowValue::Text(_) | FlowValue::File { .. } => "[]",
    };
    let list = serde_json::from_str(text).map_err(|error| Failure::expression(&error))?;
    items(list)
}

fn conflict(state: &State, (step, effect): (StepId, EffectId), path: &str) -> Vec<Event> {
    let question = QuestionId(state.questions_asked + 1);
    let subject = QuestionSubject::FileConflict { path: path.to_owned() };
    vec![
        QuestionAsked { question, step, effect, subject }.into(),
        StepParked { step, reason: ParkReason::Question { question } }.into(),
    ]
}

fn after_failure(
    state: &State,
    step: StepId,
    action: &Action,
    (kind, message): (ActionFailure, &str),
) -> Vec<Event> {
    let (on, reason) = match kind {
        ActionFailure::Command => (RetryOn::Command, FailureReason::ActionFailed),
        ActionFailure::File | ActionFailure::Conflict => {
            (RetryOn::File, FailureReason::ActionFailed)
        }
        ActionFailure::Engine => (RetryOn::Engine, FailureReason::ActionFailed),
        ActionFailure::Model => (RetryOn::Model, FailureReason::ModelFailed),
        ActionFailure::TimedOut => (RetryOn::Timeout, FailureReason::TimedOut),
        ActionFailure::Inside => (RetryOn::Inside, FailureReason::InsideFailed),
        ActionFailure::Denied => {
            return vec![failed(step, Failure::new(FailureReason::Denied, message))];
        }
        ActionFailure::Unreachable | ActionFailure::ModelMissing => {
            return stops(state, action, (kind, message));
        }
    };
    fail_or_retry(state, step, on, Failure::new(reason, message))
}

/// The run stops, to be resumed when the server or the model is there.
fn stops(state: &State, action: &Action, (kind, message): (ActionFailure, &str)) -> Vec<Event> {
    let endpoint = match action {
        Action::Transcribe(transcribe) => transcribe.endpoint.clone(),
        Action::Embed { endpoint, .. } => endpoint.clone(),
        Action::Run(_)
        | Action::Read { .. }
        | Action::List { .. }
        | Action::Write { .. }
        | Action::Plan { .. }
        | Action::Approve { .. }
        | Action::Wait { .. }
        | Action::Pause { .. } => String::new(),
    };
    let message = message.to_owned();
    let reason = if kind == ActionFailure::ModelMissing {
        StopReason::ModelMissing { endpoint, message }
    } else {
        StopReason::ServerUnreachable { endpoint, message }
    };
    let stopping = state.started().is_working().then(|| RunStopping { reason }.into());
    stopping.into_iter().collect()
}

/// Another attempt, at once or after a pause, if the step may have one; else the failure.
pub(crate) fn fail_or_retry(
    state: &State,
    id: StepId,
    on: RetryOn,
    failure: Failure,
) -> Vec<Event> {
    let attempt = state.at(id).attempt;
    let retry = state.spec(id).and_then(|spec| spec.retry.as_ref());
    let may = |retry: &&FlowRetry| {
        may_retry(retry, attempt, on) && inside::late_outer(state, id).is_none()
    };
    let Some(retry) = retry.filter(may) else {
        return vec![failed(id, failure)];
    };
    let wait_ms = pause_ms(retry, attempt);
    if wait_ms == 0 {
        return vec![next_attempt(state, id)];
    }
    let action = Action::Pause { wait_ms };
    vec![ActionStarted { effect: state.next_effect(), step: id, action }.into()]
}

fn may_retry(retry: &FlowRetry, attempt: Attempt, on: RetryOn) -> bool {
    attempt.0 < retry.attempts && (retry.on.is_empty() || retry.on.contains(&on))
}

fn pause_ms(retry: &FlowRetry, attempt: Attempt) -> u64 {
    let doubled = 1_u64.checked_shl(attempt.0.saturating_sub(1)).unwrap_or(u64::MAX);
    retry.pause_ms.saturating_mul(doubled).min(retry.pause_ms_max)
}

fn next_attempt(state: &State, id: StepId) -> Event {
    let attempt = Attempt(state.at(id).attempt.0 + 1);
    StepStarted { step: id, attempt, cause: StartCause::Failed }.into()
}

pub(crate) fn evolve_action_started(
    state: &mut State,
    event: &ActionStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Action(Box::new(event.action.clone()));
    state.begin(event.effect, Some(event.step), kind)?;
    state.index.due.remove(&event.step);
    state.index.looking.remove(&event.step);
    let pauses = matches!(event.action, Action::Pause { .. });
    let work = state.flow_mut(event.step)?;
    work.phase =
        if pauses { FlowPhase::Pausing(event.effect) } else { FlowPhase::Acting(event.effect) };
    Ok(())
}

pub(crate) fn evolve_action_ended(
    state: &mut State,
    event: &ActionEnded,
) -> Result<(), Inconsistency> {
    let flight = state.end(event.effect)?;
    let (Some(id), InFlightKind::Action(action)) = (flight.step, flight.kind) else {
        return Err(Inconsistency::new(format!("{} was no action", event.effect)));
    };
    let maps = is_map(state, id);
    match &event.outcome {
        ActionOutcome::Done { value, exit_code } => {
            if let Action::Write { path, after, .. } = &*action {
                state.files.insert(path.clone(), Some(after.hash()));
            }
            if !maps && !matches!(*action, Action::Pause { .. }) {
                let step = state.step_mut(id)?;
                step.output = value.clone();
                step.exit_code = *exit_code;
            }
        }
        ActionOutcome::Failed { kind, message: _, exit_code } => {
            state.step_mut(id)?.exit_code = *exit_code;
            let work = state.flow_mut(id)?;
            if kind.goes_on() || work.timed_out {
                work.phase = FlowPhase::Begin;
                state.go_on(id);
            }
        }
    }
    Ok(())
}

//! States in words and colours.

use lao_protocol::{RunStatusCode, StepCounts, StepStatus, StepView};

use crate::{style::Tone, units::number};

/// A run's state.
pub(crate) const fn run_state(state: RunStatusCode) -> (Tone, &'static str) {
    match state {
        RunStatusCode::Planning => (Tone::Active, "planning"),
        RunStatusCode::Running => (Tone::Active, "running"),
        RunStatusCode::Stopping => (Tone::Warning, "stopping"),
        RunStatusCode::Interrupted => (Tone::Warning, "interrupted"),
        RunStatusCode::Parked => (Tone::Warning, "parked"),
        RunStatusCode::Succeeded => (Tone::Good, "done"),
        RunStatusCode::Failed => (Tone::Bad, "failed"),
        RunStatusCode::Cancelled => (Tone::Warning, "cancelled"),
        RunStatusCode::Unreadable => (Tone::Bad, "unreadable"),
    }
}

/// A step's state.
pub(crate) const fn step_state(state: StepStatus) -> (Tone, &'static str) {
    match state {
        StepStatus::Pending => (Tone::Faint, "waiting"),
        StepStatus::Running => (Tone::Active, "running"),
        StepStatus::Parked => (Tone::Warning, "parked"),
        StepStatus::Succeeded => (Tone::Good, "done"),
        StepStatus::Failed => (Tone::Bad, "failed"),
        StepStatus::Skipped => (Tone::Warning, "skipped"),
    }
}

/// What a run of this kind calls its steps.
pub(crate) fn parts(kind: &str) -> &'static str {
    if kind == "plan" { "tasks" } else { "steps" }
}

/// A step is left out or failed as its workflow provides for, and nothing is to be done about it.
pub(crate) fn is_provided_for(step: &StepView) -> bool {
    step.failure.as_ref().is_some_and(|failure| match step.status {
        StepStatus::Failed => failure.next.is_none(),
        StepStatus::Skipped => matches!(failure.kind.as_str(), "condition" | "not_needed"),
        StepStatus::Pending | StepStatus::Running | StepStatus::Parked | StepStatus::Succeeded => {
            false
        }
    })
}

/// Steps by state, those that occur: `3 of 7 done, 1 running, 3 waiting`.
pub(crate) fn counts(counts: &StepCounts) -> String {
    let StepCounts { total, pending, running, parked, succeeded, failed, skipped } = *counts;
    let first = format!("{} of {} done", number(succeeded.into()), number(total.into()));
    [
        (failed, StepStatus::Failed),
        (skipped, StepStatus::Skipped),
        (parked, StepStatus::Parked),
        (running, StepStatus::Running),
        (pending, StepStatus::Pending),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .fold(first, |text, (count, state)| {
        format!("{text}, {} {}", number(count.into()), step_state(state).1)
    })
}

//! Checks: one round at a time, of one task or of a whole wave.

use std::collections::BTreeSet;

use lao_event::{
    CheckScope, EffectId, Event, StepId,
    latest::{
        CheckReport, ChecksEnded, ChecksScope, ChecksStarted, CommandReport, FailureReason, Finding,
    },
};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    state::{InFlight, InFlightKind, State},
    step,
    talk::{Ask, TalkPhase},
    task::TaskPhase,
};

/// The next round of one task, if one is due and none is under way.
pub(crate) fn advance_task(state: &State) -> Option<Event> {
    if state.index.checking.is_some() {
        return None;
    }
    let steps = vec![*state.index.checks.front()?];
    let effect = state.next_effect();
    Some(
        ChecksStarted {
            effect,
            steps,
            scope: ChecksScope::Task,
        }
        .into(),
    )
}

/// The round of a wave, when every task that could be coded has been.
pub(crate) fn advance_wave(state: &State) -> Option<Event> {
    let index = &state.index;
    let others_first = !index.coding.is_empty() || !index.ready.is_empty();
    if index.checking.is_some() || index.wave.is_empty() || others_first {
        return None;
    }
    let steps = index.wave.iter().copied().collect();
    let effect = state.next_effect();
    Some(
        ChecksStarted {
            effect,
            steps,
            scope: ChecksScope::Wave,
        }
        .into(),
    )
}

pub(crate) fn decide_ended(
    state: &State,
    effect: EffectId,
    reports: Vec<CheckReport>,
    commands: Vec<CommandReport>,
) -> Result<Vec<Event>, Rejection> {
    let Some(InFlight {
        kind: InFlightKind::Checks { steps, .. },
        ..
    }) = state.in_flight.get(&effect)
    else {
        return Err(Rejection::UnknownEffect(effect));
    };
    let reported: BTreeSet<StepId> = reports.iter().map(|report| report.step).collect();
    if let Some(missing) = steps.iter().find(|step| !reported.contains(step)) {
        return Err(Rejection::ReportIncomplete(*missing));
    }
    let limit = state.started().settings.limits.check_rounds_max;
    let failed: Vec<Event> = reports
        .iter()
        .filter(|report| !report.findings.is_empty())
        .filter_map(|report| {
            let rounds = state.task(report.step)?.check_rounds + 1;
            let message = || red_message(rounds, &report.findings);
            (rounds > limit).then(|| step::failed(report.step, FailureReason::ChecksRed, message()))
        })
        .collect();
    let ended: Event = ChecksEnded {
        effect,
        reports,
        commands,
    }
    .into();
    Ok(std::iter::once(ended).chain(failed).collect())
}

fn red_message(rounds: u32, findings: &[Finding]) -> String {
    let first = findings.first().map(|finding| {
        let place = finding
            .file
            .as_deref()
            .map_or(String::new(), |file| format!("{file}: "));
        format!("{place}{}", finding.message)
    });
    format!(
        "the checks were still red after {rounds} rounds, with {} findings; first: {}",
        findings.len(),
        first.unwrap_or_default()
    )
}

pub(crate) fn evolve_started(
    state: &mut State,
    event: &ChecksStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Checks {
        steps: event.steps.clone(),
        scope: event.scope,
    };
    state.begin(event.effect, None, kind)?;
    if state.index.checking.replace(event.effect).is_some() {
        return Err(Inconsistency::new("two rounds of checks at the same time"));
    }
    if event.scope == ChecksScope::Task {
        state
            .index
            .checks
            .retain(|step| !event.steps.contains(step));
    }
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &ChecksEnded) -> Result<(), Inconsistency> {
    let flight = state.end(event.effect)?;
    let InFlightKind::Checks { scope, .. } = flight.kind else {
        return Err(Inconsistency::new(format!(
            "{} checked nothing",
            event.effect
        )));
    };
    state.index.checking = None;
    let green = event
        .reports
        .iter()
        .all(|report| report.findings.is_empty());
    for report in &event.reports {
        note_report(state, report, &event.commands)?;
        let passed = report.findings.is_empty();
        match scope {
            ChecksScope::Task if passed => passed_alone(state, report.step)?,
            ChecksScope::Wave if green => {
                leave_wave(state, report.step);
                state.checks_passed(report.step)?;
            }
            ChecksScope::Wave if passed => {}
            ChecksScope::Task => back_to_coder(state, report)?,
            ChecksScope::Wave => {
                leave_wave(state, report.step);
                back_to_coder(state, report)?;
            }
        }
    }
    Ok(())
}

fn note_report(
    state: &mut State,
    report: &CheckReport,
    commands: &[CommandReport],
) -> Result<(), Inconsistency> {
    let work = state.task_mut(report.step)?;
    work.diff = report.diff.clone();
    for command in commands {
        work.commands.retain(|earlier| earlier.name != command.name);
        work.commands.push(command.clone());
    }
    Ok(())
}

fn passed_alone(state: &mut State, step: StepId) -> Result<(), Inconsistency> {
    state.index.coding.remove(&step);
    if !state.has_wave_commands() {
        return state.checks_passed(step);
    }
    state.task_mut(step)?.phase = TaskPhase::Wave;
    state.index.wave.insert(step);
    // A task that waits for its wave gives its place to the next.
    state.index.active_tasks -= 1;
    Ok(())
}

fn leave_wave(state: &mut State, step: StepId) {
    state.index.wave.remove(&step);
    state.index.active_tasks += 1;
}

fn back_to_coder(state: &mut State, report: &CheckReport) -> Result<(), Inconsistency> {
    let work = state.task_mut(report.step)?;
    work.check_rounds += 1;
    work.phase = TaskPhase::Coding;
    work.talk.phase = TalkPhase::Due(Ask::Findings(report.findings.clone()));
    state.index.coding.insert(report.step);
    state.index.due.insert(report.step);
    Ok(())
}

/// Whether a command belongs to a round of checks.
pub(crate) fn belongs(command: CheckScope, round: ChecksScope) -> bool {
    match round {
        ChecksScope::Task => matches!(command, CheckScope::Task | CheckScope::File),
        ChecksScope::Wave => command == CheckScope::Wave,
    }
}

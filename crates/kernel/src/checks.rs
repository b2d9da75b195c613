//! Checks: one round at a time, of one task or of a whole wave.

use std::collections::BTreeSet;

use lao_event::{
    CheckScope, EffectId, Event, StepId,
    latest::{
        CheckReport, ChecksEnded, ChecksScope, ChecksStarted, CommandOutcome, CommandReport,
        FailureReason, Finding,
    },
};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    prompt,
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
    Some(ChecksStarted { effect, steps, scope: ChecksScope::Task }.into())
}

/// The most tasks in one wave, which bounds the size of its report.
const WAVE_TASKS_MAX: usize = 500;

/// The round of a wave, when every task that could be coded has been.
pub(crate) fn advance_wave(state: &State) -> Option<Event> {
    let index = &state.index;
    let others_first = !index.coding.is_empty() || !index.ready.is_empty();
    if index.checking.is_some() || index.wave.is_empty() || others_first {
        return None;
    }
    let steps = index.wave.iter().copied().take(WAVE_TASKS_MAX).collect();
    let effect = state.next_effect();
    Some(ChecksStarted { effect, steps, scope: ChecksScope::Wave }.into())
}

pub(crate) fn decide_ended(
    state: &State,
    effect: EffectId,
    reports: Vec<CheckReport>,
    commands: Vec<CommandReport>,
) -> Result<Vec<Event>, Rejection> {
    let Some(InFlight { kind: InFlightKind::Checks { steps, .. }, .. }) =
        state.in_flight.get(&effect)
    else {
        return Err(Rejection::UnknownEffect(effect));
    };
    expect_report_of_each(steps, &reports)?;
    let reports = with_red_commands(reports, &commands);
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
    let ended: Event = ChecksEnded { effect, reports, commands }.into();
    Ok(std::iter::once(ended).chain(failed).collect())
}

fn expect_report_of_each(steps: &[StepId], reports: &[CheckReport]) -> Result<(), Rejection> {
    let mut missing: BTreeSet<StepId> = steps.iter().copied().collect();
    for report in reports {
        if !missing.remove(&report.step) {
            return Err(Rejection::ReportUnasked(report.step));
        }
    }
    missing.pop_first().map_or(Ok(()), |step| Err(Rejection::ReportIncomplete(step)))
}

/// A red command without any finding would let tasks pass; then it is a finding of them all.
fn with_red_commands(
    mut reports: Vec<CheckReport>,
    commands: &[CommandReport],
) -> Vec<CheckReport> {
    let found = reports.iter().any(|report| !report.findings.is_empty());
    if found {
        return reports;
    }
    let is_red = |command: &&CommandReport| command.outcome != CommandOutcome::Exited { code: 0 };
    let findings: Vec<Finding> = commands
        .iter()
        .filter(is_red)
        .map(|command| Finding {
            file: None,
            line: None,
            rule: "command".to_owned(),
            message: format!("{}: {}", command.name, prompt::outcome(&command.outcome)),
            hint: String::new(),
        })
        .collect();
    for report in &mut reports {
        report.findings.clone_from(&findings);
    }
    reports
}

fn red_message(rounds: u32, findings: &[Finding]) -> String {
    let first = findings.first().map(|finding| {
        let place = finding.file.as_deref().map_or(String::new(), |file| format!("{file}: "));
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
    let kind = InFlightKind::Checks { steps: event.steps.clone(), scope: event.scope };
    state.begin(event.effect, None, kind)?;
    if state.index.checking.replace(event.effect).is_some() {
        return Err(Inconsistency::new("two rounds of checks at the same time"));
    }
    let due = match event.scope {
        ChecksScope::Task => event.steps.as_slice() == state.index.checks.pop_front().as_slice(),
        ChecksScope::Wave => event.steps.iter().all(|step| state.index.wave.contains(step)),
    };
    if due {
        Ok(())
    } else {
        Err(Inconsistency::new("checks of tasks that were not to be checked"))
    }
}

pub(crate) fn evolve_ended(state: &mut State, event: &ChecksEnded) -> Result<(), Inconsistency> {
    let flight = state.end(event.effect)?;
    let InFlightKind::Checks { scope, .. } = flight.kind else {
        return Err(Inconsistency::new(format!("{} checked nothing", event.effect)));
    };
    state.index.checking = None;
    let green = event.reports.iter().all(|report| report.findings.is_empty());
    for report in &event.reports {
        note_report(state, report, &event.commands)?;
        let passed = report.findings.is_empty();
        match scope {
            ChecksScope::Task if passed => passed_alone(state, report.step)?,
            ChecksScope::Wave if green => {
                state.index.wave.remove(&report.step);
                state.checks_passed(report.step)?;
            }
            ChecksScope::Wave if passed => {}
            ChecksScope::Task | ChecksScope::Wave => {
                state.index.wave.remove(&report.step);
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
    state.index.places.remove(&step);
    Ok(())
}

fn back_to_coder(state: &mut State, report: &CheckReport) -> Result<(), Inconsistency> {
    let work = state.task_mut(report.step)?;
    work.check_rounds += 1;
    work.phase = TaskPhase::Coding;
    work.talk.phase = TalkPhase::Due(Ask::Findings(report.findings.clone()));
    state.index.coding.insert(report.step);
    state.make_due(report.step);
    Ok(())
}

/// Whether a command belongs to a round of checks.
pub(crate) fn belongs(command: CheckScope, round: ChecksScope) -> bool {
    match round {
        ChecksScope::Task => matches!(command, CheckScope::Task | CheckScope::File),
        ChecksScope::Wave => command == CheckScope::Wave,
    }
}

//! Questions to a person, and effects whose outcome a crash hid.
//!
//! | class | after a loss |
//! | --- | --- |
//! | repeatable, convergent, detectable | outstanding again; while stopping, once resumed |
//! | opaque, `rerun` | outstanding again; while stopping, once resumed |
//! | opaque, `skip` | `CommandEnded` (unknown): the model is told |
//! | opaque, `ask` | `QuestionAsked`, `StepParked`: waits for a person |

use std::collections::BTreeSet;

use lao_event::{
    EffectId, Event, OnUnknown, QuestionId,
    latest::{
        Action, ActionEnded, ActionFailure, ActionOutcome, CommandEnded, CommandOutcome,
        EffectsLost, FailureReason, FlowValue, LossCause, ParkReason, QuestionAnswer,
        QuestionAnswered, QuestionAsked, QuestionSubject, RunStopping, StepParked, StopReason,
    },
};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    flow::{self, FlowPhase},
    prompt,
    run::{Run, RunPhase},
    state::{EffectClass, InFlightKind, Question, State},
    step, tool_call,
};

/// What follows for the opaque effects among those lost.
pub(crate) fn about_lost(state: &State, effects: &[EffectId], on_unknown: OnUnknown) -> Vec<Event> {
    let mut events = Vec::new();
    let mut asked = state.questions_asked;
    for effect in effects {
        let Some(flight) = state.in_flight.get(effect) else {
            continue;
        };
        if flight.kind.class() != EffectClass::Opaque {
            continue;
        }
        let (Some(step), Some(argv)) = (flight.step, argv_of(&flight.kind)) else {
            unreachable!("commands of steps are the opaque effects");
        };
        match on_unknown {
            OnUnknown::Rerun => {}
            OnUnknown::Skip => events.extend(unknown(state, *effect, argv)),
            OnUnknown::Ask => {
                asked += 1;
                let question = QuestionId(asked);
                let subject = QuestionSubject::CommandUnknown { argv: argv.to_vec() };
                events.push(QuestionAsked { question, step, effect: *effect, subject }.into());
                events.push(StepParked { step, reason: ParkReason::Question { question } }.into());
            }
        }
    }
    events
}

/// Program and arguments of a command.
fn argv_of(kind: &InFlightKind) -> Option<&[String]> {
    match kind {
        InFlightKind::Command { argv, .. } => Some(argv),
        InFlightKind::Action(action) => match &**action {
            Action::Run(run) => Some(&run.argv),
            Action::Read { .. }
            | Action::List { .. }
            | Action::Write { .. }
            | Action::Transcribe(_)
            | Action::Embed { .. }
            | Action::Plan { .. }
            | Action::Approve { .. }
            | Action::Wait { .. }
            | Action::Pause { .. } => None,
        },
        InFlightKind::Workspace
        | InFlightKind::Model { .. }
        | InFlightKind::Read { .. }
        | InFlightKind::Write { .. }
        | InFlightKind::Checks { .. }
        | InFlightKind::Commit(_) => None,
    }
}

/// The run goes on without knowing what became of a command: its model is told, or the step of a
/// workflow is over with nothing.
fn unknown(state: &State, effect: EffectId, argv: &[String]) -> Vec<Event> {
    let flight = state.in_flight.get(&effect);
    if let Some((InFlightKind::Action(_), Some(step))) =
        flight.map(|flight| (&flight.kind, flight.step))
    {
        let outcome = ActionOutcome::Done { value: FlowValue::Nothing, exit_code: None };
        return vec![ActionEnded { effect, outcome }.into(), step::succeeded(step)];
    }
    let reply = prompt::command_unknown(argv).into();
    vec![CommandEnded { effect, outcome: CommandOutcome::Unknown, reply }.into()]
}

pub(crate) fn decide_lost(
    state: &State,
    effects: Vec<EffectId>,
    cause: LossCause,
) -> Result<Vec<Event>, Rejection> {
    let run = state.run().ok_or(Rejection::NotStarted)?;
    let effects: Vec<EffectId> = BTreeSet::from_iter(effects).into_iter().collect();
    for effect in &effects {
        if !state.index.under_way.contains(effect) {
            return Err(Rejection::UnknownEffect(*effect));
        }
    }
    let follow_up = about_lost(state, &effects, run.settings.on_unknown);
    let limit = run.settings.limits.effect_losses_max;
    let too_often = match cause {
        LossCause::ProcessEnded => None,
        LossCause::WorkerPanicked { .. } => {
            effects.iter().copied().find(|effect| state.in_flight[effect].panics >= limit)
        }
    };
    // Stopping comes first: an effect that is lost while the run is stopping is not done again.
    let stopping = too_often
        .filter(|_| run.is_working())
        .map(|effect| RunStopping { reason: StopReason::EffectLostTooOften { effect } }.into());
    let lost: Event = EffectsLost { effects, cause }.into();
    Ok(stopping.into_iter().chain([lost]).chain(follow_up).collect())
}

pub(crate) fn decide_answer(
    state: &State,
    question: QuestionId,
    answer: QuestionAnswer,
    by: String,
) -> Result<Vec<Event>, Rejection> {
    let run = state.run().ok_or(Rejection::NotStarted)?;
    if matches!(run.phase, RunPhase::Ended(_)) {
        return Err(Rejection::Ended);
    }
    let asked = state.questions.get(&question).ok_or(Rejection::UnknownQuestion(question))?;
    let mut events: Vec<Event> = Vec::new();
    match (&asked.subject, answer) {
        (QuestionSubject::CommandUnknown { argv }, QuestionAnswer::Skip) => {
            events.extend(unknown(state, asked.effect, argv));
        }
        (QuestionSubject::FileConflict { path }, QuestionAnswer::Skip)
            if state.spec(asked.step).is_some() =>
        {
            let message = format!("somebody else changed {path}; it was left as it is");
            events.push(step::failed(asked.step, FailureReason::ActionFailed, message));
        }
        (QuestionSubject::CommandUnknown { .. }, QuestionAnswer::Rerun)
            if flow::late_outer(state, asked.step).is_some() =>
        {
            events.extend(flow::too_late(asked.step, asked.effect));
        }
        (QuestionSubject::CommandUnknown { .. }, QuestionAnswer::Rerun)
        | (QuestionSubject::FileConflict { .. }, QuestionAnswer::Rerun | QuestionAnswer::Skip) => {}
        (QuestionSubject::Approval { .. }, QuestionAnswer::Approve) => {
            let value = FlowValue::Text(format!("approved by {by}").into());
            let outcome = ActionOutcome::Done { value, exit_code: None };
            events.push(ActionEnded { effect: asked.effect, outcome }.into());
            events.push(step::succeeded(asked.step));
        }
        (QuestionSubject::Approval { .. }, QuestionAnswer::Deny) => {
            let message = format!("{by} said no");
            let kind = ActionFailure::Denied;
            let outcome = ActionOutcome::Failed { kind, message: message.clone(), exit_code: None };
            events.push(ActionEnded { effect: asked.effect, outcome }.into());
            events.push(step::failed(asked.step, FailureReason::Denied, message));
        }
        (QuestionSubject::Approval { .. }, QuestionAnswer::Rerun | QuestionAnswer::Skip)
        | (
            QuestionSubject::CommandUnknown { .. } | QuestionSubject::FileConflict { .. },
            QuestionAnswer::Approve | QuestionAnswer::Deny,
        ) => return Err(Rejection::AnswerNotOffered(question)),
    }
    events.insert(0, QuestionAnswered { question, answer, by }.into());
    Ok(events)
}

pub(crate) fn evolve_asked(state: &mut State, event: &QuestionAsked) -> Result<(), Inconsistency> {
    if event.question.0 != state.questions_asked + 1 {
        return Err(Inconsistency::new(format!("{} is out of order", event.question)));
    }
    state.questions_asked = event.question.0;
    if let Some(flight) = state.in_flight.get_mut(&event.effect) {
        flight.waits_for = Some(event.question);
        state.index.under_way.remove(&event.effect);
    }
    let question =
        Question { step: event.step, effect: event.effect, subject: event.subject.clone() };
    state.questions.insert(event.question, question);
    Ok(())
}

pub(crate) fn evolve_answered(
    state: &mut State,
    event: &QuestionAnswered,
) -> Result<(), Inconsistency> {
    let question = state
        .questions
        .remove(&event.question)
        .ok_or_else(|| Inconsistency::new(format!("{} was not asked", event.question)))?;
    step::unpark(state, question.step)?;
    match &question.subject {
        QuestionSubject::CommandUnknown { argv: _ } => {
            state.release(question.effect);
            Ok(())
        }
        QuestionSubject::Approval { message: _ } => Ok(()),
        QuestionSubject::FileConflict { path: _ } if state.spec(question.step).is_some() => {
            if event.answer == QuestionAnswer::Rerun {
                state.flow_mut(question.step)?.phase = FlowPhase::Begin;
                state.go_on(question.step);
            }
            Ok(())
        }
        QuestionSubject::FileConflict { path } => {
            let skipped = match event.answer {
                QuestionAnswer::Skip => Some(path.as_str()),
                QuestionAnswer::Rerun | QuestionAnswer::Approve | QuestionAnswer::Deny => None,
            };
            tool_call::evolve_conflict_answered(state, question.step, skipped)
        }
    }
}

pub(crate) fn evolve_lost(state: &mut State, event: &EffectsLost) -> Result<(), Inconsistency> {
    let working = state.run().is_some_and(Run::is_working);
    for effect in &event.effects {
        let flight = state
            .in_flight
            .get_mut(effect)
            .ok_or_else(|| Inconsistency::new(format!("{effect} was lost and not in flight")))?;
        flight.losses += 1;
        flight.panics += u32::from(matches!(event.cause, LossCause::WorkerPanicked { .. }));
        if !working {
            state.index.under_way.remove(effect);
        }
    }
    Ok(())
}

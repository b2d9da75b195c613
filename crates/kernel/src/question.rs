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
        CommandEnded, CommandOutcome, EffectsLost, LossCause, ParkReason, QuestionAnswer,
        QuestionAnswered, QuestionAsked, QuestionSubject, RunStopping, StepParked, StopReason,
    },
};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
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
        let (Some(step), InFlightKind::Command { argv, .. }) = (flight.step, &flight.kind) else {
            assert!(flight.kind.class() != EffectClass::Opaque, "commands are the opaque effects");
            continue;
        };
        match on_unknown {
            OnUnknown::Rerun => {}
            OnUnknown::Skip => events.push(unknown(*effect, argv)),
            OnUnknown::Ask => {
                asked += 1;
                let question = QuestionId(asked);
                let subject = QuestionSubject::CommandUnknown { argv: argv.clone() };
                events.push(QuestionAsked { question, step, effect: *effect, subject }.into());
                events.push(StepParked { step, reason: ParkReason::Question { question } }.into());
            }
        }
    }
    events
}

fn unknown(effect: EffectId, argv: &[String]) -> Event {
    let reply = prompt::command_unknown(argv).into();
    CommandEnded { effect, outcome: CommandOutcome::Unknown, reply }.into()
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
    let mut events: Vec<Event> = vec![QuestionAnswered { question, answer, by }.into()];
    match (&asked.subject, answer) {
        (QuestionSubject::CommandUnknown { argv }, QuestionAnswer::Skip) => {
            events.push(unknown(asked.effect, argv));
        }
        (QuestionSubject::CommandUnknown { .. }, QuestionAnswer::Rerun)
        | (QuestionSubject::FileConflict { .. }, QuestionAnswer::Rerun | QuestionAnswer::Skip) => {}
    }
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
        QuestionSubject::FileConflict { path } => {
            let skipped = match event.answer {
                QuestionAnswer::Skip => Some(path.as_str()),
                QuestionAnswer::Rerun => None,
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

//! `evolve`: the state after an event. Small and total: an illegal pair is an error.

use lao_event::Event;

use crate::{
    checks, commit, flow, fork, planning, question, review, run, state::State, step, talk, task,
    tool_call,
};

/// A state and an event that cannot follow it: the journal is not one of this kernel's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inconsistency(String);

impl Inconsistency {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Folds one event into the state.
///
/// After an error the state is worthless.
pub fn evolve(state: &mut State, event: &Event) -> Result<(), Inconsistency> {
    if state.run.is_none() && !matches!(event, Event::RunStarted(_)) {
        return Err(Inconsistency::new(format!("{} before RunStarted", event.name())));
    }
    match event {
        Event::RunStarted(event) => run::evolve_started(state, event),
        Event::RunResumed(event) => run::evolve_resumed(state, event),
        Event::RunForked(event) => fork::evolve_forked(state, event),
        Event::RunStopping(event) => run::evolve_stopping(state, event),
        Event::RunStopped(event) => run::evolve_stopped(state, event),
        Event::RunEnded(event) => run::evolve_ended(state, event),
        Event::StepsAdded(event) => {
            step::evolve_added(state, event)?;
            match event.by {
                Some(by) if state.spec(by).is_none() => planning::evolve_planned(state, by),
                Some(_) | None => Ok(()),
            }
        }
        Event::StepStarted(event) => step::evolve_started(state, event),
        Event::StepEnded(event) => step::evolve_ended(state, event),
        Event::StepParked(event) => step::evolve_parked(state, event),
        Event::StepRetried(event) => step::evolve_retried(state, event),
        Event::StepTimedOut(event) => task::evolve_timed_out(state, event),
        Event::AnswerRejected(event) => planning::evolve_rejected(state, event),
        Event::ModelCallStarted(event) => talk::evolve_started(state, event),
        Event::ModelCallEnded(event) => talk::evolve_ended(state, event),
        Event::ToolDecided(event) => tool_call::evolve_decided(state, event),
        Event::ToolCallStarted(event) => tool_call::evolve_read_started(state, event),
        Event::ToolCallEnded(event) => tool_call::evolve_read_ended(state, event),
        Event::FileWriteStarted(event) => tool_call::evolve_write_started(state, event),
        Event::FileWriteEnded(event) => tool_call::evolve_write_ended(state, event),
        Event::CommandStarted(event) => tool_call::evolve_command_started(state, event),
        Event::CommandEnded(event) => tool_call::evolve_command_ended(state, event),
        Event::TodoSet(event) => tool_call::evolve_todo(state, event),
        Event::ChecksStarted(event) => checks::evolve_started(state, event),
        Event::ChecksEnded(event) => checks::evolve_ended(state, event),
        Event::ReviewGiven(event) => review::evolve_given(state, event),
        Event::WorkspaceStarted(event) => run::evolve_workspace_started(state, event),
        Event::WorkspaceEnded(event) => run::evolve_workspace_ended(state, event),
        Event::CommitStarted(event) => commit::evolve_started(state, event),
        Event::CommitEnded(event) => commit::evolve_ended(state, event),
        Event::StepLooked(event) => flow::evolve_looked(state, event),
        Event::ActionStarted(event) => flow::evolve_action_started(state, event),
        Event::ActionEnded(event) => flow::evolve_action_ended(state, event),
        Event::OutputSet(event) => flow::evolve_output(state, event),
        Event::QuestionAsked(event) => question::evolve_asked(state, event),
        Event::QuestionAnswered(event) => question::evolve_answered(state, event),
        Event::EffectsLost(event) => question::evolve_lost(state, event),
    }
}

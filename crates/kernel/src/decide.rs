//! `decide`: which events a command leads to, given the state.

use lao_event::Event;

use crate::{
    advance, checks,
    command::{Command, Rejection},
    commit, flow, fork, question, run,
    state::State,
    step, talk, task,
    tool_call::{self, PreparedCall},
};

/// Decides a command: the events it leads to, none of them folded yet, or why not.
///
/// A text of the events may be of any size; call [`Event::split_blobs`] on each before folding.
pub fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::Start(start) => run::decide_start(state, *start),
        Command::Resume { program, settings, retry } => {
            run::decide_resume(state, program, settings.as_deref(), retry.as_ref())
        }
        Command::Fork(fork) => fork::decide_fork(state, *fork),
        Command::Advance => Ok(advance::advance(state)),
        Command::Stop => run::decide_stop(state),
        Command::Cancel => run::decide_cancel(state),
        Command::Retry(retry) => step::decide_retry(state, &retry),
        Command::Answer { question, answer, by } => {
            question::decide_answer(state, question, answer, by)
        }
        Command::StepLooked { step, attempt, texts, found } => {
            flow::decide_looked(state, (step, attempt), &texts, found)
        }
        Command::ActionEnded { effect, outcome } => flow::decide_ended(state, effect, outcome),
        Command::TimeUp { step, attempt } => task::decide_time_up(state, step, attempt),
        Command::EffectsLost { effects, cause } => question::decide_lost(state, effects, cause),
        Command::WorkspaceEnded { effect, outcome } => {
            run::decide_workspace_ended(state, effect, outcome)
        }
        Command::ModelCallEnded { effect, outcome, failed_tries } => {
            talk::decide_ended(state, effect, outcome, failed_tries)
        }
        Command::ToolPrepared { call, tool, repair, plan } => {
            tool_call::decide_prepared(state, call, PreparedCall { tool, repair, plan })
        }
        Command::ToolCallEnded { effect, outcome, reply } => {
            tool_call::decide_read_ended(state, effect, outcome, reply)
        }
        Command::FileWriteEnded { effect, outcome } => {
            tool_call::decide_write_ended(state, effect, outcome)
        }
        Command::CommandEnded { effect, outcome, reply } => {
            tool_call::decide_command_ended(state, effect, outcome, reply)
        }
        Command::ChecksEnded { effect, reports, commands } => {
            checks::decide_ended(state, effect, reports, commands)
        }
        Command::CommitEnded { effect, outcome } => commit::decide_ended(state, effect, outcome),
    }
}

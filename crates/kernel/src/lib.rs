//! The pure core of a run: what follows from what.
//!
//! ```text
//!            Command                      Event
//!   world ------------> decide(&State) ----------> evolve(&mut State)
//!     ^                                                 |
//!     '------ Effect <------- outstanding(&State) <-----'
//! ```
//!
//! No IO, no async, no clock, no randomness, no hash-ordered maps, no floats: time, ids and all
//! results of effects come in inside commands, so that the same commands always give the same
//! events. What the world still owes is a function of the state, so recovery is no second code
//! path: fold the journal, ask [`outstanding()`], go on.
//!
//! One file per lifecycle: [`run`], [`step`], [`talk`] (a conversation and its model calls),
//! [`tool_call`], [`planning`], [`task`], [`checks`], [`review`], [`commit`], [`question`], [`fork`], and
//! [`flow`] for the steps of workflows.

mod advance;
mod answer;
mod audit;
mod checks;
mod command;
mod commit;
mod decide;
mod evolve;
mod flow;
mod fork;
mod outstanding;
mod planning;
pub mod prompt;
mod question;
mod review;
mod run;
mod state;
mod step;
mod talk;
mod task;
mod tool_call;
mod trail;

pub use command::{BeforeFile, Command, Fork, Rejection, Retry, Start, ToolPlan};
pub use decide::decide;
pub use evolve::{Inconsistency, evolve};
pub use flow::{
    Failure, FlowPhase, FlowWork, Inside, LookAt, LookRequest, RunResult, Texts, Wants,
};
pub use outstanding::{
    ChatMessages, Effect, EffectKey, EffectWork, outstanding, outstanding_effect, outstanding_look,
};
pub use run::{Parent, PlanPhase, Run, RunPhase, Workspace};
pub use state::{EffectClass, InFlight, InFlightKind, State};
pub use step::{Step, StepStatus, Work};
pub use talk::{Talk, TalkPhase};
pub use task::{TaskPhase, TaskWork};

use lao_event::{Blob, Event};

/// What one command led to: events in order, already folded, and the blobs they name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The events, to be appended in this order.
    pub events: Vec<Event>,
    /// The blobs that must be durable before the events are.
    pub blobs: Vec<Blob>,
}

/// Decides a command and everything that follows from it without the world, and folds it all.
///
/// This is the one way in which commands become events, live and in replay: the command's own
/// events first, then those of [`Command::Advance`] until nothing more may start.
pub fn handle(state: &mut State, command: Command) -> Result<Decision, Rejection> {
    let mut decision = Decision::default();
    fold(state, decide(state, command)?, &mut decision);
    loop {
        let events = decide(state, Command::Advance).expect("advancing is never rejected");
        if events.is_empty() {
            return Ok(decision);
        }
        fold(state, events, &mut decision);
    }
}

/// Decides a command and folds its own events only; nothing is started. For a run that no process
/// works on: a person's word is noted, and what follows from it begins when the run is resumed.
pub fn note(state: &mut State, command: Command) -> Result<Decision, Rejection> {
    let mut decision = Decision::default();
    fold(state, decide(state, command)?, &mut decision);
    Ok(decision)
}

fn fold(state: &mut State, events: Vec<Event>, decision: &mut Decision) {
    for mut event in events {
        decision.blobs.extend(event.split_blobs());
        evolve(state, &event).expect("what decide gave, evolve accepts");
        decision.events.push(event);
    }
}

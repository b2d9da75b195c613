//! `outstanding`: what the world still owes, as a view of the state.

use lao_event::{
    Attempt, CallId, CheckCommand, Content, EffectId, Hash, Role, StepId,
    latest::{Action, ChecksScope, CommitStarted, Message, ModelRequest},
};

use crate::{
    checks,
    flow::LookAt,
    state::{InFlight, InFlightKind, State},
};

/// Something that touches the world and whose result is awaited.
#[derive(Debug, Clone, Copy)]
pub struct Effect<'a> {
    /// Its identity; a lost effect that is to be done again has another one.
    pub key: EffectKey,
    /// The step it belongs to.
    pub step: Option<StepId>,
    /// What is to be done.
    pub work: EffectWork<'a>,
}

/// Identity of an outstanding effect: each is to be started once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectKey {
    /// Looking at a tool call. Only reads, so it has no event of its own.
    Prepare(CallId),
    /// Looking at the world for a step of a workflow. Only reads, too.
    Look(StepId, Attempt, LookAt),
    /// A started effect, with the number of times it was lost before.
    Started(EffectId, u32),
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub enum EffectWork<'a> {
    /// Look at a tool call.
    Prepare {
        /// The tool's name as the model wrote it.
        name: &'a str,
        /// The arguments.
        arguments: &'a Content,
    },
    /// Look at the world for a step of a workflow; [`State::look_request`] says at what.
    Look,
    /// Make the workspace ready.
    Workspace,
    /// Ask a model.
    Model {
        /// Who is asked.
        role: Role,
        /// How.
        request: &'a ModelRequest,
        /// The prompt.
        messages: ChatMessages<'a>,
    },
    /// Run a tool that only reads.
    Read {
        /// The tool.
        tool: &'a str,
        /// The checked arguments.
        arguments: &'a Content,
    },
    /// Write a file.
    Write {
        /// Relative to the workspace.
        path: &'a str,
        /// What must be there.
        before: Option<Hash>,
        /// What will be there.
        after: Option<&'a Content>,
    },
    /// Run a command.
    Command {
        /// Program and arguments.
        argv: &'a [String],
        /// How long it may take.
        timeout_ms: u64,
    },
    /// Check.
    Checks {
        /// The tasks.
        steps: &'a [StepId],
        /// What is checked.
        scope: ChecksScope,
    },
    /// Make a commit.
    Commit(&'a CommitStarted),
    /// Do what a step of a workflow does.
    Action(&'a Action),
}

/// A prompt: the messages of a conversation, in order.
pub type ChatMessages<'a> = &'a [Message];

/// Everything the world owes now. Bounded by the number of steps under way.
pub fn outstanding(state: &State) -> impl Iterator<Item = Effect<'_>> {
    let started =
        state.index.under_way.iter().filter_map(|effect| outstanding_effect(state, *effect));
    let looks = state.index.preparing.iter().chain(&state.index.looking);
    let looks = looks.filter_map(|step| outstanding_look(state, *step));
    started.chain(looks)
}

/// The one of [`outstanding()`] that was started under a number.
pub fn outstanding_effect(state: &State, effect: EffectId) -> Option<Effect<'_>> {
    let due = state.index.under_way.contains(&effect) && !waits_for_workspace(state, effect);
    due.then(|| started(state, effect))
}

/// The one of [`outstanding()`] that looks at a step's next tool call, or at the world for it.
pub fn outstanding_look(state: &State, step: StepId) -> Option<Effect<'_>> {
    let may = state.run().is_some_and(|run| run.is_working() && run.workspace.is_ready());
    if may && state.index.looking.contains(&step) {
        return look(state, step);
    }
    let due = may && state.index.preparing.contains(&step);
    due.then(|| prepare(state, step)).flatten()
}

/// What was lost goes on only when the workspace is ready in the process that took the run up.
pub(crate) fn waits_for_workspace(state: &State, effect: EffectId) -> bool {
    let ready = state.run().is_some_and(|run| run.workspace.is_ready());
    !ready && state.in_flight[&effect].kind.needs_workspace()
}

fn started(state: &State, effect: EffectId) -> Effect<'_> {
    let flight = &state.in_flight[&effect];
    Effect {
        key: EffectKey::Started(effect, flight.losses),
        step: flight.step,
        work: work(state, flight),
    }
}

fn look(state: &State, step: StepId) -> Option<Effect<'_>> {
    let (attempt, at) = state.look_key(step)?;
    let key = EffectKey::Look(step, attempt, at);
    Some(Effect { key, step: Some(step), work: EffectWork::Look })
}

fn prepare(state: &State, step: StepId) -> Option<Effect<'_>> {
    let (_, talk) = state.talk(step)?;
    let call = talk.calls.front()?;
    Some(Effect {
        key: EffectKey::Prepare(call.id),
        step: Some(step),
        work: EffectWork::Prepare { name: &call.name, arguments: &call.arguments },
    })
}

fn work<'a>(state: &'a State, flight: &'a InFlight) -> EffectWork<'a> {
    match &flight.kind {
        InFlightKind::Workspace => EffectWork::Workspace,
        InFlightKind::Model { role, request } => {
            let step = flight.step.expect("a model call belongs to a step");
            let (_, talk) = state.talk(step).expect("the step is talking");
            EffectWork::Model { role: *role, request, messages: &talk.messages }
        }
        InFlightKind::Read { call: _, tool, arguments } => EffectWork::Read { tool, arguments },
        InFlightKind::Write { call: _, path, before, after, reply: _ } => {
            EffectWork::Write { path, before: *before, after: after.as_ref() }
        }
        InFlightKind::Command { call: _, argv, timeout_ms } => {
            EffectWork::Command { argv, timeout_ms: *timeout_ms }
        }
        InFlightKind::Checks { steps, scope } => EffectWork::Checks { steps, scope: *scope },
        InFlightKind::Commit(commit) => EffectWork::Commit(commit),
        InFlightKind::Action(action) => EffectWork::Action(action),
    }
}

impl State {
    /// The verifier commands of a round of checks, in order.
    pub fn check_commands(&self, round: ChecksScope) -> Vec<CheckCommand> {
        let commands = self.run().map(|run| run.settings.verifier.commands.as_slice());
        commands
            .unwrap_or_default()
            .iter()
            .filter(|command| checks::belongs(command.scope, round))
            .cloned()
            .collect()
    }

    /// To-do items of a task that are not done.
    pub fn open_todo(&self, id: StepId) -> Vec<String> {
        self.task(id).map(|work| crate::tool_call::open_items(&work.todo)).unwrap_or_default()
    }
}

//! The state of a run: a fold of its events, with indexes of what is due.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lao_event::{
    CallId, Content, EffectId, Hash, QuestionId, Role, StepId,
    latest::{Action, ChecksScope, CommitStarted, ModelRequest, QuestionSubject},
};
use serde::{Deserialize, Serialize};

use crate::{evolve::Inconsistency, run::Run, step::Step};

/// Everything that follows from a run's events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) run: Option<Run>,
    pub(crate) steps: Vec<Step>,
    pub(crate) keys: BTreeMap<String, StepId>,
    pub(crate) in_flight: BTreeMap<EffectId, InFlight>,
    pub(crate) questions: BTreeMap<QuestionId, Question>,
    /// Files as the run left them: hash, or `None` where it deleted them.
    pub(crate) files: BTreeMap<String, Option<Hash>>,
    pub(crate) effects_started: u64,
    pub(crate) talks_started: u32,
    pub(crate) questions_asked: u32,
    pub(crate) index: Index,
}

/// What is due, kept by `evolve` so that nothing has to be searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// Steps whose needs are met and that have not begun.
    pub ready: BTreeSet<StepId>,
    /// Steps under way that have something to ask, and tasks among them a place.
    pub due: BTreeSet<StepId>,
    /// Tasks under way that have something to ask and wait for a place.
    pub waiting: BTreeSet<StepId>,
    /// Steps whose next tool call must be looked at.
    pub preparing: BTreeSet<StepId>,
    /// Steps of a workflow for which the world must be looked at before they go on.
    pub looking: BTreeSet<StepId>,
    /// Steps that will be skipped, with the step that failed first.
    pub doomed: BTreeMap<StepId, StepId>,
    /// Tasks that wait for the verifier, in the order they came.
    pub checks: VecDeque<StepId>,
    /// Tasks that wait for the commands of their wave.
    pub wave: BTreeSet<StepId>,
    /// Steps that wait for their commit, in the order they came.
    pub commits: VecDeque<StepId>,
    /// The checks under way: one at a time.
    pub checking: Option<EffectId>,
    /// The commit under way: one at a time.
    pub committing: Option<EffectId>,
    /// Tasks, and steps of a workflow that do not only wait, that take up a place: from their
    /// start, a task also from its next question to a model, until they end, park or wait for
    /// their wave.
    pub places: BTreeSet<StepId>,
    /// Tasks that are being coded or checked.
    pub coding: BTreeSet<StepId>,
    /// Steps that wait for a person.
    pub parked: BTreeSet<StepId>,
    /// Steps that have not ended.
    pub open: u32,
    /// Steps that ended failed.
    pub failed: BTreeSet<StepId>,
    /// Steps that ended skipped.
    pub skipped: BTreeSet<StepId>,
    /// Steps that keep the run from succeeding: they failed, or were skipped because of one that
    /// did. Steps inside others speak through those.
    pub red: BTreeSet<StepId>,
    /// Tasks by their keys and titles, as a planner may refer to them; the last of each.
    pub names: BTreeMap<String, StepId>,
    /// Tasks in the graph.
    pub tasks: u32,
    /// Tasks that have begun.
    pub begun: u32,
    /// Planning steps that have not succeeded.
    pub unplanned: u32,
    /// Effects that are being carried out. The others in flight wait for a person, or were lost
    /// while the run was stopping and wait for it to be resumed.
    pub under_way: BTreeSet<EffectId>,
}

/// An effect that was started and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The step it belongs to.
    pub step: Option<StepId>,
    /// What it is.
    pub kind: InFlightKind,
    /// How often it was lost.
    pub losses: u32,
    /// How often its worker panicked.
    pub panics: u32,
    /// The question that must be answered before it goes on.
    pub waits_for: Option<QuestionId>,
}

/// What an effect in flight is, with all that is needed to do it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InFlightKind {
    /// Making the workspace ready.
    Workspace,
    /// Asking a model; the messages are in the step's conversation.
    Model {
        /// Who is asked.
        role: Role,
        /// How.
        request: ModelRequest,
    },
    /// Running a tool that only reads.
    Read {
        /// The call.
        call: CallId,
        /// The tool.
        tool: String,
        /// The checked arguments.
        arguments: Content,
    },
    /// Writing a file.
    Write {
        /// The call.
        call: CallId,
        /// The file.
        path: String,
        /// What must be there.
        before: Option<Hash>,
        /// What will be there.
        after: Option<Content>,
        /// What the model is told.
        reply: Content,
    },
    /// Running a command of the model's.
    Command {
        /// The call.
        call: CallId,
        /// Program and arguments.
        argv: Vec<String>,
        /// How long it may take.
        timeout_ms: u64,
    },
    /// Checking.
    Checks {
        /// The tasks.
        steps: Vec<StepId>,
        /// What is checked.
        scope: ChecksScope,
    },
    /// Making a commit.
    Commit(Box<CommitStarted>),
    /// What a step of a workflow does.
    Action(Box<Action>),
}

/// What may be done about an effect whose outcome a crash hid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectClass {
    /// Doing it again does no harm.
    Repeatable,
    /// Hashes tell whether it happened.
    Convergent,
    /// A trace tells whether it happened.
    Detectable,
    /// Nobody can tell.
    Opaque,
}

impl InFlightKind {
    /// The class, which decides what happens after a crash.
    pub const fn class(&self) -> EffectClass {
        match self {
            Self::Workspace | Self::Model { .. } | Self::Read { .. } | Self::Checks { .. } => {
                EffectClass::Repeatable
            }
            Self::Write { .. } => EffectClass::Convergent,
            Self::Commit(_) => EffectClass::Detectable,
            Self::Command { .. } => EffectClass::Opaque,
            Self::Action(action) => class_of_action(action),
        }
    }
}

impl InFlightKind {
    /// It reads or changes the workspace.
    pub(crate) fn needs_workspace(&self) -> bool {
        match self {
            Self::Workspace | Self::Model { .. } => false,
            Self::Read { .. }
            | Self::Write { .. }
            | Self::Command { .. }
            | Self::Checks { .. }
            | Self::Commit(_) => true,
            Self::Action(action) => !action.only_waits(),
        }
    }

    /// It is given up when the run stops, and begun again when the run goes on.
    pub(crate) fn only_waits(&self) -> bool {
        matches!(self, Self::Action(action) if action.only_waits())
    }
}

const fn class_of_action(action: &Action) -> EffectClass {
    match action {
        Action::Run(run) if !run.repeatable => EffectClass::Opaque,
        Action::Run(_)
        | Action::Read { .. }
        | Action::List { .. }
        | Action::Transcribe(_)
        | Action::Embed { .. }
        | Action::Plan { .. }
        | Action::Approve { .. }
        | Action::Wait { .. }
        | Action::Pause { .. } => EffectClass::Repeatable,
        Action::Write { .. } => EffectClass::Convergent,
    }
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Question {
    pub step: StepId,
    pub effect: EffectId,
    pub subject: QuestionSubject,
}

impl State {
    /// The state before anything happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// BLAKE3 of the state's canonical encoding: equal states, equal hashes.
    pub fn hash(&self) -> Hash {
        let bytes = serde_json::to_vec(self).expect("the state has no key that JSON refuses");
        Hash::of(&bytes)
    }

    /// The run, once it has started.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// The steps, in the order of addition.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A step by its id.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0 as usize)
    }

    /// A step by its key.
    pub fn step_by_key(&self, key: &str) -> Option<StepId> {
        self.keys.get(key).copied()
    }

    /// The effects that were started and have not ended.
    pub fn in_flight(&self) -> &BTreeMap<EffectId, InFlight> {
        &self.in_flight
    }

    /// Files as the run left them: BLAKE3 of their content, `None` where it deleted them.
    pub fn files(&self) -> &BTreeMap<String, Option<Hash>> {
        &self.files
    }

    /// How many effects were started so far.
    pub fn effects_started(&self) -> u64 {
        self.effects_started
    }

    /// The questions that wait for an answer: number, step, effect and subject.
    pub fn questions(
        &self,
    ) -> impl Iterator<Item = (QuestionId, StepId, EffectId, &QuestionSubject)> {
        self.questions
            .iter()
            .map(|(id, question)| (*id, question.step, question.effect, &question.subject))
    }

    pub(crate) fn next_effect(&self) -> EffectId {
        EffectId(self.effects_started + 1)
    }

    /// Notes that an effect started; effects are numbered without gaps.
    pub(crate) fn begin(
        &mut self,
        effect: EffectId,
        step: Option<StepId>,
        kind: InFlightKind,
    ) -> Result<(), Inconsistency> {
        if effect != self.next_effect() {
            return Err(Inconsistency::new(format!("{effect} starts out of order")));
        }
        self.effects_started = effect.0;
        // In a run that stops, a step may fail and wait for its next attempt: not there any more.
        let held = kind.only_waits() && !self.run.as_ref().is_some_and(Run::is_working);
        let flight = InFlight { step, kind, losses: 0, panics: 0, waits_for: None };
        self.in_flight.insert(effect, flight);
        if !held {
            self.index.under_way.insert(effect);
        }
        Ok(())
    }

    /// Notes that an effect ended and returns it.
    pub(crate) fn end(&mut self, effect: EffectId) -> Result<InFlight, Inconsistency> {
        self.index.under_way.remove(&effect);
        self.in_flight
            .remove(&effect)
            .ok_or_else(|| Inconsistency::new(format!("{effect} ended and was not in flight")))
    }

    /// Notes that an effect of a step ended and returns the step.
    pub(crate) fn end_of_step(&mut self, effect: EffectId) -> Result<StepId, Inconsistency> {
        self.end(effect)?
            .step
            .ok_or_else(|| Inconsistency::new(format!("{effect} belongs to no step")))
    }

    /// Notes that a step has something to ask; a task without a place waits for one.
    pub(crate) fn make_due(&mut self, id: StepId) {
        if self.at(id).is_task() && !self.index.places.contains(&id) {
            self.index.waiting.insert(id);
        } else {
            self.index.due.insert(id);
        }
    }

    /// Goes on with an effect that was held back, unless the run is stopping.
    pub(crate) fn release(&mut self, effect: EffectId) {
        let working = self.run.as_ref().is_some_and(Run::is_working);
        if let Some(flight) = self.in_flight.get_mut(&effect) {
            flight.waits_for = None;
            if working {
                self.index.under_way.insert(effect);
            }
        }
    }

    /// The run; every caller has checked that it started.
    pub(crate) fn started(&self) -> &Run {
        self.run.as_ref().expect("checked when the command came in")
    }

    pub(crate) fn at(&self, id: StepId) -> &Step {
        &self.steps[id.0 as usize]
    }
}

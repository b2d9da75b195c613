//! Looking: what the world must tell before a step can begin or end.

use std::collections::BTreeMap;

use lao_event::{
    Attempt, Content, Event, FlowAction, FlowStep, Hash, RoleSettings, StepId,
    latest::{Action, Found, StepLooked},
};

use super::{
    FlowPhase,
    begin::begin,
    gather::{Gathered, Texts, gather},
    inside::{finish, output_of_call},
    resolve::{Resolved, Surroundings, cache_key, resolve, templates},
};
use crate::{command::Rejection, evolve::Inconsistency, state::State};

/// At which point of a step it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookAt {
    /// At its beginning.
    Begin,
    /// At its end.
    End,
}

/// What is to be looked at for a step.
#[derive(Debug, Clone, PartialEq)]
pub struct LookRequest {
    /// The step.
    pub step: StepId,
    /// The attempt.
    pub attempt: Attempt,
    /// At which point.
    pub at: LookAt,
    /// The step's name.
    pub key: String,
    spec: Box<FlowStep>,
    role: Option<RoleSettings>,
    gathered: Gathered,
}

/// What is wanted besides texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// A file that is to be written.
    File {
        /// Its path.
        path: String,
        /// Its content is wanted: more is added to it.
        content: bool,
    },
    /// The moment so many milliseconds from now.
    InMs(u64),
    /// A moment, from its text.
    Moment(String),
    /// An identity for a run.
    Run,
    /// An earlier result.
    Cache {
        /// A file whose content it depends on.
        file: Option<String>,
    },
}

impl LookRequest {
    /// The blobs whose texts are needed.
    pub fn blobs(&self) -> BTreeMap<Hash, Content> {
        self.gathered.blobs()
    }

    fn resolved(&self, texts: &Texts) -> Option<Resolved> {
        let around = Surroundings { role: self.role.as_ref(), texts };
        resolve(&self.spec, &self.gathered, around).ok()
    }

    /// What is wanted besides texts; nothing for a step that cannot begin anyway.
    pub fn wants(&self, texts: &Texts) -> Wants {
        if self.at == LookAt::End {
            return Wants::Nothing;
        }
        let caches = self.spec.cache;
        match self.resolved(texts) {
            Some(Resolved::Act(Action::Transcribe(transcribe))) if caches => {
                Wants::Cache { file: Some(transcribe.file) }
            }
            Some(Resolved::Act(Action::Read { path, form: _ })) if caches => {
                Wants::Cache { file: Some(path) }
            }
            Some(Resolved::Ask(_) | Resolved::Act(Action::Run(_) | Action::Embed { .. }))
                if caches =>
            {
                Wants::Cache { file: None }
            }
            Some(Resolved::Write { path, text: _, mode }) => {
                Wants::File { path, content: mode == lao_event::WriteMode::Append }
            }
            Some(Resolved::WaitMs(ms)) => Wants::InMs(ms),
            Some(Resolved::WaitUntil(moment)) => Wants::Moment(moment),
            Some(Resolved::Plan { file: _ }) => Wants::Run,
            // Nothing of what else is done is taken from earlier: not a person's word, nor a list of
            // the files that are there.
            Some(
                Resolved::Skipped
                | Resolved::Ask(_)
                | Resolved::Act(_)
                | Resolved::Items(_)
                | Resolved::Call
                | Resolved::Holds
                | Resolved::Fails(_),
            )
            | None => Wants::Nothing,
        }
    }

    /// What an earlier result is stored under, with the hash of the file it depends on, and in words.
    pub fn cache_key(&self, texts: &Texts, file: Option<Hash>) -> Option<(Hash, String)> {
        let resolved = self.resolved(texts)?;
        Some(cache_key(&self.spec, &resolved, (self.role.as_ref(), file)))
    }
}

/// A step cannot go on from the state alone.
pub(crate) fn needs_look(state: &State, id: StepId) -> bool {
    let Some((spec, work)) = state.spec(id).zip(state.flow(id)) else {
        return false;
    };
    if work.timed_out {
        return false;
    }
    match work.phase {
        FlowPhase::Begin => {
            let asks_world = match &spec.action {
                FlowAction::Write(_) | FlowAction::Wait(_) | FlowAction::Plan(_) => true,
                FlowAction::Prompt(_)
                | FlowAction::Agent(_)
                | FlowAction::Transcribe(_)
                | FlowAction::Embed(_)
                | FlowAction::Run(_)
                | FlowAction::Read(_)
                | FlowAction::Map(_)
                | FlowAction::Approve(_)
                | FlowAction::Workflow(_)
                | FlowAction::Assert(_) => spec.cache,
            };
            asks_world || gather(state, id, templates(spec)).has_blobs()
        }
        FlowPhase::Finishing => output_of_call(state, id)
            .is_some_and(|(inner, template)| gather(state, inner, [template]).has_blobs()),
        FlowPhase::Talking | FlowPhase::Acting(_) | FlowPhase::Pausing(_) | FlowPhase::Inside => {
            false
        }
    }
}

impl State {
    /// What is to be looked at for a step, if something is.
    pub fn look_request(&self, id: StepId) -> Option<LookRequest> {
        if !self.index.looking.contains(&id) {
            return None;
        }
        let (spec, work) = self.spec(id).zip(self.flow(id))?;
        let (at, gathered) = match (&work.phase, output_of_call(self, id)) {
            (FlowPhase::Finishing, Some((inner, template))) => {
                (LookAt::End, gather(self, inner, [template]))
            }
            _ => (LookAt::Begin, gather(self, id, templates(spec))),
        };
        let step = self.at(id);
        Some(LookRequest {
            step: id,
            attempt: step.attempt,
            at,
            key: step.key.clone(),
            spec: Box::new(spec.clone()),
            role: self.role_of(id).and_then(|role| self.step_role(id, role)),
            gathered,
        })
    }

    /// At which point of which attempt a step is to be looked at.
    pub(crate) fn look_key(&self, id: StepId) -> Option<(Attempt, LookAt)> {
        let at = match self.flow(id)?.phase {
            FlowPhase::Finishing => LookAt::End,
            FlowPhase::Begin
            | FlowPhase::Talking
            | FlowPhase::Acting(_)
            | FlowPhase::Pausing(_)
            | FlowPhase::Inside => LookAt::Begin,
        };
        Some((self.at(id).attempt, at))
    }
}

/// A step goes on with what was looked at.
pub(crate) fn decide_looked(
    state: &State,
    (step, attempt): (StepId, Attempt),
    texts: &Texts,
    found: Found,
) -> Result<Vec<Event>, Rejection> {
    let awaited = state.index.looking.contains(&step) && state.at(step).attempt == attempt;
    if !awaited {
        return Err(Rejection::NotInAttempt(step));
    }
    if !state.started().is_working() {
        // It is looked at again when the run goes on.
        return Err(Rejection::Stopping);
    }
    let finishing = state.flow(step).is_some_and(|work| work.phase == FlowPhase::Finishing);
    let follow_up = if finishing {
        finish(state, step, texts)
    } else {
        begin(state, step, texts, Some(&found))
    };
    let looked: Event = StepLooked { step, attempt, found }.into();
    Ok(std::iter::once(looked).chain(follow_up).collect())
}

/// Notes that a step was looked at; what it does follows.
pub(crate) fn evolve_looked(state: &mut State, event: &StepLooked) -> Result<(), Inconsistency> {
    if !state.index.looking.remove(&event.step) {
        return Err(Inconsistency::new(format!("{} was not to be looked at", event.step)));
    }
    if let Found::Cache { key, keyed_on: _, value: None } = &event.found {
        state.step_mut(event.step)?.cached_under = Some(*key);
    }
    Ok(())
}

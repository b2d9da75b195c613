//! The narrator: events in words.
//!
//! It keeps what the words need and an event does not repeat: the keys of steps, and for every
//! effect what it was. Each note is a few dozen bytes, so that any event of the run's past can be
//! put into words without folding again.

mod words;

pub(crate) use words::verdict;

use std::{collections::BTreeMap, sync::Arc};

use lao_event::{
    EffectId, Event, QuestionId, Role, StepId,
    latest::{Action, ChecksScope, LossCause, OutputSource},
};
use lao_history::{Recorded, StoredEvent};
use lao_protocol::EventView;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::units::names;

/// Keys that a sentence lists.
pub(crate) const KEYS_SHOWN_MAX: usize = 8;

/// What the words of a run's events need to know of the events before them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Narrator {
    keys: Vec<Arc<str>>,
    /// Of every effect; of one that was taken up from a snapshot, of those in flight there and of
    /// all that came later.
    effects: BTreeMap<EffectId, EffectNote>,
    /// Questions are numbered without gaps, from 1.
    questions: Vec<StepId>,
    /// What steps have in common with those whose results they took.
    #[serde(default)]
    cached: BTreeMap<StepId, Arc<str>>,
}

/// What is remembered of an effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EffectNote {
    /// The step it belongs to.
    pub step: Option<StepId>,
    /// When it was started, milliseconds since 1970.
    pub since_ms: i64,
    /// What it is.
    pub kind: EffectNoteKind,
}

/// What an effect is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum EffectNoteKind {
    /// Making the workspace ready.
    Workspace,
    /// Asking a model.
    Model { role: Role, model: Arc<str> },
    /// Running a tool that only reads.
    Read { tool: Arc<str> },
    /// Writing a file; deleting it where there is no size.
    Write { path: Arc<str>, size_bytes: Option<u64> },
    /// Running a command.
    Command { line: Arc<str> },
    /// Checking.
    Checks { scope: ChecksScope, steps: Arc<[StepId]> },
    /// Making a commit.
    Commit { subject: Arc<str> },
    /// Doing what a step of a workflow does.
    Action { words: Arc<str>, writes: Option<Arc<str>> },
}

impl Narrator {
    /// Before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers what later words need. Every event must be shown, in order, before its words
    /// are asked for.
    pub fn note(&mut self, published: &Recorded) {
        let event = &published.event;
        if let Event::StepsAdded(added) = event {
            let keys = added.steps.iter().map(|step| step.key.as_str().into());
            self.keys.extend(keys);
        } else if let Event::QuestionAsked(asked) = event {
            self.questions.push(asked.step);
        } else if let Event::OutputSet(set) = event {
            if let OutputSource::Cache { key: _, keyed_on } = &set.source {
                self.cached.insert(set.step, keyed_on.as_str().into());
            } else {
                self.cached.remove(&set.step);
            }
        } else if let Some((effect, step, kind)) = self.started(event) {
            self.effects.insert(effect, EffectNote { step, since_ms: published.wall_ms, kind });
        }
    }

    /// The effect that an event starts.
    fn started(&self, event: &Event) -> Option<(EffectId, Option<StepId>, EffectNoteKind)> {
        use EffectNoteKind as Kind;
        let (effect, step, kind) = match event {
            Event::WorkspaceStarted(event) => (event.effect, None, Kind::Workspace),
            Event::ModelCallStarted(event) => {
                let model = self.model_name(&event.request.model);
                let role = event.role;
                (event.effect, Some(event.step), Kind::Model { role, model })
            }
            Event::ToolCallStarted(event) => {
                let tool = event.tool.as_str().into();
                (event.effect, Some(event.step), Kind::Read { tool })
            }
            Event::FileWriteStarted(event) => {
                let path = event.path.as_str().into();
                let size_bytes = event.after.as_ref().map(lao_event::Content::size_bytes);
                (event.effect, Some(event.step), Kind::Write { path, size_bytes })
            }
            Event::CommandStarted(event) => {
                let line = words::command_line(&event.argv).into();
                (event.effect, Some(event.step), Kind::Command { line })
            }
            Event::ChecksStarted(event) => {
                let (scope, steps) = (event.scope, event.steps.clone().into());
                (event.effect, only(&event.steps), Kind::Checks { scope, steps })
            }
            Event::CommitStarted(event) => {
                let subject = event.subject.as_str().into();
                (event.effect, Some(event.step), Kind::Commit { subject })
            }
            Event::ActionStarted(event) => (event.effect, Some(event.step), acts(&event.action)),
            Event::StepLooked(_)
            | Event::ActionEnded(_)
            | Event::OutputSet(_)
            | Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunForked(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_)
            | Event::StepsAdded(_)
            | Event::StepStarted(_)
            | Event::StepEnded(_)
            | Event::StepParked(_)
            | Event::StepRetried(_)
            | Event::StepTimedOut(_)
            | Event::AnswerRejected(_)
            | Event::ModelCallEnded(_)
            | Event::ToolDecided(_)
            | Event::ToolCallEnded(_)
            | Event::FileWriteEnded(_)
            | Event::CommandEnded(_)
            | Event::TodoSet(_)
            | Event::ChecksEnded(_)
            | Event::ReviewGiven(_)
            | Event::WorkspaceEnded(_)
            | Event::CommitEnded(_)
            | Event::QuestionAsked(_)
            | Event::QuestionAnswered(_)
            | Event::EffectsLost(_) => return None,
        };
        Some((effect, step, kind))
    }

    /// A model's name, shared with the last calls that used it.
    fn model_name(&self, name: &str) -> Arc<str> {
        let recent = self.effects.values().rev().take(64);
        let known = recent.filter_map(|note| match &note.kind {
            EffectNoteKind::Model { role: _, model } => Some(model),
            EffectNoteKind::Workspace
            | EffectNoteKind::Read { .. }
            | EffectNoteKind::Write { .. }
            | EffectNoteKind::Command { .. }
            | EffectNoteKind::Checks { .. }
            | EffectNoteKind::Commit { .. }
            | EffectNoteKind::Action { .. } => None,
        });
        known
            .into_iter()
            .find(|model| model.as_ref() == name)
            .map_or_else(|| name.into(), Arc::clone)
    }

    /// What is needed to put later events into words, but not those before.
    pub(crate) fn without_past(&self, is_open: impl Fn(EffectId) -> bool) -> Self {
        let open = self.effects.iter().filter(|(effect, _)| is_open(**effect));
        Self {
            keys: self.keys.clone(),
            effects: open.map(|(effect, note)| (*effect, note.clone())).collect(),
            questions: self.questions.clone(),
            cached: self.cached.clone(),
        }
    }

    /// An event as clients are told of it; it must have been noted.
    pub fn view(&self, published: &Recorded) -> EventView {
        let event = &published.event;
        let data = serde_json::to_value(event).expect("events are plain JSON");
        EventView {
            seq: published.seq,
            time_ms: published.wall_ms,
            event: event.name().to_owned(),
            step: self.step_of(event).map(|step| self.key(step).into_owned()),
            text: self.words(event),
            data,
        }
    }

    /// Remembers what later words need of a stored event.
    pub(crate) fn note_stored(&mut self, stored: &StoredEvent) {
        match stored {
            StoredEvent::Known(published) => self.note(published),
            StoredEvent::Unknown { .. } => {}
        }
    }

    /// A stored event as clients are told of it; one that this program does not know is shown
    /// as such.
    pub fn view_stored(&mut self, stored: &StoredEvent) -> EventView {
        match stored {
            StoredEvent::Known(published) => {
                self.note(published);
                self.view(published)
            }
            StoredEvent::Unknown { seq, wall_ms, event_type, schema_version } => EventView {
                seq: *seq,
                time_ms: *wall_ms,
                event: format!("Unknown{event_type}"),
                step: None,
                text: format!(
                    "an event of type {event_type}, version {schema_version}, which a newer lao \
                     wrote"
                ),
                data: Value::Null,
            },
        }
    }

    /// A step's key; its number where the step is not known.
    pub(crate) fn key(&self, step: StepId) -> std::borrow::Cow<'_, str> {
        match self.keys.get(step.0 as usize) {
            Some(key) => key.as_ref().into(),
            None => step.to_string().into(),
        }
    }

    /// Keys of steps, as a sentence lists them.
    pub(crate) fn keys(&self, steps: &[StepId]) -> String {
        let keys: Vec<_> = steps.iter().map(|step| self.key(*step)).collect();
        let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
        names(&keys, KEYS_SHOWN_MAX)
    }

    /// What is remembered of an effect.
    pub(crate) fn effect(&self, effect: EffectId) -> Option<&EffectNote> {
        self.effects.get(&effect)
    }

    /// The step that waits for an answer.
    fn question(&self, question: QuestionId) -> Option<StepId> {
        let index = (question.0 as usize).checked_sub(1)?;
        self.questions.get(index).copied()
    }

    fn effect_step(&self, effect: EffectId) -> Option<StepId> {
        self.effect(effect)?.step
    }

    /// The step that an event belongs to.
    pub(crate) fn step_of(&self, event: &Event) -> Option<StepId> {
        match event {
            Event::StepsAdded(event) => event.by,
            Event::StepStarted(event) => Some(event.step),
            Event::StepEnded(event) => Some(event.step),
            Event::StepParked(event) => Some(event.step),
            Event::StepRetried(event) => Some(event.step),
            Event::StepTimedOut(event) => Some(event.step),
            Event::AnswerRejected(event) => Some(event.step),
            Event::ModelCallStarted(event) => Some(event.step),
            Event::ModelCallEnded(event) => self.effect_step(event.effect),
            Event::ToolDecided(event) => Some(event.step),
            Event::ToolCallStarted(event) => Some(event.step),
            Event::ToolCallEnded(event) => self.effect_step(event.effect),
            Event::FileWriteStarted(event) => Some(event.step),
            Event::FileWriteEnded(event) => self.effect_step(event.effect),
            Event::CommandStarted(event) => Some(event.step),
            Event::CommandEnded(event) => self.effect_step(event.effect),
            Event::TodoSet(event) => Some(event.step),
            Event::ChecksStarted(event) => only(&event.steps),
            Event::ChecksEnded(event) => self.effect_step(event.effect),
            Event::ReviewGiven(event) => Some(event.step),
            Event::CommitStarted(event) => Some(event.step),
            Event::CommitEnded(event) => self.effect_step(event.effect),
            Event::StepLooked(event) => Some(event.step),
            Event::ActionStarted(event) => Some(event.step),
            Event::ActionEnded(event) => self.effect_step(event.effect),
            Event::OutputSet(event) => Some(event.step),
            Event::QuestionAsked(event) => Some(event.step),
            Event::QuestionAnswered(event) => self.question(event.question),
            Event::EffectsLost(event) => match (&event.cause, event.effects.as_slice()) {
                (LossCause::WorkerPanicked { .. }, [effect]) => self.effect_step(*effect),
                (LossCause::WorkerPanicked { .. } | LossCause::ProcessEnded, _) => None,
            },
            Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunForked(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_)
            | Event::WorkspaceStarted(_)
            | Event::WorkspaceEnded(_) => None,
        }
    }
}

fn acts(action: &Action) -> EffectNoteKind {
    let writes = if let Action::Write { path, .. } = action { Some(path.as_str()) } else { None };
    EffectNoteKind::Action { words: words::action(action).into(), writes: writes.map(Into::into) }
}

/// The step, where there is one only.
fn only(steps: &[StepId]) -> Option<StepId> {
    match steps {
        [step] => Some(*step),
        _ => None,
    }
}

//! What the world owes, followed from decision to decision.
//!
//! Only what the events of a decision touch is looked at, so that an event costs the same with one
//! effect in flight and with a thousand. What is rare, a stop or a loss, looks at everything.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{EffectId, Event, StepId};
use lao_kernel::{Effect, EffectKey, State, outstanding, outstanding_effect, outstanding_look};

/// The effects that wait or were given to a worker.
#[derive(Default)]
pub(super) struct Owed {
    /// With the step of each.
    known: BTreeMap<EffectKey, Option<StepId>>,
    /// Those among them that look at a tool call, or around for a step.
    looks: BTreeMap<StepId, EffectKey>,
}

/// What a decision changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// To be started once the decision is durable.
    pub new: BTreeSet<EffectKey>,
    /// Ended or given up: nobody waits for them.
    pub gone: Vec<EffectKey>,
    /// Everything was looked at.
    pub is_whole: bool,
}

/// What the events of a decision may have changed.
#[derive(Default)]
struct Touched {
    everything: bool,
    effects: BTreeSet<EffectId>,
    steps: BTreeSet<StepId>,
}

impl Owed {
    /// Compares with the state after a decision.
    pub(super) fn follow(&mut self, state: &State, events: &[Event]) -> Change {
        let mut touched = Touched::default();
        for event in events {
            touched.note(event);
        }
        let change =
            if touched.everything { self.compare_all(state) } else { self.compare(state, touched) };
        debug_assert!(
            self.known.keys().eq(&outstanding(state).map(|it| it.key).collect::<BTreeSet<_>>()),
            "an event touched what it does not name: {events:?}"
        );
        change
    }

    /// The effect, if it is still owed.
    pub(super) fn effect<'a>(&self, state: &'a State, key: EffectKey) -> Option<Effect<'a>> {
        let effect = match key {
            EffectKey::Started(effect, _) => outstanding_effect(state, effect),
            EffectKey::Prepare(_) | EffectKey::Look(..) => {
                outstanding_look(state, (*self.known.get(&key)?)?)
            }
        };
        effect.filter(|effect| effect.key == key)
    }

    fn compare_all(&mut self, state: &State) -> Change {
        let owed: BTreeMap<EffectKey, Option<StepId>> =
            outstanding(state).map(|effect| (effect.key, effect.step)).collect();
        let new = owed.keys().filter(|key| !self.known.contains_key(key)).copied().collect();
        let gone = self.known.keys().filter(|key| !owed.contains_key(key)).copied().collect();
        self.known.clear();
        self.looks.clear();
        for (key, step) in owed {
            self.insert(key, step);
        }
        Change { new, gone, is_whole: true }
    }

    fn compare(&mut self, state: &State, touched: Touched) -> Change {
        let Touched { everything: _, effects, mut steps } = touched;
        let mut change = Change::default();
        for effect in effects {
            let before = self.started(effect);
            let now = outstanding_effect(state, effect);
            steps.extend(before.and_then(|key| self.known[&key]));
            steps.extend(now.as_ref().and_then(|effect| effect.step));
            self.replace(before, now, &mut change);
        }
        let outer: Vec<StepId> = steps
            .iter()
            .filter_map(|step| state.step(*step).and_then(|step| step.parent))
            .collect();
        steps.extend(outer);
        for step in steps {
            let before = self.looks.get(&step).copied();
            self.replace(before, outstanding_look(state, step), &mut change);
        }
        change
    }

    fn replace(&mut self, before: Option<EffectKey>, now: Option<Effect<'_>>, change: &mut Change) {
        if before == now.as_ref().map(|effect| effect.key) {
            return;
        }
        if let Some(key) = before {
            self.remove(key);
            change.gone.push(key);
        }
        if let Some(effect) = now {
            self.insert(effect.key, effect.step);
            change.new.insert(effect.key);
        }
    }

    fn started(&self, effect: EffectId) -> Option<EffectKey> {
        let of_effect = EffectKey::Started(effect, 0)..=EffectKey::Started(effect, u32::MAX);
        self.known.range(of_effect).next().map(|(key, _)| *key)
    }

    fn insert(&mut self, key: EffectKey, step: Option<StepId>) {
        if let (EffectKey::Prepare(_) | EffectKey::Look(..), Some(step)) = (key, step) {
            self.looks.insert(step, key);
        }
        self.known.insert(key, step);
    }

    fn remove(&mut self, key: EffectKey) {
        let step = self.known.remove(&key).flatten();
        if let (EffectKey::Prepare(_) | EffectKey::Look(..), Some(step)) = (key, step) {
            self.looks.remove(&step);
        }
    }
}

impl Touched {
    fn note(&mut self, event: &Event) {
        match event {
            Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunForked(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_)
            | Event::StepRetried(_)
            | Event::StepTimedOut(_)
            | Event::QuestionAsked(_)
            | Event::QuestionAnswered(_)
            | Event::EffectsLost(_)
            | Event::WorkspaceEnded(_) => self.everything = true,
            Event::StepsAdded(event) => self.steps.extend(event.by),
            Event::StepStarted(event) => self.step(event.step),
            Event::StepEnded(event) => self.step(event.step),
            Event::StepParked(event) => self.step(event.step),
            Event::AnswerRejected(event) => self.step(event.step),
            Event::ReviewGiven(event) => self.step(event.step),
            Event::TodoSet(event) => self.step(event.step),
            Event::ToolDecided(event) => self.step(event.step),
            Event::StepLooked(event) => self.step(event.step),
            Event::OutputSet(event) => self.step(event.step),
            // What was looked at is what is started.
            Event::ActionStarted(event) => self.call(event.effect, event.step),
            Event::ActionEnded(event) => self.effect(event.effect),
            Event::ToolCallStarted(event) => self.call(event.effect, event.step),
            Event::FileWriteStarted(event) => self.call(event.effect, event.step),
            Event::CommandStarted(event) => self.call(event.effect, event.step),
            Event::WorkspaceStarted(event) => self.effect(event.effect),
            Event::ModelCallStarted(event) => self.call(event.effect, event.step),
            Event::ModelCallEnded(event) => self.effect(event.effect),
            Event::ToolCallEnded(event) => self.effect(event.effect),
            Event::FileWriteEnded(event) => self.effect(event.effect),
            Event::CommandEnded(event) => self.effect(event.effect),
            Event::ChecksStarted(event) => self.effect(event.effect),
            Event::ChecksEnded(event) => self.effect(event.effect),
            Event::CommitStarted(event) => self.effect(event.effect),
            Event::CommitEnded(event) => self.effect(event.effect),
        }
    }

    fn effect(&mut self, effect: EffectId) {
        self.effects.insert(effect);
    }

    fn step(&mut self, step: StepId) {
        self.steps.insert(step);
    }

    fn call(&mut self, effect: EffectId, step: StepId) {
        self.effect(effect);
        self.step(step);
    }
}

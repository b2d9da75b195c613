//! The workers of a run, found by their actor and by their effect.

use std::collections::BTreeMap;

use lao_kernel::EffectKey;
use ractor::{ActorCell, ActorId};

/// An effect that was given to a worker.
pub(super) struct InWork {
    pub key: EffectKey,
    pub cell: ActorCell,
    pub words: String,
}

/// Those that have not reported.
#[derive(Default)]
pub(super) struct Workers {
    by_actor: BTreeMap<ActorId, InWork>,
    by_effect: BTreeMap<EffectKey, ActorId>,
}

impl Workers {
    pub(super) fn insert(&mut self, work: InWork) {
        let actor = work.cell.get_id();
        self.by_effect.insert(work.key, actor);
        self.by_actor.insert(actor, work);
    }

    /// Forgets a worker that reported or was lost; none if its effect had been given up.
    pub(super) fn remove(&mut self, actor: ActorId) -> Option<InWork> {
        let work = self.by_actor.remove(&actor)?;
        self.by_effect.remove(&work.key);
        Some(work)
    }

    /// Ends the worker of an effect that nobody waits for any more, if it has one.
    pub(super) fn give_up(&mut self, key: EffectKey) {
        let work = self.by_effect.get(&key).copied().and_then(|actor| self.remove(actor));
        if let Some(work) = work {
            work.cell.kill();
        }
    }
}

//! A gate that models of a test wait at, so that a test decides when an answer comes.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::sandbox::DEADLINE;

/// Closed until it is opened; who waits is counted.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) inside: Arc<(Mutex<Inside>, Condvar)>,
}

#[derive(Default)]
pub(crate) struct Inside {
    open: bool,
    waiting: usize,
    /// The most that ever waited at once.
    pub(crate) waiting_most: usize,
}

impl Gate {
    /// Waits until it is open; the thread's other work goes on elsewhere meanwhile.
    pub(crate) fn pass(&self) {
        tokio::task::block_in_place(|| self.wait());
    }

    fn wait(&self) {
        let (inside, changed) = &*self.inside;
        let mut guard = lock(inside);
        guard.waiting += 1;
        guard.waiting_most = guard.waiting_most.max(guard.waiting);
        changed.notify_all();
        while !guard.open {
            guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        guard.waiting -= 1;
    }

    /// Lets everybody through from now on.
    pub(crate) fn open(&self) {
        lock(&self.inside.0).open = true;
        self.inside.1.notify_all();
    }

    /// Waits until so many wait at once.
    pub(crate) fn waits_for(&self, count: usize) {
        let (inside, changed) = &*self.inside;
        let guard = lock(inside);
        let few = |inside: &mut Inside| inside.waiting_most < count;
        let (guard, waited) = changed
            .wait_timeout_while(guard, DEADLINE, few)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "only {} came to the gate", guard.waiting_most);
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

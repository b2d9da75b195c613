//! Trouble with one call of the world: its worker panics, or never comes back.

use std::{
    future, panic,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// Its worker panics.
    Panic,
    /// It never comes back.
    Hang,
}

/// On which side of the call's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Nothing was done.
    Before,
    /// All was done, and nobody was told.
    After,
}

/// Trouble with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// Number of the call among all calls of the world, from 1.
    pub call: u64,
    /// Before or after its work.
    pub side: Side,
    /// What happens.
    pub mishap: Mishap,
}

/// Numbers calls and makes trouble where it is due.
#[derive(Debug)]
pub(crate) struct Gate {
    trouble: Option<Trouble>,
    /// The next call that begins panics.
    armed: AtomicBool,
    calls: AtomicU64,
    hanging: Notify,
}

impl Gate {
    pub(crate) fn new(trouble: Option<Trouble>) -> Self {
        Self {
            trouble,
            armed: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            hanging: Notify::new(),
        }
    }

    /// A call begins; returns its number.
    pub(crate) async fn enter(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.armed.swap(false, Ordering::SeqCst) {
            // Unwinds without the hook, so that an expected panic prints nothing.
            panic::resume_unwind(Box::new("the scenario says so"));
        }
        self.pass(call, Side::Before).await;
        call
    }

    /// Lets the next call panic before it does anything.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// A call has done its work.
    pub(crate) async fn leave(&self, call: u64) {
        self.pass(call, Side::After).await;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until a call hangs.
    pub(crate) async fn hanging(&self) {
        self.hanging.notified().await;
    }

    async fn pass(&self, call: u64, side: Side) {
        let Some(trouble) = self.trouble else {
            return;
        };
        if (trouble.call, trouble.side) != (call, side) {
            return;
        }
        match trouble.mishap {
            // Unwinds without the hook, so that an expected panic prints nothing.
            Mishap::Panic => panic::resume_unwind(Box::new(format!("{side:?} call {call}"))),
            Mishap::Hang => {
                self.hanging.notify_one();
                future::pending::<()>().await;
            }
        }
    }
}

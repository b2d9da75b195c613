//! The real binary, really killed: whatever the moment, the same command typed again ends where an
//! uninterrupted run ends.
//!
//! The run is the demo's: tools write files, a shell script checks them, git commits. A moment is
//! a number of events that the process has printed (an event is printed once it is durable) and a
//! pause of up to a few milliseconds after it, so that it lies anywhere between two events.
//! `LAO_KILLS` is how many moments are tried (50), and how often the one run of `stress.rs` is
//! killed (40); `LAO_KILL_SEED` repeats a failure.

#![cfg(unix)]

#[cfg(test)]
#[path = "support"] // rustfmt would look beside the modules of this harness
mod support {
    pub(crate) mod brain;
    pub(crate) mod demo;
    pub(crate) mod gate;
    pub(crate) mod live;
    pub(crate) mod sandbox;
    pub(crate) mod server;
    pub(crate) mod signals;
}

#[cfg(test)]
mod kill {
    mod aimed;
    mod beside;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    mod calls;
    mod end;
    mod full;
    mod moment;
    mod polite;
    mod power;
    mod random;
    mod stress;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    mod upkeep;
    mod watching;
}

//! Time that passes only when it is looked at.

use std::{
    panic,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use lao_port::Clock;

/// Milliseconds since 1970 at which a clock starts unless told otherwise.
const START_MS: i64 = 1_800_000_000_000;
/// What every look at the clock costs, in milliseconds.
const TICK_MS: i64 = 1;

/// A clock that goes on by one millisecond with every look at the wall time.
#[derive(Debug)]
pub struct TestClock {
    wall_ms: AtomicI64,
    looks: AtomicU64,
    panics_at: Option<u64>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl TestClock {
    /// A clock at the start of its time.
    pub const fn new() -> Self {
        Self { wall_ms: AtomicI64::new(START_MS), looks: AtomicU64::new(0), panics_at: None }
    }

    /// A clock whose reader panics at one look, counted from 1: a panic inside whatever decides.
    pub const fn panicking_at(look: u64) -> Self {
        Self { panics_at: Some(look), ..Self::new() }
    }

    /// Lets time pass.
    pub fn advance(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// How often the wall time was looked at.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> i64 {
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        if self.panics_at == Some(look) {
            // Unwinds without the hook, so that an expected panic prints nothing.
            panic::resume_unwind(Box::new(format!("look {look} at the clock")));
        }
        self.wall_ms.fetch_add(TICK_MS, Ordering::SeqCst) + TICK_MS
    }

    fn monotonic_ns(&self) -> u64 {
        let passed_ms = self.wall_ms.load(Ordering::SeqCst) - START_MS;
        u64::try_from(passed_ms).unwrap_or(0) * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_with_every_look_and_when_told() {
        let clock = TestClock::new();
        assert_eq!(clock.monotonic_ns(), 0);
        assert_eq!(clock.wall_ms(), START_MS + 1);
        clock.advance(10);
        assert_eq!(clock.wall_ms(), START_MS + 12);
        assert_eq!(clock.monotonic_ns(), 12_000_000);
        assert_eq!(clock.looks(), 2);
    }

    #[test]
    fn one_look_panics_and_the_next_does_not() {
        let clock = TestClock::panicking_at(2);
        clock.wall_ms();
        let caught = panic::catch_unwind(|| clock.wall_ms()).unwrap_err();
        assert_eq!(caught.downcast_ref::<String>().unwrap(), "look 2 at the clock");
        assert_eq!(clock.wall_ms(), START_MS + 2);
    }
}

//! Time that is played: it stands still while anything is under way, and jumps to whatever is
//! waited for when nothing is.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use lao_port::Clock;
use tokio::time::Instant;

/// Milliseconds since 1970 at which every scenario begins.
pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// How much time is between two processes of a run, in milliseconds.
const BETWEEN_LIVES_MS: u64 = 60_000;

/// The clock of a scenario, over all its lives.
#[derive(Debug, Default)]
pub(crate) struct PlayedClock {
    now: Mutex<Now>,
    /// How far the wall clock was set forward, or back.
    jumped_ms: AtomicI64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Now {
    /// Milliseconds that had passed when the life began.
    before_ms: u64,
    /// When it began.
    life: Option<Instant>,
    /// Milliseconds that have passed, as far as anybody looked.
    passed_ms: u64,
}

impl PlayedClock {
    /// A life begins; called within its runtime.
    pub(crate) fn begin_life(&self) {
        let mut now = self.now();
        let before_ms = if now.life.is_some() { now.passed_ms + BETWEEN_LIVES_MS } else { 0 };
        *now = Now { before_ms, life: Some(Instant::now()), passed_ms: before_ms };
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump(&self, by_ms: i64) {
        self.jumped_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Milliseconds since the scenario began.
    pub(crate) fn passed_ms(&self) -> u64 {
        let mut now = self.now();
        // Outside of a life nobody plays time, and the system's clock is none of ours.
        if let (Some(life), Ok(_)) = (now.life, tokio::runtime::Handle::try_current()) {
            let lived_ms = u64::try_from(life.elapsed().as_millis()).unwrap_or(u64::MAX);
            now.passed_ms = now.before_ms.saturating_add(lived_ms);
        }
        now.passed_ms
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for PlayedClock {
    fn wall_ms(&self) -> i64 {
        let now_ms = i64::try_from(START_MS + self.passed_ms()).unwrap_or(i64::MAX);
        now_ms.saturating_add(self.jumped_ms.load(Ordering::SeqCst))
    }

    fn monotonic_ns(&self) -> u64 {
        self.passed_ms().saturating_mul(1_000_000)
    }

    fn is_played(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_takes_no_time_and_the_wall_clock_may_jump() {
        let clock = PlayedClock::default();
        clock.begin_life();
        let began_ms = clock.wall_ms();
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.wall_ms() - began_ms, 3_600_000);
        clock.jump(-3_600_000);
        assert_eq!(clock.wall_ms(), began_ms);
        assert_eq!(clock.monotonic_ns(), 3_600_000_000_000);
        clock.begin_life();
        assert_eq!(clock.passed_ms(), 3_660_000);
    }
}

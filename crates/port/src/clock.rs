//! Time, as it is stamped on events.

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC; may jump.
    fn wall_ms(&self) -> i64;

    /// Nanoseconds since some moment before the run was opened; never goes back.
    fn monotonic_ns(&self) -> u64;

    /// Time is played: it stands still while any work is under way, and passes when all wait for it.
    /// Who hands work to another thread waits for it in place then, so that the same happens in the
    /// same order every time.
    fn is_played(&self) -> bool {
        false
    }
}

//! Time, as it is stamped on events.

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC; may jump.
    fn wall_ms(&self) -> i64;

    /// Nanoseconds since some moment before the run was opened; never goes back.
    fn monotonic_ns(&self) -> u64;
}

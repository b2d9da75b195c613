//! Scripted world and crashing storage for tests; a dev-dependency only.
//!
//! ```text
//!   crash_at --Fault--> journal writer        dies at a commit, as a killed process does
//!   disk_mishap --Fault--> the same           its disk loses power at a sync, or is full
//!   TestClock                                 time that passes only when it is looked at
//!   smooth_run                                a long run in its journal, for benchmarks
//! ```
//!
//! This crate knows only the ports, so that the crates behind them can use it in their own tests. A
//! whole world that is watched is in `lao-scenario`.

mod clock;
mod crash;
pub mod openai_server;
mod settings;
mod smooth_run;
mod spent;

pub use clock::TestClock;
pub use crash::{Crash, CrashWatch, DiskMishap, Moment, crash_at, disk_mishap};
pub use smooth_run::{Smooth, Texts, smooth_run};
pub use spent::{peak_bytes, processor_time};

/// Settings of a run: a planner, a coder and a reviewer at one endpoint, in a folder with git,
/// without commands.
pub fn settings(endpoint: &str) -> lao_event::Settings {
    settings::of(endpoint)
}

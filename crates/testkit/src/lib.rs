//! Scripted world and crashing storage for tests; a dev-dependency only.
//!
//! ```text
//!   the real world --Watch::over--> the same world: every call recorded, one of them in trouble
//!   crash_at --Fault--> journal writer        dies at a commit, as a killed process does
//!   disk_mishap --Fault--> the same           its disk loses power at a sync, or is full
//!   TestClock                                 time that passes only when it is looked at
//!   Facts, Ending                             what a journal and a workspace say afterwards
//!   smooth_run                                a long run in its journal, for benchmarks
//! ```
//!
//! Which real tools, checks and repositories are watched is the caller's choice: this crate knows
//! only the ports, so that the crates behind them can use it in their own tests.

mod clock;
mod crash;
mod ending;
mod facts;
pub mod openai_server;
mod prompt;
mod settings;
mod smooth_run;
mod spent;
mod tree;
mod trouble;
mod watch;

pub use clock::TestClock;
pub use crash::{Crash, CrashWatch, DiskMishap, Moment, crash_at, disk_mishap};
pub use ending::{Ending, StepFacts, summary};
pub use facts::{FactsError, JournalFacts};
pub use prompt::PromptKey;
pub use smooth_run::{Smooth, Texts, smooth_run};
pub use spent::{peak_bytes, processor_time};
pub use tree::{CommitFacts, commits, files, init_repository, uncommitted};
pub use trouble::{Mishap, Side, Trouble};
pub use watch::{Call, Watch};

/// Settings of a run: a planner, a coder and a reviewer at one endpoint, in a folder with git,
/// without commands.
pub fn settings(endpoint: &str) -> lao_event::Settings {
    settings::of(endpoint)
}

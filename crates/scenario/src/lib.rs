//! Scenarios: runs with a script, played in virtual time, compared, killed everywhere; no rendering.
//!
//! ```text
//!   NAME.scenario.toml --Scenario--> Stage (a project) --lives--> journal, workspace
//!                                      ^   Stagehand: kills, full disks, a person's words
//!                                      '-- PlayedClock, PlayedPrograms, ScriptedModel
//!   journal, workspace --> snapshot, compared with NAME.snap; [expect]; the same end after any kill
//! ```
//!
//! Runtime, journal, tools, checks and git are the real ones. What a model says, what a person
//! answers, what commands give and what goes wrong is in the file. All of a life happens on one
//! thread whose time is played, and whatever works on another thread is waited for in place: a
//! scenario does the same in the same order every time, and minutes of it take milliseconds.
//!
//! Deliberately absent: rendering, the terminal, and any second way to drive a run.

mod aside;
mod check;
mod clock;
mod crash;
mod ending;
mod expect;
mod facts;
mod file;
mod flow;
mod life;
mod play;
mod programs;
mod prompt;
mod record;
mod snapshot;
mod stage;
mod stagehand;
mod sweep;
mod template;
mod test;
mod tree;
mod trouble;
mod watch;

pub use crash::{CommitSeen, Kill, Moment};
pub use ending::{Ending, StepFacts, summary};
pub use facts::{FactsError, JournalFacts};
pub use file::{FILE_ENDING, SNAPSHOT_ENDING, Scenario, ScenarioError};
pub use play::PlayError;
pub use prompt::PromptKey;
pub use record::{RecordError, record};
pub use snapshot::Summary;
pub use stage::StageError;
pub use sweep::Sweep;
pub use template::TEMPLATE;
pub use test::{Tested, Tester, find};
pub use tree::{CommitFacts, commits, files, init_repository, uncommitted};
pub use trouble::{Mishap, Side, Trouble};
pub use watch::{Call, Watch};

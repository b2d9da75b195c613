//! Runs looked at afterwards: a run is data that can be derived again, compared and branched.
//!
//! ```text
//!   Reader --for_each_decision--> Decision --commands--> Command --decide, evolve--> events
//!                                     '---------------- the same? -------------------'
//! ```
//!
//! Deliberately absent: actors, models, tools, the clock, and any write to a run that exists.

mod command;
mod decision;
mod field;
mod files;
mod rederive;

pub use decision::{Decision, for_each_decision};
pub use field::{FieldDifference, field_differences};
pub use files::{CallWrite, FileAt, FilesAt, FilesError, WrittenBy, files_at};
pub use rederive::{Derived, Difference, Replay, ReplayError, Replayed, replay};

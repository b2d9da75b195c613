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
mod rederive;

pub use decision::{Decision, for_each_decision};
pub use rederive::{Derived, Difference, Replay, ReplayError, Replayed, replay};

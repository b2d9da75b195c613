//! Plan, workflow and chain text to validated values; no IO, no async.
//!
//! The caller reads the files and gives their text. What comes back is checked, and what is
//! wrong comes back all at once, each problem with its line.

pub mod chain;
pub mod flow;
pub mod plan;

//! Reading what planners and reviewers answer: tolerant of wrapping, strict about content.

mod json;
mod tasks;
mod verdict;

pub(crate) use tasks::{TASKS_SCHEMA, read_tasks};
pub(crate) use verdict::{VERDICT_SCHEMA, read_verdict};

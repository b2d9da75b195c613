//! Reading what planners and reviewers answer: tolerant of wrapping, strict about content.

mod json;
mod tasks;
mod verdict;

pub(crate) use json::read_value as read_json;
pub(crate) use tasks::{TASKS_SCHEMA, read_tasks, task_name};
pub(crate) use verdict::{VERDICT_SCHEMA, read_verdict};

/// The longest answer of a planner or reviewer that is read, in bytes, so that what comes of it
/// fits one record of the journal.
const ANSWER_BYTES_MAX: usize = 384 * 1024;

/// The longest description of one problem, in characters.
const PROBLEM_CHARS_MAX: usize = 400;

/// An answer that is short enough to be read.
fn check_length(text: &str) -> Result<(), String> {
    if text.len() <= ANSWER_BYTES_MAX {
        return Ok(());
    }
    Err(format!(
        "the answer has {} bytes, more than the {ANSWER_BYTES_MAX} that are read: write less",
        text.len()
    ))
}

/// A problem, short enough to be told.
fn short_problem(problem: &str) -> String {
    shortened(problem, PROBLEM_CHARS_MAX)
}

/// A text of so many characters at the most, and a sign that there was more.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

//! Where there are no process groups: the worker alone is ended, as its handle is dropped.

use std::process::ExitStatus;

use tokio::process::{Child, Command};

/// Nothing to do.
pub(crate) fn lead_a_group(_command: &mut Command) {}

/// Ends nothing by itself; the child is killed as its handle is dropped.
pub(crate) struct Group;

impl Group {
    /// No group.
    pub(crate) fn of(_child: &Child) -> Self {
        Self
    }
}

/// How a process ended, as the end of a sentence.
pub(crate) fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "ended in an unknown way".to_owned(),
    }
}

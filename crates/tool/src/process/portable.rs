//! Commands where there are no process groups: only the command itself is ended.

use std::process::ExitStatus;

use tokio::process::{Child, Command};

/// What runs a line of shell.
pub(super) const SHELL: [&str; 2] = ["cmd", "/C"];

/// There is no group to lead.
pub(super) fn lead_a_group(_command: &mut Command) {}

/// Nothing; the command itself is ended when its handle is dropped.
pub(super) struct Group;

impl Group {
    /// Stands for the command alone.
    pub(super) fn of(_child: &Child) -> Self {
        Self
    }
}

/// The exit code.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Whether there is a process with this id: it cannot be known, and is not assumed.
pub(crate) fn is_running(_id: u32) -> bool {
    false
}

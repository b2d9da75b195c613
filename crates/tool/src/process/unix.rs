//! Process groups, shells and exit codes on Unix.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, test_kill_process},
};
use tokio::process::{Child, Command};

/// What runs a line of shell.
pub(super) const SHELL: [&str; 2] = ["sh", "-c"];

/// Makes the command lead a process group of its own.
pub(super) fn lead_a_group(command: &mut Command) {
    command.process_group(0);
}

/// A command's process group. Dropped, it is killed.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// The group of a command that was started as its leader.
    pub(super) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails only where no process of the group is left.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// The exit code, or 128 and the number of the signal that ended the command.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Whether there is a process with this id.
pub(crate) fn is_running(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    // One that may not be signalled is somebody else's, and there.
    id.is_some_and(|id| test_kill_process(id) != Err(Errno::SRCH))
}

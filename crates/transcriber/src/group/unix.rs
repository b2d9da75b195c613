//! Process groups and signals on Unix.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// Makes the command lead a process group of its own.
pub(crate) fn lead_a_group(command: &mut Command) {
    command.process_group(0);
}

/// A worker's process group. Dropped, it is killed.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group of a command that was started as its leader.
    pub(crate) fn of(child: &Child) -> Self {
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

/// How a process ended, as the end of a sentence.
pub(crate) fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => {
            let name = match signal {
                4 => " (illegal instruction)",
                6 => " (abort)",
                8 => " (arithmetic error)",
                9 => " (killed, as the system does when memory runs out)",
                11 => " (access to memory that is not its own)",
                _ => "",
            };
            format!("crashed with signal {signal}{name}")
        }
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

//! Signals to processes that go on.

use rustix::process::{Pid, Signal, kill_process};

use super::sandbox::Running;

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

//! Processes while they go on: waiting for what they print.

use super::sandbox::Running;

impl Running {
    /// Waits until it has printed a text on stdout.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    /// Waits until it has printed a text on stdout so often.
    pub(crate) fn wait_for_times(&self, text: &str, times: usize) {
        let printed = |seen: &str| seen.matches(text).count() >= times;
        let found = self.stdout.wait(|seen, ended| printed(seen) || ended);
        let stdout = self.stdout.text();
        assert!(found && printed(&stdout), "waits for {text:?} {times} times in:\n{stdout}");
    }
}

//! Waiting for what other processes do.

use std::{fs, time::Duration};

use tokio::time::{interval, timeout};

/// Waits until a condition holds, for as long as a loaded machine may need.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let polled = async {
        let mut ticks = interval(Duration::from_millis(5));
        while !holds() {
            ticks.tick().await;
        }
    };
    timeout(Duration::from_secs(20), polled).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

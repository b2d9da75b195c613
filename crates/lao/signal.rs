//! Signals that ask the process to end: Ctrl-C, and where there are any, SIGTERM and SIGHUP.
//!
//! They are counted for the whole process, from the first time that something listens: one that
//! comes between two runs is not lost, whoever listens next hears it.

use std::sync::OnceLock;

use lao_cli::CliError;
use tokio::sync::watch;

use crate::failure::io_failure;

/// How often the process was asked to end.
static ASKED: OnceLock<watch::Sender<u32>> = OnceLock::new();

/// A listener for requests to end.
pub(crate) struct Signals {
    asked: watch::Receiver<u32>,
    heard: u32,
}

impl Signals {
    /// Listens from now on; the signals no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let asked = if let Some(asked) = ASKED.get() {
            asked
        } else {
            tokio::spawn(count(platform::Source::new()?));
            ASKED.get_or_init(|| watch::Sender::new(0))
        };
        Ok(Self { asked: asked.subscribe(), heard: 0 })
    }

    /// Waits for the next request; those before this listener's time come first.
    pub(crate) async fn next(&mut self) {
        let heard = self.heard;
        let more = self.asked.wait_for(|asked| *asked > heard).await;
        assert!(more.is_ok(), "what counts lives as long as the process");
        self.heard += 1;
    }
}

/// Whether the process was asked to end.
pub(crate) fn asked_to_end() -> bool {
    ASKED.get().is_some_and(|asked| *asked.borrow() > 0)
}

/// Counts requests for as long as the process lives.
async fn count(mut source: platform::Source) {
    let asked = ASKED.get_or_init(|| watch::Sender::new(0));
    loop {
        source.next().await;
        asked.send_modify(|asked| *asked += 1);
    }
}

#[cfg(unix)]
mod platform {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{CliError, io_failure};

    pub(super) struct Source {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
    }

    impl Source {
        pub(super) fn new() -> Result<Self, CliError> {
            let listen = |kind| {
                signal(kind).map_err(|error| io_failure("cannot listen for signals", &error))
            };
            Ok(Self {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
                hang_up: listen(SignalKind::hangup())?,
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = self.hang_up.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use super::CliError;

    pub(super) struct Source;

    impl Source {
        pub(super) fn new() -> Result<Self, CliError> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            drop(tokio::signal::ctrl_c().await);
        }
    }
}

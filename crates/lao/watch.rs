//! Watches the plans folder: wakes when something in it changed and has settled.

use std::time::Duration;

use lao_cli::{CliError, ExitCode};
use lao_config::Config;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::{project::Project, signal::Signals};

/// Wakes when the plans folder changed.
pub(crate) struct PlanWatch {
    changes: mpsc::Receiver<()>,
    settle: Duration,
    _watcher: Option<RecommendedWatcher>,
}

impl PlanWatch {
    /// Watches from now on. Where the system cannot watch, the folder is looked at again and again.
    pub(crate) fn new(project: &Project, config: &Config) -> Result<Self, CliError> {
        let folder = project.root.join(&config.paths.plans);
        let (sender, changes) = mpsc::channel(1);
        let tell = move |event: notify::Result<notify::Event>| {
            // Reading a plan is an event too. Where events were lost, something may have changed.
            let only_read = event.is_ok_and(|event| event.kind.is_access());
            if !only_read {
                // A full channel already says that something changed.
                sender.try_send(()).unwrap_or_default();
            }
        };
        if !folder.is_dir() {
            return Err(CliError::new(
                ExitCode::Configuration,
                format!("there is no folder {}", folder.display()),
            )
            .hint("`lao init` makes it; paths.plans in lao.toml names another"));
        }
        let watcher = notify::recommended_watcher(tell)
            .and_then(|mut watcher| {
                watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher)
            })
            .ok();
        let settle = Duration::from_millis(config.orchestration.watch_interval_ms);
        Ok(Self { changes, settle, _watcher: watcher })
    }

    /// Waits for a change that has settled; false when the process is asked to end.
    pub(crate) async fn changed(&mut self) -> Result<bool, CliError> {
        let mut signals = Signals::listen()?;
        tokio::select! {
            () = signals.next() => return Ok(false),
            change = self.changes.recv() => {
                if change.is_none() {
                    // Nothing watches: looking again after a while is what is left.
                    tokio::time::sleep(self.settle).await;
                }
            }
        }
        loop {
            tokio::select! {
                () = signals.next() => return Ok(false),
                more = self.changes.recv() => if more.is_none() {
                    return Ok(true);
                },
                () = tokio::time::sleep(self.settle) => return Ok(true),
            }
        }
    }
}

//! One workflow whose triggers are kept: its file, its stream, its folders.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use lao_cli::{CliError, ExitCode, units::rfc3339};
use lao_event::{
    Hash, RunId,
    latest::{TriggerCause, TriggerFired, TriggerOutcome},
};
use lao_journal::Options;
use lao_trigger::{
    FolderWatch, FoundFile, Noticed, Opening, Rules, ScheduleRule, ScheduleSpec, SettledFile,
    StreamError, TriggerStream, WatchRule, WatchSpec, file_stamps, folder_name,
};
use lao_workflow::flow::{Missed, Trigger, Watch};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    flow_file::FlowFile,
    flow_run::{FlowPlan, by_hand},
    plan_run::{expand_home, new_run},
    project::{Project, STATE_FOLDER},
    world::wall_ms,
};

/// How often a folder is looked at where the system does not tell of changes.
const POLL: Duration = Duration::from_secs(5);
/// How often it is looked at in any case.
const RESCAN: Duration = Duration::from_mins(5);

/// Something that a folder had to say.
pub(super) struct Found {
    pub flow: usize,
    pub watch: u32,
    pub noticed: Noticed,
}

/// A workflow whose triggers are kept.
pub(crate) struct KeptFlow {
    path: PathBuf,
    file: FlowFile,
    inputs: Vec<(String, Value)>,
    stream: TriggerStream,
    watches: Vec<WatchSpec>,
    newest: Option<RunId>,
}

impl KeptFlow {
    /// Opens the stream of a workflow's triggers.
    pub(crate) fn open(
        project: &Project,
        path: &Path,
        file: FlowFile,
        inputs: Vec<(String, Value)>,
    ) -> Result<Self, CliError> {
        let triggers = &file.flow.triggers;
        if !triggers.iter().any(|it| matches!(it, Trigger::Watch(_) | Trigger::Schedule(_))) {
            let message = format!("{} has nothing that sets it off", file.source);
            return Err(CliError::new(ExitCode::Usage, message)
                .hint("add `on:` with `watch` or `schedule`; docs/workflows.md shows how")
                .hint(format!("`lao run {}` runs it once", file.source)));
        }
        let watches = watches(project, &file, &inputs)?;
        let opening = Opening {
            workflow: file.source.clone(),
            text: file.flow.hash,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            rules: rules(&file)?,
        };
        let folder =
            project.root.join(STATE_FOLDER).join("triggers").join(folder_name(&file.source));
        let mut stream = TriggerStream::open(&folder, opening, wall_ms(), &Options::default())
            .map_err(failure)?;
        pass_over(&mut stream, &file, &watches)?;
        let newest = project.list()?.pop().map(|folder| folder.run);
        let newest = newest.max(stream.state().newest_run().cloned());
        Ok(Self { path: path.to_owned(), file, inputs, stream, watches, newest })
    }

    pub(crate) fn name(&self) -> &str {
        &self.file.flow.name
    }

    /// How long files must stand still before they are taken.
    pub(super) fn settle(&self) -> Duration {
        self.watches.iter().map(|watch| watch.settle).max().unwrap_or_default()
    }

    /// What is kept, in words.
    pub(super) fn ready_words(&self) -> String {
        let folders = self.watches.iter().map(|watch| {
            let patterns = if watch.patterns.is_empty() {
                String::new()
            } else {
                format!(" ({})", watch.patterns.join(", "))
            };
            format!("watching {}{patterns}", watch.name)
        });
        let next = self.next_due_ms().map(|next| {
            let word = if next < wall_ms() { "was due at" } else { "next due at" };
            format!("{word} {}", rfc3339(next))
        });
        let words: Vec<String> = folders.chain(next).collect();
        format!("{}; Ctrl-C stops", words.join("; "))
    }

    /// Begins to watch the folders; what they say goes to `sender`.
    pub(super) fn watch(
        &mut self,
        flow: usize,
        sender: &mpsc::Sender<Found>,
    ) -> Result<(), CliError> {
        for (watch, spec) in (0..).zip(&self.watches) {
            let known = self.stream.state().stamps().clone();
            let mut folder = FolderWatch::start(spec.clone(), known)
                .map_err(|error| CliError::from_error(ExitCode::Usage, &error))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                loop {
                    let noticed = folder.next().await;
                    if sender.send(Found { flow, watch, noticed }).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(())
    }

    pub(super) fn open_firings(&self) -> Vec<TriggerFired> {
        self.stream.state().open().cloned().collect()
    }

    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.stream.next_due_ms()
    }

    /// What is due now.
    pub(super) fn due(&mut self) -> Result<Vec<TriggerFired>, CliError> {
        let Self { stream, newest, .. } = self;
        stream.due(wall_ms(), &mut || next_run(newest)).map_err(failure)
    }

    /// A file stopped growing.
    pub(super) fn settled(
        &mut self,
        watch: u32,
        file: SettledFile,
    ) -> Result<Option<TriggerFired>, CliError> {
        let SettledFile { path: _, name, hash, size_bytes, modified_ms } = file;
        let found = FoundFile { watch, path: name, hash, size_bytes, modified_ms };
        let Self { stream, newest, .. } = self;
        stream.file_settled(found, wall_ms(), &mut || next_run(newest)).map_err(failure)
    }

    /// A run is over; those that waited for its place are fired.
    pub(super) fn ended(
        &mut self,
        number: u64,
        outcome: TriggerOutcome,
    ) -> Result<Vec<TriggerFired>, CliError> {
        let Self { stream, newest, .. } = self;
        stream.ended(number, outcome, wall_ms(), &mut || next_run(newest)).map_err(failure)
    }

    /// The run of a firing; of the file as it stands now, or as it was last right.
    pub(super) fn plan(&mut self, project: &Project, cause: &TriggerCause) -> FlowPlan {
        if let Ok(file) = FlowFile::read(Some(&project.root), &self.path)
            && file.flow.triggers == self.file.flow.triggers
            && file.flow.inputs == self.file.flow.inputs
        {
            self.file = file;
        }
        FlowPlan::new(&self.file, self.inputs.clone(), &trigger(cause))
    }

    pub(super) fn close(self) -> Result<(), CliError> {
        self.stream.close().map_err(failure)
    }
}

/// An identity behind all that there are.
fn next_run(newest: &mut Option<RunId>) -> RunId {
    let (run, _) = new_run(newest.as_ref());
    *newest = Some(run.clone());
    run
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failure(error: StreamError) -> CliError {
    CliError::from_error(ExitCode::JournalUnavailable, &error)
}

fn rules(file: &FlowFile) -> Result<Rules, CliError> {
    let mut rules = Rules::default();
    for trigger in &file.flow.triggers {
        match trigger {
            Trigger::Watch(watch) => {
                rules.watches.push(WatchRule { concurrency: watch.concurrency });
            }
            Trigger::Schedule(schedule) => {
                let missed = match schedule.missed {
                    Missed::Skip => lao_trigger::Missed::Skip,
                    Missed::Once => lao_trigger::Missed::Once,
                    Missed::All => lao_trigger::Missed::All,
                };
                let spec = ScheduleSpec {
                    expression: schedule.cron.clone(),
                    zone: schedule.zone.clone(),
                    missed,
                    overlap: schedule.overlap,
                };
                let rule = ScheduleRule::read(spec).map_err(|error| {
                    CliError::from_error(ExitCode::Usage, &error)
                        .hint(format!("change `on.schedule` in {}", file.source))
                })?;
                rules.schedules.push(rule);
            }
            Trigger::Manual => {}
        }
    }
    Ok(rules)
}

fn watched(file: &FlowFile) -> impl Iterator<Item = &Watch> {
    file.flow.triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Watch(watch) => Some(watch),
        Trigger::Schedule(_) | Trigger::Manual => None,
    })
}

/// The folders to watch.
fn watches(
    project: &Project,
    file: &FlowFile,
    inputs: &[(String, Value)],
) -> Result<Vec<WatchSpec>, CliError> {
    let inputs: serde_json::Map<String, Value> = inputs.iter().cloned().collect();
    let context = json!({ "inputs": inputs });
    watched(file)
        .map(|watch| {
            let name = lao_expression::Template::parse(&watch.path.0)
                .map_err(|error| error.to_string())
                .and_then(|path| path.text(&context).map_err(|error| error.to_string()))
                .map_err(|error| {
                    CliError::new(ExitCode::Usage, format!("on.watch.path: {error}"))
                })?;
            let folder = project.root.join(expand_home(&name));
            std::fs::create_dir_all(&folder).map_err(|error| {
                let message = format!("cannot make the folder {}", folder.display());
                CliError::new(ExitCode::Usage, message).caused_by(&error)
            })?;
            let name = name.trim_start_matches("./").trim_end_matches('/').to_owned();
            Ok(WatchSpec {
                name: if name.starts_with('~') { folder.display().to_string() } else { name },
                folder,
                patterns: watch.matches.clone(),
                recursive: watch.recursive,
                settle: Duration::from_millis(watch.settle_ms),
                poll: POLL,
                rescan: RESCAN,
            })
        })
        .collect()
}

/// Files that are there before a folder is watched for the first time set nothing off, where the
/// workflow says so.
fn pass_over(
    stream: &mut TriggerStream,
    file: &FlowFile,
    watches: &[WatchSpec],
) -> Result<(), CliError> {
    for (watch, spec) in watched(file).zip(watches) {
        let known = stream.state().has_passed_over(&spec.name, spec.recursive);
        if watch.existing || known {
            continue;
        }
        let stamps: Vec<Hash> =
            file_stamps(spec).map_err(|error| CliError::from_error(ExitCode::Usage, &error))?;
        stream.pass_over(&spec.name, spec.recursive, &stamps, wall_ms()).map_err(failure)?;
    }
    Ok(())
}

/// What set a run off, as its expressions see it.
fn trigger(cause: &TriggerCause) -> Value {
    match cause {
        TriggerCause::File { watch: _, path, hash, size_bytes, modified_ms } => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let (stem, extension) = match name.rsplit_once('.') {
                Some((stem, extension)) if !stem.is_empty() => (stem, extension),
                Some(_) | None => (name, ""),
            };
            let folder = path.strip_suffix(name).unwrap_or("").trim_end_matches('/');
            json!({
                "kind": "watch",
                "path": path,
                "name": name,
                "stem": stem,
                "extension": extension,
                "folder": folder,
                "hash": hash.to_string(),
                "size_bytes": size_bytes,
                "time": rfc3339(*modified_ms),
            })
        }
        TriggerCause::Schedule { schedule: _, due_ms, late: _ } => {
            json!({ "kind": "schedule", "time": rfc3339(*due_ms) })
        }
        TriggerCause::Manual => by_hand(),
    }
}

//! `lao prune`, `lao pin`, `lao unpin`, `lao journal gc`: what is no longer needed goes, what is
//! pinned stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, JournalGcArgs, PruneArgs, PruneStatus, RunSelector},
    render::{self, KeptRun, PinReport, PruneReport, PrunedRun, ResultsReport},
    units,
};
use lao_config::{Config, Retention};
use lao_gateway::offline;
use lao_history::{RunFolder, RunsFolder};
use lao_journal::{BlobHash, Manifest, remove_leftovers, remove_run};
use lao_protocol::{RunStatusCode, RunSummary};

use crate::{
    blob_names::{Marks, Mode, Named, collect},
    failure::io_failure,
    project::Project,
    results::ResultFolder,
    screen::Screen,
};

/// Label of the manifest of a run that `lao prune` keeps.
const LABEL_PINNED: &str = "pinned";

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Which runs go.
struct Limits {
    older_than_days: Option<u64>,
    keep: Option<u64>,
    max_bytes: Option<u64>,
}

impl Limits {
    /// What the flags say, or, where they name no limit, the configuration.
    fn new(args: &PruneArgs, retention: &Retention) -> Result<Self, CliError> {
        let named = Self {
            older_than_days: args.older_than,
            keep: args.keep,
            max_bytes: args.max_bytes.map(|size| size.0),
        };
        if named.is_any() {
            return Ok(named);
        }
        let configured = Self {
            older_than_days: retention.keep_days,
            keep: retention.keep_runs,
            max_bytes: retention.max_bytes,
        };
        if configured.is_any() {
            return Ok(configured);
        }
        Err(CliError::new(ExitCode::Usage, "no limit is named: everything is kept")
            .hint("name one: lao prune --older-than 30, --keep 50 or --max-bytes 5GiB")
            .hint("or set journal.keep_days, journal.keep_runs or journal.max_bytes in lao.toml"))
    }

    fn is_any(&self) -> bool {
        let Self { older_than_days, keep, max_bytes } = self;
        older_than_days.is_some() || keep.is_some() || max_bytes.is_some()
    }
}

/// A run that may go.
struct Candidate {
    folder: RunFolder,
    /// As it was when the run was looked at.
    manifest: Option<Manifest>,
    summary: RunSummary,
    size_bytes: u64,
    /// Why it stays whatever the limits say.
    stays: Option<String>,
}

pub(crate) async fn prune(
    global: &GlobalArgs,
    args: &PruneArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let config = project.config(global, &[], &[])?;
    let limits = Limits::new(args, &config.journal)?;
    let mode = Mode::when(args.yes);
    if mode == Mode::Remove {
        remove_leftovers(&project.runs().root().join("runs"))
            .map_err(|error| CliError::from_error(ExitCode::Internal, &error))?;
    }
    let marks = Marks::new(&project).await?;
    let mut candidates = Vec::new();
    for (folder, _) in &marks.runs {
        candidates.push(candidate(folder, args).await?);
    }
    let chosen = choose(&project, &limits, &candidates, &marks)?;
    let mut report = PruneReport {
        removed: mode == Mode::Remove,
        runs: Vec::new(),
        kept: Vec::new(),
        blobs: collect((Vec::new(), Vec::new()), mode)?,
        results: unused_results(&project, &limits, mode),
    };
    let mut gone = BTreeSet::new();
    for (candidate, why) in candidates.iter().zip(chosen) {
        let Some(why) = why else {
            continue;
        };
        let run = candidate.folder.run.to_string();
        match removal(candidate, mode) {
            Ok(()) => {
                gone.insert(candidate.folder.path.clone());
                report.runs.push(pruned(candidate, why));
            }
            Err(why) => report.kept.push(KeptRun { run, why }),
        }
    }
    report.blobs = collect(marks.collectable(&project, &gone)?, mode)?;
    screen.report(&report, render::prune);
    Ok(ExitCode::Done)
}

/// The cached results that nothing has used for as long as runs are kept.
fn unused_results(project: &Project, limits: &Limits, mode: Mode) -> ResultsReport {
    let age = limits.older_than_days.map(|days| Duration::from_millis(days.saturating_mul(DAY_MS)));
    let Some(moment) = age.and_then(|age| SystemTime::now().checked_sub(age)) else {
        return ResultsReport::default();
    };
    let (results, size_bytes) = ResultFolder::of(project).remove_unused_since(moment, mode);
    ResultsReport { results, size_bytes }
}

fn pruned(candidate: &Candidate, why: String) -> PrunedRun {
    PrunedRun {
        run: candidate.folder.run.to_string(),
        title: candidate.summary.title.clone(),
        status: state_word(candidate.summary.status).to_owned(),
        size_bytes: candidate.size_bytes,
        why,
    }
}

/// Removes a run, unless it stays; why it does.
fn removal(candidate: &Candidate, mode: Mode) -> Result<(), String> {
    if let Some(why) = &candidate.stays {
        return Err(why.clone());
    }
    match mode {
        Mode::Tell => Ok(()),
        Mode::Remove => remove_run(&candidate.folder.path, candidate.manifest.as_ref())
            .map_err(|error| error.to_string()),
    }
}

async fn candidate(folder: &RunFolder, args: &PruneArgs) -> Result<Candidate, CliError> {
    // Before anything else is looked at, so that a change after it is noticed.
    let manifest = folder.manifest().ok();
    let summary = offline::summary(folder).await;
    let size_bytes = folder_bytes(&folder.path).map_err(|error| {
        io_failure(&format!("cannot look at {}", folder.path.display()), &error)
    })?;
    let stays = if is_pinned(manifest.as_ref()) && !args.pinned {
        Some("it is pinned".to_owned())
    } else {
        stays_by_state(summary.status, &args.status)
    };
    Ok(Candidate { folder: folder.clone(), manifest, summary, size_bytes, stays })
}

/// Why a run in this state stays.
fn stays_by_state(state: RunStatusCode, named: &[PruneStatus]) -> Option<String> {
    let as_named = match state {
        RunStatusCode::Planning
        | RunStatusCode::Running
        | RunStatusCode::Stopping
        | RunStatusCode::Interrupted
        | RunStatusCode::Parked => {
            return Some(format!("it is {} and can go on", state_word(state)));
        }
        RunStatusCode::Succeeded => PruneStatus::Succeeded,
        RunStatusCode::Failed => PruneStatus::Failed,
        RunStatusCode::Cancelled => PruneStatus::Cancelled,
        RunStatusCode::Unreadable => PruneStatus::Unreadable,
    };
    let usual = [PruneStatus::Succeeded, PruneStatus::Cancelled];
    let named = if named.is_empty() { &usual[..] } else { named };
    (!named.contains(&as_named)).then(|| format!("it is {}", state_word(state)))
}

const fn state_word(state: RunStatusCode) -> &'static str {
    match state {
        RunStatusCode::Planning => "planning",
        RunStatusCode::Running => "running",
        RunStatusCode::Stopping => "stopping",
        RunStatusCode::Interrupted => "interrupted",
        RunStatusCode::Parked => "parked",
        RunStatusCode::Succeeded => "succeeded",
        RunStatusCode::Failed => "failed",
        RunStatusCode::Cancelled => "cancelled",
        RunStatusCode::Unreadable => "unreadable",
    }
}

/// For each run, which is in the order of time, the limit that says it goes.
fn choose(
    project: &Project,
    limits: &Limits,
    candidates: &[Candidate],
    marks: &Marks,
) -> Result<Vec<Option<String>>, CliError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut chosen: Vec<Option<String>> = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let newer = (candidates.len() - index - 1) as u64;
        let age = now_ms.saturating_sub(candidate.summary.last_event_ms);
        let age_days = u64::try_from(age).unwrap_or(0) / DAY_MS;
        let beyond = limits.keep.filter(|keep| newer >= *keep);
        chosen.push(if let Some(keep) = beyond {
            Some(format!("not among the newest {keep}"))
        } else if limits.older_than_days.is_some_and(|days| age_days >= days) {
            Some(format!("its last event is {age_days} days old"))
        } else {
            None
        });
    }
    if let Some(max) = limits.max_bytes {
        choose_by_size(project, max, (candidates, marks), &mut chosen)?;
    }
    Ok(chosen)
}

/// The oldest go until what is left is small enough: folders of runs, and the blobs they name.
fn choose_by_size(
    project: &Project,
    max_bytes: u64,
    (candidates, marks): (&[Candidate], &Marks),
    chosen: &mut [Option<String>],
) -> Result<(), CliError> {
    let mut namers: BTreeMap<BlobHash, u64> = BTreeMap::new();
    for (_, named) in &marks.runs {
        if let Named::Exactly(blobs) = named {
            for hash in blobs {
                *namers.entry(*hash).or_default() += 1;
            }
        }
    }
    let mut left = state_bytes(project)?;
    // What goes anyway makes room first.
    let (anyway, others): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).partition(|index| chosen[*index].is_some());
    for index in anyway.into_iter().chain(others) {
        let candidate = &candidates[index];
        if candidate.stays.is_some() || (chosen[index].is_none() && left <= max_bytes) {
            continue;
        }
        chosen[index].get_or_insert_with(|| {
            format!("all together have more than {}", units::size(max_bytes))
        });
        left = left.saturating_sub(candidate.size_bytes);
        if let (_, Named::Exactly(blobs)) = &marks.runs[index] {
            for hash in blobs {
                let count = namers.entry(*hash).or_default();
                *count = count.saturating_sub(1);
                if *count == 0 {
                    left = left.saturating_sub(blob_bytes(&project.runs(), *hash));
                }
            }
        }
    }
    Ok(())
}

/// Length of a blob's file; 0 where there is none.
pub(crate) fn blob_bytes(state: &RunsFolder, hash: BlobHash) -> u64 {
    let hex = hash.to_string();
    let path = state.root().join("blobs").join(&hex[..2]).join(&hex);
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Bytes of all runs and blobs of a project.
pub(crate) fn state_bytes(project: &Project) -> Result<u64, CliError> {
    let root = project.runs().root().to_owned();
    ["runs", "blobs"]
        .into_iter()
        .map(|name| folder_bytes(&root.join(name)))
        .sum::<io::Result<u64>>()
        .map_err(|error| io_failure(&format!("cannot look at {}", root.display()), &error))
}

/// What to do about runs that have grown too large.
pub(crate) const TOO_LARGE_CURE: &str =
    "`lao prune --older-than 30` says what could go, `lao journal compact RUN` makes one smaller";

/// That runs and blobs are larger than the configuration wants to go unmentioned.
pub(crate) fn too_large(
    project: &Project,
    retention: &Retention,
) -> Result<Option<String>, CliError> {
    let Some(warn_bytes) = retention.warn_bytes else {
        return Ok(None);
    };
    let bytes = state_bytes(project)?;
    let told = || {
        let (now, wanted) = (units::size(bytes), units::size(warn_bytes));
        format!("runs and blobs have {now}, more than {wanted} (journal.warn_bytes)")
    };
    Ok((bytes > warn_bytes).then(told))
}

/// Says at a run's end that runs and blobs are larger than the configuration wants.
pub(crate) fn mention_size(
    global: &GlobalArgs,
    (project, config): (&Project, &Config),
    screen: &mut Screen,
) {
    if global.json || global.quiet {
        return;
    }
    // A folder that cannot be looked at has been told of by whatever needed it.
    if let Ok(Some(message)) = too_large(project, &config.journal) {
        screen.output.line(&format!("\n{message}: {TOO_LARGE_CURE}"));
    }
}

/// Bytes of all files below a folder; 0 where there is none. What goes away meanwhile counts nothing.
fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Ok(data) if data.is_dir() => folders.push(entry.path()),
                Ok(data) => bytes += data.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(bytes)
}

pub(crate) async fn gc(
    global: &GlobalArgs,
    args: &JournalGcArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let marks = Marks::new(&project).await?;
    let mode = Mode::when(args.yes);
    let report = collect(marks.collectable(&project, &BTreeSet::new())?, mode)?;
    screen.report(&report, render::gc);
    Ok(ExitCode::Done)
}

/// Whether a run is pinned; one without a manifest is not.
pub(crate) fn is_pinned(manifest: Option<&Manifest>) -> bool {
    let label = manifest.and_then(|manifest| manifest.other.get(LABEL_PINNED));
    label == Some(&serde_json::Value::Bool(true))
}

/// Whether a run is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    On,
    Off,
}

pub(crate) fn pin(
    global: &GlobalArgs,
    (selector, pin): (&RunSelector, Pin),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select(selector)?;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::from_error(ExitCode::JournalUnavailable, error)
    };
    let mut manifest = folder.manifest().map_err(|error| failed(&error))?;
    match pin {
        Pin::On => manifest.other.insert(LABEL_PINNED.to_owned(), true.into()),
        Pin::Off => manifest.other.remove(LABEL_PINNED),
    };
    manifest.write(&folder.path).map_err(|error| failed(&error))?;
    let report = PinReport { run: folder.run.to_string(), pinned: pin == Pin::On };
    screen.report(&report, render::pin);
    Ok(ExitCode::Done)
}

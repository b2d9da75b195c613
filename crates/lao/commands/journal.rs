//! `lao journal`: journals are checked, repaired, copied, counted and compacted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use lao_cli::{
    CliError, ExitCode,
    args::{
        GlobalArgs, JournalArgs, JournalBackupArgs, JournalCheckArgs, JournalCommand,
        JournalStatsArgs, RunSelector,
    },
    render::{
        self, Affected, AffectedEvents, BackupReport, CompactReport, JournalProblem, JournalReport,
        ManifestMended, RepairReport, StatsReport, TypeLine,
    },
};
use lao_event::{Event, latest::Definition};
use lao_gateway::{
    LABEL_FLOW_HASH, LABEL_PARENT, LABEL_PLAN_HASH, LABEL_SOURCE, Narrator, live, offline,
};
use lao_history::{HistoryError, RunFolder, RunsFolder, StoredEvent, for_each_event};
use lao_journal::{
    BlobHash, Blobs, CheckReport, CompactError, Draft, JOURNAL_FILE, Journal, Manifest,
    ManifestError, ManifestRepaired, OpenError, Options, RepairError, Repaired, Stats,
};
use lao_replay::{MissingEnd, missing_end};

use super::prune;
use crate::{
    blob_names::{self, NamedBlobs},
    failure::{internal, io_failure},
    flow_run,
    project::{Project, absolute, state_of},
    quiet::quietly,
    screen::Screen,
};

pub(crate) async fn run(
    global: &GlobalArgs,
    args: &JournalArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    match &args.command {
        JournalCommand::Check(args) => check(global, args, screen),
        JournalCommand::Repair(args) => repair(global, &args.run, screen),
        JournalCommand::Backup(args) => backup(global, args, screen).await,
        JournalCommand::Stats(args) => stats(global, args, screen),
        JournalCommand::Compact(args) => compact(global, &args.run, screen),
        JournalCommand::Gc(args) => prune::gc(global, args, screen).await,
    }
}

fn check(
    global: &GlobalArgs,
    args: &JournalCheckArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let mut runs = Vec::new();
    for selector in &args.runs {
        runs.extend(project.select_all(selector)?);
    }
    if args.runs.is_empty() {
        runs = project.list()?;
    }
    let check = if args.deep { check_deep } else { check_end };
    let reports: Vec<JournalReport> = quietly(|| runs.iter().map(check).collect());
    screen.report_all(&reports, render::journal);
    Ok(JournalReport::exit_code(&reports))
}

/// What opening the run relies on.
fn check_end(folder: &RunFolder) -> JournalReport {
    let walked = lao_journal::check_tail(&folder.path);
    report(folder, &walked, Vec::new())
}

/// Everything. What the records mean is checked too: they must fold, and the blobs they name must
/// be there.
pub(crate) fn check_deep(folder: &RunFolder) -> JournalReport {
    let mut beyond = Beyond::default();
    let walked = lao_journal::check_beyond(&folder.path, |record| {
        beyond.records.push((record.header.event_type, StoredEvent::of(&record).ok()));
    });
    let mut problems = Vec::new();
    let mut named = NamedBlobs::new();
    if walked.is_sound() {
        match fold(folder) {
            Ok(found) => named = found,
            Err(problem) => problems.push(problem),
        }
        problems.extend(blob_problems(&state_of(folder), &named));
    }
    let affected = walked.first_damaged.map(|from| beyond.affected(folder, from));
    JournalReport {
        deep: true,
        blobs: named.len() as u64,
        affected,
        ..report(folder, &walked, problems)
    }
}

fn report(folder: &RunFolder, walked: &CheckReport, more: Vec<JournalProblem>) -> JournalReport {
    let cure = format!("lao journal repair {}", folder.run);
    let mut problems: Vec<JournalProblem> = walked
        .findings
        .iter()
        .map(|finding| JournalProblem {
            seq: None,
            message: format!("{}: {}", finding.place, finding.meaning),
            hint: None,
        })
        .collect();
    if let (true, Some(last)) = (is_damage(folder), problems.last_mut()) {
        last.hint = Some(format!("`{cure}` keeps all that is proven"));
    }
    problems.extend(more);
    JournalReport {
        run: folder.run.as_str().to_owned(),
        deep: false,
        events: walked.records,
        blobs: 0,
        size_bytes: file_bytes(&folder.path),
        sealed: folder.manifest().is_ok_and(|manifest| manifest.sealed.is_some()),
        head: walked.head.map(|head| head.hash.to_hex()),
        problems,
        affected: None,
    }
}

/// Whether a repair could help: the journal is neither held nor newer.
fn is_damage(folder: &RunFolder) -> bool {
    !matches!(
        folder.reader().and_then(|reader| Ok(reader.head()?)),
        Err(OpenError::Held { .. } | OpenError::NewerFormat(_) | OpenError::Storage(_))
    )
}

fn file_bytes(folder: &Path) -> u64 {
    fs::metadata(folder.join(JOURNAL_FILE)).map_or(0, |file| file.len())
}

/// Events after a damaged one, whose bytes are whole.
#[derive(Default)]
struct Beyond {
    records: Vec<(u16, Option<StoredEvent>)>,
}

impl Beyond {
    fn affected(self, folder: &RunFolder, from: u64) -> Affected {
        let mut narrator = narrator_before(folder);
        let mut events: BTreeMap<String, u64> = BTreeMap::new();
        let mut steps = BTreeSet::new();
        for (event_type, stored) in self.records {
            *events.entry(event_name(event_type)).or_default() += 1;
            if let Some(stored) = stored {
                steps.extend(narrator.view_stored(&stored).step);
            }
        }
        let events =
            events.into_iter().map(|(event, count)| AffectedEvents { event, count }).collect();
        Affected { from, events, steps: steps.into_iter().collect() }
    }
}

/// Knows the steps that the proven events tell of.
fn narrator_before(folder: &RunFolder) -> Narrator {
    let mut narrator = Narrator::new();
    if let Ok(reader) = folder.reader() {
        // It ends at the damage, which has been reported.
        drop(for_each_event::<HistoryError>(&reader, 1, |stored| {
            narrator.view_stored(&stored);
            Ok(())
        }));
    }
    narrator
}

/// The name of a type of events.
fn event_name(event_type: u16) -> String {
    let known = Event::TYPES.iter().find(|(number, _)| *number == event_type);
    known.map_or_else(|| format!("Unknown{event_type}"), |(_, name)| (*name).to_owned())
}

/// Folds the events; the blobs they name.
fn fold(folder: &RunFolder) -> Result<NamedBlobs, JournalProblem> {
    let problem =
        |message: String, hint: Option<String>| JournalProblem { seq: None, message, hint };
    let reader = folder.reader().map_err(|error| problem(error.to_string(), None))?;
    let mut named = NamedBlobs::new();
    let walked = lao_history::fold(&reader, |_, published| {
        blob_names::note(&published.event, published.seq, &mut named);
    });
    let hint = "the bytes are whole; this version of lao cannot follow them".to_owned();
    walked.map(|_state| named).map_err(|error| problem(error.to_string(), Some(hint)))
}

/// What is wrong with the blobs.
fn blob_problems(state: &RunsFolder, named: &NamedBlobs) -> Vec<JournalProblem> {
    let problem = |seq, message: String| JournalProblem { seq, message, hint: None };
    if named.is_empty() {
        return Vec::new();
    }
    let blobs = match Blobs::open(&state.root().join("blobs")) {
        Ok(blobs) => blobs,
        Err(error) => return vec![problem(None, error.to_string())],
    };
    named
        .iter()
        .filter_map(|(hash, seq)| Some(problem(Some(*seq), blobs.verify(*hash).err()?.to_string())))
        .collect()
}

fn repair(
    global: &GlobalArgs,
    selector: &RunSelector,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(selector)?;
    let repaired =
        quietly(|| lao_journal::repair(&folder.path)).map_err(|error| repair_failure(&error))?;
    relabel(&folder).map_err(|error| CliError::from_error(ExitCode::JournalUnavailable, &error))?;
    let kept = repair_report(&folder, repaired);
    let report = RepairReport { derived: complete(&folder)?, ..kept };
    screen.report(&report, render::repair);
    Ok(ExitCode::Done)
}

/// Derives again what is missing of a decision that breaks off, so that the run can go on from its
/// end; the number of events.
fn complete(folder: &RunFolder) -> Result<u64, CliError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::from_error(ExitCode::JournalUnavailable, error)
    };
    let contents = state_of(folder).contents().map_err(|error| internal(&error))?;
    let Ok(reader) = folder.reader() else {
        // Nothing that this program could follow is left.
        return Ok(0);
    };
    let Ok(MissingEnd { events, blobs }) = missing_end(&reader, &contents) else {
        return Ok(0);
    };
    drop(reader);
    if events.is_empty() {
        return Ok(0);
    }
    contents.put_all(&blobs).map_err(|error| failed(&error))?;
    let drafts: Vec<Draft> = events
        .iter()
        .map(|event| event.draft().expect("events are bounded when decided"))
        .collect();
    let mut journal =
        Journal::open(&folder.path, &Options::default()).map_err(|error| failed(&error))?;
    journal.append(&drafts).map_err(|error| failed(&error))?;
    Ok(drafts.len() as u64)
}

/// Gives a manifest that was written anew what the run's events tell: its title, and by which plan
/// or workflow it is known. One that a crash left without them is known by its title, which is the run's id.
fn relabel(folder: &RunFolder) -> Result<(), ManifestError> {
    let mut manifest = Manifest::read(&folder.path)?;
    if manifest.title != manifest.run {
        return Ok(());
    }
    // Events that this program cannot follow leave it as it is; the journal was repaired all the same.
    let Ok(view) = offline::view(folder) else {
        return Ok(());
    };
    let Some(run) = view.state().run() else {
        return Ok(());
    };
    run.title().clone_into(&mut manifest.title);
    let mut label = |name: &str, value| {
        manifest.other.entry(name.to_owned()).or_insert(value);
    };
    label(LABEL_SOURCE, run.definition.path().into());
    match branched_off(folder) {
        // Another run is the one of this plan.
        Some(parent) => label(LABEL_PARENT, parent),
        None => match &run.definition {
            Definition::Plan(plan) => label(LABEL_PLAN_HASH, plan.text.hash().to_string().into()),
            Definition::Flow(flow) => {
                let identity = flow_run::identity_of(flow, view.state());
                label(LABEL_FLOW_HASH, identity.to_string().into());
            }
        },
    }
    manifest.write(&folder.path)
}

/// The run that a run was branched off, as its journal's first bytes name it.
fn branched_off(folder: &RunFolder) -> Option<serde_json::Value> {
    let reader = folder.reader().ok()?;
    let mut started: serde_json::Value = serde_json::from_slice(&reader.genesis().started).ok()?;
    started.get_mut(LABEL_PARENT).map(serde_json::Value::take)
}

fn repair_failure(error: &RepairError) -> CliError {
    let failure = CliError::from_error(ExitCode::JournalUnavailable, error);
    match error {
        RepairError::Held { .. } => failure.hint("`lao runs` names the process"),
        RepairError::NothingLeft { .. } => failure
            .hint("`lao prune --keep 0 --status unreadable` removes what cannot be read any more"),
        RepairError::Missing { .. }
        | RepairError::NewerFormat(_)
        | RepairError::TooManyAside { .. }
        | RepairError::Rewrite(_)
        | RepairError::Manifest(_)
        | RepairError::Storage(_) => failure,
    }
}

fn repair_report(folder: &RunFolder, repaired: Option<Repaired>) -> RepairReport {
    let mut report = RepairReport {
        run: folder.run.to_string(),
        repaired: repaired.is_some(),
        kept: 0,
        found: 0,
        last_event: None,
        derived: 0,
        lost: 0,
        orphans: 0,
        damage: None,
        aside: None,
        manifest: ManifestMended::Untouched,
    };
    if let Ok(reader) = folder.reader()
        && let Ok(head) = reader.head()
    {
        report.kept = head.seq;
        let last = reader.records_from(head.seq).ok().and_then(|mut it| it.next()?.ok());
        report.last_event = last.map(|record| event_name(record.header.event_type));
    }
    let Some(repaired) = repaired else {
        return report;
    };
    report.manifest = match repaired.manifest {
        ManifestRepaired::Untouched => ManifestMended::Untouched,
        ManifestRepaired::Unsealed => ManifestMended::Unsealed,
        ManifestRepaired::Renewed { .. } => ManifestMended::Renewed,
    };
    if let Some(journal) = repaired.journal {
        report.found = journal.found;
        report.lost = journal.lost;
        report.orphans = journal.orphans;
        report.damage = journal.stop.map(|stop| format!("{}: {}", stop.place, stop.damage));
        report.aside = Some(journal.aside.display().to_string());
    }
    report
}

/// Copies a run into `DIR/runs/RUN` and its blobs into `DIR/blobs`: the shape of `.lao`.
async fn backup(
    global: &GlobalArgs,
    args: &JournalBackupArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select(&args.run)?;
    let backup = RunsFolder::new(absolute(&args.folder)?);
    let copy = backup.run(&folder.run);
    if copy.path == folder.path {
        return Err(CliError::new(ExitCode::Usage, "that is where the run lies already"));
    }
    fs::create_dir_all(&copy.path)
        .map_err(|error| io_failure(&format!("cannot make {}", copy.path.display()), &error))?;
    let client = live(&folder).await.map_err(|error| internal(&error))?;
    let is_live = client.is_some();
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::from_error(ExitCode::JournalUnavailable, error)
    };
    if let Some(mut client) = client {
        client.backup(&copy.path).await.map_err(|error| failed(&error))?;
    } else {
        let reader = folder.reader().map_err(|error| failed(&error))?;
        lao_journal::copy(&reader, &copy.path).map_err(|error| failed(&error))?;
    }
    let reader = copy.reader().map_err(|error| failed(&error))?;
    let events = reader.head().map_err(|error| failed(&error))?.seq;
    let named = blob_names::of_journal(&reader).map_err(|error| failed(&error))?;
    copy_blobs(&state_of(&folder), &backup, &named).map_err(|error| failed(&error))?;
    let mut manifest = folder.manifest().map_err(|error| failed(&error))?;
    manifest.pid = None;
    manifest.socket = None;
    // The run may have ended after its journal was copied.
    manifest.sealed = manifest.sealed.filter(|seal| seal.last_seq == events);
    manifest.write(&copy.path).map_err(|error| failed(&error))?;
    let report = BackupReport {
        run: folder.run.to_string(),
        path: args.folder.display().to_string(),
        events,
        blobs: named.len() as u64,
        size_bytes: file_bytes(&copy.path),
        live: is_live,
    };
    screen.report(&report, render::backup);
    Ok(ExitCode::Done)
}

/// Copies blobs; each is proven on the way.
fn copy_blobs(
    from: &RunsFolder,
    to: &RunsFolder,
    named: &NamedBlobs,
) -> Result<(), lao_journal::BlobError> {
    if named.is_empty() {
        return Ok(());
    }
    let from = Blobs::open(&from.root().join("blobs"))?;
    let to = Blobs::open(&to.root().join("blobs"))?;
    for hash in named.keys() {
        to.put(&from.get(*hash)?)?;
    }
    Ok(())
}

fn stats(
    global: &GlobalArgs,
    args: &JournalStatsArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let runs = match &args.run {
        Some(selector) => project.select_all(selector)?,
        None => project.list()?,
    };
    let mut named = BTreeSet::new();
    let mut reports: Vec<StatsReport> =
        runs.iter().map(|folder| stats_of(folder, &mut named)).collect();
    let is_whole = reports.iter().all(|report| report.problem.is_none());
    let code = if is_whole { ExitCode::Done } else { ExitCode::JournalUnavailable };
    if args.run.is_none() && !reports.is_empty() {
        reports.push(totals(&project, &reports, &named));
    }
    screen.report_all(&reports, render::stats);
    Ok(code)
}

fn stats_of(folder: &RunFolder, all_named: &mut BTreeSet<BlobHash>) -> StatsReport {
    let mut report = StatsReport {
        run: Some(folder.run.to_string()),
        runs: 1,
        events: 0,
        encoded_bytes: 0,
        size_bytes: file_bytes(&folder.path),
        blobs: 0,
        blob_bytes: 0,
        blob_size_bytes: 0,
        head: None,
        first_ms: None,
        last_ms: None,
        pinned: prune::is_pinned(folder.manifest().ok().as_ref()),
        types: Vec::new(),
        problem: None,
    };
    if let Err(problem) = fill_stats(folder, &mut report, all_named) {
        report.problem = Some(problem);
    }
    report
}

fn fill_stats(
    folder: &RunFolder,
    report: &mut StatsReport,
    all_named: &mut BTreeSet<BlobHash>,
) -> Result<(), String> {
    let reader = folder.reader().map_err(|error| error.to_string())?;
    let mut sizes = BTreeMap::new();
    let stats = Stats::with::<HistoryError>(&reader, |record| {
        if let StoredEvent::Known(recorded) = StoredEvent::of(record)? {
            note_sizes(recorded.event, &mut sizes);
        }
        Ok(())
    });
    let stats = stats.map_err(|error| error.to_string())?;
    report.events = stats.head.seq;
    report.encoded_bytes = stats.encoded_bytes;
    report.head = Some(stats.head.hash.to_hex());
    (report.first_ms, report.last_ms) = (stats.first_ms, stats.last_ms);
    report.types = stats
        .types
        .iter()
        .map(|(event_type, of_type)| TypeLine {
            event: event_name(*event_type),
            count: of_type.records,
            bytes: of_type.bytes,
        })
        .collect();
    report.types.sort_by(|a, b| (b.count, &a.event).cmp(&(a.count, &b.event)));
    report.blobs = sizes.len() as u64;
    report.blob_bytes = sizes.values().sum();
    report.blob_size_bytes =
        sizes.keys().map(|hash| prune::blob_bytes(&state_of(folder), *hash)).sum();
    all_named.extend(sizes.into_keys());
    Ok(())
}

fn note_sizes(mut event: Event, sizes: &mut BTreeMap<BlobHash, u64>) {
    event.visit_contents(&mut |content| {
        if let lao_event::Content::Blob { hash, size_bytes } = content {
            sizes.insert(BlobHash::from_bytes(hash.0), *size_bytes);
        }
    });
}

/// All runs together; a blob that several name counts once.
fn totals(project: &Project, reports: &[StatsReport], named: &BTreeSet<BlobHash>) -> StatsReport {
    let sum = |of: fn(&StatsReport) -> u64| reports.iter().map(of).sum();
    let state = project.runs();
    StatsReport {
        run: None,
        runs: reports.len() as u64,
        events: sum(|it| it.events),
        encoded_bytes: sum(|it| it.encoded_bytes),
        size_bytes: sum(|it| it.size_bytes),
        blobs: named.len() as u64,
        blob_bytes: sum(|it| it.blob_bytes),
        blob_size_bytes: named.iter().map(|hash| prune::blob_bytes(&state, *hash)).sum(),
        head: None,
        first_ms: reports.iter().filter_map(|it| it.first_ms).min(),
        last_ms: reports.iter().filter_map(|it| it.last_ms).max(),
        pinned: false,
        types: Vec::new(),
        problem: None,
    }
}

fn compact(
    global: &GlobalArgs,
    selector: &RunSelector,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(selector)?;
    let compacted = quietly(|| lao_journal::compact(&folder.path)).map_err(|error| {
        let failure = CliError::from_error(ExitCode::JournalUnavailable, &error);
        match error {
            CompactError::Open(OpenError::Held { .. }) => {
                failure.hint("a journal is compacted when nobody works on it")
            }
            CompactError::Open(_) | CompactError::Rewrite(_) | CompactError::Storage(_) => failure,
        }
    })?;
    let report = CompactReport {
        run: folder.run.to_string(),
        events: compacted.head.seq,
        before_bytes: compacted.before_bytes,
        after_bytes: compacted.after_bytes,
    };
    screen.report(&report, render::compact);
    Ok(ExitCode::Done)
}

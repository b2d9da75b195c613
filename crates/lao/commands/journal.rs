//! `lao journal check`: walks journals from end to end.

use std::collections::BTreeMap;

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, JournalArgs, JournalCommand},
    render::{self, JournalProblem, JournalReport},
};
use lao_event::{Content, Hash};
use lao_journal::{BlobHash, Blobs};
use lao_runtime::RunFolder;

use crate::{project::Project, screen::Screen};

/// Blobs that a journal names, each with the position of the first event that does.
type NamedBlobs = BTreeMap<Hash, u64>;

pub(crate) fn run(
    global: &GlobalArgs,
    args: &JournalArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let JournalCommand::Check(check) = &args.command;
    let project = Project::find(global)?;
    let runs = match &check.run {
        Some(selector) => vec![project.select(selector)?],
        None => project.list()?,
    };
    let reports: Vec<JournalReport> = runs.iter().map(|run| report(&project, run)).collect();
    screen.report_all(&reports, render::journal);
    Ok(JournalReport::exit_code(&reports))
}

/// Walks one journal. What the records mean is checked too: they must fold, and the blobs they
/// name must be there.
fn report(project: &Project, folder: &RunFolder) -> JournalReport {
    let walked = lao_journal::check(&folder.path);
    let mut problems: Vec<JournalProblem> = walked
        .findings
        .iter()
        .map(|finding| problem(None, format!("{}: {}", finding.place, finding.meaning)))
        .collect();
    let mut blobs = NamedBlobs::new();
    if problems.is_empty() {
        match fold(folder) {
            Ok(named) => blobs = named,
            Err(problem) => problems.push(problem),
        }
        problems.extend(blob_problems(project, &blobs));
    }
    let file = folder.path.join(lao_journal::JOURNAL_FILE);
    JournalReport {
        run: folder.run.as_str().to_owned(),
        events: walked.records,
        blobs: blobs.len() as u64,
        size_bytes: std::fs::metadata(file).map_or(0, |file| file.len()),
        sealed: folder.manifest().is_ok_and(|manifest| manifest.sealed.is_some()),
        head: walked.head.map(|head| head.hash.to_hex()),
        problems,
    }
}

fn problem(seq: Option<u64>, message: String) -> JournalProblem {
    JournalProblem { seq, message, hint: None }
}

/// Folds the events; the blobs they name.
fn fold(folder: &RunFolder) -> Result<NamedBlobs, JournalProblem> {
    let reader = folder.reader().map_err(|error| problem(None, error.to_string()))?;
    let mut named = NamedBlobs::new();
    let walked = lao_runtime::fold(&reader, |_, published| {
        published.event.clone().visit_contents(&mut |content| {
            if let Content::Blob { hash, size_bytes: _ } = content {
                named.entry(*hash).or_insert(published.seq);
            }
        });
    });
    let hint = "the bytes are whole; this version of lao cannot follow them".to_owned();
    walked.map(|_state| named).map_err(|error| JournalProblem {
        seq: None,
        message: error.to_string(),
        hint: Some(hint),
    })
}

/// What is wrong with the blobs.
fn blob_problems(project: &Project, named: &NamedBlobs) -> Vec<JournalProblem> {
    if named.is_empty() {
        return Vec::new();
    }
    let folder = project.runs().root().join("blobs");
    let blobs = match Blobs::open(&folder) {
        Ok(blobs) => blobs,
        Err(error) => return vec![problem(None, error.to_string())],
    };
    named
        .iter()
        .filter_map(|(hash, seq)| {
            let error = blobs.verify(BlobHash::from_bytes(hash.0)).err()?;
            Some(problem(Some(*seq), error.to_string()))
        })
        .collect()
}

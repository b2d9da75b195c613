//! `lao journal check`: walks journals from end to end.

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, JournalArgs, JournalCommand},
    render::{self, JournalProblem, JournalReport},
};
use lao_runtime::RunFolder;

use crate::{project::Project, screen::Screen};

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
    let reports: Vec<JournalReport> = runs.iter().map(report).collect();
    screen.report_all(&reports, render::journal);
    Ok(JournalReport::exit_code(&reports))
}

/// Walks one journal. What the records mean is checked too: they must fold.
fn report(folder: &RunFolder) -> JournalReport {
    let walked = lao_journal::check(&folder.path);
    let mut problems: Vec<JournalProblem> = walked
        .findings
        .iter()
        .map(|finding| JournalProblem {
            seq: None,
            message: format!("{}: {}", finding.place, finding.meaning),
            hint: None,
        })
        .collect();
    if problems.is_empty() {
        problems.extend(fold_problem(folder));
    }
    let file = folder.path.join(lao_journal::JOURNAL_FILE);
    JournalReport {
        run: folder.run.as_str().to_owned(),
        events: walked.records,
        blobs: 0,
        size_bytes: std::fs::metadata(file).map_or(0, |file| file.len()),
        sealed: folder.manifest().is_ok_and(|manifest| manifest.sealed.is_some()),
        head: walked.head.map(|head| head.hash.to_hex()),
        problems,
    }
}

fn fold_problem(folder: &RunFolder) -> Option<JournalProblem> {
    let reader = match folder.reader() {
        Ok(reader) => reader,
        Err(error) => {
            return Some(JournalProblem { seq: None, message: error.to_string(), hint: None });
        }
    };
    let error = lao_runtime::fold(&reader, |_, _| {}).err()?;
    Some(JournalProblem {
        seq: None,
        message: error.to_string(),
        hint: Some("the bytes are whole; this version of lao cannot follow them".to_owned()),
    })
}

//! `lao import`: a run from a file that `lao export` wrote, maybe elsewhere.

use std::fs::File;

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ImportArgs},
    render::{self, ImportModel, ImportReport},
};
use lao_history::RunFolder;
use lao_replay::{ImportError, Imported, LABEL_IMPORTED, import as read_portable};

use super::export::replaced;
use crate::{
    failure::{internal, io_failure},
    project::Project,
    screen::Screen,
};

pub(crate) fn import(
    global: &GlobalArgs,
    args: &ImportArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let shown = args.file.display();
    let file = File::open(&args.file).map_err(|error| {
        let failure = io_failure(&format!("cannot read {shown}"), &error);
        if error.kind() == std::io::ErrorKind::NotFound {
            CliError::new(ExitCode::Usage, format!("there is no file {shown}"))
        } else {
            failure
        }
    })?;
    let imported = read_portable(file, &project.runs())
        .map_err(|error| failure(&error, &shown.to_string()))?;
    screen.report(&report(imported), render::import);
    Ok(ExitCode::Done)
}

fn failure(error: &ImportError, file: &str) -> CliError {
    let refused = |code| CliError::new(code, format!("{file} was not imported")).caused_by(error);
    match error {
        ImportError::Portable(_) => refused(ExitCode::JournalUnavailable)
            .hint("no run was added; export it again where it comes from"),
        ImportError::Different { run } => refused(ExitCode::Usage)
            .hint(format!("`lao show {run}` shows the one that is here"))
            .hint("an export with `--redact`, and one of a run that went on, have other events"),
        ImportError::There { .. } => refused(ExitCode::JournalUnavailable),
        ImportError::Restore(_) | ImportError::Blob(_) | ImportError::Folder(_) => internal(error),
    }
}

fn report(imported: Imported) -> ImportReport {
    let Imported { run, provenance, was_there } = imported;
    let model = |identity: lao_replay::ModelIdentity| ImportModel {
        role: identity.role.to_string(),
        model: identity.answered.unwrap_or(identity.asked),
        server: identity.server,
        calls: identity.calls,
    };
    ImportReport {
        run: run.to_string(),
        title: provenance.title,
        was_there,
        events: provenance.head.seq,
        blobs: provenance.blobs,
        head: provenance.head.hash,
        lao: provenance.lao,
        programs: provenance.programs,
        models: provenance.models.into_iter().map(model).collect(),
        redacted: provenance.redacted.map(|redacted| replaced(redacted.rules)),
    }
}

/// A run that came from elsewhere is looked at and no more: where it says that it worked is a place on
/// another machine, and on this one may be anything.
pub(crate) fn demand_own(folder: &RunFolder) -> Result<(), CliError> {
    if !is_imported(folder) {
        return Ok(());
    }
    let run = &folder.run;
    let message = format!("run {run} was imported: its workspace is not on this machine");
    Err(CliError::new(ExitCode::Usage, message)
        .hint(format!("`lao show {run}` shows it, `lao replay {run}` derives it again"))
        .hint(format!("`lao fork {run}@N` goes on from event N, in a workspace of this project"))
        .hint(format!("`lao checkout {run} DIR` writes its files into a folder of yours")))
}

/// Whether a run came from elsewhere.
pub(crate) fn is_imported(folder: &RunFolder) -> bool {
    folder.manifest().is_ok_and(|manifest| manifest.other.contains_key(LABEL_IMPORTED))
}

/// Whether secrets were replaced in a run before it came here.
pub(crate) fn is_redacted(folder: &RunFolder) -> bool {
    let manifest = folder.manifest().ok();
    let label = manifest.and_then(|mut manifest| manifest.other.remove(LABEL_IMPORTED));
    label.is_some_and(|label| label.get("redacted").is_some_and(|redacted| !redacted.is_null()))
}

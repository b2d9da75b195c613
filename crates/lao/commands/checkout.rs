//! `lao checkout`: the files of a run as they were after one of its events.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lao_cli::{
    CliError, ExitCode,
    args::{CheckoutArgs, GlobalArgs},
    render::{self, CheckoutFile, CheckoutReport},
};
use lao_event::{Content, WorkspaceSettings};
use lao_history::{Contents, RunFolder};
use lao_replay::{FilesAt, FilesError, WrittenBy, files_at};
use lao_tool::{PlaceError, Workspace};

use super::import::is_imported;
use crate::{
    failure::{internal, io_failure, view_failure},
    project::{Project, absolute, state_of},
    screen::Screen,
};

pub(crate) fn checkout(
    global: &GlobalArgs,
    args: &CheckoutArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let run = project.select_any(&args.run.run)?;
    let reader = run.reader().map_err(|error| view_failure(&error.into()))?;
    let files =
        files_at(&reader, args.at.or(args.run.at)).map_err(|error| files_failure(&error, &run))?;
    drop(reader);
    let contents = state_of(&run).contents().map_err(|error| internal(&error))?;
    let folder = absolute(&args.folder)?;
    if !args.force {
        demand_empty(&folder)?;
    }
    write_files(&files, &contents, &folder)?;
    let mut report = report(&run, files, args);
    if is_imported(&run) {
        // Whatever is at that place on this machine is something else.
        report.repository_exists = false;
    }
    screen.report(&report, render::checkout);
    Ok(ExitCode::Done)
}

/// Files of a run could not be told.
pub(crate) fn files_failure(error: &FilesError, run: &RunFolder) -> CliError {
    match error {
        FilesError::OutOfRange { .. } => CliError::from_error(ExitCode::Usage, error)
            .hint(format!("`lao log {}` shows the events with their numbers", run.run)),
        FilesError::History(_) | FilesError::Newer { .. } | FilesError::NotKept { .. } => {
            CliError::from_error(ExitCode::JournalUnavailable, error)
        }
    }
}

fn demand_empty(folder: &Path) -> Result<(), CliError> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            return Err(io_failure(&format!("cannot look into {}", folder.display()), &error));
        }
    };
    if is_empty {
        return Ok(());
    }
    let message = format!("{} is not empty", folder.display());
    Err(CliError::new(ExitCode::Usage, message)
        .hint("name another folder, or `--force` to write over what is there"))
}

/// Writes files below a folder, which is made if it is not there. The paths are those of a journal,
/// so each is checked. Nothing is written unless every content is there.
pub(crate) fn write_files(
    files: &FilesAt,
    contents: &Contents,
    folder: &Path,
) -> Result<(), CliError> {
    let bytes = |(path, content): (&String, &Content)| {
        contents.bytes(content).map_err(|error| {
            CliError::from_error(ExitCode::JournalUnavailable, &error).hint(format!(
                "what was in {path} is lost without it; `lao journal check RUN --deep` names all \
                 that is missing"
            ))
        })
    };
    for (path, file) in &files.files {
        if matches!(file.content, Content::Blob { .. }) {
            bytes((path, &file.content))?;
        }
    }
    fs::create_dir_all(folder)
        .map_err(|error| io_failure(&format!("cannot make {}", folder.display()), &error))?;
    let workspace = Workspace::new(folder);
    for (path, file) in &files.files {
        let bytes = bytes((path, &file.content))?;
        workspace.place(path, &bytes).map_err(|error| place_failure(&error))?;
    }
    Ok(())
}

fn place_failure(error: &PlaceError) -> CliError {
    match error {
        PlaceError::Path(_) | PlaceError::NotPlain { .. } => {
            CliError::from_error(ExitCode::JournalUnavailable, error)
                .hint("the journal names a file that no run of lao would have written there")
        }
        PlaceError::Io { .. } => internal(error),
    }
}

fn report(run: &RunFolder, files: FilesAt, args: &CheckoutArgs) -> CheckoutReport {
    let steps = files.steps;
    let key = |step: lao_event::StepId| {
        let known = usize::try_from(step.0).ok().and_then(|index| steps.get(index));
        known.cloned().unwrap_or_else(|| step.to_string())
    };
    let shown = |(path, file): (String, lao_replay::FileAt)| {
        let (seq, step) = match file.written_by {
            WrittenBy::BeforeRun { seen } | WrittenBy::Elsewhere { seen } => (seen, None),
            WrittenBy::Call(call) => (call.seq, Some(key(call.step))),
            WrittenBy::Step { seq, step, .. } | WrittenBy::Trail { seq, step } => {
                (seq, Some(key(step)))
            }
        };
        let (size_bytes, hash) = (file.content.size_bytes(), file.content.hash().to_string());
        CheckoutFile { path, size_bytes, hash, seq, step }
    };
    let repository = files.workspace.map(|workspace| match workspace {
        WorkspaceSettings::Folder { path } => path,
        WorkspaceSettings::Worktree { path: _, repository, branch: _ } => repository,
    });
    CheckoutReport {
        run: run.run.to_string(),
        at: files.at,
        last: files.last,
        folder: args.folder.display().to_string(),
        files: files.files.into_iter().map(shown).collect(),
        in_flight: files.in_flight.into_iter().collect(),
        commands: files.commands,
        commit: files.commit.filter(|id| id.bytes().all(|digit| digit.is_ascii_hexdigit())),
        dirty: files.dirty,
        repository_exists: repository.as_ref().is_some_and(|it| PathBuf::from(it).is_dir()),
        repository,
    }
}

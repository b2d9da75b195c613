//! `lao diff`: how two runs differ.

use std::{fs, path::Path};

use lao_cli::{
    CliError, ExitCode,
    args::{DiffArgs, DiffFormat, GlobalArgs, RunAt, RunSelector},
    render::{self, json},
};
use lao_event::RunId;
use lao_gateway::live;
use lao_history::{HistoryError, RunFolder, RunsFolder};
use lao_journal::{JOURNAL_FILE, OpenError};
use lao_protocol::RunDiffView;
use lao_replay::diff::{DiffError, Pair, RunRecord, Side, diff as compare, read_run};

use crate::{
    failure::{internal, io_failure},
    project::{Project, STATE_FOLDER, state_of},
    screen::Screen,
};

pub(crate) async fn diff(
    global: &GlobalArgs,
    args: &DiffArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let folders = folders(global, args)?;
    let at = Pair { a: args.a.at, b: args.b.as_ref().and_then(|b| b.at) };
    let a = read(&folders.a, at.a).await?;
    let b = read(&folders.b, at.b).await?;
    let contents = |folder| state_of(folder).contents().map_err(|error| internal(&error));
    let (a_contents, b_contents) = (contents(&folders.a)?, contents(&folders.b)?);
    let found = compare(Pair {
        a: Side { run: &a, contents: &a_contents },
        b: Side { run: &b, contents: &b_contents },
    });
    let view = lao_gateway::diff(&found.map_err(|error| failure(&error))?);
    show(args, &view, screen)?;
    Ok(if view.identical { ExitCode::Done } else { ExitCode::Different })
}

fn show(args: &DiffArgs, view: &RunDiffView, screen: &mut Screen) -> Result<(), CliError> {
    let unless_named = if screen.json { DiffFormat::Json } else { DiffFormat::Text };
    let text = match args.format.unwrap_or(unless_named) {
        DiffFormat::Text => render::diff(view, &screen.style),
        DiffFormat::Json => json::line(view) + "\n",
        DiffFormat::Html => render::diff_html(view, &screen.style),
    };
    if let Some(path) = &args.output {
        let unwritten = |error| io_failure(&format!("cannot write {}", path.display()), &error);
        return fs::write(path, text).map_err(unwritten);
    }
    screen.output.text(&text);
    Ok(())
}

/// Where the two runs lie.
fn folders(global: &GlobalArgs, args: &DiffArgs) -> Result<Pair<RunFolder>, CliError> {
    let project = Project::find(global)?;
    let newest = RunAt { run: RunSelector::Last, at: None };
    let b = &args.b.as_ref().unwrap_or(&newest).run;
    let b = match &args.journal {
        Some(folder) => select_in(folder, b)?,
        None => project.select_any(b)?,
    };
    Ok(Pair { a: project.select_any(&args.a.run)?, b })
}

/// The run that is meant among those of a project, of a backup, or in its own folder.
fn select_in(folder: &Path, selector: &RunSelector) -> Result<RunFolder, CliError> {
    if folder.join(JOURNAL_FILE).is_file() {
        return own_folder(folder, selector);
    }
    let state = folder.join(STATE_FOLDER);
    let root = if state.is_dir() { state } else { folder.to_owned() };
    let runs = RunsFolder::new(root).list();
    let mut runs =
        runs.map_err(|error| CliError::from_error(ExitCode::JournalUnavailable, &error))?;
    if runs.is_empty() {
        return Err(no_runs(folder));
    }
    let ids: Vec<&str> = runs.iter().map(|run| run.run.as_str()).collect();
    let found = selector.resolve(&ids).map_err(|error| {
        let ids = ids.join(", ");
        CliError::from_error(ExitCode::Usage, &error)
            .hint(format!("{} has: {ids}", folder.display()))
    })?;
    let index = ids.iter().position(|id| *id == found).expect("resolved among them");
    Ok(runs.swap_remove(index))
}

fn own_folder(folder: &Path, selector: &RunSelector) -> Result<RunFolder, CliError> {
    let path = crate::project::absolute(folder)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let run: RunId = name.parse().map_err(|error| CliError::from_error(ExitCode::Usage, &error))?;
    selector.resolve(&[run.as_str()]).map_err(|error| {
        let hint = format!("{} is the folder of run {run}", folder.display());
        CliError::from_error(ExitCode::Usage, &error).hint(hint)
    })?;
    Ok(RunFolder { run, path })
}

fn no_runs(folder: &Path) -> CliError {
    CliError::new(ExitCode::Usage, format!("there is no run in {}", folder.display())).hint(
        "name the folder of a project, of a backup (it holds runs/ and blobs/), or of one run \
         (it holds journal.redb)",
    )
}

/// Reads a run that no process works on.
async fn read(folder: &RunFolder, at: Option<u64>) -> Result<RunRecord, CliError> {
    let reader = match folder.reader() {
        Ok(reader) => reader,
        Err(error) => return Err(unopened(folder, &error).await),
    };
    read_run(&reader, at).map_err(|error| failure(&error))
}

async fn unopened(folder: &RunFolder, error: &OpenError) -> CliError {
    let failure = CliError::from_error(ExitCode::JournalUnavailable, error);
    let OpenError::Held { .. } = error else {
        return failure;
    };
    let run = &folder.run;
    let by = match live(folder).await {
        Ok(Some(client)) => format!("process {}", client.pid()),
        Ok(None) | Err(_) => "another process".to_owned(),
    };
    CliError::new(ExitCode::JournalUnavailable, format!("run {run} is being worked on by {by}"))
        .hint("wait until it ends, or stop it with Ctrl-C: it can be resumed")
        .hint(format!(
            "or compare a copy of it: `lao journal backup {run} DIR`, then `--journal DIR`"
        ))
}

fn failure(error: &DiffError) -> CliError {
    match error {
        DiffError::OutOfRange { .. } => CliError::from_error(ExitCode::Usage, error)
            .hint("`lao log RUN` shows every event with its number"),
        DiffError::History(HistoryError::Unknown { seq }) if *seq > 1 => {
            CliError::from_error(ExitCode::JournalUnavailable, error)
                .hint(format!("`RUN@{}` compares what comes before it", seq - 1))
        }
        DiffError::History(_) | DiffError::Empty => {
            CliError::from_error(ExitCode::JournalUnavailable, error)
        }
        DiffError::Content { run, seq: _, source: _ } => {
            CliError::from_error(ExitCode::JournalUnavailable, error)
                .hint(format!("`lao journal check {run} --deep` says what else is missing"))
        }
    }
}

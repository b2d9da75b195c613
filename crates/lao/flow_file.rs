//! A workflow's file: found, read with the workflows it calls, and checked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lao_cli::{CliError, ExitCode};
use lao_workflow::flow::{self, FlowError, Workflow};

use crate::project::{Project, absolute};

/// A workflow that was read.
pub(crate) struct FlowFile {
    /// Relative to the project where it lies in it.
    pub source: String,
    pub text: String,
    pub flow: Workflow,
}

/// Why a workflow's file is of no use.
pub(crate) enum FlowFault {
    /// It cannot be read.
    Unreadable(CliError),
    /// It is wrong.
    Wrong(FlowError),
}

impl From<FlowFault> for CliError {
    fn from(fault: FlowFault) -> Self {
        match fault {
            FlowFault::Unreadable(error) => error,
            FlowFault::Wrong(error) => {
                told(&error).hint("docs/workflows.md has every key and every kind of step")
            }
        }
    }
}

/// What is wrong with a workflow, as the failure of a command.
pub(crate) fn told(error: &FlowError) -> CliError {
    let message = format!("{}\n\n{}", error.headline(), error.details());
    CliError::new(ExitCode::Usage, message)
}

/// A path that names a workflow and no plan.
pub(crate) fn is_workflow(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
    })
}

impl FlowFile {
    /// Reads and checks a workflow's file; `root` is the project's folder, where there is one.
    pub(crate) fn read(root: Option<&Path>, path: &Path) -> Result<Self, FlowFault> {
        let whole = whole_path(root, path).map_err(FlowFault::Unreadable)?;
        let text = read_text(&whole, path).map_err(FlowFault::Unreadable)?;
        let source = shown(root, &whole);
        Self::parse(root, &source, text).map_err(FlowFault::Wrong)
    }

    /// Checks a workflow's text, as if it lay at a path.
    pub(crate) fn parse(
        root: Option<&Path>,
        source: &str,
        text: String,
    ) -> Result<Self, FlowError> {
        let here = root.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let mut load = |called: &str| {
            let path = here.join(called);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let flow = flow::parse(source, &text, &mut load)?;
        Ok(Self { source: source.to_owned(), text, flow })
    }
}

/// Where a file is: as it is named from here, else from the project's folder.
fn whole_path(root: Option<&Path>, path: &Path) -> Result<PathBuf, CliError> {
    let here = absolute(path)?;
    let there = root.map(|root| root.join(path));
    Ok(match there {
        Some(there) if !here.exists() && there.exists() => there,
        Some(_) | None => here,
    })
}

fn read_text(whole: &Path, path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let bytes = fs::read(whole).map_err(|error| {
        CliError::new(ExitCode::Usage, format!("cannot read the workflow {shown}"))
            .caused_by(&error)
            .hint("`lao new workflow NAME` makes one")
    })?;
    String::from_utf8(bytes).map_err(|_| {
        CliError::new(ExitCode::Usage, format!("the workflow {shown} is not UTF-8 text"))
    })
}

/// A path as the project names it.
fn shown(root: Option<&Path>, whole: &Path) -> String {
    let inside = root.and_then(|root| whole.strip_prefix(root).ok());
    inside.unwrap_or(whole).to_string_lossy().replace('\\', "/")
}

/// The workflows of the project's `workflows/` folder, by name.
pub(crate) fn of_project(project: &Project) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(project.root.join("workflows")) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_workflow(path) && path.is_file())
        .collect();
    files.sort();
    files
}

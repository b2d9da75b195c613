//! Files and commands of workflows, bound to one project.
//!
//! ```text
//!   read, hash, list --any place the user names--> files
//!   before, write    --inside the project only---> Workspace
//!   run              --argv, input, secrets------> Programs
//! ```
//!
//! No state of its own beyond the workspace: every call can be repeated after a crash.

mod file;
mod list;
mod moment;
mod program;

use std::{fmt, path::Path, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use lao_event::{
    Hash,
    latest::{FileWriteOutcome, ReadForm},
};
use lao_port::{
    ActionError, Actions, BoxFuture, Clock, ProgramFailure, ProgramOutput, ProgramRun, Written,
};

use crate::{
    blocking::blocking,
    process::{LocalPrograms, Programs},
    workspace::{Found, PathError, Workspace, WorkspacePath},
};

/// Files and commands on this machine, bound to one project. Its futures need a tokio runtime.
#[derive(Clone)]
pub struct LocalActions {
    workspace: Arc<Workspace>,
    programs: Arc<dyn Programs>,
    /// Absent for that of this machine.
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for LocalActions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalActions")
            .field("workspace", &self.workspace)
            .field("programs", &self.programs)
            .finish_non_exhaustive()
    }
}

impl LocalActions {
    /// Actions in a project, whose folder is the workspace's.
    pub fn new(workspace: Arc<Workspace>) -> Self {
        Self { workspace, programs: Arc::new(LocalPrograms), clock: None }
    }

    /// The same actions with other programs than those of this machine.
    #[must_use]
    pub fn with_programs(self, programs: Arc<dyn Programs>) -> Self {
        Self { programs, ..self }
    }

    /// The same actions with another clock than this machine's: what `18:30` means depends on it.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    fn now(&self) -> Timestamp {
        let played = self.clock.as_ref().map(|clock| clock.wall_ms());
        played.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_else(Timestamp::now)
    }

    fn at_the_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace) -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let workspace = Arc::clone(&self.workspace);
        Box::pin(blocking(move || work(&workspace)))
    }
}

impl Actions for LocalActions {
    fn before<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ActionError>> {
        let path = path.to_owned();
        self.at_the_files(move |workspace| before(workspace, &path))
    }

    fn moment(&self, text: &str) -> Result<i64, ActionError> {
        moment::of(text, &self.now().to_zoned(TimeZone::system()))
    }

    fn hash<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Hash, ActionError>> {
        let path = path.to_owned();
        self.at_the_files(move |workspace| file::hash(workspace.root(), &path))
    }

    fn absolute(&self, path: &str) -> String {
        file::place(self.workspace.root(), path).to_string_lossy().into_owned()
    }

    fn read<'a>(
        &'a self,
        path: &'a str,
        form: ReadForm,
    ) -> BoxFuture<'a, Result<String, ActionError>> {
        let path = path.to_owned();
        self.at_the_files(move |workspace| file::read(workspace.root(), &path, form))
    }

    fn list<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, ActionError>> {
        let pattern = pattern.to_owned();
        self.at_the_files(move |workspace| list::files(workspace, &pattern))
    }

    fn write<'a>(
        &'a self,
        path: &'a str,
        before: Option<Hash>,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Written, ActionError>> {
        let (path, text) = (path.to_owned(), text.to_owned());
        self.at_the_files(move |workspace| write(workspace, &path, before, &text))
    }

    fn run<'a>(
        &'a self,
        program: &'a ProgramRun,
    ) -> BoxFuture<'a, Result<ProgramOutput, ProgramFailure>> {
        Box::pin(program::run(&self.workspace, self.programs.as_ref(), program))
    }
}

fn before(workspace: &Workspace, asked: &str) -> Result<Option<Vec<u8>>, ActionError> {
    let path = inside(workspace, asked)?;
    let unwritable = |what: &str| {
        ActionError::file(format!("{asked} cannot be written: {what}; name a file in the project"))
    };
    match workspace.read(&path) {
        Ok(Found::Nothing) => Ok(None),
        Ok(Found::File(bytes)) => Ok(Some(bytes)),
        Ok(Found::Folder) => Err(unwritable("it is a folder")),
        Ok(Found::Other) => Err(unwritable("it is a pipe, a socket or a device")),
        Err(error) => Err(ActionError::file(format!("{asked} cannot be written: {error}"))),
    }
}

fn write(
    workspace: &Workspace,
    asked: &str,
    before: Option<Hash>,
    text: &str,
) -> Result<Written, ActionError> {
    let path = inside(workspace, asked)?;
    match workspace.replace(&path, before, Some(text)) {
        FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten => Ok(Written::AsAsked),
        FileWriteOutcome::Conflict { found: _ } => Ok(Written::Conflict),
        FileWriteOutcome::Failed { message } => Err(ActionError::file(message)),
    }
}

/// A path that may be written.
fn inside(workspace: &Workspace, asked: &str) -> Result<WorkspacePath, ActionError> {
    workspace.path(asked).map_err(|error| {
        let cure = match &error {
            PathError::NotRelative { .. }
            | PathError::Outside { .. }
            | PathError::LinkOutside { .. } => {
                "; a workflow writes inside its project: run it with --project DIR, or use a \
                 `run` step"
            }
            PathError::Reserved { .. } => "; choose another place in the project",
            PathError::Empty
            | PathError::Nul { .. }
            | PathError::LinkLoop { .. }
            | PathError::NotText { .. }
            | PathError::Unreadable { .. }
            | PathError::RootMissing { .. } => "",
        };
        ActionError::file(format!("{error}{cure}"))
    })
}

/// A path as a workflow writes it: from the project where it lies there.
fn shown<'a>(workspace: &Workspace, place: &'a Path) -> &'a Path {
    let real = workspace.real_root().ok().and_then(|root| place.strip_prefix(root).ok());
    real.or_else(|| place.strip_prefix(workspace.root()).ok()).unwrap_or(place)
}

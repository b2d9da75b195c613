//! Errors of the crates as errors of the command line: code, causes, what to do.

use std::{error::Error, io};

use lao_cli::{CliError, ExitCode};
use lao_gateway::ViewError;
use lao_journal::{CreateError, OpenError};
use lao_runtime::{BeginError, Finish};

/// Something that the system refused.
pub(crate) fn io_failure(what: &str, error: &io::Error) -> CliError {
    CliError::new(ExitCode::Internal, what).caused_by(error)
}

/// A run could not be taken up.
pub(crate) fn begin_failure(error: &BeginError) -> CliError {
    let code = match error {
        BeginError::Create(_)
        | BeginError::Open(_)
        | BeginError::Fold(_)
        | BeginError::Append(_)
        | BeginError::Folder(_) => ExitCode::JournalUnavailable,
        BeginError::Rejected(_) => ExitCode::Usage,
        BeginError::Actors(_) => ExitCode::Internal,
    };
    let failure = CliError::from_error(code, error);
    match error {
        BeginError::Open(OpenError::Held { .. }) | BeginError::Create(CreateError::Held { .. }) => {
            failure.hint(HELD)
        }
        BeginError::Fold(_)
        | BeginError::Open(_)
        | BeginError::Append(_)
        | BeginError::Create(_)
        | BeginError::Folder(_)
        | BeginError::Rejected(_)
        | BeginError::Actors(_) => failure,
    }
}

/// What to do about a journal that another process has and does not talk about.
const HELD: &str = "`lao runs` names the process; it was started with another runtime folder, \
                    or cannot open sockets";

/// A run could not be looked at.
pub(crate) fn view_failure(error: &ViewError) -> CliError {
    let failure = CliError::from_error(ExitCode::JournalUnavailable, error);
    match error {
        ViewError::Open(OpenError::Held { .. }) => failure.hint(HELD),
        // These say what to do themselves.
        ViewError::Open(_) | ViewError::Replay(_) => failure,
    }
}

/// A run that its process gave up.
pub(crate) fn gave_up(finish: &Finish) -> Option<CliError> {
    let Finish::GaveUp { message, storage } = finish else {
        return None;
    };
    let failure = if *storage {
        CliError::new(ExitCode::JournalUnavailable, "the journal cannot be written")
            .hint("make room on the disk, then `lao resume`: nothing that was acknowledged is lost")
    } else {
        CliError::new(ExitCode::Internal, "the run failed again and again and was given up")
            .hint("`lao resume` goes on from its journal")
    };
    Some(failure.cause(message.clone()))
}

/// Any other error, internal.
pub(crate) fn internal(error: &(dyn Error + 'static)) -> CliError {
    CliError::from_error(ExitCode::Internal, error)
}

//! Runs at one of their events: `lao show --at`, `lao replay --at`, `lao replay --step`.

use lao_cli::{
    CliError, ExitCode,
    keys::{Move, Walker},
    render,
};
use lao_gateway::{Travel, TravelError};
use lao_history::RunFolder;
use lao_protocol::MarksView;

use super::{checkout::files_failure, look::no_step};
use crate::{
    failure::{internal, io_failure, view_failure},
    project::state_of,
    screen::Screen,
};

/// Shows a run, or one of its steps, as it was after an event.
pub(crate) fn show(
    folder: &RunFolder,
    (step, at): (Option<&str>, u64),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    travel(folder, |travel| {
        let failed = |error: TravelError| travel_failure(&error, folder);
        let status = travel.view(at).map_err(failed)?.status_then();
        let Some(key) = step else {
            screen.report(&status, render::show);
            return Ok(());
        };
        let step = travel.step(key, at).map_err(failed)?;
        let step = step.ok_or_else(|| no_step(&status, key))?;
        screen.report(&step, |step, style| render::step(&status, step, style));
        Ok(())
    })
}

/// Shows a run at an event, with what the event brought.
pub(crate) fn moment(
    folder: &RunFolder,
    at: u64,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    travel(folder, |travel| {
        let moment = travel.moment(at).map_err(|error| travel_failure(&error, folder))?;
        screen.report(&moment, render::moment);
        Ok(())
    })
}

/// Walks through a run with the keys of the terminal; without one, shows it where it would begin.
pub(crate) fn walk(
    folder: &RunFolder,
    at: Option<u64>,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let walker = if screen.json { None } else { Walker::new() };
    let Some(walker) = walker else {
        return moment(folder, at.unwrap_or(1), screen);
    };
    travel(folder, |travel| {
        let failed = |error: TravelError| travel_failure(&error, folder);
        let unseen = |error| io_failure("the terminal cannot be used", &error);
        let last = travel.last().map_err(failed)?;
        let marks = travel.marks().map_err(failed)?;
        let mut at = at.unwrap_or(1);
        loop {
            let moment = travel.moment(at).map_err(failed)?;
            walker.show(&render::moment(&moment, &screen.style)).map_err(unseen)?;
            match after(walker.read().map_err(unseen)?, at, (&marks, last)) {
                Some(next) => at = next,
                None => break,
            }
        }
        walker.finish().map_err(unseen)
    })
}

/// Where a move leads; `None` out.
fn after(wanted: Move, at: u64, (marks, last): (&MarksView, u64)) -> Option<u64> {
    let next = |marks: &[u64]| marks.iter().copied().find(|seq| *seq > at).unwrap_or(at);
    let to = match wanted {
        Move::By(events) => at.saturating_add_signed(events),
        Move::First => 1,
        Move::Last => last,
        Move::NextStep => next(&marks.steps),
        Move::PreviousStep => marks.steps.iter().copied().rev().find(|seq| *seq < at).unwrap_or(at),
        Move::NextFailure => next(&marks.failures),
        Move::NextFile => next(&marks.files),
        Move::To(position) => position,
        Move::Quit => return None,
    };
    Some(to.clamp(1, last.max(1)))
}

fn travel(
    folder: &RunFolder,
    visit: impl FnOnce(&Travel<'_>) -> Result<(), CliError>,
) -> Result<ExitCode, CliError> {
    let reader = folder.reader().map_err(|error| view_failure(&error.into()))?;
    let contents = state_of(folder).contents().map_err(|error| internal(&error))?;
    visit(&Travel { folder, reader: &reader, contents: &contents })?;
    Ok(ExitCode::Done)
}

fn travel_failure(error: &TravelError, folder: &RunFolder) -> CliError {
    match error {
        TravelError::OutOfRange { .. } => CliError::from_error(ExitCode::Usage, error)
            .hint(format!("`lao log {}` shows the events with their numbers", folder.run)),
        TravelError::Files(error) => files_failure(error, folder),
        TravelError::History(_) => CliError::from_error(ExitCode::JournalUnavailable, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_stay_within_the_run() {
        let marks = MarksView { steps: vec![3, 8], failures: vec![5], files: Vec::new() };
        let go = |wanted, at| after(wanted, at, (&marks, 10));
        assert_eq!(go(Move::By(1), 10), Some(10));
        assert_eq!(go(Move::By(-10), 4), Some(1));
        assert_eq!(go(Move::NextStep, 3), Some(8));
        assert_eq!(go(Move::NextStep, 8), Some(8));
        assert_eq!(go(Move::PreviousStep, 8), Some(3));
        assert_eq!(go(Move::NextFailure, 1), Some(5));
        assert_eq!(go(Move::NextFile, 4), Some(4));
        assert_eq!(go(Move::To(99), 4), Some(10));
        assert_eq!(go(Move::To(0), 4), Some(1));
        assert_eq!(go(Move::Last, 4), Some(10));
        assert_eq!(go(Move::Quit, 4), None);
    }
}

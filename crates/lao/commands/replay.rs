//! `lao replay`: a run is derived again from its record.

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ReplayArgs},
    render::{self, FieldLine, JournalReport, ReplayDifference, ReplayReport},
};
use lao_gateway::Narrator;
use lao_history::{HistoryError, Recorded, RunFolder, StoredEvent, for_each_event};
use lao_journal::Reader;
use lao_replay::{Derived, Difference, Replay, ReplayError, field_differences};

use super::{import::is_redacted, journal::check_deep, reask, travel};
use crate::{
    failure::{internal, view_failure},
    project::{Project, state_of},
    quiet::quietly,
    screen::Screen,
};

pub(crate) async fn replay(
    global: &GlobalArgs,
    args: &ReplayArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(&args.run.run)?;
    let at = args.at.or(args.run.at);
    if let Some(with) = &args.with {
        return reask::reask(global, (&project, &folder), with, screen).await;
    }
    if args.step {
        return travel::walk(&folder, at, screen);
    }
    if let Some(at) = at {
        return travel::moment(&folder, at, screen);
    }
    let reader = folder.reader().map_err(|error| view_failure(&error.into()))?;
    let checked = quietly(|| check_deep(&folder));
    if checked.problems.is_empty() {
        let report = derive(&folder, &reader)?;
        screen.report(&report, render::replay);
        return Ok(if report.identical { ExitCode::Done } else { ExitCode::Different });
    }
    let reports = [checked];
    screen.report_all(&reports, render::journal);
    Ok(JournalReport::exit_code(&reports))
}

fn derive(folder: &RunFolder, reader: &Reader) -> Result<ReplayReport, CliError> {
    let contents = state_of(folder).contents().map_err(|error| internal(&error))?;
    let replayed = lao_replay::replay(reader, &contents, |_| {});
    let mut report = ReplayReport {
        run: folder.run.to_string(),
        identical: true,
        redacted: is_redacted(folder),
        events: 0,
        effects: 0,
        state: None,
        difference: None,
    };
    match replayed.map_err(|error| replay_failure(&error))? {
        Replay::Identical(replayed) => {
            report.events = replayed.events;
            report.effects = replayed.effects;
            report.state = Some(replayed.state.hash().to_string());
        }
        Replay::Different(difference) => {
            report.identical = false;
            report.events = difference.seq - 1;
            report.difference = Some(tell(*difference, reader)?);
        }
    }
    Ok(report)
}

/// A difference in words, which need what came before it.
fn tell(difference: Difference, reader: &Reader) -> Result<ReplayDifference, CliError> {
    let Difference { seq, recorded, derived } = difference;
    let narrator = narrator_before(reader, seq).map_err(|error| view_failure(&error.into()))?;
    let view = |recorded: &Recorded| {
        let mut narrator = narrator.clone();
        narrator.note(recorded);
        narrator.view(recorded)
    };
    let (derived, reason) = match derived {
        Derived::Event(event) => {
            let stamp = recorded.as_ref();
            let derived = Recorded {
                seq,
                wall_ms: stamp.map_or(0, |recorded| recorded.wall_ms),
                monotonic_ns: 0,
                cause: 0,
                noted: false,
                event: *event,
            };
            (Some(view(&derived)), None)
        }
        Derived::Nothing => (None, None),
        Derived::Rejected(rejection) => (None, Some(format!("a refusal: {rejection}"))),
        Derived::NoCommand => {
            (None, Some("nothing: no decision begins with such an event".to_owned()))
        }
        Derived::Impossible(inconsistency) => (None, Some(inconsistency.to_string())),
    };
    let recorded = recorded.as_ref().map(view);
    let fields = match (&recorded, &derived) {
        (Some(recorded), Some(derived)) if recorded.event == derived.event => {
            let found = field_differences(&recorded.data, &derived.data).into_iter();
            found.map(|it| FieldLine { path: it.path, recorded: it.first, derived: it.second })
        }
        .collect(),
        (Some(_) | None, Some(_) | None) => Vec::new(),
    };
    let step = recorded.as_ref().or(derived.as_ref()).and_then(|event| event.step.clone());
    Ok(ReplayDifference { seq, step, recorded, derived, reason, fields })
}

fn narrator_before(reader: &Reader, seq: u64) -> Result<Narrator, HistoryError> {
    let mut narrator = Narrator::new();
    for_each_event(reader, 1, |stored| {
        match stored {
            StoredEvent::Known(event) if event.seq < seq => narrator.note(&event),
            StoredEvent::Known(_) | StoredEvent::Unknown { .. } => {}
        }
        Ok::<(), HistoryError>(())
    })?;
    Ok(narrator)
}

fn replay_failure(error: &ReplayError) -> CliError {
    CliError::from_error(ExitCode::JournalUnavailable, error)
}

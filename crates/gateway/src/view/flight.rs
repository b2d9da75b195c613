//! Effects that were started and have not ended.

use lao_event::{OnUnknown, latest::Action};
use lao_kernel::{InFlight, InFlightKind};
use lao_protocol::InFlightView;

use super::RunView;

impl RunView {
    /// The effects in flight, in the order of starting.
    pub(super) fn in_flight(&self) -> Vec<InFlightView> {
        self.state
            .in_flight()
            .iter()
            .map(|(effect, flight)| {
                let note = self.narrator.effect(*effect);
                let step = note.and_then(|note| note.step);
                InFlightView {
                    effect: effect.0,
                    step: step.map(|step| self.narrator.key(step).into_owned()),
                    text: self.narrator.doing(*effect),
                    since_ms: note.map_or(self.tracks.last_ms, |note| note.since_ms),
                    on_resume: self.on_resume(flight),
                }
            })
            .collect()
    }

    /// What happens to an effect when the run is resumed.
    fn on_resume(&self, flight: &InFlight) -> String {
        if let Some(question) = flight.waits_for {
            return format!("waits for the answer to {question}");
        }
        match &flight.kind {
            InFlightKind::Workspace => "is made ready again",
            InFlightKind::Model { .. } => "is asked again",
            InFlightKind::Read { .. } => "is run again",
            InFlightKind::Checks { .. } => "is checked again",
            InFlightKind::Write { .. } => {
                "is compared with what is there, and written if it was not"
            }
            InFlightKind::Commit(_) => "is looked for in git, and made if it is not there",
            InFlightKind::Command { .. } => self.unknown_command(),
            InFlightKind::Action(action) => match &**action {
                Action::Run(run) if run.repeatable => "is run again",
                Action::Run(_) => self.unknown_command(),
                Action::Write { .. } => "is compared with what is there, and written if it was not",
                Action::Plan { .. } => "goes on",
                Action::Wait { .. } | Action::Pause { .. } | Action::Approve { .. } => {
                    "is waited for"
                }
                Action::Read { .. }
                | Action::List { .. }
                | Action::Transcribe(_)
                | Action::Embed { .. } => "is done again",
            },
        }
        .to_owned()
    }

    /// What happens to a command that may or may not have ended.
    fn unknown_command(&self) -> &'static str {
        match self.on_unknown() {
            OnUnknown::Ask => "is asked about: nobody can tell whether it ended",
            OnUnknown::Rerun => "is run again",
            OnUnknown::Skip => "is left, and the model is told",
        }
    }

    fn on_unknown(&self) -> OnUnknown {
        self.state.run().map(|run| run.settings.on_unknown).unwrap_or_default()
    }
}

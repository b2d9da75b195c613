//! Updates as lines that stay: which are worth one, and what it says.

use lao_protocol::{EventView, Update};

use super::{
    board::{Board, News},
    weight::Weight,
};
use crate::{
    Style,
    args::Verbosity,
    render::words,
    style::Tone,
    text::{Align, pad, truncate, visible, width},
    units::{date_time, elapsed},
};

/// Columns for the step's key; longer keys push the text to the right.
const STEP_COLUMNS: usize = 6;

/// Columns a text keeps however narrow the terminal is.
const TEXT_COLUMNS_MIN: usize = 16;

/// A line that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Key of the step it is about.
    pub(crate) step: Option<String>,
    /// What it means.
    pub(crate) tone: Tone,
    /// What it says; may hold anything.
    pub(crate) text: String,
}

impl Line {
    /// Words of the program's own.
    pub(crate) fn own_words(text: &str) -> Self {
        Self { step: None, tone: Tone::Strong, text: text.to_owned() }
    }

    fn about(step: &str, (tone, text): (Tone, String)) -> Self {
        Self { step: Some(step.to_owned()), tone, text }
    }

    /// The line with its date, without its end.
    pub(crate) fn dated(&self, style: &Style, now_ms: i64) -> String {
        let time = date_time(now_ms, &style.zone);
        let step = visible(self.step.as_deref().unwrap_or("-"));
        let step = pad(&step, STEP_COLUMNS, Align::Left);
        let used = width(&time) + width(&step) + 4;
        let room = style.width_columns.saturating_sub(used).max(TEXT_COLUMNS_MIN);
        let text = visible(&self.text);
        format!(
            "{}  {}  {}",
            style.paint(Tone::Faint, &time),
            style.paint(Tone::Strong, &step),
            style.paint(self.tone, &truncate(&text, room)),
        )
    }
}

/// The line above the bars that an update is worth, if any.
pub(crate) fn above_bars(
    board: &Board,
    update: &Update,
    (news, verbosity): (News, Verbosity),
) -> Option<Line> {
    line(board, update, (news, Weight::above_bars(verbosity)))
}

/// The line in a pipe that an update is worth, if any.
pub(crate) fn in_pipe(
    board: &Board,
    update: &Update,
    (news, verbosity): (News, Verbosity),
) -> Option<Line> {
    line(board, update, (news, Weight::in_pipe(verbosity)))
}

fn line(board: &Board, update: &Update, (news, least): (News, Weight)) -> Option<Line> {
    match update {
        Update::Event(event) if Weight::of(&event.event) >= least => Some(event_line(board, event)),
        Update::Event(EventView { step: Some(step), .. })
        | Update::Tokens { step, .. }
        | Update::Transcribed { step, .. } => server_back(step, news),
        Update::Event(_) | Update::Finished(_) => None,
        Update::Retrying { step, endpoint, message, tries, pause_ms } => {
            let pause = elapsed(*pause_ms);
            let text = format!("try {tries} at {endpoint} failed, next in {pause}: {message}");
            Some(Line::about(step, (Tone::Warning, text)))
        }
        Update::Waiting { step, endpoint, message, waited_ms, wait_ms_max } => {
            (news == News::ServerAway).then(|| {
                let (waited, most) = (elapsed(*waited_ms), elapsed(*wait_ms_max));
                let text = format!(
                    "waiting for the server {endpoint} ({waited} of at most {most}): {message}"
                );
                Line::about(step, (Tone::Warning, text))
            })
        }
        Update::DiskSlow { waited_ms } => {
            let text = format!("the disk is slow: waiting {} for a commit", elapsed(*waited_ms));
            Some(Line { step: None, tone: Tone::Warning, text })
        }
        Update::DiskCaughtUp { waited_ms } => {
            let text = format!("the disk has caught up after {}", elapsed(*waited_ms));
            Some(Line { step: None, tone: Tone::Good, text })
        }
        Update::WorkerRestarted { doing, message } => Some(Line {
            step: None,
            tone: Tone::Warning,
            text: format!("a worker panicked while {doing} and was started again: {message}"),
        }),
    }
}

fn server_back(step: &str, news: News) -> Option<Line> {
    (news == News::ServerBack)
        .then(|| Line::about(step, (Tone::Good, "the server is back".to_owned())))
}

fn event_line(board: &Board, event: &EventView) -> Line {
    let words = if event.text.is_empty() { event.event.clone() } else { event.text.clone() };
    Line { step: event.step.clone(), tone: event_tone(board, event), text: words }
}

/// An end is coloured by what it came to, everything else by its name.
fn event_tone(board: &Board, event: &EventView) -> Tone {
    let ended = matches!(event.event.as_str(), "StepEnded" | "StepParked");
    let state = event.step.as_deref().and_then(|key| board.state_of(key));
    match state {
        Some(state) if ended => words::step_state(state).0,
        Some(_) | None => crate::render::event_tone(&event.event),
    }
}

//! Events as lines.

use lao_protocol::EventView;

use crate::{
    Style,
    style::Tone,
    text::{Align, pad, truncate, visible, width},
    units::date_time,
};

/// Columns for the step's key; longer keys push the text to the right.
const STEP_COLUMNS: usize = 6;

/// Columns for the position.
const SEQ_COLUMNS: usize = 5;

/// One event on one line, without the line's end: local time, position, step, what happened.
pub fn log_line(event: &EventView, style: &Style) -> String {
    let time = date_time(event.time_ms, &style.zone);
    let seq = pad(&event.seq.to_string(), SEQ_COLUMNS, Align::Right);
    let step = visible(event.step.as_deref().unwrap_or("-"));
    let step = pad(&step, STEP_COLUMNS, Align::Left);
    let used = width(&time) + width(&seq) + width(&step) + 6;
    let words = if event.text.is_empty() { &event.event } else { &event.text };
    let words = visible(words);
    let room = style.width_columns.saturating_sub(used).max(16);
    format!(
        "{}  {}  {}  {}",
        style.paint(Tone::Faint, &time),
        style.paint(Tone::Faint, &seq),
        style.paint(Tone::Strong, &step),
        style.paint(tone(&event.event), &truncate(&words, room)),
    )
}

/// Events that decide a run's course stand out.
pub(crate) fn tone(event: &str) -> Tone {
    match event {
        "RunStarted" | "RunResumed" | "StepStarted" => Tone::Active,
        "RunStopping" | "RunStopped" | "StepParked" | "AnswerRejected" | "QuestionAsked"
        | "EffectsLost" => Tone::Warning,
        _ => Tone::Plain,
    }
}

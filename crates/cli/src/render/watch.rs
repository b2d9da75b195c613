//! What `lao watch` and `lao serve` tell: a line for everything that happens.

use serde::Serialize;

use crate::{Style, style::Tone, text::visible, units::date_time};

/// Something that happened while triggers are kept, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchLine {
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// The workflow's name.
    pub workflow: String,
    /// What happened.
    pub event: WatchEvent,
    /// The run it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// In words: the file, the moment, what went wrong.
    pub text: String,
}

/// Kinds of what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchEvent {
    /// Folders are watched and schedules kept from now on.
    Ready,
    /// A run was set off.
    Fired,
    /// A run that was set off earlier goes on.
    Resumed,
    /// A run is over and came to what it should.
    Succeeded,
    /// A run is over, and steps failed.
    Failed,
    /// A run waits: for a person, or for a server.
    Stopped,
    /// Something could not be done; it is tried again.
    Trouble,
}

/// The line for people, without its end.
pub fn watch_line(line: &WatchLine, style: &Style) -> String {
    let time = style.paint(Tone::Faint, &date_time(line.time_ms, &style.zone));
    let name = style.paint(Tone::Strong, &visible(&line.workflow));
    let tone = match line.event {
        WatchEvent::Ready | WatchEvent::Fired | WatchEvent::Resumed => Tone::Plain,
        WatchEvent::Succeeded => Tone::Good,
        WatchEvent::Failed => Tone::Bad,
        WatchEvent::Stopped | WatchEvent::Trouble => Tone::Warning,
    };
    let run = line.run.as_ref().map_or(String::new(), |run| format!("  {}", visible(run)));
    let text = visible(&line.text);
    let text = match line.event {
        WatchEvent::Resumed => format!("goes on: {text}"),
        WatchEvent::Ready
        | WatchEvent::Fired
        | WatchEvent::Succeeded
        | WatchEvent::Failed
        | WatchEvent::Stopped
        | WatchEvent::Trouble => text.into_owned(),
    };
    format!("{time}  {name}{run}  {}\n", style.paint(tone, &text))
}

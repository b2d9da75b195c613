//! What a replay came to.

use lao_protocol::EventView;
use serde::Serialize;
use serde_json::Value;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, number},
};

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 400;
/// Characters shown before the place where two texts part.
const CHARS_BEFORE: usize = 60;
/// Fields of a difference that are shown.
const FIELDS_MAX: usize = 20;

/// Why a redacted run may differ.
const REDACTED: &str = "secrets were replaced in this run when it was exported: what is derived from a \
                        redacted text need not be the redaction of what was derived";

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The run.
    pub run: String,
    /// Whether every event was derived as it is recorded.
    pub identical: bool,
    /// Whether secrets were replaced in the run when it was exported.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redacted: bool,
    /// Events that were derived as they are recorded.
    pub events: u64,
    /// Effects among them that were started.
    pub effects: u64,
    /// BLAKE3 of the state that it led to, if all was identical.
    pub state: Option<String>,
    /// The first difference.
    pub difference: Option<ReplayDifference>,
}

/// Where record and kernel part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayDifference {
    /// The position.
    pub seq: u64,
    /// Key of the step.
    pub step: Option<String>,
    /// What is recorded; absent where the record of a decision ends too early.
    pub recorded: Option<EventView>,
    /// What is derived; absent where the kernel decides nothing there.
    pub derived: Option<EventView>,
    /// Why nothing is derived, in words.
    pub reason: Option<String>,
    /// The fields in which two events of the same name differ.
    pub fields: Vec<FieldLine>,
}

/// A field in which two events differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldLine {
    /// The way to it.
    pub path: String,
    /// What is recorded; absent for nothing.
    pub recorded: Option<Value>,
    /// What is derived.
    pub derived: Option<Value>,
}

/// A replay, told.
pub fn replay(report: &ReplayReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let run = short_run(&report.run);
    match &report.difference {
        None => {
            let events = count(report.events, "event");
            let effects = count(report.effects, "effect");
            page.cut(0, (Tone::Good, &format!("{run}: identical: {events}, {effects}")));
            if let Some(state) = &report.state {
                page.field("state", (Tone::Faint, state));
            }
        }
        Some(difference) => {
            let seq = number(difference.seq);
            page.cut(0, (Tone::Bad, &format!("{run}: event {seq} is not what follows")));
            page.field("before it", (Tone::Plain, &before(difference.seq)));
            tell(difference, &mut page);
            if report.redacted {
                page.wrapped(0, (Tone::Faint, REDACTED));
            }
        }
    }
    page.finish()
}

fn before(seq: u64) -> String {
    match seq - 1 {
        0 => "nothing".to_owned(),
        1 => "1 event, identical".to_owned(),
        events => format!("{} events, all identical", number(events)),
    }
}

fn tell(difference: &ReplayDifference, page: &mut Page<'_>) {
    if let Some(step) = &difference.step {
        page.field("step", (Tone::Plain, step));
    }
    let words = |event: &EventView| format!("{}: {}", event.event, event.text);
    let recorded = difference.recorded.as_ref().map(words);
    let recorded = recorded.unwrap_or_else(|| "nothing: the decision breaks off".to_owned());
    page.field("recorded", (Tone::Bad, &recorded));
    let derived = difference.derived.as_ref().map(words).or_else(|| difference.reason.clone());
    let derived = derived.unwrap_or_else(|| "nothing more".to_owned());
    page.field("derived", (Tone::Good, &derived));
    for field in difference.fields.iter().take(FIELDS_MAX) {
        let (recorded, derived) = shown(field.recorded.as_ref(), field.derived.as_ref());
        page.cut(0, (Tone::Strong, &field.path));
        page.wrapped(2, (Tone::Bad, &format!("- {recorded}")));
        page.wrapped(2, (Tone::Good, &format!("+ {derived}")));
    }
    let hidden = difference.fields.len().saturating_sub(FIELDS_MAX);
    if hidden > 0 {
        page.cut(0, (Tone::Faint, &format!("and {hidden} more fields; --json has all of them")));
    }
}

/// Two values, of long texts what is around the place where they part.
fn shown(recorded: Option<&Value>, derived: Option<&Value>) -> (String, String) {
    if let (Some(Value::String(a)), Some(Value::String(b))) = (recorded, derived) {
        let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        let from = common.saturating_sub(CHARS_BEFORE);
        return (excerpt(a, from), excerpt(b, from));
    }
    let whole = |value: Option<&Value>| {
        value.map_or_else(|| "(nothing)".to_owned(), |value| excerpt(&value.to_string(), 0))
    };
    (whole(recorded), whole(derived))
}

fn excerpt(text: &str, from: usize) -> String {
    let lead = if from > 0 { "…" } else { "" };
    let mut rest = text.chars().skip(from);
    let shown: String = rest.by_ref().take(VALUE_CHARS_MAX).collect();
    let tail = if rest.next().is_some() { "…" } else { "" };
    format!("{lead}{shown}{tail}")
}

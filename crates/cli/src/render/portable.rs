//! What exporting and importing did.

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, number, size},
};

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// The run.
    pub run: String,
    /// The file.
    pub file: String,
    /// Events written.
    pub events: u64,
    /// Blobs written.
    pub blobs: u64,
    /// Length of the file, in bytes.
    pub size_bytes: u64,
    /// Hash of the last record, as it is in the file; null where the file has no chain.
    pub head: Option<String>,
    /// What was replaced; null where nothing was to be.
    pub redacted: Option<Vec<Replaced>>,
}

/// How often something was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// What stands for it now.
    pub token: String,
    /// How often.
    pub count: u64,
}

/// An export, told.
pub fn export(report: &ExportReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let text = format!(
        "{}: {} and {} in {} ({})",
        short_run(&report.run),
        count(report.events, "event"),
        count(report.blobs, "blob"),
        report.file,
        size(report.size_bytes),
    );
    page.cut(0, (Tone::Good, &text));
    if let Some(replaced) = &report.redacted {
        replacements(replaced, &mut page);
    }
    if let Some(head) = &report.head {
        page.field("head", (Tone::Faint, head));
        page.commands(&[(format!("lao import {}", report.file), "in another project".to_owned())]);
    }
    page.finish()
}

fn replacements(replaced: &[Replaced], page: &mut Page<'_>) {
    if replaced.is_empty() {
        page.field("redacted", (Tone::Plain, "nothing was found that had to be replaced"));
        return;
    }
    for (place, Replaced { token, count: times }) in replaced.iter().enumerate() {
        let name = if place == 0 { "redacted" } else { "" };
        page.field(name, (Tone::Plain, &format!("{token} {} times", number(*times))));
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The run.
    pub run: String,
    /// What people call it.
    pub title: String,
    /// Whether it was there before, the same.
    pub was_there: bool,
    /// Events read.
    pub events: u64,
    /// Blobs read.
    pub blobs: u64,
    /// Hash of the last record.
    pub head: String,
    /// Version of the program that exported it.
    pub lao: String,
    /// Versions of the programs that worked on it.
    pub programs: Vec<String>,
    /// The models that were asked.
    pub models: Vec<ImportModel>,
    /// What was replaced in it before it was exported; null where it is as it was.
    pub redacted: Option<Vec<Replaced>>,
}

/// A model that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportModel {
    /// For what.
    pub role: String,
    /// The model as the server named it, else as it was asked for.
    pub model: String,
    /// The server's fingerprint or build, where it told.
    pub server: Option<String>,
    /// Calls.
    pub calls: u64,
}

/// An import, told.
pub fn import(report: &ImportReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let run = short_run(&report.run);
    let events = count(report.events, "event");
    let text = if report.was_there {
        format!("{run} is here already, the same {events}: {}", report.title)
    } else {
        format!("{run}: {events} and {}: {}", count(report.blobs, "blob"), report.title)
    };
    page.cut(0, (Tone::Good, &text));
    let programs = report.programs.join(", ");
    page.field("made by", (Tone::Plain, &format!("lao {programs}, exported by {}", report.lao)));
    for model in &report.models {
        let server = model.server.as_ref().map_or(String::new(), |server| format!(" on {server}"));
        let calls = count(model.calls, "call");
        page.field(&model.role, (Tone::Plain, &format!("{}{server}, {calls}", model.model)));
    }
    if let Some(replaced) = &report.redacted {
        replacements(replaced, &mut page);
        page.wrapped(0, (Tone::Faint, "it is redacted: a replay of it may differ from its record"));
    }
    page.field("head", (Tone::Faint, &report.head));
    page.commands(&[(format!("lao show {run}"), "look at it".to_owned())]);
    page.finish()
}

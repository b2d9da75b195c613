//! What a walk through a journal found.

use serde::Serialize;

use super::page::Page;
use crate::{
    ExitCode, Style,
    style::Tone,
    text::short_run,
    units::{count, size},
};

/// What a walk through one run's journal found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalReport {
    /// The run.
    pub run: String,
    /// Whether all of it was checked, or its end only.
    pub deep: bool,
    /// Events in it.
    pub events: u64,
    /// Blobs read and verified; none unless all was checked.
    pub blobs: u64,
    /// Size of the journal file, in bytes.
    pub size_bytes: u64,
    /// The run ended and its head hash is recorded in the manifest.
    pub sealed: bool,
    /// Hash of the last event.
    pub head: Option<String>,
    /// What is wrong; empty when nothing is.
    pub problems: Vec<JournalProblem>,
    /// What cannot be relied on any more; null when all can, or not all was checked.
    pub affected: Option<Affected>,
}

/// The events from the first damaged one on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// The first that is not proven.
    pub from: u64,
    /// Of those after it, the ones whose bytes are whole, by type.
    pub events: Vec<AffectedEvents>,
    /// The steps that they belong to.
    pub steps: Vec<String>,
}

/// Events of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AffectedEvents {
    /// The type.
    pub event: String,
    /// How many.
    pub count: u64,
}

/// One thing that is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalProblem {
    /// Position of the event, where one is meant.
    pub seq: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl JournalReport {
    /// The exit code for several reports: 8 when any has a problem.
    pub fn exit_code(reports: &[Self]) -> ExitCode {
        if reports.iter().all(|report| report.problems.is_empty()) {
            ExitCode::Done
        } else {
            ExitCode::JournalUnavailable
        }
    }
}

/// Every journal with its problems.
pub fn journal(reports: &[JournalReport], style: &Style) -> String {
    let mut page = Page::new(style);
    for report in reports {
        one(&mut page, report);
    }
    if reports.is_empty() {
        page.line("No runs yet.");
    }
    page.finish()
}

fn one(page: &mut Page<'_>, report: &JournalReport) {
    let (tone, word) =
        if report.problems.is_empty() { (Tone::Good, "ok") } else { (Tone::Bad, "problem") };
    let line = format!(
        "{word:<8} {}  {}, {}, {}{}",
        short_run(&report.run),
        count(report.events, "event"),
        count(report.blobs, "blob"),
        size(report.size_bytes),
        if report.sealed { ", sealed" } else { "" },
    );
    page.cut(0, (tone, &line));
    for problem in &report.problems {
        let place = problem.seq.map_or_else(String::new, |seq| format!("event {seq}: "));
        let text = format!("{place}{}", problem.message);
        page.wrapped(9, (Tone::Plain, &text));
        if let Some(hint) = &problem.hint {
            page.wrapped(9, (Tone::Active, &format!("hint: {hint}")));
        }
    }
    if let Some(affected) = &report.affected {
        page.wrapped(9, (Tone::Plain, &words(affected)));
    }
}

fn words(affected: &Affected) -> String {
    let mut parts = vec![format!("affected: everything from event {} on", affected.from)];
    let events: Vec<String> =
        affected.events.iter().map(|it| format!("{} {}", it.count, it.event)).collect();
    if !events.is_empty() {
        parts.push(format!("after it {}", events.join(", ")));
    }
    if !affected.steps.is_empty() {
        parts.push(format!("steps {}", affected.steps.join(", ")));
    }
    parts.join("; ")
}

//! What `lao prune` and `lao journal gc` remove, or would.

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, size},
};

/// Runs and blobs that went, or would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PruneReport {
    /// Whether anything was removed; otherwise this is what would be.
    pub removed: bool,
    /// The runs.
    pub runs: Vec<PrunedRun>,
    /// Runs that a limit names and that stay all the same.
    pub kept: Vec<KeptRun>,
    /// What becomes of the blobs.
    pub blobs: GcReport,
    /// Cached results of steps that nothing used for long.
    pub results: ResultsReport,
}

/// Cached results of steps that went, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ResultsReport {
    /// How many.
    pub results: u64,
    /// How large they are.
    pub size_bytes: u64,
}

/// A run that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrunedRun {
    /// The run.
    pub run: String,
    /// One line for people.
    pub title: String,
    /// How it ended.
    pub status: String,
    /// Size of its folder, in bytes.
    pub size_bytes: u64,
    /// Which limit names it.
    pub why: String,
}

/// A run that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptRun {
    /// The run.
    pub run: String,
    /// Why it stays.
    pub why: String,
}

/// Blobs that went, or would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Whether they were removed; otherwise they would be.
    pub removed: bool,
    /// How many.
    pub blobs: u64,
    /// Size of their files, in bytes.
    pub size_bytes: u64,
    /// Runs whose journals cannot be read: what they may name stays.
    pub unsure: Vec<KeptRun>,
}

/// What goes and what stays.
pub fn prune(report: &PruneReport, style: &Style) -> String {
    let mut page = Page::new(style);
    for run in &report.runs {
        let word = if report.removed { "removed" } else { "would go" };
        let line = format!(
            "{word:<9} {}  {}, {}: {}  {}",
            short_run(&run.run),
            run.status,
            size(run.size_bytes),
            run.why,
            run.title
        );
        page.cut(0, (Tone::Plain, &line));
    }
    for run in &report.kept {
        let line = format!("{:<9} {}  {}", "stays", short_run(&run.run), run.why);
        page.cut(0, (Tone::Faint, &line));
    }
    blobs(&mut page, &report.blobs);
    let verb = if report.removed { "removed" } else { "would go" };
    let ResultsReport { results, size_bytes } = report.results;
    if results > 0 {
        let line = format!("{} {verb}, {}", count(results, "cached result"), size(size_bytes));
        page.cut(0, (Tone::Plain, &line));
    }
    let sum: u64 = report.runs.iter().map(|run| run.size_bytes).sum();
    let runs = count(report.runs.len() as u64, "run");
    page.cut(0, (Tone::Strong, &format!("{runs} {verb}, {}", size(sum))));
    if !report.removed && (!report.runs.is_empty() || results > 0) {
        page.cut(0, (Tone::Active, "hint: the same with --yes removes them"));
    }
    page.finish()
}

/// The blobs that went, or would go.
pub fn gc(report: &GcReport, style: &Style) -> String {
    let mut page = Page::new(style);
    blobs(&mut page, report);
    if !report.removed && report.blobs > 0 {
        page.cut(0, (Tone::Active, "hint: the same with --yes removes them"));
    }
    page.finish()
}

fn blobs(page: &mut Page<'_>, report: &GcReport) {
    for run in &report.unsure {
        let line = format!("{}: what it may name stays: {}", short_run(&run.run), run.why);
        page.wrapped(0, (Tone::Faint, &line));
    }
    let verb = if report.removed { "removed" } else { "would go" };
    let line = format!("{} {verb}, {}", count(report.blobs, "blob"), size(report.size_bytes));
    page.cut(0, (Tone::Plain, &line));
}

//! A run that was branched off.

use serde::Serialize;

use super::page::Page;
use crate::{Style, style::Tone, text::short_run, units::count};

/// A run that was branched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForkReport {
    /// The new run.
    pub run: String,
    /// The run it comes from.
    pub parent: String,
    /// Position of the last event that both have.
    pub at: u64,
    /// The position that was asked for, if that lies within a decision.
    pub asked: Option<u64>,
    /// The folder the new run works in.
    pub workspace: String,
    /// Its branch, with git.
    pub branch: Option<String>,
    /// Files that were put there beyond what the branch holds.
    pub files: u64,
    /// Tasks that are done again.
    pub redone: Vec<String>,
    /// What is set otherwise.
    pub changes: Vec<SettingChange>,
}

/// A setting that differs from the parent's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingChange {
    /// The setting.
    pub setting: String,
    /// As it was; `null` for unset.
    pub before: serde_json::Value,
    /// As it is; `null` for unset.
    pub after: serde_json::Value,
}

/// A fork, told.
pub fn fork(report: &ForkReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let (run, parent) = (short_run(&report.run), short_run(&report.parent));
    let line = format!("{run}: branched off {parent} after event {}", report.at);
    page.cut(0, (Tone::Good, &line));
    if let Some(asked) = report.asked {
        let text = format!("event {asked} is in the middle of a decision that ends there");
        page.field("", (Tone::Faint, &text));
    }
    page.field("workspace", (Tone::Plain, &report.workspace));
    if let Some(branch) = &report.branch {
        page.field("branch", (Tone::Plain, branch));
    }
    if report.files > 0 {
        let text = format!("{} put there as they were", count(report.files, "file"));
        page.field("files", (Tone::Plain, &text));
    }
    if !report.redone.is_empty() {
        page.field("again", (Tone::Plain, &report.redone.join(", ")));
    }
    for change in &report.changes {
        let text = format!("{}: {} -> {}", change.setting, change.before, change.after);
        page.field("changed", (Tone::Plain, &text));
    }
    page.finish()
}

//! Files as they were, and who wrote them.

use std::borrow::Cow;

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, number, size},
};

/// Files that are shown by name.
const FILES_SHOWN_MAX: usize = 40;

/// What a checkout wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckoutReport {
    /// The run.
    pub run: String,
    /// The position.
    pub at: u64,
    /// The journal's last position.
    pub last: u64,
    /// The folder.
    pub folder: String,
    /// The files, by path.
    pub files: Vec<CheckoutFile>,
    /// Files that were being written at the position: as stated, or as they became.
    pub in_flight: Vec<String>,
    /// Commands of models that had been started; they may have changed files without a word.
    pub commands: u64,
    /// The commit that has the files which the run never touched.
    pub commit: Option<String>,
    /// Paths that somebody had changed and not committed when the run began.
    pub dirty: Vec<String>,
    /// Where that commit is: the repository, or the workspace.
    pub repository: Option<String>,
    /// Whether that folder is still there.
    pub repository_exists: bool,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckoutFile {
    /// Relative to the workspace.
    pub path: String,
    /// Length in bytes.
    pub size_bytes: u64,
    /// BLAKE3 of its content.
    pub hash: String,
    /// The event from which on it was so; for one that stood there before, the event that found it.
    pub seq: u64,
    /// The step that wrote it; null for a file that stood there before, or that somebody else changed.
    pub step: Option<String>,
}

/// A checkout, told.
pub fn checkout(report: &CheckoutReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let at = number(report.at);
    let text = format!(
        "{} of {} as after event {at} of {}, in {}",
        count(report.files.len() as u64, "file"),
        short_run(&report.run),
        number(report.last),
        report.folder,
    );
    page.cut(0, (Tone::Good, &text));
    for file in report.files.iter().take(FILES_SHOWN_MAX) {
        let by = match &file.step {
            Some(step) => format!("{step}, event {}", number(file.seq)),
            None => format!("not by the run, as event {} found it", number(file.seq)),
        };
        page.cut(2, (Tone::Plain, &format!("{}  {}  {by}", file.path, size(file.size_bytes))));
    }
    let hidden = report.files.len().saturating_sub(FILES_SHOWN_MAX);
    if hidden > 0 {
        page.cut(2, (Tone::Faint, &format!("and {hidden} more; --json has all of them")));
    }
    for path in &report.in_flight {
        let text = format!("{path} was being written: it was so, or already as it became");
        page.wrapped(0, (Tone::Faint, &text));
    }
    if report.commands > 0 {
        let ran = count(report.commands, "command");
        let text = format!(
            "{ran} of models had been started: what they changed without a word is not here"
        );
        page.wrapped(0, (Tone::Faint, &text));
    }
    untouched(report, &mut page);
    page.finish()
}

/// Where files are that the run never touched.
fn untouched(report: &CheckoutReport, page: &mut Page<'_>) {
    let Some(commit) = &report.commit else {
        let text = "files that the run never touched are not here, and no commit has them";
        page.wrapped(0, (Tone::Faint, text));
        return;
    };
    let text = format!("files that the run never touched are in commit {commit}");
    page.wrapped(0, (Tone::Faint, &text));
    if !report.dirty.is_empty() {
        let text = format!(
            "not as they were: {}, changed and not committed when the run began",
            report.dirty.join(", ")
        );
        page.wrapped(0, (Tone::Faint, &text));
    }
    match &report.repository {
        Some(folder) if report.repository_exists => {
            let folder = quoted(folder);
            let command = format!("git -C {folder} worktree add --detach OTHER_DIR {commit}");
            page.commands(&[(command, "get them".to_owned())]);
        }
        Some(folder) => {
            let text = format!("the repository is not on this machine: {folder}");
            page.wrapped(0, (Tone::Faint, &text));
        }
        None => {}
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

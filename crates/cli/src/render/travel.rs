//! Files as they were, and who wrote them.

use std::borrow::Cow;

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::{Align, short_run},
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

/// A file with the author of each line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlameReport {
    /// The run.
    pub run: String,
    /// The position.
    pub at: u64,
    /// The file, relative to the workspace.
    pub file: String,
    /// Its lines, or the one that was asked for.
    pub lines: Vec<BlameLine>,
    /// What led to the one line that was asked for; null where no model wrote it, or all are shown.
    pub origin: Option<BlameOrigin>,
}

/// A line and its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlameLine {
    /// Its number, from 1.
    pub line: u64,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub author: BlameAuthor,
}

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum BlameAuthor {
    /// It stood there before the run.
    BeforeRun {
        /// The event that found it.
        seen: u64,
    },
    /// Somebody else, or a command, while the run went on.
    Elsewhere {
        /// The event that found it.
        seen: u64,
    },
    /// The run itself, with a commit.
    Trail {
        /// The event.
        seq: u64,
        /// Key of the step.
        step: String,
    },
    /// A step of a workflow.
    Step {
        /// The event.
        seq: u64,
        /// Key of the step.
        step: String,
        /// The attempt at it, from 1.
        attempt: u32,
    },
    /// A model.
    Model {
        /// The event from which on it was there.
        seq: u64,
        /// Key of the step.
        step: String,
        /// The attempt at it, from 1.
        attempt: u32,
        /// What the model was asked as.
        role: String,
        /// The model, as its server named it.
        model: String,
        /// The event that asked it.
        asked: u64,
        /// The tool call.
        call: String,
    },
}

/// What led to a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlameOrigin {
    /// The event that asked.
    pub asked: u64,
    /// The event that answered.
    pub answered: u64,
    /// The endpoint.
    pub endpoint: String,
    /// The model, as its server named it.
    pub model: String,
    /// The server's fingerprint or build, where it told.
    pub server: Option<String>,
    /// Messages before those that are shown.
    pub hidden: u64,
    /// The end of the conversation that was sent.
    pub messages: Vec<BlameMessage>,
    /// What the model said.
    pub answer: String,
    /// The tool that it called.
    pub tool: String,
    /// The arguments, as it wrote them.
    pub arguments: String,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlameMessage {
    /// Whose it is: `system`, `user`, `assistant` or `tool`.
    pub from: String,
    /// What it says.
    pub text: String,
}

const BLAME_COLUMNS: [Column; 6] = [
    Column { title: "event", align: Align::Right, room: Room::Keep },
    Column { title: "step", align: Align::Left, room: Room::Keep },
    Column { title: "try", align: Align::Right, room: Room::Keep },
    Column { title: "model", align: Align::Left, room: Room::GiveWay },
    Column { title: "line", align: Align::Right, room: Room::Keep },
    Column { title: "text", align: Align::Left, room: Room::Shrink },
];

/// A file and its authors, told.
pub fn blame(report: &BlameReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let mut table = Table::new(&BLAME_COLUMNS);
    for line in &report.lines {
        let [seq, step, attempt, model] = author_cells(&line.author);
        let number = number(line.line);
        table.row(vec![
            Cell::new(Tone::Faint, &seq),
            Cell::plain(&step),
            Cell::plain(&attempt),
            Cell::new(Tone::Faint, &model),
            Cell::new(Tone::Faint, &number),
            Cell::plain(&line.text.replace('\t', "    ")),
        ]);
    }
    page.table(0, &table);
    if report.lines.is_empty() {
        page.cut(0, (Tone::Faint, &format!("{} is empty", report.file)));
    }
    if let Some(origin) = &report.origin {
        tell_origin(origin, &mut page);
    }
    page.finish()
}

/// Event, step, attempt and model of an author.
fn author_cells(author: &BlameAuthor) -> [String; 4] {
    let unknown = |seen: &u64, by: &str| [number(*seen), "-".into(), "-".into(), by.to_owned()];
    match author {
        BlameAuthor::BeforeRun { seen } => unknown(seen, "before the run"),
        BlameAuthor::Elsewhere { seen } => unknown(seen, "not by the run"),
        BlameAuthor::Trail { seq, step } => {
            [number(*seq), step.clone(), "-".into(), "lao".to_owned()]
        }
        BlameAuthor::Step { seq, step, attempt } => {
            [number(*seq), step.clone(), attempt.to_string(), "workflow".to_owned()]
        }
        BlameAuthor::Model { seq, step, attempt, model, role: _, asked: _, call: _ } => {
            [number(*seq), step.clone(), attempt.to_string(), model.clone()]
        }
    }
}

fn tell_origin(origin: &BlameOrigin, page: &mut Page<'_>) {
    let server = origin.server.as_ref().map_or(String::new(), |server| format!(" ({server})"));
    page.blank();
    page.field("model", (Tone::Plain, &format!("{}{server}", origin.model)));
    page.field("endpoint", (Tone::Plain, &origin.endpoint));
    let (asked, answered) = (number(origin.asked), number(origin.answered));
    page.field("asked", (Tone::Plain, &format!("event {asked}, answered with event {answered}")));
    page.heading("prompt");
    if origin.hidden > 0 {
        let before = count(origin.hidden, "message");
        page.cut(2, (Tone::Faint, &format!("{before} before; `lao show RUN --step STEP`")));
    }
    for message in &origin.messages {
        page.cut(2, (Tone::Faint, &message.from));
        page.wrapped(4, (Tone::Plain, &message.text));
    }
    page.heading("answer");
    page.wrapped(4, (Tone::Plain, &origin.answer));
    page.cut(4, (Tone::Active, &format!("{}({})", origin.tool, origin.arguments)));
}

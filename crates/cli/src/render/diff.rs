//! How two runs differ, as text and as a page.

mod html;
mod rows;
mod words;

use lao_protocol::{
    DiffBy, DiffChange, DiffHunk, DiffKind, DiffPiece, DiffPresence, DiffRun, DiffStep, DiffText,
    RunDiffView,
};

use self::words::{first, heading, step_times, text_name, totals, value_lines};
use crate::{
    Style,
    render::page::Page,
    style::{Color, Tone},
    table::{Cell, Column, Room, Table},
    text::{Align, visible, visible_lines},
    units::count,
};

pub use html::html as diff_html;

const TOTALS: [Column; 3] = [
    Column { title: "totals", align: Align::Left, room: Room::Keep },
    Column { title: "A", align: Align::Right, room: Room::Keep },
    Column { title: "B", align: Align::Right, room: Room::Keep },
];

/// How two runs differ, in the way of `git diff`; nothing where they do not.
pub fn diff(diff: &RunDiffView, style: &Style) -> String {
    let Some(divergence) = &diff.first else {
        return String::new();
    };
    let mut page = Page::new(style);
    page.cut(0, (Tone::Bad, &format!("--- A  {}", run(&diff.runs.a))));
    page.cut(0, (Tone::Good, &format!("+++ B  {}", run(&diff.runs.b))));
    page.wrapped(0, (Tone::Strong, &first(divergence)));
    if !diff.changes.is_empty() {
        page.heading("the runs");
        changes(&mut page, DiffPresence::Both, &diff.changes);
    }
    for step in &diff.steps {
        show_step(&mut page, step);
    }
    page.blank();
    let mut table = Table::new(&TOTALS);
    for (name, values) in totals(&diff.runs) {
        table.row(vec![
            Cell::new(Tone::Faint, name),
            Cell::plain(&values.a),
            Cell::plain(&values.b),
        ]);
    }
    page.table(0, &table);
    page.finish()
}

fn run(run: &DiffRun) -> String {
    let events = count(run.last_seq, "event");
    format!("{}  {} ({events}, {})", run.run, run.title, run.end)
}

fn show_step(page: &mut Page<'_>, step: &DiffStep) {
    page.blank();
    page.cut(0, (Tone::Strong, &words::step(step)));
    changes(page, step.presence, &step.changes);
    for attempt in &step.attempts {
        page.cut(0, (Tone::Strong, &words::attempt(attempt)));
        changes(page, attempt.presence, &attempt.changes);
    }
    if let Some(line) = step_times(step) {
        page.cut(0, (Tone::Faint, &line));
    }
}

/// The changes of something that is in one run only, or in both.
fn changes(page: &mut Page<'_>, within: DiffPresence, changes: &[DiffChange]) {
    for change in changes {
        show_change(page, within, change);
    }
}

fn show_change(page: &mut Page<'_>, within: DiffPresence, change: &DiffChange) {
    // What the step's and the attempt's own lines say.
    if matches!(change.kind, DiffKind::Step | DiffKind::Attempt) {
        return;
    }
    page.cut(
        0,
        (Tone::Active, &format!("@@ {} @@ {}", words::positions(change), heading(within, change))),
    );
    let lines = value_lines(change);
    for line in &lines.a {
        page.cut(0, (Tone::Bad, &format!("-{line}")));
    }
    for line in &lines.b {
        page.cut(0, (Tone::Good, &format!("+{line}")));
    }
    for text in &change.texts {
        if let Some(name) = text_name(text.of) {
            page.cut(0, (Tone::Faint, &format!(" {name}:")));
        }
        show_text(page, text);
    }
}

fn show_text(page: &mut Page<'_>, text: &DiffText) {
    for hunk in &text.hunks {
        if text.hunks.len() > 1 || hunk.line.a > 1 || hunk.line.b > 1 {
            let place = format!("@@ -{} +{} @@", hunk.line.a, hunk.line.b);
            page.cut(0, (Tone::Faint, &place));
        }
        match (text.by, text.presence) {
            (DiffBy::Words, DiffPresence::Both) => show_words(page, hunk),
            (DiffBy::Words, DiffPresence::OnlyA | DiffPresence::OnlyB) | (DiffBy::Lines, _) => {
                show_lines(page, hunk);
            }
        }
    }
    if text.more_lines.a + text.more_lines.b > 0 {
        let more = [(text.more_lines.a, "A"), (text.more_lines.b, "B")];
        let more = more.map(|(lines, side)| format!("{} more of {side}", count(lines, "line")));
        page.cut(0, (Tone::Faint, &format!(" ({})", more.join(", "))));
    }
}

/// Lines as `git diff` shows them.
fn show_lines(page: &mut Page<'_>, hunk: &DiffHunk) {
    for piece in &hunk.pieces {
        match piece {
            DiffPiece::Same(text) => marked(page, ' ', (Tone::Plain, text)),
            DiffPiece::Changed(sides) => {
                marked(page, '-', (Tone::Bad, &sides.a));
                marked(page, '+', (Tone::Good, &sides.b));
            }
        }
    }
}

fn marked(page: &mut Page<'_>, mark: char, (tone, text): (Tone, &str)) {
    for line in visible_lines(text) {
        let painted = page.style().paint(tone, &format!("{mark}{line}"));
        page.line(&painted);
    }
    if mark != ' ' && !text.is_empty() && !text.ends_with('\n') {
        page.line("\\ no newline at the end");
    }
}

/// Words as `git diff --word-diff` shows them: in colours, or else in brackets.
fn show_words(page: &mut Page<'_>, hunk: &DiffHunk) {
    let mut line = String::from(" ");
    for piece in &hunk.pieces {
        match piece {
            DiffPiece::Same(text) => flow(page, &mut line, (Side::Both, text)),
            DiffPiece::Changed(sides) => {
                flow(page, &mut line, (Side::A, &sides.a));
                flow(page, &mut line, (Side::B, &sides.b));
            }
        }
    }
    if line.len() > 1 {
        page.line(&line);
    }
}

/// Adds text to the line under construction, and lines to the page as they end.
fn flow(page: &mut Page<'_>, line: &mut String, (side, text): (Side, &str)) {
    for part in text.split_inclusive('\n') {
        let words = part.strip_suffix('\n');
        let shown = visible(words.unwrap_or(part)).replace('\t', "    ");
        line.push_str(&marked_words(page.style(), side, &shown));
        if words.is_some() {
            page.line(line.trim_end_matches(' '));
            " ".clone_into(line);
        }
    }
}

/// Where words stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    A,
    B,
    Both,
}

fn marked_words(style: &Style, side: Side, words: &str) -> String {
    // An end of a line that came or went would not be seen.
    let shown = if words.is_empty() { "\u{23ce}" } else { words };
    match (side, style.color) {
        (Side::Both, _) => words.to_owned(),
        (Side::A, Color::On) => style.paint(Tone::Bad, shown),
        (Side::B, Color::On) => style.paint(Tone::Good, shown),
        (Side::A, Color::Off) => format!("[-{shown}-]"),
        (Side::B, Color::Off) => format!("{{+{shown}+}}"),
    }
}

//! A run at one of its events.

use lao_protocol::{ContentView, FileChangeView, MessageView, MomentView, StepStatus, StepView};
use similar::{ChangeTag, TextDiff};

use super::{log_line, page::Page, step::findings, words};
use crate::{Style, style::Tone, text::short_run, units::size};

/// Steps listed before and after the one at the cursor.
const STEPS_AROUND: usize = 6;
/// Lines of a message or a file that are shown.
const LINES_MAX: usize = 40;
/// Unchanged lines around a change.
const CONTEXT_LINES: usize = 3;

/// An event, the steps as they stood, and what the event brought.
pub fn moment(moment: &MomentView, style: &Style) -> String {
    let mut page = Page::new(style);
    let run = short_run(&moment.status.summary.run);
    let head = format!("{run}  event {} of {}", moment.at, moment.last);
    page.cut(0, (Tone::Strong, &head));
    page.line(&log_line(&moment.event, style));
    steps(&mut page, moment);
    for message in &moment.messages {
        tell(&mut page, message);
    }
    findings(&mut page, &moment.findings);
    if let Some(file) = &moment.file {
        change(&mut page, file);
    }
    page.finish()
}

fn steps(page: &mut Page<'_>, moment: &MomentView) {
    let steps = &moment.status.steps;
    if steps.is_empty() {
        return;
    }
    page.heading("steps");
    let at = moment.event.step.as_ref();
    let cursor = steps.iter().position(|step| Some(&step.key) == at);
    let running = || steps.iter().position(|step| step.status == StepStatus::Running);
    let cursor = cursor.or_else(running).unwrap_or(0);
    let from = cursor.saturating_sub(STEPS_AROUND);
    let to = (cursor + STEPS_AROUND + 1).min(steps.len());
    if from > 0 {
        page.cut(2, (Tone::Faint, &format!("... {from} before")));
    }
    for step in &steps[from..to] {
        line(page, step, Some(&step.key) == at);
    }
    if to < steps.len() {
        page.cut(2, (Tone::Faint, &format!("... {} after", steps.len() - to)));
    }
}

fn line(page: &mut Page<'_>, step: &StepView, is_at_cursor: bool) {
    let (tone, state) = words::step_state(step.status);
    let mark = if is_at_cursor { ">" } else { " " };
    let activity = step.activity.as_deref().map_or(String::new(), |it| format!(", {it}"));
    let text = format!("{mark} {:<8} {}  {}{activity}", state, step.key, step.title);
    page.cut(0, (tone, &text));
}

fn tell(page: &mut Page<'_>, message: &MessageView) {
    page.heading(&format!("{} {}", message.role, message.from));
    text(page, &message.content);
    for call in &message.tool_calls {
        page.cut(2, (Tone::Active, &format!("-> {call}")));
    }
}

fn text(page: &mut Page<'_>, content: &ContentView) {
    match content {
        ContentView::Text(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let shown = lines.len().min(LINES_MAX);
            page.wrapped(2, (Tone::Plain, &lines[..shown].join("\n")));
            if lines.len() > shown {
                let hidden = lines.len() - shown;
                page.cut(2, (Tone::Faint, &format!("... {hidden} more lines; --json has all")));
            }
        }
        ContentView::Blob { hash, size_bytes } => {
            page.cut(2, (Tone::Faint, &format!("({} in blob {hash})", size(*size_bytes))));
        }
    }
}

/// A file as git shows it.
fn change(page: &mut Page<'_>, file: &FileChangeView) {
    page.heading(&file.path);
    let known = |content: &Option<ContentView>| match content {
        None => Some(String::new()),
        Some(ContentView::Text(text)) => Some(text.clone()),
        Some(ContentView::Blob { .. }) => None,
    };
    let (Some(before), Some(after)) = (known(&file.before), known(&file.after)) else {
        page.cut(2, (Tone::Faint, "too large to be shown: `lao checkout` writes it"));
        return;
    };
    let diff = TextDiff::from_lines(&before, &after);
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT_LINES) {
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            shown += 1;
            if shown > LINES_MAX {
                continue;
            }
            let (tone, sign) = match change.tag() {
                ChangeTag::Delete => (Tone::Bad, '-'),
                ChangeTag::Insert => (Tone::Good, '+'),
                ChangeTag::Equal => (Tone::Plain, ' '),
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            page.cut(2, (tone, &format!("{sign}{line}")));
        }
    }
    if shown > LINES_MAX {
        page.cut(2, (Tone::Faint, &format!("... {} more lines", shown - LINES_MAX)));
    }
}

//! One step in detail: what it was told, what the model said, what was found wrong.

use lao_protocol::{
    ContentView, FindingView, MessageView, RunStatus, StepDetail, StepView, TodoView,
};

use super::{next::shell_word, page::Page, show, words};
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, duration, size},
};

/// One step, with its conversation and findings where it comes with detail.
pub fn step(status: &RunStatus, step: &StepView, style: &Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, step);
    if let Some(detail) = &step.detail {
        task(&mut page, detail);
        conversation(&mut page, &detail.messages);
        findings(&mut page, &detail.findings);
        todo(&mut page, &detail.todo);
        if let Some(review) = &detail.review {
            page.heading("review");
            page.wrapped(2, (Tone::Plain, review));
        }
        if let Some(keyed_on) = &detail.cached {
            page.heading("taken from an earlier run with the same");
            page.wrapped(2, (Tone::Plain, keyed_on));
        }
        if let Some(output) = &detail.output {
            page.heading("output");
            page.wrapped(2, (Tone::Plain, output));
        }
    }
    changes(&mut page, status, step);
    failure(&mut page, status, step);
    page.finish()
}

fn head(page: &mut Page<'_>, step: &StepView) {
    let (tone, state) = words::step_state(step.status);
    page.cut(0, (Tone::Strong, &format!("{}  {}", step.key, step.title)));
    let line = match &step.activity {
        Some(activity) => format!("{state}, {activity}"),
        None => state.to_owned(),
    };
    page.field("state", (tone, &line));
    page.field("kind", (Tone::Plain, &step.kind));
    if !step.needs.is_empty() {
        page.field("needs", (Tone::Plain, &step.needs.join(", ")));
    }
    let work = format!(
        "{}; {}, {}",
        duration(step.elapsed_ms),
        count(step.attempts.into(), "attempt"),
        count(step.findings.into(), "finding"),
    );
    page.field("worked", (Tone::Plain, &work));
}

fn task(page: &mut Page<'_>, detail: &StepDetail) {
    if !detail.description.is_empty() {
        page.heading("task");
        page.wrapped(2, (Tone::Plain, &detail.description));
    }
    list(page, "files it must leave", &detail.claimed_files);
    list(page, "accepted when", &detail.acceptance);
}

fn list(page: &mut Page<'_>, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.heading(title);
    for item in items {
        page.wrapped(2, (Tone::Plain, &format!("- {item}")));
    }
}

fn conversation(page: &mut Page<'_>, messages: &[MessageView]) {
    if messages.is_empty() {
        return;
    }
    page.heading("conversation");
    for message in messages {
        let head = format!("[{}] {} {}", message.seq, message.role, message.from);
        page.cut(2, (speaker(&message.from), &head));
        match &message.content {
            ContentView::Text(text) => page.wrapped(4, (Tone::Plain, text)),
            ContentView::Blob { hash, size_bytes } => {
                let note = format!("({} in blob {hash})", size(*size_bytes));
                page.cut(4, (Tone::Faint, &note));
            }
        }
        for call in &message.tool_calls {
            page.cut(4, (Tone::Active, &format!("-> {call}")));
        }
    }
}

/// The model's words stand out among what it was told.
fn speaker(from: &str) -> Tone {
    if from == "assistant" { Tone::Strong } else { Tone::Faint }
}

/// What was found wrong.
pub(crate) fn findings(page: &mut Page<'_>, findings: &[FindingView]) {
    if findings.is_empty() {
        return;
    }
    page.heading("findings");
    for finding in findings {
        page.wrapped(2, (Tone::Warning, &finding_line(finding)));
        if !finding.hint.is_empty() {
            page.wrapped(6, (Tone::Faint, &finding.hint));
        }
    }
}

fn finding_line(finding: &FindingView) -> String {
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, _) => String::new(),
    };
    format!("{place}{} ({}, {})", finding.message, finding.by, finding.rule)
}

fn todo(page: &mut Page<'_>, items: &[TodoView]) {
    if items.is_empty() {
        return;
    }
    page.heading("to-do list");
    for item in items {
        let (tone, mark) = if item.done { (Tone::Good, "[x]") } else { (Tone::Plain, "[ ]") };
        page.wrapped(2, (tone, &format!("{mark} {}", item.text)));
    }
}

fn changes(page: &mut Page<'_>, status: &RunStatus, step: &StepView) {
    if step.files.is_empty() && step.commits.is_empty() {
        return;
    }
    page.heading("changes");
    for file in &step.files {
        page.cut(2, (Tone::Plain, file));
    }
    show::commits(page, step);
    let Some(last) = step.commits.last() else {
        return;
    };
    let folder = shell_word(&status.workspace);
    page.commands(&[(
        format!("git -C {folder} show {}", shell_word(&show::short_commit(last))),
        "see the last change".to_owned(),
    )]);
}

fn failure(page: &mut Page<'_>, status: &RunStatus, step: &StepView) {
    let Some(failure) = &step.failure else {
        return;
    };
    page.heading("why");
    let (tone, _) = words::step_state(step.status);
    let text = format!("{}: {}", failure.kind.replace('_', " "), failure.message);
    page.wrapped(2, (tone, &text));
    let run = short_run(&status.summary.run);
    let retry = format!("lao retry {run} --step {}", shell_word(&step.key));
    let command = failure.next.clone().unwrap_or(retry);
    page.heading("next");
    page.commands(&[(command, String::new())]);
}

//! How a run stands: its state, its tasks by state, its questions, and what next.

use lao_protocol::{InFlightView, RunStatus, RunStatusCode, StepStatus, StepView};

use super::{next, page::Page, words};
use crate::{
    Style,
    style::Tone,
    text::{Align, pad},
    units::{ago, between, count, date_time, duration, elapsed, number},
};

/// Steps listed of one state; `lao show` lists them all.
const STEPS_SHOWN: usize = 10;

/// Columns for a step's key; longer keys push the title to the right.
const KEY_COLUMNS: usize = 4;

/// States whose steps are listed one by one, the most urgent first.
const LISTED: [StepStatus; 5] = [
    StepStatus::Failed,
    StepStatus::Parked,
    StepStatus::Running,
    StepStatus::Skipped,
    StepStatus::Pending,
];

/// A run as it stands.
pub fn status(status: &RunStatus, style: &Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, status);
    steps(&mut page, status);
    in_flight(&mut page, status);
    questions(&mut page, status);
    what_next(&mut page, status);
    page.finish()
}

/// The lines that `status`, `show` and the summary begin with.
pub(crate) fn head(page: &mut Page<'_>, status: &RunStatus) {
    let summary = &status.summary;
    let (tone, state) = words::run_state(summary.status);
    let style = page.style();
    page.cut(0, (Tone::Strong, &summary.title));
    page.field("run", (Tone::Plain, &summary.run));
    page.field("source", (Tone::Plain, &summary.source));
    page.field("state", (tone, &state_line(status, state)));
    if let Some(reason) = &status.stopped_because {
        page.field("because", (Tone::Warning, reason));
    }
    page.field(words::parts(&summary.kind), (Tone::Plain, &words::counts(&summary.tasks)));
    let started = format!(
        "{} ({})",
        date_time(summary.started_ms, &style.zone),
        ago(summary.started_ms, style.now_ms)
    );
    page.field("started", (Tone::Plain, &started));
    page.field("worked", (Tone::Plain, &totals(status)));
    page.field("workspace", (Tone::Plain, &status.workspace));
    if let Some(branch) = &status.branch {
        page.field("branch", (Tone::Plain, branch));
    }
}

fn state_line(status: &RunStatus, state: &str) -> String {
    let is_over = matches!(
        status.summary.status,
        RunStatusCode::Succeeded | RunStatusCode::Failed | RunStatusCode::Cancelled
    );
    match status.summary.pid {
        // It may have a moment to live.
        Some(pid) if !is_over => format!("{state}, in process {pid}"),
        Some(_) | None => state.to_owned(),
    }
}

fn totals(status: &RunStatus) -> String {
    format!(
        "{}; {}, {}, {}",
        duration(status.active_ms),
        count(status.events, "event"),
        count(status.findings.into(), "finding"),
        count(status.commits.into(), "commit"),
    )
}

fn steps(page: &mut Page<'_>, status: &RunStatus) {
    if status.steps.is_empty() {
        return;
    }
    page.heading("steps");
    for state in LISTED {
        let (tone, word) = words::step_state(state);
        let steps: Vec<&StepView> = status.steps.iter().filter(|s| s.status == state).collect();
        for step in steps.iter().take(STEPS_SHOWN) {
            page.cut(2, (tone, &step_line(step, word)));
            if let Some(failure) = &step.failure {
                page.wrapped(6, (Tone::Plain, &failure.message));
            }
        }
        if steps.len() > STEPS_SHOWN {
            let more = number((steps.len() - STEPS_SHOWN) as u64);
            page.cut(2, (Tone::Faint, &format!("and {more} more {word}")));
        }
    }
    let done = status.steps.iter().filter(|step| step.status == StepStatus::Succeeded).count();
    if done > 0 {
        let line = format!("{} done", count(done as u64, "step"));
        page.cut(2, (Tone::Good, &line));
    }
}

fn step_line(step: &StepView, state: &str) -> String {
    let key = pad(&step.key, KEY_COLUMNS, Align::Left);
    let mut line = format!("{state:<8} {key}  {}", step.title);
    match (&step.activity, step.status) {
        (Some(activity), _) => line = format!("{line} · {activity}"),
        (None, StepStatus::Pending) if !step.needs.is_empty() => {
            line = format!("{line} · needs {}", step.needs.join(", "));
        }
        (None, _) => {}
    }
    if step.status == StepStatus::Running {
        line = format!("{line} · {}", elapsed(step.elapsed_ms));
    }
    line
}

fn in_flight(page: &mut Page<'_>, status: &RunStatus) {
    if status.in_flight.is_empty() {
        return;
    }
    let (title, line): (&str, fn(&InFlightView, i64) -> String) = match status.summary.pid {
        Some(_) => ("in flight", under_way),
        None => ("started, outcome unknown", lost),
    };
    page.heading(title);
    let now_ms = page.style().now_ms;
    for effect in &status.in_flight {
        page.wrapped(2, (Tone::Active, &line(effect, now_ms)));
    }
}

fn under_way(effect: &InFlightView, now_ms: i64) -> String {
    let since = elapsed(between(effect.since_ms, now_ms));
    format!("{}: {}, for {since}", place(effect), effect.text)
}

fn lost(effect: &InFlightView, _: i64) -> String {
    let (text, cure) = (&effect.text, &effect.on_resume);
    format!("{}: {text}; on resume it {cure}", place(effect))
}

fn place(effect: &InFlightView) -> &str {
    effect.step.as_deref().unwrap_or("run")
}

fn questions(page: &mut Page<'_>, status: &RunStatus) {
    if status.questions.is_empty() {
        return;
    }
    page.heading("questions");
    for question in &status.questions {
        let text = format!("{}  {}: {}", question.question, question.step, question.text);
        page.wrapped(2, (Tone::Warning, &text));
    }
}

/// The commands that help from here.
pub(crate) fn what_next(page: &mut Page<'_>, status: &RunStatus) {
    page.heading("next");
    page.commands(&next::commands(status));
}

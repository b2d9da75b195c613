//! What a resume begins with: known done, unknown, and what it will do.

use lao_protocol::{RunStatus, StepStatus, StepView};

use super::{page::Page, words};
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{ago, count, number},
};

/// Steps named in a list; the rest is counted.
const STEPS_NAMED: usize = 8;

/// The run before it goes on.
pub fn resume(status: &RunStatus, style: &Style) -> String {
    let mut page = Page::new(style);
    let summary = &status.summary;
    let title = format!("Resuming {}: {}", short_run(&summary.run), summary.title);
    page.cut(0, (Tone::Strong, &title));
    let (tone, state) = words::run_state(summary.status);
    let last = format!(
        "{state}; last event {}, {} in the journal",
        ago(summary.last_event_ms, style.now_ms),
        count(status.events, "event"),
    );
    page.field("was", (tone, &last));
    if let Some(reason) = &status.stopped_because {
        page.field("because", (Tone::Warning, reason));
    }
    page.field("done", (Tone::Good, &done(status)));
    unknown(&mut page, status);
    waiting(&mut page, status);
    page.field("will do", (Tone::Active, &will_do(status)));
    page.finish()
}

fn done(status: &RunStatus) -> String {
    let commits = count(status.commits.into(), "commit");
    format!(
        "{}; {commits}",
        named(status, StepStatus::Succeeded).unwrap_or_else(|| "no step yet".to_owned())
    )
}

/// Steps of a state: how many, and the first ones' keys.
fn named(status: &RunStatus, state: StepStatus) -> Option<String> {
    let keys: Vec<&str> = of_state(status, state).map(|s| s.key.as_str()).collect();
    if keys.is_empty() {
        return None;
    }
    let shown = keys[..keys.len().min(STEPS_NAMED)].join(", ");
    let more = keys.len().saturating_sub(STEPS_NAMED);
    let rest = if more > 0 { format!(" and {} more", number(more as u64)) } else { String::new() };
    let steps = count(keys.len() as u64, "step");
    Some(format!("{steps} ({shown}{rest})"))
}

fn of_state(status: &RunStatus, state: StepStatus) -> impl Iterator<Item = &StepView> {
    status.steps.iter().filter(move |step| step.status == state)
}

fn unknown(page: &mut Page<'_>, status: &RunStatus) {
    if status.in_flight.is_empty() {
        page.field("unknown", (Tone::Plain, "nothing was in flight"));
        return;
    }
    for effect in &status.in_flight {
        let step = effect.step.as_deref().unwrap_or("run");
        let line = format!("{step}: {}; it {}", effect.text, effect.on_resume);
        page.field("unknown", (Tone::Warning, &line));
    }
}

fn waiting(page: &mut Page<'_>, status: &RunStatus) {
    let run = short_run(&status.summary.run);
    for question in &status.questions {
        let line = format!(
            "{}: {} (lao answer {run} {} {})",
            question.step,
            question.text,
            question.question,
            question.choices.join("|")
        );
        page.field("waits", (Tone::Warning, &line));
    }
}

fn will_do(status: &RunStatus) -> String {
    let parts = [
        (StepStatus::Running, "go on with"),
        (StepStatus::Parked, "try again what is parked:"),
        (StepStatus::Pending, "then do"),
    ];
    let text = parts
        .into_iter()
        .filter_map(|(state, verb)| Some(format!("{verb} {}", named(status, state)?)))
        .collect::<Vec<_>>()
        .join("; ");
    if text.is_empty() { "end the run".to_owned() } else { text }
}

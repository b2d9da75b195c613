//! What a run came to: the end of `lao run` and `lao resume`.

use lao_protocol::{RoleTotals, RunStatus, StepStatus, StepView};

use super::{page::Page, status::what_next, words};
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::Align,
    units::{count, duration, number, speed, speed_milli},
};

/// Failed, parked and skipped steps listed; `lao show` lists them all.
const STEPS_SHOWN: usize = 20;

const ROLE_COLUMNS: [Column; 7] = [
    Column { title: "role", align: Align::Left, room: Room::Keep },
    Column { title: "model", align: Align::Left, room: Room::Shrink },
    Column { title: "calls", align: Align::Right, room: Room::Keep },
    Column { title: "tokens in", align: Align::Right, room: Room::GiveWay },
    Column { title: "tokens out", align: Align::Right, room: Room::Keep },
    Column { title: "speed", align: Align::Right, room: Room::GiveWay },
    Column { title: "time", align: Align::Right, room: Room::Keep },
];

/// The end of a run: tasks by result, work done, what failed and why, and what next.
pub fn summary(status: &RunStatus, style: &Style) -> String {
    let mut page = Page::new(style);
    headline(&mut page, status);
    if let Some(reason) = &status.stopped_because {
        page.field("because", (Tone::Warning, reason));
    }
    let tasks = &status.summary.tasks;
    let parts = words::parts(&status.summary.kind);
    page.field(parts, (Tone::Plain, &words::counts(tasks)));
    page.field("work", (Tone::Plain, &work(status)));
    page.field("workspace", (Tone::Plain, &status.workspace));
    if let Some(branch) = &status.branch {
        page.field("branch", (Tone::Plain, branch));
    }
    failures(&mut page, status);
    roles(&mut page, &status.roles);
    what_next(&mut page, status);
    page.finish()
}

fn headline(page: &mut Page<'_>, status: &RunStatus) {
    let (tone, state) = words::run_state(status.summary.status);
    let state = page.paint(tone, state);
    let title = page.paint(Tone::Strong, &status.summary.title);
    let time = duration(status.active_ms);
    page.line(&format!("{title}: {state} after {time}"));
    page.field("run", (Tone::Faint, &status.summary.run));
}

fn work(status: &RunStatus) -> String {
    let attempts: u64 = status.steps.iter().map(|s| u64::from(s.attempts)).sum();
    format!(
        "{}, {}, {}, {}",
        count(attempts, "attempt"),
        count(status.findings.into(), "finding"),
        count(status.commits.into(), "commit"),
        count(status.events, "event"),
    )
}

/// Steps that did not succeed and will not by themselves, each with its reason and its cure.
pub(crate) fn failures(page: &mut Page<'_>, status: &RunStatus) {
    let listed = [StepStatus::Failed, StepStatus::Parked, StepStatus::Skipped];
    let steps: Vec<&StepView> = listed
        .iter()
        .flat_map(|state| status.steps.iter().filter(move |s| s.status == *state))
        .filter(|step| !words::is_provided_for(step))
        .collect();
    if steps.is_empty() {
        return;
    }
    page.heading("not done");
    for step in steps.iter().take(STEPS_SHOWN) {
        failure(page, step);
    }
    if steps.len() > STEPS_SHOWN {
        let more = number((steps.len() - STEPS_SHOWN) as u64);
        page.cut(2, (Tone::Faint, &format!("and {more} more")));
    }
}

fn failure(page: &mut Page<'_>, step: &StepView) {
    let (tone, state) = words::step_state(step.status);
    let attempts = match step.attempts {
        0 => String::new(),
        tried => format!(" ({})", count(tried.into(), "attempt")),
    };
    let line = format!("{state:<8} {}  {}{attempts}", step.key, step.title);
    page.cut(2, (tone, &line));
    if let Some(failure) = &step.failure {
        let text = format!("{}: {}", failure.kind.replace('_', " "), failure.message);
        page.wrapped(6, (Tone::Plain, &text));
        if let Some(next) = &failure.next {
            page.wrapped(6, (Tone::Active, &format!("next: {next}")));
        }
    }
}

/// Tokens and time per role.
pub(crate) fn roles(page: &mut Page<'_>, roles: &[RoleTotals]) {
    if roles.is_empty() {
        return;
    }
    page.heading("models");
    let mut table = Table::new(&ROLE_COLUMNS);
    for role in roles {
        let rate = speed_milli(role.completion_tokens, role.total_ms);
        table.row(vec![
            Cell::new(Tone::Strong, &role.role),
            Cell::plain(&role.model),
            Cell::plain(&number(role.calls)),
            Cell::plain(&number(role.prompt_tokens)),
            Cell::plain(&number(role.completion_tokens)),
            Cell::plain(&rate.map_or_else(|| "-".to_owned(), speed)),
            Cell::plain(&duration(role.total_ms)),
        ]);
    }
    page.table(2, &table);
}

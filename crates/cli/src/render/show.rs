//! A run with every step.

use lao_protocol::{CommitView, RunStatus, StepView};

use super::{page::Page, status, summary, words};
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::{Align, short_run},
    units::{count, duration, number},
};

const COLUMNS: [Column; 7] = [
    Column { title: "step", align: Align::Left, room: Room::Keep },
    Column { title: "state", align: Align::Left, room: Room::Keep },
    Column { title: "title", align: Align::Left, room: Room::Shrink },
    Column { title: "attempts", align: Align::Right, room: Room::GiveWay },
    Column { title: "findings", align: Align::Right, room: Room::GiveWay },
    Column { title: "took", align: Align::Right, room: Room::Keep },
    Column { title: "needs", align: Align::Left, room: Room::GiveWay },
];

/// Characters of a commit's id that people read.
const COMMIT_SHOWN: usize = 10;

/// A run with its steps, their files and commits, and what each role used.
pub fn show(status: &RunStatus, style: &Style) -> String {
    let mut page = Page::new(style);
    status::head(&mut page, status);
    if !status.steps.is_empty() {
        page.heading("steps");
        let mut table = Table::new(&COLUMNS);
        for step in &status.steps {
            table.row(row(step));
        }
        page.table(2, &table);
    }
    changes(&mut page, status);
    summary::failures(&mut page, status);
    summary::roles(&mut page, &status.roles);
    page.heading("next");
    let run = short_run(&status.summary.run);
    page.commands(&[
        (format!("lao show {run} --step STEP"), "one step in detail".to_owned()),
        (format!("lao log {run}"), "every event".to_owned()),
    ]);
    page.finish()
}

fn row(step: &StepView) -> Vec<Cell> {
    let (tone, state) = words::step_state(step.status);
    vec![
        Cell::new(Tone::Strong, &step.key),
        Cell::new(tone, state),
        Cell::plain(&step.title),
        Cell::plain(&number(step.attempts.into())),
        Cell::plain(&number(step.findings.into())),
        Cell::plain(&duration(step.elapsed_ms)),
        Cell::new(Tone::Faint, &step.needs.join(", ")),
    ]
}

fn changes(page: &mut Page<'_>, status: &RunStatus) {
    let changed = |step: &&StepView| !step.files.is_empty() || !step.commits.is_empty();
    if status.steps.iter().any(|step| changed(&step)) {
        page.heading("changes");
    }
    for step in status.steps.iter().filter(changed) {
        let line = format!("{}  {}", step.key, count(step.files.len() as u64, "file"));
        page.cut(2, (Tone::Strong, &line));
        for file in &step.files {
            page.cut(6, (Tone::Plain, file));
        }
        commits(page, step);
    }
}

/// The commits of a step, one a line.
pub(crate) fn commits(page: &mut Page<'_>, step: &StepView) {
    for commit in &step.commits {
        let line = format!("{} {}", short_commit(commit), commit.subject);
        page.cut(6, (Tone::Faint, &line));
    }
}

/// The beginning of a commit's id, enough to name it.
pub(crate) fn short_commit(commit: &CommitView) -> String {
    commit.id.chars().take(COMMIT_SHOWN).collect()
}

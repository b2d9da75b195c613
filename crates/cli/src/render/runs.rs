//! The list of runs.

use std::collections::BTreeMap;

use lao_protocol::RunSummary;

use super::{page::Page, words};
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::{Align, short_run},
    units::{ago, between, duration},
};

const COLUMNS: [Column; 7] = [
    Column { title: "run", align: Align::Left, room: Room::Keep },
    Column { title: "state", align: Align::Left, room: Room::Keep },
    Column { title: "done", align: Align::Right, room: Room::Keep },
    Column { title: "title", align: Align::Left, room: Room::Shrink },
    Column { title: "started", align: Align::Right, room: Room::GiveWay },
    Column { title: "took", align: Align::Right, room: Room::GiveWay },
    Column { title: "source", align: Align::Left, room: Room::GiveWay },
];

/// In which order runs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsOrder {
    /// As they are given.
    Newest,
    /// Each below the one it was branched off.
    Family,
}

/// The runs as a table, in the order given; `hidden` more exist that are not among them.
pub fn runs(runs: &[RunSummary], (order, hidden): (RunsOrder, usize), style: &Style) -> String {
    let mut page = Page::new(style);
    if runs.is_empty() {
        page.line("No runs yet.");
        page.commands(&[
            ("lao run PLAN".to_owned(), "start one".to_owned()),
            ("lao demo".to_owned(), "see one without a server".to_owned()),
        ]);
        return page.finish();
    }
    let mut table = Table::new(&COLUMNS);
    match order {
        RunsOrder::Newest => {
            for run in runs {
                table.row(row(run, (0, style)));
            }
        }
        RunsOrder::Family => {
            for (depth, run) in family(runs) {
                table.row(row(run, (depth, style)));
            }
        }
    }
    page.table(0, &table);
    if hidden > 0 {
        page.cut(0, (Tone::Faint, &format!("and {hidden} more: lao runs --all lists every one")));
    }
    page.finish()
}

/// Runs in the order given, each followed by those that were branched off it, with their depth.
fn family(runs: &[RunSummary]) -> Vec<(usize, &RunSummary)> {
    let is_listed = |id: &str| runs.iter().any(|run| run.run == id);
    let parent = |run: &RunSummary| {
        run.parent.as_ref().map(|parent| parent.run.clone()).filter(|id| is_listed(id))
    };
    let mut children: BTreeMap<String, Vec<&RunSummary>> = BTreeMap::new();
    let mut open: Vec<(usize, &RunSummary)> = Vec::new();
    for run in runs.iter().rev() {
        match parent(run) {
            Some(parent) => children.entry(parent).or_default().push(run),
            None => open.push((0, run)),
        }
    }
    let mut found = Vec::with_capacity(runs.len());
    while let Some((depth, run)) = open.pop() {
        found.push((depth, run));
        let below = children.remove(&run.run).unwrap_or_default();
        open.extend(below.into_iter().rev().map(|run| (depth + 1, run)));
    }
    found
}

fn row(run: &RunSummary, (depth, style): (usize, &Style)) -> Vec<Cell> {
    let (tone, state) = words::run_state(run.status);
    let end_ms = if run.pid.is_some() { style.now_ms } else { run.last_event_ms };
    vec![
        Cell::new(Tone::Strong, &name(run, depth)),
        Cell::new(tone, state),
        Cell::plain(&format!("{}/{}", run.tasks.succeeded, run.tasks.total)),
        Cell::plain(&run.title),
        Cell::new(Tone::Faint, &ago(run.started_ms, style.now_ms)),
        Cell::plain(&duration(between(run.started_ms, end_ms))),
        Cell::new(Tone::Faint, &run.source),
    ]
}

/// The run's short id, below its parent with the position where they part.
fn name(run: &RunSummary, depth: usize) -> String {
    let id = short_run(&run.run);
    match (&run.parent, depth) {
        (Some(parent), 1..) => format!("{}└ {id} @{}", "  ".repeat(depth - 1), parent.seq),
        (Some(_) | None, _) => id.to_owned(),
    }
}

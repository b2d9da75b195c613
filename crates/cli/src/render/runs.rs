//! The list of runs.

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

/// The runs as a table, in the order given; `hidden` more exist that are not among them.
pub fn runs(runs: &[RunSummary], hidden: usize, style: &Style) -> String {
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
    for run in runs {
        table.row(row(run, style));
    }
    page.table(0, &table);
    if hidden > 0 {
        page.cut(0, (Tone::Faint, &format!("and {hidden} more: lao runs --all lists every one")));
    }
    page.finish()
}

fn row(run: &RunSummary, style: &Style) -> Vec<Cell> {
    let (tone, state) = words::run_state(run.status);
    let end_ms = if run.pid.is_some() { style.now_ms } else { run.last_event_ms };
    vec![
        Cell::new(Tone::Strong, short_run(&run.run)),
        Cell::new(tone, state),
        Cell::plain(&format!("{}/{}", run.tasks.succeeded, run.tasks.total)),
        Cell::plain(&run.title),
        Cell::new(Tone::Faint, &ago(run.started_ms, style.now_ms)),
        Cell::plain(&duration(between(run.started_ms, end_ms))),
        Cell::new(Tone::Faint, &run.source),
    ]
}

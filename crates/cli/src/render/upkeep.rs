//! What repairing, copying, counting, compacting and removing did.

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::{Align, short_run},
    units::{ago, count, number, size},
};

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// The run.
    pub run: String,
    /// Whether anything was wrong.
    pub repaired: bool,
    /// Events kept: the first of them, up to the last that is proven.
    pub kept: u64,
    /// Of the kept ones, those that the store did not show any more.
    pub found: u64,
    /// The last event kept, where there is one.
    pub last_event: Option<String>,
    /// Events after it that followed from the kept ones, and were derived again.
    pub derived: u64,
    /// Events after it that are lost, as far as is known.
    pub lost: u64,
    /// Of the lost ones, those whose bytes are whole: they follow one that is lost.
    pub orphans: u64,
    /// Where the damage began, and what it is.
    pub damage: Option<String>,
    /// Where the damaged file is now.
    pub aside: Option<String>,
    /// What was done about the manifest.
    pub manifest: ManifestMended,
}

/// What a repair did about a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestMended {
    /// Nothing.
    Untouched,
    /// Its seal was taken away: the journal does not end there.
    Unsealed,
    /// Written anew from the journal.
    Renewed,
}

/// A repair, told.
pub fn repair(report: &RepairReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let run = short_run(&report.run);
    if !report.repaired && report.derived == 0 {
        page.cut(0, (Tone::Good, &format!("{run}: nothing is wrong, nothing was changed")));
        return page.finish();
    }
    page.cut(0, (Tone::Good, &format!("{run}: repaired")));
    if let Some(damage) = &report.damage {
        page.field("damage", (Tone::Plain, damage));
    }
    let last = report
        .last_event
        .as_deref()
        .map_or(String::new(), |event| format!(", the last is event {}: {event}", report.kept));
    page.field("kept", (Tone::Plain, &format!("{}{last}", count(report.kept, "event"))));
    if report.found > 0 {
        let text = format!("{} that the store did not show any more", count(report.found, "event"));
        page.field("found", (Tone::Plain, &text));
    }
    if report.derived > 0 {
        let text = format!("{}, which the kept ones lead to", count(report.derived, "event"));
        page.field("derived", (Tone::Plain, &text));
    }
    page.field("lost", (tone_of_loss(report.lost), &lost(report)));
    if let Some(aside) = &report.aside {
        page.field("aside", (Tone::Faint, aside));
    }
    match report.manifest {
        ManifestMended::Untouched => {}
        ManifestMended::Unsealed => {
            page.field("manifest", (Tone::Plain, "its seal was taken away"));
        }
        ManifestMended::Renewed => {
            page.field("manifest", (Tone::Plain, "written anew from the journal"));
        }
    }
    page.commands(&[(format!("lao resume {run}"), "go on from there".to_owned())]);
    page.finish()
}

fn tone_of_loss(lost: u64) -> Tone {
    if lost == 0 { Tone::Good } else { Tone::Bad }
}

fn lost(report: &RepairReport) -> String {
    if report.lost == 0 {
        return "nothing that is known of".to_owned();
    }
    let from = report.kept + 1;
    let to = report.kept + report.lost;
    let text = format!("{}, {from} to {to}", count(report.lost, "event"));
    if report.orphans == 0 {
        return text;
    }
    let orphans = count(report.orphans, "event");
    format!("{text}; of {orphans} the bytes are whole, and they cannot follow")
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The run.
    pub run: String,
    /// Where the backup is.
    pub path: String,
    /// Events copied.
    pub events: u64,
    /// Blobs copied.
    pub blobs: u64,
    /// Size of the journal's copy, in bytes.
    pub size_bytes: u64,
    /// Whether a process worked on the run meanwhile.
    pub live: bool,
}

/// A backup, told.
pub fn backup(report: &BackupReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let live = if report.live { ", while it goes on" } else { "" };
    let text = format!(
        "{}: {} and {} copied{live}",
        short_run(&report.run),
        count(report.events, "event"),
        count(report.blobs, "blob"),
    );
    page.cut(0, (Tone::Good, &text));
    page.commands(&[
        (format!("lao log {}", report.path), "look into it".to_owned()),
        (format!("cp -r {}/. .lao/", report.path), "restore it".to_owned()),
    ]);
    page.finish()
}

/// What a journal consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatsReport {
    /// The run; null in the totals.
    pub run: Option<String>,
    /// Runs counted.
    pub runs: u64,
    /// Events.
    pub events: u64,
    /// Bytes of the events, headers and hashes included.
    pub encoded_bytes: u64,
    /// Size of the journal file, in bytes.
    pub size_bytes: u64,
    /// Blobs that the events name.
    pub blobs: u64,
    /// Bytes of their contents.
    pub blob_bytes: u64,
    /// Bytes of their files, compressed.
    pub blob_size_bytes: u64,
    /// Hash of the last event.
    pub head: Option<String>,
    /// When the first event was written.
    pub first_ms: Option<i64>,
    /// When the last one was.
    pub last_ms: Option<i64>,
    /// Whether the run is pinned.
    pub pinned: bool,
    /// The events by type, the most first.
    pub types: Vec<TypeLine>,
    /// Why it could not be counted.
    pub problem: Option<String>,
}

/// The events of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeLine {
    /// The event.
    pub event: String,
    /// How many there are.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

const STATS_COLUMNS: [Column; 6] = [
    Column { title: "run", align: Align::Left, room: Room::Shrink },
    Column { title: "events", align: Align::Right, room: Room::Keep },
    Column { title: "encoded", align: Align::Right, room: Room::Keep },
    Column { title: "file", align: Align::Right, room: Room::Keep },
    Column { title: "blobs", align: Align::Right, room: Room::GiveWay },
    Column { title: "compressed", align: Align::Right, room: Room::GiveWay },
];

const TYPE_COLUMNS: [Column; 3] = [
    Column { title: "event", align: Align::Left, room: Room::Shrink },
    Column { title: "count", align: Align::Right, room: Room::Keep },
    Column { title: "bytes", align: Align::Right, room: Room::Keep },
];

/// Journals, counted; of one alone also the types of its events.
pub fn stats(reports: &[StatsReport], style: &Style) -> String {
    let mut page = Page::new(style);
    if reports.is_empty() {
        page.line("No runs yet.");
        return page.finish();
    }
    let mut table = Table::new(&STATS_COLUMNS);
    for report in reports {
        table.row(stats_row(report));
    }
    page.table(0, &table);
    for report in reports {
        if let Some(problem) = &report.problem {
            let run = report.run.as_deref().map_or("all", short_run);
            page.wrapped(0, (Tone::Bad, &format!("{run}: {problem}")));
        }
    }
    if let [one] = reports {
        one_in_detail(&mut page, one);
    }
    page.finish()
}

fn stats_row(report: &StatsReport) -> Vec<Cell> {
    let name = match &report.run {
        Some(run) => short_run(run).to_owned(),
        None => count(report.runs, "run"),
    };
    let tone = if report.problem.is_some() { Tone::Bad } else { Tone::Strong };
    vec![
        Cell::new(tone, &name),
        Cell::plain(&number(report.events)),
        Cell::plain(&size(report.encoded_bytes)),
        Cell::plain(&size(report.size_bytes)),
        Cell::plain(&number(report.blobs)),
        Cell::plain(&size(report.blob_size_bytes)),
    ]
}

fn one_in_detail(page: &mut Page<'_>, report: &StatsReport) {
    let now_ms = page.style().now_ms;
    if let Some(head) = &report.head {
        page.field("head", (Tone::Faint, head));
    }
    if let (Some(first), Some(last)) = (report.first_ms, report.last_ms) {
        let text = format!("from {} to {}", ago(first, now_ms), ago(last, now_ms));
        page.field("written", (Tone::Plain, &text));
    }
    if report.blobs > 0 {
        let text = format!(
            "{}, {} compressed to {}",
            count(report.blobs, "blob"),
            size(report.blob_bytes),
            size(report.blob_size_bytes)
        );
        page.field("blobs", (Tone::Plain, &text));
    }
    if report.pinned {
        page.field("pinned", (Tone::Plain, "`lao prune` keeps it"));
    }
    let mut table = Table::new(&TYPE_COLUMNS);
    for line in &report.types {
        table.row(vec![
            Cell::plain(&line.event),
            Cell::plain(&number(line.count)),
            Cell::plain(&size(line.bytes)),
        ]);
    }
    if !report.types.is_empty() {
        page.blank();
        page.table(0, &table);
    }
}

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompactReport {
    /// The run.
    pub run: String,
    /// Events in it.
    pub events: u64,
    /// Size of the file before, in bytes.
    pub before_bytes: u64,
    /// Size of the file now, in bytes.
    pub after_bytes: u64,
}

/// A compaction, told.
pub fn compact(report: &CompactReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let text = format!(
        "{}: {}, {} before, {} now",
        short_run(&report.run),
        count(report.events, "event"),
        size(report.before_bytes),
        size(report.after_bytes),
    );
    page.cut(0, (Tone::Good, &text));
    page.finish()
}

/// Whether a run is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinReport {
    /// The run.
    pub run: String,
    /// Whether `lao prune` keeps it.
    pub pinned: bool,
}

/// A pin, told.
pub fn pin(report: &PinReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let word = if report.pinned { "pinned, `lao prune` keeps it" } else { "not pinned" };
    page.cut(0, (Tone::Plain, &format!("{}: {word}", short_run(&report.run))));
    page.finish()
}

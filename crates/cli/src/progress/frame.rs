//! The block that is redrawn on a terminal: tasks by state, then a line for each active step.

use super::board::{Active, Board, Trouble};
use crate::{
    Style,
    style::{Color, Tone},
    text::{truncate, visible, width},
    units::{between, elapsed, number},
};

/// Columns of the bar.
const BAR_COLUMNS: u32 = 20;

/// Active steps that have a line of their own.
const ACTIVE_SHOWN: usize = 8;

/// The block as lines no wider than the style allows.
pub(crate) fn frame(board: &Board, style: &Style, now_ms: i64) -> Vec<String> {
    let mut lines = vec![head(board, style, now_ms)];
    lines.extend(
        board
            .active
            .iter()
            .take(ACTIVE_SHOWN)
            .map(|active| active_line(board, active, (style, now_ms))),
    );
    let hidden = board.active.len().saturating_sub(ACTIVE_SHOWN);
    if hidden > 0 {
        let text = format!("  and {} more", number(hidden as u64));
        lines.push(style.paint(Tone::Faint, &truncate(&text, style.width_columns)));
    }
    lines
}

fn head(board: &Board, style: &Style, now_ms: i64) -> String {
    let tasks = &board.tasks;
    let states = [
        (Tone::Active, tasks.running, "running"),
        (Tone::Bad, tasks.failed, "failed"),
        (Tone::Warning, tasks.parked, "parked"),
        (Tone::Warning, tasks.skipped, "skipped"),
        (Tone::Faint, tasks.pending, "waiting"),
    ];
    let mut pieces: Vec<(Tone, String)> = Vec::with_capacity(states.len() + 3);
    if tasks.total == 0 {
        pieces.push((Tone::Active, "planning".to_owned()));
    } else {
        let done = format!("{}/{} done", tasks.succeeded, tasks.total);
        pieces.push((Tone::Good, done));
    }
    let occurring = states.into_iter().filter(|(_, count, _)| *count > 0);
    pieces.extend(occurring.map(|(tone, count, word)| (tone, format!("{count} {word}"))));
    if board.stopping {
        pieces.push((Tone::Warning, "stopping".to_owned()));
    }
    if let Some(started_ms) = board.started_ms {
        pieces.push((Tone::Plain, elapsed(between(started_ms, now_ms))));
    }
    let bar = bar(board, style);
    let room = style.width_columns.saturating_sub(BAR_COLUMNS as usize + 1);
    format!("{bar} {}", join(&pieces, (style, room)))
}

/// Ended tasks as the filled part of a bar.
fn bar(board: &Board, style: &Style) -> String {
    let tasks = &board.tasks;
    let ended = tasks.succeeded + tasks.failed + tasks.skipped;
    let share = u64::from(ended) * u64::from(BAR_COLUMNS);
    let filled = share.checked_div(tasks.total.into()).unwrap_or(0);
    let filled = usize::try_from(filled).unwrap_or(usize::MAX).min(BAR_COLUMNS as usize);
    let empty = BAR_COLUMNS as usize - filled;
    match style.color {
        Color::On => {
            let full = style.paint(Tone::Good, &"━".repeat(filled));
            let rest = style.paint(Tone::Faint, &"━".repeat(empty));
            format!("{full}{rest}")
        }
        Color::Off => format!("{}{}", "#".repeat(filled), "-".repeat(empty)),
    }
}

fn active_line(board: &Board, active: &Active, (style, now_ms): (&Style, i64)) -> String {
    let title = board.title_of(&active.key);
    let mut pieces = vec![(Tone::Strong, format!("  {}", active.key))];
    let time = (Tone::Faint, elapsed(between(active.since_ms, now_ms)));
    let doing = match &active.trouble {
        Some(Trouble::Retrying { tries, message }) => {
            (Tone::Warning, format!("try {tries} failed: {message}"))
        }
        Some(Trouble::Waiting { endpoint, message }) => {
            (Tone::Warning, format!("waiting for {endpoint}: {message}"))
        }
        None if active.doing.is_empty() => (Tone::Plain, "starting".to_owned()),
        None => (Tone::Plain, active.doing.clone()),
    };
    pieces.push(doing);
    // Before the title: on a narrow terminal these are what must remain.
    pieces.extend(active.progress_text(now_ms).map(|text| (Tone::Active, text)));
    pieces.push(time);
    if title != active.key {
        pieces.push((Tone::Faint, title.to_owned()));
    }
    join(&pieces, (style, style.width_columns))
}

/// Pieces with dots between them, as far as there is room.
fn join(pieces: &[(Tone, String)], (style, room): (&Style, usize)) -> String {
    const DOT: &str = " · ";
    let mut line = String::new();
    let mut used = 0;
    for (index, (tone, piece)) in pieces.iter().enumerate() {
        let dot = if index == 0 { "" } else { DOT };
        let left = room.saturating_sub(used + width(dot));
        if left == 0 {
            break;
        }
        let shown = visible(piece);
        let cut = truncate(&shown, left);
        used += width(dot) + width(&cut);
        line.push_str(dot);
        line.push_str(&style.paint(*tone, &cut));
    }
    line
}

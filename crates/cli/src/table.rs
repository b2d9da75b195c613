//! Tables that fit: one column shrinks, less important ones give way.

use crate::{
    style::{Style, Tone},
    text::{Align, pad, truncate, visible, width},
};

/// Columns between two cells.
const GAP: usize = 2;

/// Columns the shrinking column keeps before others give way.
const SHRINK_MIN: usize = 16;

/// Columns it keeps when nothing else can give way.
const SHRINK_LEAST: usize = 4;

/// What a column does when a line is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It stays as wide as its widest cell.
    Keep,
    /// Its cells are cut.
    Shrink,
    /// It is left out, the last such column first.
    GiveWay,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: &'static str,
    /// Where cells stand in it.
    pub(crate) align: Align,
    /// What it does when a line is too short.
    pub(crate) room: Room,
}

/// A cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell with a meaning; the text may hold anything.
    pub(crate) fn new(tone: Tone, text: &str) -> Self {
        Self { text: visible(text).into_owned(), tone }
    }

    /// A cell of plain text.
    pub(crate) fn plain(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Columns and rows.
pub(crate) struct Table<'a> {
    columns: &'a [Column],
    rows: Vec<Vec<Cell>>,
}

impl<'a> Table<'a> {
    /// A table without rows.
    pub(crate) const fn new(columns: &'a [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; it must have a cell for every column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        assert_eq!(cells.len(), self.columns.len(), "one cell for each column");
        self.rows.push(cells);
    }

    /// The lines: headings first, each after `indent` spaces.
    pub(crate) fn lines(&self, indent: usize, style: &Style) -> Vec<String> {
        let room = style.width_columns.saturating_sub(indent);
        let layout = self.layout(room);
        let heads = self
            .columns
            .iter()
            .map(|column| Cell::new(Tone::Faint, column.title))
            .collect::<Vec<_>>();
        std::iter::once(&heads)
            .chain(&self.rows)
            .map(|row| self.render_row(row, &layout, (indent, style)))
            .collect()
    }

    /// Width of each column; `None` where it is left out.
    fn layout(&self, room: usize) -> Vec<Option<usize>> {
        let mut widths: Vec<Option<usize>> = self.natural_widths().into_iter().map(Some).collect();
        for (index, column) in self.columns.iter().enumerate().rev() {
            if column.room == Room::GiveWay && self.least(&widths) > room {
                widths[index] = None;
            }
        }
        let Some(shrink) = self.shrinking() else {
            return widths;
        };
        let excess = total(&widths).saturating_sub(room);
        widths[shrink] =
            widths[shrink].map(|width| width.saturating_sub(excess).max(width.min(SHRINK_LEAST)));
        widths
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| width(c.title)).collect();
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(row) {
                *column = (*column).max(width(&cell.text));
            }
        }
        widths
    }

    fn shrinking(&self) -> Option<usize> {
        self.columns.iter().position(|c| c.room == Room::Shrink)
    }

    /// Width of a line when the shrinking column is as narrow as it should get.
    fn least(&self, widths: &[Option<usize>]) -> usize {
        let spare = self
            .shrinking()
            .and_then(|index| widths[index])
            .map_or(0, |width| width.saturating_sub(SHRINK_MIN));
        total(widths) - spare
    }

    fn render_row(
        &self,
        row: &[Cell],
        layout: &[Option<usize>],
        (indent, style): (usize, &Style),
    ) -> String {
        let last = layout.iter().rposition(Option::is_some);
        let mut line = " ".repeat(indent);
        for (index, cell) in row.iter().enumerate() {
            let Some(columns) = layout[index] else {
                continue;
            };
            let cut = truncate(&cell.text, columns);
            let align = self.columns[index].align;
            // A line has no trailing spaces.
            let filled = if Some(index) == last && align == Align::Left {
                cut.into_owned()
            } else {
                pad(&cut, columns, align)
            };
            line.push_str(&style.paint(cell.tone, &filled));
            if Some(index) != last {
                line.push_str(&" ".repeat(GAP));
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + shown.saturating_sub(1) * GAP
}

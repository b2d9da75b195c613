//! A hunk as rows of two columns.

use lao_protocol::{DiffHunk, DiffPiece, DiffSides};

/// One line of either text; on one side it may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The lines, with their numbers.
    pub(super) sides: DiffSides<Option<Line>>,
}

/// A line, piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in its text, from 1.
    pub(super) number: u64,
    /// The pieces.
    pub(super) parts: Vec<Part>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// It is the same in both.
    Same(String),
    /// It is only here.
    Changed(String),
}

impl Line {
    /// Something of it is only here.
    pub(super) fn differs(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Changed(_)))
    }
}

/// The rows of a hunk: lines that go on in both texts stand beside each other.
pub(super) fn rows(hunk: &DiffHunk) -> Vec<Row> {
    let mut columns = DiffSides { a: Column::new(hunk.line.a), b: Column::new(hunk.line.b) };
    let mut rows = Vec::new();
    for piece in &hunk.pieces {
        match piece {
            DiffPiece::Changed(sides) => {
                columns.a.push(&sides.a, Part::Changed);
                columns.b.push(&sides.b, Part::Changed);
            }
            DiffPiece::Same(text) => {
                for part in text.split_inclusive('\n') {
                    // A line that is the same as a whole stands beside itself.
                    if columns.a.open.parts.is_empty() && columns.b.open.parts.is_empty() {
                        flush(&mut columns, &mut rows);
                    }
                    columns.a.push(part, Part::Same);
                    columns.b.push(part, Part::Same);
                    if part.ends_with('\n') {
                        flush(&mut columns, &mut rows);
                    }
                }
            }
        }
    }
    columns.a.end();
    columns.b.end();
    flush(&mut columns, &mut rows);
    rows
}

fn flush(columns: &mut DiffSides<Column>, rows: &mut Vec<Row>) {
    let (mut a, mut b) = (columns.a.ended.drain(..), columns.b.ended.drain(..));
    loop {
        let sides = DiffSides { a: a.next(), b: b.next() };
        if sides.a.is_none() && sides.b.is_none() {
            return;
        }
        rows.push(Row { sides });
    }
}

/// The lines of one text that have no row yet.
struct Column {
    ended: Vec<Line>,
    open: Line,
}

impl Column {
    fn new(number: u64) -> Self {
        Self { ended: Vec::new(), open: Line { number, parts: Vec::new() } }
    }

    fn push(&mut self, text: &str, part: fn(String) -> Part) {
        for piece in text.split_inclusive('\n') {
            let words = piece.strip_suffix('\n');
            // An end of a line that came or went is something, too.
            self.open.parts.push(part(words.unwrap_or(piece).to_owned()));
            if words.is_some() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        if !self.open.parts.is_empty() {
            let number = self.open.number;
            let next = Line { number: number + 1, parts: Vec::new() };
            self.ended.push(std::mem::replace(&mut self.open, next));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) -> DiffPiece {
        DiffPiece::Same(text.to_owned())
    }

    fn changed(a: &str, b: &str) -> DiffPiece {
        DiffPiece::Changed(DiffSides { a: a.to_owned(), b: b.to_owned() })
    }

    /// The rows as text: number, and what is only here in brackets.
    fn shown(pieces: Vec<DiffPiece>) -> Vec<String> {
        let hunk = DiffHunk { line: DiffSides { a: 7, b: 9 }, pieces };
        let line = |line: Option<Line>| {
            let Some(Line { number, parts }) = line else {
                return "-".to_owned();
            };
            let parts = parts.into_iter().map(|part| match part {
                Part::Same(text) => text,
                Part::Changed(text) => format!("[{text}]"),
            });
            format!("{number} {}", parts.collect::<String>())
        };
        rows(&hunk)
            .into_iter()
            .map(|Row { sides }| [line(sides.a), line(sides.b)].join(" | "))
            .collect()
    }

    #[test]
    fn lines_that_go_on_stand_beside_each_other() {
        let pieces = vec![
            same("one\ntwo "),
            changed("x\nthree\n", "y\n"),
            same("four\n"),
            changed("", "five\n"),
            same("six"),
        ];
        assert_eq!(
            shown(pieces),
            [
                "7 one | 9 one",
                "8 two [x] | 10 two [y]",
                "9 [three] | -",
                "10 four | 11 four",
                "- | 12 [five]",
                "11 six | 13 six",
            ]
        );
    }

    #[test]
    fn a_line_that_came_or_went_is_a_row() {
        assert_eq!(shown(vec![changed("", "\n")]), ["- | 9 []"]);
        assert_eq!(shown(vec![changed("gone", "")]), ["7 [gone] | -"]);
    }
}

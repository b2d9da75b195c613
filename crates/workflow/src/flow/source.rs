//! A workflow's text, and the places in it.

use super::problem::FlowProblem;
use super::yaml::{Node, Place};

/// A file's path and text.
#[derive(Debug)]
pub(crate) struct Source {
    pub path: String,
    pub text: String,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { path: path.to_owned(), text: text.to_owned(), lines }
    }

    /// A line by its number, without its end.
    pub(crate) fn line(&self, number: usize) -> &str {
        let Some(begin) = number.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return "";
        };
        let rest = &self.text[*begin..];
        rest.split('\n').next().unwrap_or(rest).trim_end_matches('\r')
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let Some(begin) = line.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return self.text.len();
        };
        let mut letters = self.text[*begin..].char_indices();
        letters.nth(column.saturating_sub(1)).map_or(self.text.len(), |(at, _)| begin + at)
    }

    fn place(&self, begin: usize, end: usize) -> Place {
        let at = |offset: usize| {
            let line = self.lines.partition_point(|begin| *begin <= offset);
            let begin = self.lines[line - 1];
            (line, self.text[begin..offset].chars().count() + 1)
        };
        let ((line, column), (end_line, end_column)) = (at(begin), at(end));
        Place { line, column, end_line, end_column }
    }

    /// The place of a part of a text value, in whatever style the value is written: where the
    /// same letters stand for the same time.
    pub(crate) fn part(&self, node: &Node, start: usize, end: usize) -> Place {
        let Some(value) = node.text() else { return node.at };
        let Some(part) = value.get(start..end).and_then(|part| part.lines().next()) else {
            return node.at;
        };
        if part.trim().is_empty() {
            return node.at;
        }
        let earlier = value[..start].matches(part).count();
        let begin = self.offset(node.at.line, node.at.column);
        let stop = self.offset(node.at.end_line, node.at.end_column).max(begin);
        match self.text[begin..stop].match_indices(part).nth(earlier) {
            Some((at, _)) => self.place(begin + at, begin + at + part.len()),
            None => node.at,
        }
    }

    pub(crate) fn problem(&self, at: Place, message: String, hint: Option<String>) -> FlowProblem {
        let last = self.lines.len();
        let line = at.line.clamp(1, last);
        let source_line = self.line(line).to_owned();
        let chars = source_line.chars().count();
        let column = at.column.clamp(1, chars + 1);
        let length = match at.end_line {
            end if end == line => at.end_column.saturating_sub(column),
            end if end > line => (chars + 1).saturating_sub(column),
            _ => 1,
        };
        let length = length.max(1);
        FlowProblem { path: self.path.clone(), line, column, length, message, hint, source_line }
    }
}

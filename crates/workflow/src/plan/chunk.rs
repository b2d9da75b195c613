//! Cutting a plan that is larger than a planner's window.
//!
//! ```text
//! body -> sections (cut before headings) -> blocks (cut before paragraphs, only where a
//!         section is too large) -> lines (only where a block is) -> chunks (packed greedily)
//! ```
//!
//! Pieces follow each other without gap or overlap, so that the chunks together are the body,
//! byte for byte. Time is linear in the length of the body.

use super::markdown::{Line, LineKind, lines};

/// A part of a plan's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'b> {
    /// The titles of the headings that the chunk's beginning stands under, outermost first;
    /// a heading at its very beginning included.
    pub heading_path: Vec<&'b str>,
    /// The text.
    pub text: &'b str,
}

/// The longest character in UTF-8; no smaller budget can be kept.
const BUDGET_BYTES_MIN: usize = 4;

/// Bytes of a planner's prompt besides the chunk: instructions, schema, earlier tasks.
const OVERHEAD_BYTES: usize = 8 * 1024;
/// The smallest chunk worth a call.
const ROOM_BYTES_MIN: usize = 2 * 1024;
/// About how many bytes of text make a token; low, to err on the safe side.
const BYTES_PER_TOKEN: usize = 3;

/// The most bytes of a chunk for a planner with this window and answers of at most so many tokens.
pub fn chunk_room_bytes(context_tokens: u32, output_tokens_max: u32) -> usize {
    let tokens = context_tokens.saturating_sub(output_tokens_max) as usize;
    (tokens * BYTES_PER_TOKEN).saturating_sub(OVERHEAD_BYTES).max(ROOM_BYTES_MIN)
}

/// Cuts a body into chunks of at most `budget_bytes` (but at least four), as few as packing
/// in order allows. No cut lies inside fenced code that fits into the budget.
pub fn chunks(body: &str, budget_bytes: usize) -> Vec<Chunk<'_>> {
    let budget = budget_bytes.max(BUDGET_BYTES_MIN);
    let lines = lines(body);
    let mut packer = Packer::new(body, budget);
    for section in sections(&lines) {
        if bytes(section) <= budget {
            packer.add(section);
            continue;
        }
        for block in blocks(section) {
            if bytes(block) <= budget {
                packer.add(block);
            } else {
                packer.add_lines(block);
            }
        }
    }
    packer.finish()
}

fn bytes(lines: &[Line<'_>]) -> usize {
    lines.iter().map(|line| line.text.len()).sum()
}

fn is_heading(line: &Line<'_>) -> bool {
    matches!(line.kind, LineKind::Heading { .. })
}

/// Runs of lines, each beginning with a heading, but for the first.
fn sections<'l, 'b>(lines: &'l [Line<'b>]) -> impl Iterator<Item = &'l [Line<'b>]> {
    lines.chunk_by(|_, next| !is_heading(next))
}

/// Runs of lines, each a paragraph or fenced code with the empty lines after it. A heading
/// stays with the first of them.
fn blocks<'l, 'b>(section: &'l [Line<'b>]) -> impl Iterator<Item = &'l [Line<'b>]> {
    let heading_ends = section
        .iter()
        .position(|line| !is_heading(line) && line.kind != LineKind::Blank && !is_underline(line))
        .unwrap_or(section.len());
    let mut rest = section;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let begun = section.len() - rest.len();
        let from = if begun == 0 { heading_ends } else { 0 };
        let length = block_length(rest, from);
        let (block, after) = rest.split_at(length);
        rest = after;
        Some(block)
    })
}

/// The line of `=` or `-` that makes the line before it a heading.
fn is_underline(line: &Line<'_>) -> bool {
    let content = line.text.trim();
    !content.is_empty() && content.chars().all(|mark| matches!(mark, '=' | '-'))
}

/// How many lines the block has that begins at the first line and goes on at least to `from`.
fn block_length(lines: &[Line<'_>], from: usize) -> usize {
    let begins_block = |index: usize| {
        let (line, before) = (&lines[index], &lines[index - 1]);
        let fence_begins = line.kind == LineKind::Fenced && before.kind != LineKind::Fenced;
        let fence_ended = line.kind == LineKind::Text && before.kind == LineKind::Fenced;
        let paragraph = line.kind != LineKind::Blank && before.kind == LineKind::Blank;
        fence_begins || fence_ended || paragraph
    };
    (from.max(1)..lines.len())
        .find(|index| *index > from && begins_block(*index))
        .unwrap_or(lines.len())
}

/// Packs pieces, which come in order and without gaps, into chunks.
struct Packer<'b> {
    body: &'b str,
    budget: usize,
    /// Where the chunk under way begins and ends.
    start: usize,
    end: usize,
    /// The headings above the end, with their levels.
    above: Vec<(usize, &'b str)>,
    /// The headings above the start.
    path: Vec<&'b str>,
    chunks: Vec<Chunk<'b>>,
}

impl<'b> Packer<'b> {
    fn new(body: &'b str, budget: usize) -> Self {
        Self {
            body,
            budget,
            start: 0,
            end: 0,
            above: Vec::new(),
            path: Vec::new(),
            chunks: Vec::new(),
        }
    }

    fn add(&mut self, piece: &[Line<'b>]) {
        let length = bytes(piece);
        self.make_room(length);
        for line in piece {
            self.enter(line);
            self.note_path();
            self.end += line.text.len();
        }
    }

    fn add_lines(&mut self, block: &[Line<'b>]) {
        for line in block {
            self.add_line(line);
        }
    }

    /// Adds a line, in parts where it is longer than a whole chunk.
    fn add_line(&mut self, line: &Line<'b>) {
        let mut rest = line.text;
        self.make_room(rest.len());
        self.enter(line);
        while !rest.is_empty() {
            self.make_room(rest.len());
            self.note_path();
            let part = rest.floor_char_boundary(self.budget - (self.end - self.start));
            self.end += part;
            rest = &rest[part..];
        }
    }

    /// Ends the chunk under way if a piece of this length does not fit any more.
    fn make_room(&mut self, length: usize) {
        if self.end > self.start && self.end - self.start + length > self.budget {
            self.cut();
        }
    }

    fn enter(&mut self, line: &Line<'b>) {
        if let LineKind::Heading { level, title } = line.kind {
            while self.above.last().is_some_and(|(above, _)| *above >= level) {
                self.above.pop();
            }
            self.above.push((level, title));
        }
    }

    /// At a chunk's first line, its heading included, the path is that of the chunk.
    fn note_path(&mut self) {
        if self.start == self.end {
            self.path = self.above.iter().map(|(_, title)| *title).collect();
        }
    }

    fn cut(&mut self) {
        self.chunks.push(Chunk {
            heading_path: std::mem::take(&mut self.path),
            text: &self.body[self.start..self.end],
        });
        self.start = self.end;
    }

    fn finish(mut self) -> Vec<Chunk<'b>> {
        if self.end > self.start {
            self.cut();
        }
        self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::chunks;

    fn cut(body: &str, budget: usize) -> Vec<(String, &str)> {
        chunks(body, budget)
            .into_iter()
            .map(|chunk| (chunk.heading_path.join("/"), chunk.text))
            .collect()
    }

    fn expect(body: &str, budget: usize, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(path, text)| ((*path).to_owned(), *text)).collect();
        assert_eq!(cut(body, budget), expected);
    }

    #[test]
    fn what_fits_stays_whole() {
        expect("# A\ntext\n## B\n", 100, &[("A", "# A\ntext\n## B\n")]);
        expect("", 100, &[]);
    }

    #[test]
    fn cuts_lie_at_headings_and_know_what_is_above() {
        expect(
            "intro\n# A\na\n## B\nb\n### C\nc\n## D\nd\n# E\ne\n",
            14,
            &[
                ("", "intro\n# A\na\n"),
                ("A/B", "## B\nb\n"),
                ("A/B/C", "### C\nc\n"),
                ("A/D", "## D\nd\n# E\ne\n"),
            ],
        );
    }

    #[test]
    fn fenced_code_is_not_cut_at_what_looks_like_headings() {
        expect(
            "# A\n\n```\n# x\n\n# y\n```\ntext\n",
            22,
            &[("A", "# A\n\n```\n# x\n\n# y\n```\n"), ("A", "text\n")],
        );
    }

    #[test]
    fn an_oversized_section_is_cut_at_paragraphs_then_lines_then_characters() {
        expect(
            "# A\n\none\n\ntwo\nlines\n\nthree\n",
            12,
            &[("A", "# A\n\none\n\n"), ("A", "two\nlines\n\n"), ("A", "three\n")],
        );
        expect("one\ntwo\nthree\n", 9, &[("", "one\ntwo\n"), ("", "three\n")]);
        expect("ääää", 5, &[("", "ää"), ("", "ää")]);
        expect("A\n=\n\nlong text\n", 10, &[("A", "A\n=\n\n"), ("A", "long text\n")]);
    }

    #[test]
    fn a_budget_of_nothing_still_ends() {
        assert_eq!(cut("abc def", 0).len(), 2);
    }
}

//! Texts beside each other: where they differ, with a few lines around.

use super::align::{Block, Pair, Presence, blocks, operations};

/// Lines shown before and after what differs.
const CONTEXT_LINES: usize = 3;

/// The most lines of one text that are shown as different; a number says how many more there are.
const LINES_SHOWN_MAX: usize = 400;

/// The longest piece of text that is shown whole, in bytes.
const PIECE_BYTES_MAX: usize = 16 * 1024;

/// Of words that are replaced, at least this many hundredths must stay for them to be shown one by
/// one.
const SAME_PERCENT_MIN: usize = 30;

/// How closely texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// Word by word, within the lines that differ: for what people and models write.
    Words,
    /// Line by line: for files and what programs print.
    Lines,
}

/// Where two texts differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextDiff {
    /// How closely it was looked.
    pub grain: Grain,
    /// In which run there is such a text at all.
    pub presence: Presence,
    /// The places, in order; none where one text is empty and the other missing.
    pub hunks: Vec<Hunk>,
    /// Lines that differ as well and are not among the hunks.
    pub more_lines: Pair<u64>,
}

/// A place in which texts differ, with the lines around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hunk {
    /// Its first line in either text, from 1.
    pub lines: Pair<u64>,
    /// The text, piece by piece.
    pub pieces: Vec<Piece>,
}

/// A stretch of text; joined, the pieces of a hunk are that part of either text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// It is the same in both.
    Same(String),
    /// It is not; one side may be empty.
    Changed(Pair<String>),
}

impl TextDiff {
    /// Where texts differ of which one may be missing; `None` when they do not.
    pub fn of(grain: Grain, texts: Pair<Option<&str>>) -> Option<Self> {
        let presence = Presence::of(texts)?;
        if texts.a == texts.b {
            return None;
        }
        let lines = texts.map(|text| lines(text.unwrap_or_default()));
        let mut writer = Writer { grain, lines, shown: 0, more_lines: Pair::default() };
        let blocks = blocks(&operations(&writer.lines.a, &writer.lines.b));
        let mut hunks = Vec::new();
        for group in groups(blocks) {
            hunks.extend(writer.hunk(&group));
        }
        Some(Self { grain, presence, hunks, more_lines: writer.more_lines })
    }

    /// There is something to see: an empty text that only one run has differs from none.
    pub(super) fn shows(&self) -> bool {
        !self.hunks.is_empty()
    }

    /// The other way round.
    #[must_use]
    pub fn swapped(self) -> Self {
        let Self { grain, presence, hunks, more_lines } = self;
        Self {
            grain,
            presence: presence.swapped(),
            hunks: hunks.into_iter().map(Hunk::swapped).collect(),
            more_lines: more_lines.swapped(),
        }
    }
}

impl Hunk {
    fn swapped(self) -> Self {
        let pieces = self.pieces.into_iter().map(|piece| match piece {
            Piece::Same(text) => Piece::Same(text),
            Piece::Changed(texts) => Piece::Changed(texts.swapped()),
        });
        Self { lines: self.lines.swapped(), pieces: pieces.collect() }
    }
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What differs, together with what is near it; long stretches that are the same are left out.
fn groups(blocks: Vec<Block>) -> Vec<Vec<Block>> {
    let mut groups: Vec<Vec<Block>> = Vec::new();
    let mut open: Vec<Block> = Vec::new();
    let last = blocks.len().saturating_sub(1);
    for (index, block) in blocks.into_iter().enumerate() {
        let length = block.ranges.a.len();
        if !block.same {
            open.push(block);
        } else if index == 0 {
            open.push(last_lines(block, CONTEXT_LINES));
        } else if index == last {
            open.push(first_lines(block, CONTEXT_LINES));
        } else if length <= 2 * CONTEXT_LINES {
            open.push(block);
        } else {
            let after = Block { same: true, ranges: block.ranges.clone() };
            open.push(first_lines(after, CONTEXT_LINES));
            groups.push(std::mem::take(&mut open));
            open.push(last_lines(block, CONTEXT_LINES));
        }
    }
    groups.push(open);
    groups
}

fn first_lines(mut block: Block, count: usize) -> Block {
    let cut = block.ranges.a.len().saturating_sub(count);
    block.ranges.a.end -= cut;
    block.ranges.b.end -= cut;
    block
}

fn last_lines(mut block: Block, count: usize) -> Block {
    let cut = block.ranges.a.len().saturating_sub(count);
    block.ranges.a.start += cut;
    block.ranges.b.start += cut;
    block
}

/// Writes hunks until enough is shown.
struct Writer<'a> {
    grain: Grain,
    lines: Pair<Vec<&'a str>>,
    /// Lines that differ and are shown.
    shown: usize,
    more_lines: Pair<u64>,
}

impl Writer<'_> {
    /// A hunk; `None` when enough is shown already.
    fn hunk(&mut self, group: &[Block]) -> Option<Hunk> {
        let first = group.first()?;
        let lines = Pair { a: first.ranges.a.start, b: first.ranges.b.start };
        let lines = lines.map(|index| index as u64 + 1);
        let mut pieces = Vec::new();
        let mut differs = false;
        for block in group {
            let whole = block.ranges.clone();
            if block.same {
                push_same(&mut pieces, self.lines.a[whole.a].concat());
                continue;
            }
            let room = LINES_SHOWN_MAX.saturating_sub(self.shown);
            let shown = whole.clone().map(|range| range.start..range.end.min(range.start + room));
            self.shown += shown.a.len().max(shown.b.len());
            self.more_lines.a += (whole.a.len() - shown.a.len()) as u64;
            self.more_lines.b += (whole.b.len() - shown.b.len()) as u64;
            let text =
                Pair { a: self.lines.a[shown.a].concat(), b: self.lines.b[shown.b].concat() };
            differs |= text.a != text.b;
            self.changed(&mut pieces, text);
        }
        pieces.iter_mut().for_each(Piece::cut);
        differs.then_some(Hunk { lines, pieces })
    }

    fn changed(&self, pieces: &mut Vec<Piece>, text: Pair<String>) {
        match self.grain {
            Grain::Words => words(pieces, text),
            Grain::Lines => push_changed(pieces, text),
        }
    }
}

/// Texts word by word, as long as enough of them stays.
fn words(pieces: &mut Vec<Piece>, text: Pair<String>) {
    if text.a.is_empty() || text.b.is_empty() {
        push_changed(pieces, text);
        return;
    }
    let tokens = text.as_ref().map(|text| tokens(text));
    let blocks = blocks(&operations(&tokens.a, &tokens.b));
    let joined = |tokens: &[&str]| tokens.concat();
    let same: usize = blocks
        .iter()
        .filter(|block| block.same)
        .map(|block| joined(&tokens.a[block.ranges.a.clone()]).trim().len())
        .sum();
    if same * 100 < text.a.len().max(text.b.len()) * SAME_PERCENT_MIN {
        push_changed(pieces, text);
        return;
    }
    let last = blocks.len() - 1;
    for (index, block) in blocks.into_iter().enumerate() {
        let Pair { a, b } = block.ranges;
        let (a, b) = (joined(&tokens.a[a]), joined(&tokens.b[b]));
        // A space between two changes makes them no less one.
        let between = index > 0 && index < last && a.trim_matches(' ').is_empty();
        if block.same && !between {
            push_same(pieces, a);
        } else {
            push_changed(pieces, Pair { a, b });
        }
    }
}

/// Words, stretches of spaces, and every other character by itself.
fn tokens(text: &str) -> Vec<&str> {
    #[derive(PartialEq)]
    enum Kind {
        Word,
        Space,
        Other,
    }
    let kind = |letter: char| match letter {
        ' ' | '\t' => Kind::Space,
        _ if letter.is_alphanumeric() || letter == '_' => Kind::Word,
        _ => Kind::Other,
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let of = kind(first);
        let end = match of {
            Kind::Other => first.len_utf8(),
            Kind::Word | Kind::Space => {
                rest.find(|letter| kind(letter) != of).unwrap_or(rest.len())
            }
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn push_same(pieces: &mut Vec<Piece>, text: String) {
    if text.is_empty() {
        return;
    }
    if let Some(Piece::Same(last)) = pieces.last_mut() {
        last.push_str(&text);
    } else {
        pieces.push(Piece::Same(text));
    }
}

fn push_changed(pieces: &mut Vec<Piece>, text: Pair<String>) {
    if text.a.is_empty() && text.b.is_empty() {
        return;
    }
    if let Some(Piece::Changed(last)) = pieces.last_mut() {
        last.a.push_str(&text.a);
        last.b.push_str(&text.b);
    } else {
        pieces.push(Piece::Changed(text));
    }
}

impl Piece {
    /// Takes the middle out of what is too long.
    fn cut(&mut self) {
        match self {
            Self::Same(text) => cut_middle(text),
            Self::Changed(texts) => {
                cut_middle(&mut texts.a);
                cut_middle(&mut texts.b);
            }
        }
    }
}

fn cut_middle(text: &mut String) {
    if text.len() <= PIECE_BYTES_MAX {
        return;
    }
    let start = text.floor_char_boundary(PIECE_BYTES_MAX / 2);
    let end = text.ceil_char_boundary(text.len() - PIECE_BYTES_MAX / 2);
    text.replace_range(start..end, &format!(" [{} bytes] ", end - start));
}

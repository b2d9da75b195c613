//! As much of Markdown's structure as cutting a plan needs: lines, headings, fenced code,
//! empty lines. Every byte of the text belongs to exactly one line.

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineKind<'t> {
    /// White space only, outside fenced code.
    Blank,
    /// The (first) line of a heading.
    Heading {
        /// 1 to 6.
        level: usize,
        /// Its text without marks.
        title: &'t str,
    },
    /// Inside fenced code, its opening and closing line included.
    Fenced,
    /// Anything else.
    Text,
}

/// A line with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) text: &'t str,
    pub(super) kind: LineKind<'t>,
}

/// The titles of all headings, in order.
pub(super) fn headings(text: &str) -> impl Iterator<Item = &str> {
    lines(text).into_iter().filter_map(|line| match line.kind {
        LineKind::Heading { title, .. } if !title.is_empty() => Some(title),
        LineKind::Heading { .. } | LineKind::Blank | LineKind::Fenced | LineKind::Text => None,
    })
}

/// The text in lines, each with what it is.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut open: Option<Fence> = None;
    for text in text.split_inclusive('\n') {
        let closed = open.as_ref().is_some_and(|fence| fence.is_closed_by(text));
        let opened = if open.is_none() { Fence::opened_by(text) } else { None };
        let kind = match (&open, &opened) {
            (None, None) => plain_kind(text),
            (Some(_), _) | (_, Some(_)) => LineKind::Fenced,
        };
        open = if closed { None } else { open.or(opened) };
        if kind == LineKind::Text {
            underline(&mut lines, text);
        }
        lines.push(Line { text, kind });
    }
    lines
}

/// A run of backticks or tildes that opened fenced code.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let content = unindented(line)?;
        let mark = content.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = content.trim_start_matches(mark);
        let length = content.len() - info.len();
        // A backtick in the info string makes it inline code.
        let opens = length >= 3 && !(mark == '`' && info.contains('`'));
        opens.then_some(Self { mark, length })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        unindented(line).is_some_and(|content| {
            let rest = content.trim_start_matches(self.mark);
            content.len() - rest.len() >= self.length && rest.trim().is_empty()
        })
    }
}

/// The line without its indentation; `None` for indented code.
fn unindented(line: &str) -> Option<&str> {
    const CODE_INDENT: usize = 4;
    let content = line.trim_start_matches(' ');
    (line.len() - content.len() < CODE_INDENT).then_some(content)
}

fn plain_kind(line: &str) -> LineKind<'_> {
    if line.trim().is_empty() {
        return LineKind::Blank;
    }
    let Some(content) = unindented(line) else {
        return LineKind::Text;
    };
    let title = content.trim_start_matches('#');
    let level = content.len() - title.len();
    if !(1..=6).contains(&level) || !title.starts_with([' ', '\t', '\r', '\n']) && !title.is_empty()
    {
        return LineKind::Text;
    }
    LineKind::Heading { level, title: without_closing_marks(title.trim()) }
}

/// `Title ##` is `Title`, but `C#` stays.
fn without_closing_marks(title: &str) -> &str {
    let bare = title.trim_end_matches('#');
    if bare.is_empty() || bare.ends_with([' ', '\t']) { bare.trim_end() } else { title }
}

/// A line of `=` or `-` makes the paragraph before it a heading; only paragraphs of one line
/// count, since longer ones are hardly titles.
fn underline(lines: &mut [Line<'_>], text: &str) {
    let Some(content) = unindented(text) else {
        return;
    };
    let content = content.trim_end();
    let level = match content.chars().next() {
        Some('=') if content.chars().all(|mark| mark == '=') => 1,
        Some('-') if content.chars().all(|mark| mark == '-') => 2,
        Some(_) | None => return,
    };
    let (before, title) = match lines {
        [.., before, title] => (Some(before.kind), title),
        [title] => (None, title),
        [] => return,
    };
    let begins = matches!(
        before,
        None | Some(LineKind::Blank | LineKind::Heading { .. } | LineKind::Fenced)
    );
    if begins && title.kind == LineKind::Text && is_paragraph(title.text) {
        title.kind = LineKind::Heading { level, title: title.text.trim() };
    }
}

/// Whether a line begins a paragraph, and not a list, quotation or table.
fn is_paragraph(line: &str) -> bool {
    unindented(line).is_some_and(|content| {
        let digits = content.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let numbered = digits.len() < content.len() && digits.starts_with(['.', ')']);
        !numbered
            && !content.starts_with(['>', '|'])
            && !["- ", "* ", "+ "].iter().any(|mark| content.starts_with(mark))
            && !content.trim().chars().all(|mark| matches!(mark, '-' | '=' | '*' | '_' | ' '))
    })
}

#[cfg(test)]
mod tests {
    use super::LineKind::{Blank, Fenced, Text};
    use super::{headings, lines};

    fn titles(text: &str) -> Vec<&str> {
        headings(text).collect()
    }

    #[test]
    fn headings_are_found_in_both_spellings() {
        let text = "# One\n## Two ##\nThree\n===\n\nFour\n---\n   # Five #five\n#\n###### C#\n";
        assert_eq!(titles(text), ["One", "Two", "Three", "Four", "Five #five", "C#"]);
    }

    #[test]
    fn what_only_looks_like_a_heading_is_none() {
        for text in [
            "#no",
            "####### seven",
            "    # code",
            "```\n# code\n```",
            "~~~ sh\n# code\n```\n# code\n~~~",
            "````\n```\n# code\n```\n# code\n````",
            "```\n# to the end",
            "- item\n---\n",
            "1. item\n---\n",
            "two\nlines\n===\n",
            "\n---\n",
            "| a |\n---\n",
        ] {
            assert_eq!(titles(text), Vec::<&str>::new(), "{text:?}");
        }
        assert_eq!(titles("``` a`b\n# real\n"), ["real"]);
    }

    #[test]
    fn kinds_of_lines() {
        let kinds: Vec<_> = lines("a\n\n```\n\n```\r\nb").iter().map(|line| line.kind).collect();
        assert_eq!(kinds, [Text, Blank, Fenced, Fenced, Fenced, Text]);
    }
}

//! Text from elsewhere made fit to be shown: harmless, measured, cut and wrapped.
//!
//! Answers of models, messages of servers and names of files may hold anything. A terminal obeys
//! control characters, so every one of them is written out (`\x1b`) instead of being sent.
//! Characters that reorder or hide text are treated alike.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns a tab stands for.
const TAB: &str = "    ";

/// Which side of a cell stays empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text begins at the left.
    Left,
    /// Text ends at the right.
    Right,
}

/// One line of text without anything a terminal would obey; line ends are shown as `\n`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| !is_hidden(letter)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        push_visible(&mut shown, letter);
    }
    Cow::Owned(shown)
}

/// The lines of a text, each made [`visible`]; tabs become spaces.
pub fn visible_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(|line| {
        if line.contains('\t') {
            Cow::Owned(visible(&line.replace('\t', TAB)).into_owned())
        } else {
            visible(line)
        }
    })
}

/// Whether a terminal or reader would be misled by the character instead of shown it.
pub(crate) const fn is_hidden(letter: char) -> bool {
    letter.is_ascii_control()
        || matches!(letter,
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

fn push_visible(shown: &mut String, letter: char) {
    let code = u32::from(letter);
    let written = match letter {
        '\n' => shown.write_str("\\n"),
        '\r' => shown.write_str("\\r"),
        '\t' => shown.write_str(" "),
        _ if !is_hidden(letter) => shown.write_char(letter),
        _ if code < 0x100 => write!(shown, "\\x{code:02x}"),
        _ => write!(shown, "\\u{{{code:x}}}"),
    };
    written.expect("writing to a String cannot fail");
}

/// Columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, or its beginning and `…` where it is wider than `columns`.
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        used += letter.width().unwrap_or(0);
        if used > columns - 1 {
            break;
        }
        end = at + letter.len_utf8();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The text filled up with spaces to `columns`; wider text stays as it is.
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let fill = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

/// The text broken at spaces into lines of at most `columns`; longer words are cut.
pub fn wrap(text: &str, columns: usize) -> Vec<Cow<'_, str>> {
    if width(text) <= columns {
        return vec![Cow::Borrowed(text)];
    }
    // A break inside of a name with a hyphen would spoil it for copying.
    let options =
        textwrap::Options::new(columns.max(1)).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options)
}

/// The last part of a run's id, which is what people type.
pub fn short_run(run: &str) -> &str {
    run.rsplit('-').next().unwrap_or(run)
}

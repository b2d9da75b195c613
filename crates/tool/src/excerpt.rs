//! Cutting text to a limit without hiding that it was cut.

use std::fmt::Write as _;

/// The longest beginning of a text of at most `bytes_max` bytes that ends between characters.
pub(crate) fn head(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The longest end of a text of at most `bytes_max` bytes that begins between characters.
pub(crate) fn tail(text: &str, bytes_max: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes_max))..]
}

/// A text of at most `bytes_max` bytes: its beginning, and `…` where there was more.
pub(crate) fn clipped(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", head(text, bytes_max.saturating_sub('…'.len_utf8())))
}

/// Bytes kept free for the note that says how to get the rest.
const NOTE_BYTES: usize = 160;

/// Lines of a result that is shown page by page.
pub(crate) struct Page {
    text: String,
    bytes_max: usize,
    skip: usize,
    seen: usize,
    shown: usize,
}

impl Page {
    /// A page of at most `bytes_max` bytes that leaves out the first `skip` lines.
    pub(crate) fn new(bytes_max: usize, skip: usize) -> Self {
        Self {
            text: String::new(),
            bytes_max: bytes_max.saturating_sub(NOTE_BYTES),
            skip,
            seen: 0,
            shown: 0,
        }
    }

    /// Adds a line, unless it is skipped or the page is full. At least one line is shown.
    pub(crate) fn push(&mut self, line: &str) {
        let index = self.seen;
        self.seen += 1;
        let full = self.shown > 0 && self.text.len() + line.len() + 1 > self.bytes_max;
        if index < self.skip || index > self.skip + self.shown || full {
            return;
        }
        self.text.push_str(&clipped(line, self.bytes_max));
        self.text.push('\n');
        self.shown += 1;
    }

    /// The page with a note on the rest; `None` when there was no line at all.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.seen == 0 {
            return None;
        }
        let next = self.skip + self.shown;
        if self.shown == 0 {
            return Some(format!("[only {} results; skip is too large]", self.seen));
        }
        if next < self.seen {
            let rest = self.seen - next;
            write!(self.text, "[{rest} more; go on with skip={next}]")
                .expect("a String takes every write");
        }
        Some(self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Page, clipped, head, tail};

    #[test]
    fn a_page_says_how_to_go_on() {
        let mut page = Page::new(NOTE + 12, 1);
        for line in ["one", "two", "three", "four", "five"] {
            page.push(line);
        }
        assert_eq!(page.finish().unwrap(), "two\nthree\n[2 more; go on with skip=3]");
    }

    const NOTE: usize = super::NOTE_BYTES;

    #[test]
    fn a_line_that_does_not_fit_ends_the_page() {
        let mut page = Page::new(NOTE + 10, 0);
        for line in ["abc", "much longer than the page", "x"] {
            page.push(line);
        }
        assert_eq!(page.finish().unwrap(), "abc\n[2 more; go on with skip=1]");
    }

    #[test]
    fn nothing_and_too_much_skipped_are_told_apart() {
        assert_eq!(Page::new(500, 3).finish(), None);
        let mut page = Page::new(500, 3);
        page.push("one");
        assert_eq!(page.finish().unwrap(), "[only 1 results; skip is too large]");
    }

    proptest! {
        #[test]
        fn cuts_respect_the_limit_and_characters(text in "\\PC{0,40}", limit in 0_usize..60) {
            prop_assert!(head(&text, limit).len() <= limit);
            prop_assert!(tail(&text, limit).len() <= limit);
            prop_assert!(text.starts_with(head(&text, limit)));
            prop_assert!(text.ends_with(tail(&text, limit)));
            prop_assert!(clipped(&text, limit).len() <= limit.max('…'.len_utf8()));
        }
    }
}

//! The end of what a worker wrote to its standard error, whatever its length.

use std::collections::VecDeque;

/// The most bytes that are kept.
const BYTES_MAX: usize = 2_000;

/// The end of what was pushed.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    tail: VecDeque<u8>,
    is_cut: bool,
}

impl LastWords {
    /// Adds what was written.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.tail.extend(&bytes[bytes.len().saturating_sub(BYTES_MAX)..]);
        let excess = self.tail.len().saturating_sub(BYTES_MAX);
        self.tail.drain(..excess);
        self.is_cut |= excess > 0 || bytes.len() > BYTES_MAX;
    }

    /// The words: whole lines where there are several, without what a terminal would obey.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let text = match text.split_once('\n') {
            Some((_, rest)) if self.is_cut && !rest.trim().is_empty() => rest,
            Some(_) | None => &text,
        };
        let obeyed = |character: char| character.is_control() && character != '\n';
        text.replace(obeyed, " ").trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, LastWords};

    #[test]
    fn the_end_is_kept_in_whole_lines() {
        let mut words = LastWords::default();
        assert_eq!(words.text(), "");
        words.push(b"\x1b[31mred\xff\n");
        assert_eq!(words.text(), "[31mred\u{fffd}");
        for line in 0..1000 {
            words.push(format!("line {line}\n").as_bytes());
        }
        let text = words.text();
        assert!(text.len() <= BYTES_MAX && text.starts_with("line "), "{text}");
        assert!(text.ends_with("line 998\nline 999"), "{text}");
        words.push(&vec![b'x'; 3 * BYTES_MAX]);
        assert_eq!(words.text(), "x".repeat(BYTES_MAX));
    }
}

//! Output of a command: its beginning and its end, whatever its length.

use std::collections::VecDeque;

use super::{Sink, Source};

/// Of the bytes kept, how many in a hundred are from the beginning; errors stand at the end.
const HEAD_PERCENT: usize = 25;

/// Bytes kept free for the note in the middle.
const NOTE_BYTES: usize = 64;

/// The beginning and the end of what was pushed.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_max: usize,
    tail_max: usize,
    left_out: usize,
}

impl Capture {
    /// Keeps at most `bytes_max` bytes, with the note on what was left out.
    pub(super) fn new(bytes_max: usize) -> Self {
        let room = bytes_max.saturating_sub(NOTE_BYTES);
        let head_max = room * HEAD_PERCENT / 100;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_max,
            tail_max: room - head_max,
            left_out: 0,
        }
    }

    /// Adds output.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let into_head = bytes.len().min(self.head_max - self.head.len());
        let (first, rest) = bytes.split_at(into_head);
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.tail_max);
        self.tail.drain(..excess);
        self.left_out += excess;
    }

    /// The output as text; what is not UTF-8 is replaced.
    pub(super) fn text(mut self) -> String {
        let room = self.head_max + self.tail_max;
        if self.left_out == 0 {
            self.head.extend(self.tail);
            return bounded(&String::from_utf8_lossy(&self.head), room);
        }
        let tail: Vec<u8> =
            self.tail.into_iter().skip_while(|byte| is_continuation(*byte)).collect();
        while self.head.last().is_some_and(|byte| *byte >= 0x80)
            && std::str::from_utf8(&self.head).is_err_and(|error| error.error_len().is_none())
        {
            self.head.pop();
        }
        format!(
            "{}\n[... {} bytes left out ...]\n{}",
            bounded(&String::from_utf8_lossy(&self.head), self.head_max),
            self.left_out,
            crate::excerpt::tail(&String::from_utf8_lossy(&tail), self.tail_max),
        )
    }
}

impl Sink for Capture {
    /// Both outputs in the order they came.
    fn take(&mut self, _source: Source, bytes: &[u8]) {
        self.push(bytes);
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// Replacement characters are longer than the bytes they stand for.
fn bounded(text: &str, bytes_max: usize) -> String {
    crate::excerpt::head(text, bytes_max).to_owned()
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Capture, NOTE_BYTES};

    fn captured(bytes_max: usize, chunks: &[&[u8]]) -> String {
        let mut capture = Capture::new(bytes_max);
        for chunk in chunks {
            capture.push(chunk);
        }
        capture.text()
    }

    #[test]
    fn short_output_is_whole() {
        assert_eq!(captured(100, &[b"one ", b"two"]), "one two");
        assert_eq!(captured(100, &[]), "");
    }

    #[test]
    fn the_middle_of_long_output_is_left_out() {
        let text = captured(NOTE_BYTES + 8, &[b"0123", b"456789", b"abcdef"]);
        assert_eq!(text, "01\n[... 8 bytes left out ...]\nabcdef");
    }

    #[test]
    fn characters_at_the_cuts_are_dropped_whole() {
        let text = captured(NOTE_BYTES + 12, &["ääääääääää".as_bytes()]);
        assert_eq!(text, "ä\n[... 8 bytes left out ...]\nääää");
    }

    proptest! {
        #[test]
        fn never_longer_than_the_limit(bytes in proptest::collection::vec(any::<u8>(), 0..400), limit in 80_usize..200) {
            let mut capture = Capture::new(limit);
            for chunk in bytes.chunks(7) {
                capture.push(chunk);
            }
            prop_assert!(capture.text().len() <= limit);
        }
    }
}

//! Server-sent events out of bytes, however they are cut.
//!
//! Pure and bounded. Lines end with LF, CRLF or CR; lines that begin with a colon are comments;
//! `data` lines of one event are joined by LF; fields other than `data` and `event` are ignored.
//! An event that the end of the stream leaves without its blank line counts.

use thiserror::Error;

/// The most bytes one event may have.
pub const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's name says that it is an error.
    pub is_error: bool,
    /// Its data.
    pub data: &'a [u8],
}

/// An event is larger than [`FRAME_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event of the stream is larger than {FRAME_BYTES_MAX} bytes")]
pub struct FrameTooLong;

/// Turns pieces of a stream into events.
#[derive(Debug, Default)]
pub struct SseParser {
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
    event: Event,
    /// The last byte was CR: an LF that follows belongs to it.
    after_return: bool,
    /// Bytes have come, so that a byte order mark can no longer.
    begun: bool,
}

/// The event under construction.
#[derive(Debug, Default)]
struct Event {
    data: Vec<u8>,
    has_data: bool,
    is_error: bool,
}

impl SseParser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and hands every event they complete to `on_frame`.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        on_frame: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                return self.keep(bytes);
            };
            self.after_return = bytes[end] == b'\r';
            self.end_line(&bytes[..end], on_frame)?;
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// The stream ended.
    pub fn finish(mut self, on_frame: &mut dyn FnMut(Frame<'_>)) -> Result<(), FrameTooLong> {
        self.end_line(&[], on_frame)?;
        self.event.dispatch(on_frame);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), FrameTooLong> {
        if self.line.len() + self.event.data.len() + bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// A line ended; `rest` is what of it is not yet in `self.line`.
    fn end_line(
        &mut self,
        rest: &[u8],
        on_frame: &mut dyn FnMut(Frame<'_>),
    ) -> Result<(), FrameTooLong> {
        let whole_is_here = self.line.is_empty();
        if !whole_is_here {
            self.keep(rest)?;
        }
        let line = if whole_is_here { rest } else { &self.line };
        let is_first = !std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(line) if is_first => line,
            _ => line,
        };
        let taken = if line.is_empty() {
            self.event.dispatch(on_frame);
            Ok(())
        } else {
            self.event.take_line(line)
        };
        self.line.clear();
        taken
    }
}

impl Event {
    fn take_line(&mut self, line: &[u8]) -> Result<(), FrameTooLong> {
        let colon = memchr::memchr(b':', line);
        let (field, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if field == b"data" {
            if self.data.len() + value.len() >= FRAME_BYTES_MAX {
                return Err(FrameTooLong);
            }
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
            self.has_data = true;
        } else if field == b"event" {
            self.is_error = value == b"error";
        }
        Ok(())
    }

    fn dispatch(&mut self, on_frame: &mut dyn FnMut(Frame<'_>)) {
        if self.has_data {
            on_frame(Frame { is_error: self.is_error, data: &self.data });
        }
        self.data.clear();
        self.has_data = false;
        self.is_error = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FRAME_BYTES_MAX, FrameTooLong, SseParser};

    fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(bool, Vec<u8>)> {
        let mut frames = Vec::new();
        let mut parser = SseParser::new();
        let mut on_frame =
            |frame: super::Frame<'_>| frames.push((frame.is_error, frame.data.to_vec()));
        for piece in pieces {
            parser.push(piece, &mut on_frame).unwrap();
        }
        parser.finish(&mut on_frame).unwrap();
        frames
    }

    fn data(text: &str) -> Vec<String> {
        frames([text.as_bytes()])
            .into_iter()
            .map(|(_, data)| String::from_utf8(data).unwrap())
            .collect()
    }

    #[test]
    fn events_are_read_in_every_dialect() {
        assert_eq!(data("data: a\n\ndata:b\n\n"), ["a", "b"]);
        assert_eq!(data("data: a\r\n\r\ndata: b\r\rdata: c"), ["a", "b", "c"]);
        assert_eq!(data(": ping\n\n:\n\ndata: a\n: x\n\n"), ["a"]);
        assert_eq!(data("\u{feff}data: a\ndata: b\nid: 7\nretry: 1\n\n"), ["a\nb"]);
        assert_eq!(data("data\n\n"), [""]);
        assert_eq!(data("event: x\n\n"), Vec::<String>::new());
        assert_eq!(
            frames([&b"event: error\ndata: {}\n\ndata: 1\n\n"[..]]),
            [(true, b"{}".to_vec()), (false, b"1".to_vec())]
        );
    }

    #[test]
    fn memory_is_bounded() {
        let piece = vec![b'x'; FRAME_BYTES_MAX / 4];
        let mut parser = SseParser::new();
        let mut ended = Ok(());
        for _ in 0..6 {
            ended = ended.and_then(|()| parser.push(&piece, &mut |_| {}));
        }
        assert_eq!(ended, Err(FrameTooLong));
        let mut line = b"data: ".to_vec();
        line.extend_from_slice(&piece);
        line.push(b'\n');
        let mut parser = SseParser::new();
        let mut ended = Ok(());
        for _ in 0..6 {
            ended = ended.and_then(|()| parser.push(&line, &mut |_| {}));
        }
        assert_eq!(ended, Err(FrameTooLong));
    }

    proptest! {
        #[test]
        fn every_split_gives_the_same_frames(
            lines in proptest::collection::vec("(data: |data:|: |event: error|id|)[a-zé€ ]{0,6}(\n|\r\n|\r|\n\n|\r\n\r\n)", 0..20),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let whole = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(whole.len());
            let mut start = 0;
            let pieces: Vec<&[u8]> = cuts
                .iter()
                .map(|&end| &whole[std::mem::replace(&mut start, end)..end])
                .collect();
            prop_assert_eq!(frames(pieces), frames([&whole[..]]));
        }

        #[test]
        fn arbitrary_bytes_never_panic(pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..8)) {
            frames(pieces.iter().map(Vec::as_slice));
        }
    }
}

//! Lines of JSON, bounded in length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

/// A line as it came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Longer than allowed; the rest of it is still to come.
    TooLong,
    /// The other side is done, perhaps in the middle of a line.
    End,
}

/// Reads one line of at most `bytes_max` bytes, its end not counted.
pub(crate) async fn read(
    reader: &mut (impl AsyncBufRead + Unpin),
    bytes_max: usize,
) -> io::Result<Line> {
    let mut line = Vec::new();
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(Line::End);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        if line.len() + part.len() > bytes_max {
            return Ok(Line::TooLong);
        }
        line.extend_from_slice(part);
        let taken = part.len() + usize::from(end.is_some());
        reader.consume(taken);
        if end.is_some() {
            return Ok(Line::Whole(line));
        }
    }
}

/// Writes a value as one line.
pub(crate) async fn write<T: serde::Serialize>(
    writer: &mut (impl AsyncWrite + Unpin),
    value: &T,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(text: &str, bytes_max: usize) -> Vec<Line> {
        // A buffer of three bytes, so that lines come in pieces.
        let mut reader = BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Vec::new();
        loop {
            let line = read(&mut reader, bytes_max).await.unwrap();
            let last = !matches!(line, Line::Whole(_));
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    #[tokio::test]
    async fn lines_come_whole_or_not_at_all() {
        let whole = |text: &str| Line::Whole(text.into());
        let read = lines("first\n\nsecond\nhalf", 6).await;
        assert_eq!(read, [whole("first"), whole(""), whole("second"), Line::End]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_kept() {
        assert_eq!(lines("1234567\n", 6).await, [Line::TooLong]);
        assert_eq!(lines("123456\n", 6).await, [Line::Whole(b"123456".into()), Line::End]);
    }
}

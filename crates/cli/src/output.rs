//! The only way to stdout and stderr.
//!
//! A reader may leave at any time (`lao log last | head`): from then on nothing is written and
//! nothing is reported. Any other failure, such as a full disk behind a redirection, is kept and
//! told at the end.

use std::io::{self, ErrorKind, Write};

/// Whether anybody still reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Text arrives.
    Present,
    /// The reader left, or writing failed; following something further makes no sense.
    Gone,
}

/// An output stream that survives its reader.
pub struct Output {
    sink: Box<dyn Write + Send>,
    failure: Option<io::Error>,
}

impl Output {
    /// Writes to stdout.
    pub fn stdout() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    /// Writes to stderr.
    pub fn stderr() -> Self {
        Self::to(Box::new(io::stderr()))
    }

    /// Writes to anything.
    pub fn to(sink: Box<dyn Write + Send>) -> Self {
        Self { sink, failure: None }
    }

    /// Writes text as it is, at once.
    pub fn text(&mut self, text: &str) -> Listener {
        if self.failure.is_none() {
            self.failure =
                self.sink.write_all(text.as_bytes()).and_then(|()| self.sink.flush()).err();
        }
        self.listener()
    }

    /// Writes a line in one piece, so that lines of several threads do not mix.
    pub fn line(&mut self, line: &str) -> Listener {
        self.text(&format!("{line}\n"))
    }

    /// Whether anybody still reads.
    pub const fn listener(&self) -> Listener {
        match self.failure {
            None => Listener::Present,
            Some(_) => Listener::Gone,
        }
    }

    /// The first failure of writing, if it was anything but the reader's leaving.
    pub fn finish(self) -> io::Result<()> {
        match self.failure {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            Some(_) | None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("failure", &self.failure).finish_non_exhaustive()
    }
}

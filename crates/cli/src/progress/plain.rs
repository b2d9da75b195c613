//! Progress as dated lines, for pipes and files.

use super::line::Line;
use crate::{Output, Style, output::Listener};

/// Writes lines as they are worth it.
#[derive(Debug)]
pub(crate) struct Plain {
    output: Output,
    style: Style,
}

impl Plain {
    /// Writes to `output`.
    pub(crate) const fn new(output: Output, style: Style) -> Self {
        Self { output, style }
    }

    /// Writes a line with its date.
    pub(crate) fn print(&mut self, line: &Line, now_ms: i64) {
        self.output.line(&line.dated(&self.style, now_ms));
    }

    /// Whether anybody still reads.
    pub(crate) const fn listener(&self) -> Listener {
        self.output.listener()
    }
}

//! The block on a terminal: indicatif draws it, at most twenty times a second.
//!
//! The whole block is one bar whose message has several lines. It is replaced in one write, so
//! steps that come and go neither flicker nor leave lines behind.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{board::Board, frame::frame, line::Line};
use crate::{Style, style::terminal_width_columns};

/// Draws the block and prints above it.
#[derive(Debug)]
pub(crate) struct Bars {
    bar: ProgressBar,
    style: Style,
    measure: fn() -> usize,
}

impl Bars {
    /// On the terminal that stdout is.
    pub(crate) fn on_stdout(style: Style) -> Self {
        Self::new(ProgressDrawTarget::stdout(), style, terminal_width_columns)
    }

    /// On the terminal that stderr is.
    pub(crate) fn on_stderr(style: Style) -> Self {
        Self::new(ProgressDrawTarget::stderr(), style, terminal_width_columns)
    }

    /// On anything that indicatif can draw on; `measure` tells its width in columns.
    pub(crate) fn new(target: ProgressDrawTarget, style: Style, measure: fn() -> usize) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{msg}").expect("the template has one known field"),
        );
        Self { bar, style, measure }
    }

    /// Prints a line above the block.
    pub(crate) fn print(&mut self, line: &Line, now_ms: i64) {
        // What stays is worth its whole text; the terminal wraps it.
        self.style.width_columns = usize::MAX;
        self.bar.println(line.dated(&self.style, now_ms));
    }

    /// Brings the block up to date.
    pub(crate) fn draw(&mut self, board: &Board, now_ms: i64) {
        if self.bar.is_finished() {
            return;
        }
        // The window may have been resized; one column stays free, or terminals wrap.
        self.style.width_columns = (self.measure)().saturating_sub(1);
        let lines = frame(board, &self.style, now_ms);
        self.bar.set_message(lines.join("\n"));
    }

    /// Takes the block off the terminal.
    pub(crate) fn clear(&self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

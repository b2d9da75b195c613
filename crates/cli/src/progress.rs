//! What a run is doing, while it is doing it.
//!
//! ```text
//!   Update --> LiveView --> Board (who is doing what)
//!                 |-- Bars    a terminal: a block that is redrawn, landmarks above it
//!                 |-- Plain   a pipe: dated lines, long waits at growing intervals
//!                 `-- Json    --json: every update, one a line
//! ```
//!
//! The view has no clock and no thread: its owner hands in the present time with every update and
//! calls [`LiveView::tick`] about four times a second. A reader who leaves ends the output, never
//! the run. The final summary is the caller's, after [`LiveView::finish`].

mod bars;
mod board;
mod frame;
mod line;
mod patience;
mod plain;
mod weight;

#[cfg(test)]
mod tests;

use lao_protocol::{RunStatus, Update};

use crate::{
    Output, Style,
    args::{GlobalArgs, Verbosity},
    output::Listener,
    render::json,
    style::StreamKind,
};
use bars::Bars;
use board::Board;
use plain::Plain;

/// The form in which progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressMode {
    /// A block on a terminal that is redrawn in place.
    Bars,
    /// Dated lines.
    Plain,
    /// Updates as JSON, one a line.
    Json,
    /// Nothing.
    Silent,
}

impl ProgressMode {
    /// The form that fits the flags and what stdout is.
    pub const fn choose(global: &GlobalArgs, stdout: StreamKind) -> Self {
        match (global.json, global.verbosity(), stdout) {
            (true, _, _) => Self::Json,
            (false, Verbosity::Quiet, _) => Self::Silent,
            (false, _, StreamKind::Terminal) => Self::Bars,
            (false, _, StreamKind::Pipe) => Self::Plain,
        }
    }
}

/// Shows updates of one run as they come in.
#[derive(Debug)]
pub struct LiveView {
    board: Board,
    verbosity: Verbosity,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Bars(Bars),
    Plain(Plain),
    Json(Output),
    Silent,
}

impl LiveView {
    /// A view on stdout, in the form that fits the flags and the terminal.
    pub fn on_stdout(global: &GlobalArgs) -> Self {
        let mode = ProgressMode::choose(global, StreamKind::stdout());
        let style = Style::for_stdout(global.color);
        let verbosity = global.verbosity();
        match mode {
            ProgressMode::Bars => Self::with_sink(Sink::Bars(Bars::on_stdout(style)), verbosity),
            ProgressMode::Plain => Self::plain(Output::stdout(), style, verbosity),
            ProgressMode::Json => Self::json(Output::stdout(), verbosity),
            ProgressMode::Silent => Self::with_sink(Sink::Silent, verbosity),
        }
    }

    /// A view on stderr, for commands whose result alone goes to stdout: bars on a terminal; in a
    /// pipe only what went wrong is said, at the end.
    pub fn on_stderr(global: &GlobalArgs) -> Self {
        let verbosity = global.verbosity();
        if global.json {
            return Self::json(Output::stdout(), verbosity);
        }
        let style = Style::for_stderr(global.color);
        match (verbosity, StreamKind::stderr()) {
            (Verbosity::Quiet, _) | (Verbosity::Normal, StreamKind::Pipe) => {
                Self::with_sink(Sink::Silent, verbosity)
            }
            (_, StreamKind::Terminal) => {
                Self::with_sink(Sink::Bars(Bars::on_stderr(style)), verbosity)
            }
            (_, StreamKind::Pipe) => Self::plain(Output::stderr(), style, verbosity),
        }
    }

    /// A view that writes dated lines.
    pub fn plain(output: Output, style: Style, verbosity: Verbosity) -> Self {
        Self::with_sink(Sink::Plain(Plain::new(output, style)), verbosity)
    }

    /// A view that writes updates as JSON; when quiet, only the last one.
    pub fn json(output: Output, verbosity: Verbosity) -> Self {
        Self::with_sink(Sink::Json(output), verbosity)
    }

    fn with_sink(sink: Sink, verbosity: Verbosity) -> Self {
        Self { board: Board::default(), verbosity, sink }
    }

    /// Takes over how a run stands, before updates of a run that is under way already.
    pub fn begin_with(&mut self, status: &RunStatus) {
        self.board.replace(status);
    }

    /// Shows an update; `now_ms` is the wall clock, milliseconds since 1970.
    pub fn update(&mut self, update: &Update, now_ms: i64) -> Listener {
        let news = self.board.apply(update, now_ms);
        match &mut self.sink {
            Sink::Bars(bars) => {
                if let Some(line) = line::above_bars(&self.board, update, (news, self.verbosity)) {
                    bars.print(&line, now_ms);
                }
                bars.draw(&self.board, now_ms);
            }
            Sink::Plain(plain) => {
                if let Some(line) = line::in_pipe(&self.board, update, (news, self.verbosity)) {
                    plain.print(&line, now_ms);
                }
            }
            Sink::Json(output) => {
                if self.verbosity > Verbosity::Quiet || matches!(update, Update::Finished(_)) {
                    output.line(&json::line(update));
                }
            }
            Sink::Silent => {}
        }
        self.listener()
    }

    /// Shows that time passes.
    pub fn tick(&mut self, now_ms: i64) -> Listener {
        match &mut self.sink {
            Sink::Bars(bars) => bars.draw(&self.board, now_ms),
            Sink::Plain(plain) => {
                for line in self.board.long_waits(now_ms) {
                    plain.print(&line, now_ms);
                }
            }
            Sink::Json(_) | Sink::Silent => {}
        }
        self.listener()
    }

    /// Says something of the program's own, such as what is in flight after Ctrl-C.
    ///
    /// With `--json` nothing is said: the updates hold it.
    pub fn say(&mut self, text: &str, now_ms: i64) {
        let line = line::Line::own_words(text);
        match &mut self.sink {
            Sink::Bars(bars) => bars.print(&line, now_ms),
            Sink::Plain(plain) => plain.print(&line, now_ms),
            Sink::Json(_) | Sink::Silent => {}
        }
    }

    /// Takes the block off the terminal; what was printed stays. Later calls show nothing new.
    pub fn finish(&mut self) {
        if let Sink::Bars(bars) = &self.sink {
            bars.clear();
        }
    }

    /// Whether anybody still reads.
    pub fn listener(&self) -> Listener {
        match &self.sink {
            Sink::Plain(plain) => plain.listener(),
            Sink::Json(output) => output.listener(),
            Sink::Bars(_) | Sink::Silent => Listener::Present,
        }
    }
}

impl Drop for LiveView {
    /// An error on the way out must not leave half a block behind.
    fn drop(&mut self) {
        self.finish();
    }
}

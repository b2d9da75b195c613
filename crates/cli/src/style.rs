//! How and where text is shown: width, colour, time zone and the present time.

use std::io::{self, IsTerminal};

use anstyle::AnsiColor;
use jiff::{Timestamp, tz::TimeZone};

use crate::args::ColorChoice;

/// Columns assumed on a terminal that does not tell its width.
const WIDTH_COLUMNS_ASSUMED: usize = 80;

/// Columns below which nothing sensible can be laid out.
const WIDTH_COLUMNS_MIN: usize = 20;

/// What stands at the other end of an output stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// A terminal that understands cursor movement.
    Terminal,
    /// A pipe, a file, or a terminal that understands nothing but text.
    Pipe,
}

impl StreamKind {
    /// What stdout is.
    pub fn stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// What stderr is.
    pub fn stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of<S: IsTerminal>(stream: &S) -> Self {
        if stream.is_terminal() && anstyle_query::term_supports_color() {
            Self::Terminal
        } else {
            Self::Pipe
        }
    }
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// With escape sequences of our own.
    On,
    /// Plain.
    Off,
}

impl Color {
    /// What the user's choice and environment (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`) mean for a stream.
    pub fn resolve(choice: ColorChoice, stream: StreamKind) -> Self {
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if anstyle_query::no_color() => false,
            ColorChoice::Auto if anstyle_query::clicolor_force() => true,
            ColorChoice::Auto => {
                stream == StreamKind::Terminal && anstyle_query::clicolor().unwrap_or(true)
            }
        };
        // On Windows the console must be told; where it refuses, escapes would be shown as text.
        if on && anstyle_query::windows::enable_ansi_colors().unwrap_or(true) {
            Self::On
        } else {
            Self::Off
        }
    }
}

/// What a piece of text means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It needs attention.
    Warning,
    /// It is under way.
    Active,
    /// It matters less than what is around it.
    Faint,
    /// It matters more.
    Strong,
    /// It is text.
    Plain,
}

impl Tone {
    const fn style(self) -> anstyle::Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Active => AnsiColor::Cyan.on_default(),
            Self::Faint => anstyle::Style::new().dimmed(),
            Self::Strong => anstyle::Style::new().bold(),
            Self::Plain => anstyle::Style::new(),
        }
    }
}

/// How and where text is shown.
#[derive(Debug, Clone)]
pub struct Style {
    /// Columns of a line; `usize::MAX` where nothing limits them, as in a pipe.
    pub width_columns: usize,
    /// Whether text is coloured.
    pub color: Color,
    /// The time zone times are shown in.
    pub zone: TimeZone,
    /// The present, milliseconds since 1970.
    pub now_ms: i64,
}

impl Style {
    /// The style for stdout: the terminal's width and colours, the system's zone and clock.
    pub fn for_stdout(choice: ColorChoice) -> Self {
        Self::detect(choice, StreamKind::stdout())
    }

    /// The style for stderr.
    pub fn for_stderr(choice: ColorChoice) -> Self {
        Self::detect(choice, StreamKind::stderr())
    }

    /// Neither width nor colour, and no time: the same everywhere.
    pub const fn plain() -> Self {
        Self { width_columns: usize::MAX, color: Color::Off, zone: TimeZone::UTC, now_ms: 0 }
    }

    fn detect(choice: ColorChoice, stream: StreamKind) -> Self {
        Self {
            width_columns: match stream {
                StreamKind::Terminal => terminal_width_columns(),
                StreamKind::Pipe => usize::MAX,
            },
            color: Color::resolve(choice, stream),
            zone: TimeZone::system(),
            now_ms: Timestamp::now().as_millisecond(),
        }
    }

    /// The text in the colour of its meaning. It must have its final width and be visible already.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        match (self.color, tone) {
            (Color::Off, _) | (Color::On, Tone::Plain) => text.to_owned(),
            (Color::On, _) => {
                let style = tone.style();
                format!("{style}{text}{style:#}")
            }
        }
    }
}

/// Columns of the terminal that stdout or stderr is.
pub(crate) fn terminal_width_columns() -> usize {
    terminal_size::terminal_size()
        .map_or(WIDTH_COLUMNS_ASSUMED, |(width, _)| usize::from(width.0).max(WIDTH_COLUMNS_MIN))
}

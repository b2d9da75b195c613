//! Single keys from a terminal, and a screen that is drawn anew.

use std::io;

use console::{Key, Term};

/// Where to go in a run's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// So many events on; back where negative.
    By(i64),
    /// To the first event.
    First,
    /// To the last.
    Last,
    /// To where the next step begins or ends.
    NextStep,
    /// To where the one before did.
    PreviousStep,
    /// To the next failure.
    NextFailure,
    /// To the next change of a file.
    NextFile,
    /// To a position.
    To(u64),
    /// Out.
    Quit,
}

/// The keys, on one line.
pub const KEYS: &str = "left/right: one event  up/down: ten  s/S: next/previous step  f: next failure  \
                        w: next file change  g: go to  Home/End  q: quit";

/// A terminal that is drawn anew at each move.
pub struct Walker {
    terminal: Term,
}

impl Walker {
    /// The terminal of standard output; `None` where it is none.
    pub fn new() -> Option<Self> {
        let terminal = Term::stdout();
        terminal.is_term().then_some(Self { terminal })
    }

    /// Shows a page in place of the one before, cut to the height of the terminal.
    pub fn show(&self, page: &str) -> io::Result<()> {
        let (rows, _) = self.terminal.size();
        let room = usize::from(rows).saturating_sub(2);
        let lines: Vec<&str> = page.lines().take(room).collect();
        self.terminal.clear_screen()?;
        self.terminal.write_line(&lines.join("\n"))?;
        self.terminal.write_str(KEYS)
    }

    /// Waits for a key that moves.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a terminal has keys without number, and the others mean nothing here"
    )]
    pub fn read(&self) -> io::Result<Move> {
        loop {
            let found = match self.terminal.read_key()? {
                Key::ArrowRight | Key::Char('n' | ' ') => Move::By(1),
                Key::ArrowLeft | Key::Char('p') => Move::By(-1),
                Key::ArrowDown | Key::PageDown => Move::By(10),
                Key::ArrowUp | Key::PageUp => Move::By(-10),
                Key::Home => Move::First,
                Key::End => Move::Last,
                Key::Char('s') => Move::NextStep,
                Key::Char('S') => Move::PreviousStep,
                Key::Char('f') => Move::NextFailure,
                Key::Char('w') => Move::NextFile,
                Key::Char('g') => match self.ask()? {
                    Some(position) => Move::To(position),
                    None => continue,
                },
                Key::Char('q') | Key::Escape | Key::CtrlC => Move::Quit,
                _ => continue,
            };
            return Ok(found);
        }
    }

    fn ask(&self) -> io::Result<Option<u64>> {
        self.terminal.clear_line()?;
        self.terminal.write_str("event: ")?;
        Ok(self.terminal.read_line()?.trim().parse().ok())
    }

    /// Leaves the last page as it is and goes below it.
    pub fn finish(&self) -> io::Result<()> {
        self.terminal.clear_line()
    }
}

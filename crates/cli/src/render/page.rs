//! Lines put under one another.

use crate::{
    Style,
    style::Tone,
    table::Table,
    text::{Align, pad, truncate, visible, visible_lines, width, wrap},
};

/// Columns of the names of fields.
const FIELD_COLUMNS: usize = 11;

/// Columns text keeps however deep it is indented.
const TEXT_COLUMNS_MIN: usize = 16;

/// Text under construction.
pub(crate) struct Page<'a> {
    style: &'a Style,
    text: String,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub(crate) const fn new(style: &'a Style) -> Self {
        Self { style, text: String::new() }
    }

    /// A line that is laid out already.
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// An empty line and a heading.
    pub(crate) fn heading(&mut self, title: &str) {
        self.blank();
        self.line(&self.style.paint(Tone::Strong, title));
    }

    /// One line of anything, after `indent` spaces, cut to the page's width.
    pub(crate) fn cut(&mut self, indent: usize, (tone, text): (Tone, &str)) {
        let room = self.room(indent);
        let shown = visible(text);
        let painted = self.style.paint(tone, &truncate(&shown, room));
        self.line(&format!("{}{painted}", " ".repeat(indent)));
    }

    /// Text of any number of lines, wrapped, after `indent` spaces.
    pub(crate) fn wrapped(&mut self, indent: usize, (tone, text): (Tone, &str)) {
        let room = self.room(indent);
        for line in visible_lines(text) {
            for piece in wrap(&line, room) {
                let painted = self.style.paint(tone, &piece);
                let indented = format!("{}{painted}", " ".repeat(indent));
                self.line(indented.trim_end());
            }
        }
    }

    /// A name and its value; a value too long for the line goes on below itself.
    pub(crate) fn field(&mut self, name: &str, (tone, value): (Tone, &str)) {
        let label = self.style.paint(Tone::Faint, &pad(name, FIELD_COLUMNS, Align::Left));
        let room = self.room(FIELD_COLUMNS);
        let shown = visible(value);
        for (index, piece) in wrap(&shown, room).iter().enumerate() {
            let painted = self.style.paint(tone, piece);
            if index == 0 {
                self.line(&format!("{label}{painted}"));
            } else {
                self.line(&format!("{}{painted}", " ".repeat(FIELD_COLUMNS)));
            }
        }
    }

    /// Commands and what each is for, one a line, or one below the other where lines are short.
    pub(crate) fn commands(&mut self, commands: &[(String, String)]) {
        let widest =
            commands.iter().map(|(command, _)| width(&visible(command))).max().unwrap_or(0);
        for (command, purpose) in commands {
            let shown = visible(command);
            let fits = 4 + widest + width(purpose) <= self.style.width_columns;
            let columns = if fits { widest } else { 0 };
            let painted = self.style.paint(Tone::Active, &pad(&shown, columns, Align::Left));
            if purpose.is_empty() {
                self.line(format!("  {painted}").trim_end());
            } else if fits {
                self.line(&format!("  {painted}  {}", visible(purpose)));
            } else {
                self.line(&format!("  {painted}"));
                self.wrapped(6, (Tone::Faint, purpose));
            }
        }
    }

    /// A table, after `indent` spaces.
    pub(crate) fn table(&mut self, indent: usize, table: &Table<'_>) {
        for line in table.lines(indent, self.style) {
            self.line(&line);
        }
    }

    /// The text in its colour, visible.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        self.style.paint(tone, &visible(text))
    }

    /// How it is shown.
    pub(crate) const fn style(&self) -> &'a Style {
        self.style
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn room(&self, indent: usize) -> usize {
        self.style.width_columns.saturating_sub(indent).max(TEXT_COLUMNS_MIN)
    }
}

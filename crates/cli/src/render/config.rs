//! The configuration with its sources.

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    table::{Cell, Column, Room, Table},
    text::Align,
};

/// A value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigLine {
    /// Dotted path.
    pub key: String,
    /// The value, as TOML.
    pub value: String,
    /// Where it came from: `built-in`, a file, a variable, a flag.
    pub source: String,
}

const COLUMNS: [Column; 3] = [
    Column { title: "key", align: Align::Left, room: Room::Keep },
    Column { title: "value", align: Align::Left, room: Room::Shrink },
    Column { title: "source", align: Align::Left, room: Room::GiveWay },
];

/// The source of values nobody set.
const BUILT_IN: &str = "built-in";

/// Every value with its source; what the user set stands out.
pub fn config(lines: &[ConfigLine], style: &Style) -> String {
    let mut page = Page::new(style);
    let mut table = Table::new(&COLUMNS);
    for line in lines {
        let (key_tone, source_tone) = if line.source == BUILT_IN {
            (Tone::Plain, Tone::Faint)
        } else {
            (Tone::Strong, Tone::Active)
        };
        table.row(vec![
            Cell::new(key_tone, &line.key),
            Cell::plain(&line.value),
            Cell::new(source_tone, &line.source),
        ]);
    }
    page.table(0, &table);
    page.finish()
}

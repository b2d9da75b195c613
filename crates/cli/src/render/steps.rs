//! The steps that chains are made of.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    Style,
    style::Tone,
    text::{visible, width},
};

/// A step, as `lao steps --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepLine {
    /// Its name.
    pub name: String,
    /// How it is written.
    pub usage: String,
    /// What it does, in one line.
    pub meaning: String,
    /// It is of the project.
    pub own: bool,
}

/// Steps, a line each.
pub fn steps(lines: &[StepLine], style: &Style) -> String {
    let columns = lines.iter().map(|line| width(&visible(&line.usage))).max().unwrap_or(0);
    let mut text = String::new();
    for line in lines {
        let usage = visible(&line.usage);
        let pad = " ".repeat(columns - width(&usage));
        let own = if line.own { "  (steps/)" } else { "" };
        writeln!(
            text,
            "{}{pad}  {}{own}",
            style.paint(Tone::Strong, &usage),
            visible(&line.meaning)
        )
        .expect("a String takes everything");
    }
    text
}

//! Workflows: what one would do, and whether files are right.

use std::fmt::Write as _;

use lao_protocol::GraphView;
use serde::Serialize;

use super::graph;
use crate::{
    Style,
    style::Tone,
    text::{truncate, visible},
    units::count,
};

/// Columns that the value of an input may take.
const VALUE_COLUMNS: usize = 60;

/// Whether a file is right, as `lao validate --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidLine {
    /// The file.
    pub path: String,
    /// Nothing is wrong.
    pub valid: bool,
    /// Its steps, those of called workflows included.
    pub steps: u64,
    /// What is wrong.
    pub problems: Vec<FlowProblemLine>,
}

/// One thing that is wrong with a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowProblemLine {
    /// The file it is in.
    pub path: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// How many characters are at fault.
    pub length: u64,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A file without a fault.
pub fn valid(line: &ValidLine, style: &Style) -> String {
    let steps = count(line.steps, "step");
    let good = style.paint(Tone::Good, "ok");
    format!("{}: {good}, {steps}\n", visible(&line.path))
}

/// What a workflow would do.
pub fn flow_plan(view: &GraphView, style: &Style) -> String {
    let mut text = graph::text(view, style);
    if !view.inputs.is_empty() {
        text.push_str("\nInputs\n");
        for (name, value) in &view.inputs {
            let value = visible(value);
            let value = truncate(&value, VALUE_COLUMNS);
            writeln!(text, "  {} = {value}", visible(name)).expect("a String takes everything");
        }
    }
    if !view.models.is_empty() {
        text.push_str("\nModels\n");
        for (role, model, endpoint) in &view.models {
            let (role, model) = (visible(role), visible(model));
            writeln!(text, "  {role}: {model} ({})", visible(endpoint))
                .expect("a String takes everything");
        }
    }
    text.push_str("\nNothing was done; the same without --dry-run runs it.\n");
    text
}

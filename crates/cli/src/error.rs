//! The one error a command ends with: what went wrong, why, and what to do.
//!
//! Errors go to stderr in either form, so that stdout holds results only. With `--json` the form
//! is one object on one line: `{"error":{"code":..,"message":..,"causes":[..],"hints":[..]}}`.

use std::{error::Error, fmt::Write as _};

use serde::Serialize;

use crate::{
    ExitCode, Output, Style,
    args::{GlobalArgs, SelectError},
    render::json,
    style::Tone,
    text::visible,
};

/// Causes shown at most; longer chains repeat themselves.
const CAUSES_MAX: usize = 8;

/// Why a command could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// The exit code to end with.
    pub code: ExitCode,
    /// What went wrong, in one sentence.
    pub message: String,
    /// What to do about it, a sentence or a command each.
    pub hints: Vec<String>,
    /// Why it went wrong, from the nearest cause to the root.
    pub causes: Vec<String>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: u8,
    message: &'a str,
    causes: &'a [String],
    hints: &'a [String],
}

impl CliError {
    /// An error with a message and nothing else.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hints: Vec::new(), causes: Vec::new() }
    }

    /// An error from another: its text is the message, its sources are the causes.
    pub fn from_error(code: ExitCode, error: &(dyn Error + 'static)) -> Self {
        Self::new(code, error.to_string()).caused_by_sources(error.source())
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds an error and its sources as causes.
    #[must_use]
    pub fn caused_by(self, error: &(dyn Error + 'static)) -> Self {
        self.caused_by_sources(Some(error))
    }

    /// Adds a cause in words.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    fn caused_by_sources(mut self, first: Option<&(dyn Error + 'static)>) -> Self {
        let chain = std::iter::successors(first, |error| (**error).source());
        self.causes.extend(chain.take(CAUSES_MAX).map(ToString::to_string));
        self
    }

    /// The error as people read it: `error:`, `  caused by:` and `hint:` lines.
    pub fn to_text(&self, style: &Style) -> String {
        let mut text = String::new();
        push_labelled(&mut text, &style.paint(Tone::Bad, "error:"), &self.message);
        for cause in &self.causes {
            push_labelled(&mut text, &style.paint(Tone::Faint, "  caused by:"), cause);
        }
        for hint in &self.hints {
            push_labelled(&mut text, &style.paint(Tone::Active, "hint:"), hint);
        }
        text
    }

    /// The error as one JSON object on one line, without the line's end.
    pub fn to_json(&self) -> String {
        json::line(&Envelope {
            error: Body {
                code: self.code.number(),
                message: &self.message,
                causes: &self.causes,
                hints: &self.hints,
            },
        })
    }

    /// Writes the error to stderr in the form that was asked for, and returns its code.
    pub fn report(&self, global: &GlobalArgs) -> ExitCode {
        let mut stderr = Output::stderr();
        if global.json {
            stderr.line(&self.to_json());
        } else {
            stderr.text(&self.to_text(&Style::for_stderr(global.color)));
        }
        self.code
    }
}

fn push_labelled(text: &mut String, label: &str, message: &str) {
    let mut lines = crate::text::visible_lines(message);
    let first = lines.next().unwrap_or_else(|| visible(""));
    writeln!(text, "{label} {first}").expect("writing to a String cannot fail");
    for line in lines {
        writeln!(text, "    {line}").expect("writing to a String cannot fail");
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {}

impl From<SelectError> for CliError {
    fn from(error: SelectError) -> Self {
        let hint = match &error {
            SelectError::NoRuns => "start one: lao run PLAN, or see one: lao demo",
            SelectError::Unknown { name: _ } => "lao runs --all lists every run",
            SelectError::Ambiguous { name: _, matches: _ } => {
                "type more of the id, or its last part alone"
            }
        };
        Self::new(ExitCode::Usage, error.to_string()).hint(hint)
    }
}

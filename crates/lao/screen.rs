//! Where results go: text for people, JSON for programs.

use lao_cli::{
    CliError, ExitCode, Output, Style, args::GlobalArgs, output::Listener, render::json,
};
use serde::Serialize;
use serde_json::Value;

/// Standard output in the form that the flags ask for.
pub(crate) struct Screen {
    pub output: Output,
    pub style: Style,
    pub json: bool,
    /// The result alone goes to standard output; progress and summary go to standard error.
    pub filters: bool,
}

impl Screen {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self {
            output: Output::stdout(),
            style: Style::for_stdout(global.color),
            json: global.json,
            filters: false,
        }
    }

    /// Shows one value.
    pub(crate) fn report<T: Serialize>(
        &mut self,
        value: &T,
        render: impl FnOnce(&T, &Style) -> String,
    ) -> Listener {
        if self.json {
            self.output.line(&json::line(value))
        } else {
            self.output.text(&render(value, &self.style))
        }
    }

    /// Shows what a run gave: a text as it is, anything else as JSON.
    pub(crate) fn result(&mut self, value: &Value) {
        if self.json {
            self.output
                .line(&json::line(&serde_json::json!({ "update": "result", "value": value })));
            return;
        }
        match value {
            Value::Null => {}
            Value::String(text) => {
                self.output.text(text);
                if !text.ends_with('\n') && !text.is_empty() {
                    self.output.text("\n");
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.output.line(&value.to_string());
            }
        }
    }

    /// Shows several values of a kind: one text, or a line each.
    pub(crate) fn report_all<T: Serialize>(
        &mut self,
        values: &[T],
        render: impl FnOnce(&[T], &Style) -> String,
    ) -> Listener {
        if self.json {
            self.output.text(&json::lines(values))
        } else {
            self.output.text(&render(values, &self.style))
        }
    }

    /// Says on standard error what went wrong with something that does not end the command.
    pub(crate) fn warn(&self, error: &CliError) {
        let mut output = Output::stderr();
        if self.json {
            output.line(&error.to_json());
        } else {
            output.text(&error.to_text(&self.style));
        }
    }

    /// Tells whether everything could be written.
    pub(crate) fn close(self, code: ExitCode) -> Result<ExitCode, CliError> {
        match self.output.finish() {
            Ok(()) => Ok(code),
            Err(error) => {
                Err(CliError::new(ExitCode::Internal, "cannot write the result").caused_by(&error))
            }
        }
    }
}

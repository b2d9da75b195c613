//! What can be wrong with a workflow. Every problem has a place and says its cure.

use thiserror::Error;

/// All that is wrong with a workflow and with those it calls, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", lines(problems))]
pub struct FlowError {
    /// The workflow's path, as the caller gave it.
    pub path: String,
    /// What is wrong; at least one.
    pub problems: Vec<FlowProblem>,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowProblem {
    /// The file it is in.
    pub path: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its column in characters, counted from 1.
    pub column: usize,
    /// How many characters of the line are at fault; at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line as it stands in the file.
    pub source_line: String,
}

fn lines(problems: &[FlowProblem]) -> String {
    let line = |problem: &FlowProblem| {
        let FlowProblem { path, line, column, message, hint, .. } = problem;
        let hint = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{path}:{line}:{column}: {message}{hint}")
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl FlowError {
    /// The problems as people read them: message, place, the line with a mark under the fault,
    /// cure; at the end how many there are. Without colours, and with nothing that a terminal would
    /// obey.
    pub fn render(&self) -> String {
        format!("{}\n\n{}", self.details(), self.headline())
    }

    /// How many problems there are, and where.
    pub fn headline(&self) -> String {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        format!("{count} {noun} in {}", harmless(&self.path))
    }

    /// The problems without their number.
    pub fn details(&self) -> String {
        self.problems.iter().map(FlowProblem::render).collect::<Vec<_>>().join("\n\n")
    }
}

impl FlowProblem {
    fn render(&self) -> String {
        const BEFORE_CHARS: usize = 60;
        const LINE_CHARS: usize = 120;
        let Self { path, line, column, .. } = self;
        // Of a long line, what is around the fault.
        let skipped = (*column - 1).saturating_sub(BEFORE_CHARS);
        let shown: String = self.source_line.chars().skip(skipped).take(LINE_CHARS).collect();
        let before = *column - 1 - skipped;
        let room = shown.chars().count().saturating_sub(before).max(1);
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let marks = "^".repeat(self.length.min(room));
        let mut lines = vec![
            format!("error: {}", harmless(&self.message)),
            format!("{margin}--> {}:{line}:{column}", harmless(path)),
            format!("{margin} |"),
            format!("{number} | {}", harmless(&shown)).trim_end().to_owned(),
            format!("{margin} | {}{marks}", " ".repeat(before)),
        ];
        lines.extend(self.hint.as_ref().map(|hint| format!("{margin} = help: {}", harmless(hint))));
        lines.join("\n")
    }
}

/// Each control character is replaced by one space, so that marks stay under what they mark.
fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

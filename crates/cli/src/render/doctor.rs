//! The doctor's report.

use serde::Serialize;

use super::page::Page;
use crate::{
    ExitCode, Style,
    style::Tone,
    text::{Align, pad, width},
    units::count,
};

/// What one check of the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoctorLine {
    /// How it is.
    pub state: DoctorState,
    /// What was checked: `server`, `models`, `git`, `disk`, `journal`.
    pub subject: String,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub cure: Option<String>,
    /// The exit code a problem calls for.
    #[serde(skip)]
    pub code: ExitCode,
}

/// How a thing is that the doctor looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoctorState {
    /// As it should be.
    Ok,
    /// Runs will work, though not as well as they could.
    Warning,
    /// Runs will not work.
    Problem,
}

impl DoctorState {
    const fn word(self) -> (Tone, &'static str) {
        match self {
            Self::Ok => (Tone::Good, "ok"),
            Self::Warning => (Tone::Warning, "warning"),
            Self::Problem => (Tone::Bad, "problem"),
        }
    }
}

impl DoctorLine {
    /// The exit code for a whole report: that of its first problem, 0 without one.
    pub fn exit_code(lines: &[Self]) -> ExitCode {
        lines
            .iter()
            .find(|line| line.state == DoctorState::Problem)
            .map_or(ExitCode::Done, |line| line.code)
    }
}

/// Every check with its result and cure.
pub fn doctor(lines: &[DoctorLine], style: &Style) -> String {
    let mut page = Page::new(style);
    let widest = lines.iter().map(|line| width(&line.subject)).max();
    let subject_columns = widest.unwrap_or(0).min(16);
    for line in lines {
        let (tone, word) = line.state.word();
        let state = page.paint(tone, &pad(word, 7, Align::Left));
        let subject = page.paint(Tone::Strong, &pad(&line.subject, subject_columns, Align::Left));
        let short = crate::text::visible(&line.message);
        let used = 7 + 2 + subject_columns + 2;
        if used + width(&short) <= style.width_columns {
            page.line(&format!("{state}  {subject}  {short}"));
        } else {
            page.line(&format!("{state}  {}", subject.trim_end()));
            page.wrapped(9, (Tone::Plain, &line.message));
        }
        if let Some(cure) = &line.cure {
            page.wrapped(9, (Tone::Active, &format!("cure: {cure}")));
        }
    }
    page.blank();
    page.line(&verdict(lines, style));
    page.finish()
}

fn verdict(lines: &[DoctorLine], style: &Style) -> String {
    let number = |state| lines.iter().filter(|line| line.state == state).count() as u64;
    let problems = number(DoctorState::Problem);
    let warnings = number(DoctorState::Warning);
    match (problems, warnings) {
        (0, 0) => style.paint(Tone::Good, "Everything is as it should be."),
        (0, _) => style.paint(Tone::Warning, &format!("{}.", count(warnings, "warning"))),
        (_, 0) => style.paint(Tone::Bad, &format!("{}.", count(problems, "problem"))),
        (_, _) => style.paint(
            Tone::Bad,
            &format!("{}, {}.", count(problems, "problem"), count(warnings, "warning")),
        ),
    }
}

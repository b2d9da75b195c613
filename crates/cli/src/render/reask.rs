//! What another model said to the prompts of a run.

use serde::Serialize;

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    text::short_run,
    units::{count, duration, number},
};

/// How far an answer agrees with the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgreementWord {
    /// Word for word.
    Same,
    /// It comes to the same: the same verdict, the same tasks, the same tools on the same files.
    Alike,
    /// It does not.
    Different,
    /// There was no answer.
    Unanswered,
}

/// One prompt that was asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReaskCall {
    /// Position of the event with the prompt.
    pub seq: u64,
    /// Key of the step.
    pub step: String,
    /// How far they agree.
    pub agreement: AgreementWord,
    /// What the run's model said, in short.
    pub recorded: String,
    /// What the other said, in short, or why there is no answer.
    pub asked: String,
    /// How long the other took, in milliseconds.
    pub elapsed_ms: u64,
}

/// All of them, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReaskReport {
    /// The run.
    pub run: String,
    /// The role.
    pub role: String,
    /// The model that was asked.
    pub model: String,
    /// Prompts.
    pub calls: u64,
    /// Answers that are the same word for word.
    pub same: u64,
    /// Answers that come to the same.
    pub alike: u64,
    /// Answers that do not.
    pub different: u64,
    /// Prompts without an answer.
    pub unanswered: u64,
}

/// One prompt, told.
pub fn reask_call(call: &ReaskCall, style: &Style) -> String {
    let mut page = Page::new(style);
    let (tone, word) = match call.agreement {
        AgreementWord::Same => (Tone::Good, "same"),
        AgreementWord::Alike => (Tone::Good, "alike"),
        AgreementWord::Different => (Tone::Bad, "different"),
        AgreementWord::Unanswered => (Tone::Warning, "no answer"),
    };
    let took = duration(call.elapsed_ms);
    page.cut(0, (tone, &format!("{:>5}  {:<6}  {word}, {took}", call.seq, call.step)));
    if call.agreement != AgreementWord::Same {
        page.cut(7, (Tone::Faint, &format!("- {}", call.recorded)));
        page.cut(7, (Tone::Faint, &format!("+ {}", call.asked)));
    }
    page.finish()
}

/// The counts, told.
pub fn reask(report: &ReaskReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let agreed = report.same + report.alike;
    let line = format!(
        "{}: {} agrees with {} of {} as {}",
        short_run(&report.run),
        report.model,
        number(agreed),
        count(report.calls, "answer"),
        report.role,
    );
    let tone = if agreed == report.calls { Tone::Good } else { Tone::Strong };
    page.cut(0, (tone, &line));
    let counts = format!(
        "{} the same, {} alike, {} different, {} without an answer",
        report.same, report.alike, report.different, report.unanswered
    );
    page.field("answers", (Tone::Plain, &counts));
    page.finish()
}

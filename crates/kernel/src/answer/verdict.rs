//! The reviewer's answer: a verdict, read for what it is.

use lao_event::latest::{Finding, FinishReason, Verdict};
use serde::Deserialize;

use super::{check_length, json, short_problem};

/// The schema of the reviewer's answer.
pub(crate) const VERDICT_SCHEMA: &str = r#"{"type":"object","properties":{"verdict":{"type":"string","enum":["approved","rework","rejected"]},"summary":{"type":"string","maxLength":600},"findings":{"type":"array","maxItems":30,"items":{"type":"object","properties":{"file":{"type":"string","maxLength":200},"line":{"type":"integer","minimum":0},"message":{"type":"string","maxLength":400},"hint":{"type":"string","maxLength":400}},"required":["message"],"additionalProperties":false}}},"required":["verdict","summary","findings"],"additionalProperties":false}"#;

/// A verdict with what goes with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadVerdict {
    pub verdict: Verdict,
    pub summary: String,
    pub findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct ReviewerAnswer {
    #[serde(alias = "decision", alias = "status", alias = "result")]
    verdict: String,
    #[serde(default, alias = "comment", alias = "reason")]
    summary: String,
    #[serde(default, alias = "issues")]
    findings: Vec<ReviewerFinding>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReviewerFinding {
    Text(String),
    Full {
        #[serde(default, alias = "path")]
        file: Option<String>,
        #[serde(default)]
        line: Option<u32>,
        #[serde(default, alias = "description", alias = "issue")]
        message: String,
        #[serde(default, alias = "suggestion", alias = "fix")]
        hint: String,
    },
}

impl ReviewerFinding {
    fn into_finding(self) -> Finding {
        let (file, line, message, hint) = match self {
            Self::Text(message) => (None, None, message, String::new()),
            Self::Full { file, line, message, hint } => (file, line, message, hint),
        };
        Finding {
            file: file.filter(|file| !file.is_empty()),
            line: line.filter(|line| *line > 0),
            rule: "review".to_owned(),
            message,
            hint,
        }
    }
}

/// Reads a verdict, or says why none can be read. The findings never change the verdict.
pub(crate) fn read_verdict(text: &str, finish: FinishReason) -> Result<ReadVerdict, String> {
    check_length(text)?;
    let text = json::without_reasoning(text);
    let answer: ReviewerAnswer = match json::read(&text) {
        Ok(answer) => answer,
        Err(problem) => {
            return bare_verdict(&text).ok_or_else(|| match finish {
                FinishReason::Length => "the answer was cut off at the token limit".to_owned(),
                FinishReason::Stop | FinishReason::ToolCalls | FinishReason::ContentFilter => {
                    problem
                }
            });
        }
    };
    let verdict = verdict_word(&answer.verdict).ok_or_else(|| {
        short_problem(&format!(
            "the verdict {:?} is none of approved, rework, rejected",
            answer.verdict
        ))
    })?;
    let findings = answer.findings.into_iter().map(ReviewerFinding::into_finding).collect();
    Ok(ReadVerdict { verdict, summary: answer.summary, findings })
}

fn verdict_word(word: &str) -> Option<Verdict> {
    let ornament = |c: char| c.is_whitespace() || matches!(c, '.' | '!' | '*' | '`' | '"');
    let word = word.trim_matches(ornament).to_lowercase();
    match word.as_str() {
        "approved" | "approve" | "accepted" | "pass" => Some(Verdict::Approved),
        "rework" | "changes_requested" | "request_changes" | "needs_rework" => {
            Some(Verdict::Rework)
        }
        "rejected" | "reject" => Some(Verdict::Rejected),
        _ => None,
    }
}

/// A verdict without JSON: one word alone, in a fenced block or after `verdict:`.
fn bare_verdict(text: &str) -> Option<ReadVerdict> {
    let fenced = json::fenced(text);
    let lines = text.lines().filter_map(|line| {
        let (label, word) = line.split_once(':')?;
        label.trim().trim_matches('*').eq_ignore_ascii_case("verdict").then_some(word)
    });
    let verdict = std::iter::once(text).chain(fenced).chain(lines).find_map(verdict_word)?;
    Some(ReadVerdict { verdict, summary: String::new(), findings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Result<Verdict, String> {
        read_verdict(text, FinishReason::Stop).map(|read| read.verdict)
    }

    #[test]
    fn a_verdict_is_read_for_what_it_is() {
        assert_eq!(
            verdict(r#"{"verdict":"approved","summary":"","findings":[]}"#),
            Ok(Verdict::Approved)
        );
        assert_eq!(verdict("```\nAPPROVED\n```"), Ok(Verdict::Approved));
        assert_eq!(verdict("```json\n{\"verdict\": \"REJECTED\"}\n```"), Ok(Verdict::Rejected));
        assert_eq!(verdict("**Verdict:** rework"), Ok(Verdict::Rework));
        assert_eq!(
            verdict(r#"{"verdict":"rejected","findings":[{"severity":"cosmic","message":"m"}]}"#),
            Ok(Verdict::Rejected),
            "an unknown severity never turns a verdict round"
        );
    }

    #[test]
    fn an_answer_that_fits_no_record_is_not_read() {
        let summary = "x".repeat(super::super::ANSWER_BYTES_MAX);
        let text = format!(r#"{{"verdict":"approved","summary":"{summary}"}}"#);
        assert!(verdict(&text).unwrap_err().contains("write less"));
        let word = "y".repeat(10_000);
        assert!(verdict(&format!(r#"{{"verdict":"{word}"}}"#)).unwrap_err().len() < 2_000);
    }

    #[test]
    fn what_is_no_verdict_is_none() {
        assert!(verdict("I would say this is not approved yet.").is_err());
        assert!(verdict(r#"{"verdict":"maybe"}"#).is_err());
        assert!(verdict("").is_err());
    }
}

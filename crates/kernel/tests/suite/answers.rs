//! What models answer: text, tool calls, failures of every kind.

use lao_event::{
    Content, Role,
    latest::{
        Answer, FailureKind, FinishReason, ModelFailure, ModelOutcome, Timing, ToolCall, Usage,
    },
};

use crate::{choices::Choices, plans};

/// A whole answer without tool calls.
pub(crate) fn said(text: impl Into<String>, finish: FinishReason) -> Answer {
    Answer {
        text: Content::Inline(text.into()),
        reasoning: Content::empty(),
        tool_calls: Vec::new(),
        finish,
        usage: Usage::default(),
        timing: Timing::default(),
        model: "model".to_owned(),
        server: None,
    }
}

/// An answer that calls tools.
pub(crate) fn called(names: &[&str]) -> Answer {
    let call = |(index, name): (usize, &&str)| ToolCall {
        id: format!("call_{index}"),
        name: (*name).to_owned(),
        arguments: Content::from(format!("{{\"of\":\"{name}\"}}")),
    };
    Answer {
        tool_calls: names.iter().enumerate().map(call).collect(),
        ..said("", FinishReason::ToolCalls)
    }
}

/// Every kind of failure; the first is not used up by friendly worlds.
pub(crate) const FAILURES: [FailureKind; 9] = [
    FailureKind::Unreachable,
    FailureKind::ModelMissing,
    FailureKind::WindowExceeded,
    FailureKind::Refused,
    FailureKind::ServerFailed,
    FailureKind::Unreadable,
    FailureKind::TimedOut,
    FailureKind::ScriptMismatch,
    FailureKind::Aborted,
];

/// What comes of a model call.
pub(crate) fn outcome(choices: &mut Choices<'_>, role: Role, number: usize) -> ModelOutcome {
    if choices.once_in(12) {
        return ModelOutcome::Failed(ModelFailure {
            kind: *choices.one_of(&FAILURES),
            message: "the server said no".to_owned(),
        });
    }
    let mut answer = match role {
        Role::Planner => {
            let (text, finish) = plans::answer(choices, number);
            said(text, finish)
        }
        Role::Reviewer => review(choices),
        Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
            code(choices, number)
        }
    };
    // Small models call tools that nobody offered.
    if role != Role::Coder && choices.once_in(8) {
        answer.tool_calls = called(&["file_read"]).tool_calls;
    }
    if choices.once_in(9) {
        answer.reasoning = Content::Inline("hm ".repeat(6_000));
    }
    ModelOutcome::Answered(answer)
}

fn code(choices: &mut Choices<'_>, number: usize) -> Answer {
    let unique = format!("tool_{number}");
    match choices.below(10) {
        0 | 1 => said("Done.", FinishReason::Stop),
        2 => called(&["repeated"]),
        3 => called(&[&unique, "repeated", "repeated"]),
        4 => Answer { finish: FinishReason::Length, ..called(&[&unique]) },
        5 => said("cut off", FinishReason::Length),
        6 => said("", FinishReason::ContentFilter),
        7 => Answer { finish: FinishReason::Stop, ..called(&[&unique]) },
        8 => said("long ".repeat(4_000), FinishReason::Stop),
        _ => called(&[&unique]),
    }
}

fn review(choices: &mut Choices<'_>) -> Answer {
    let verdict = |word: &str| {
        format!(
            "{{\"verdict\":\"{word}\",\"summary\":\"S.\",\"findings\":[{{\"file\":\"a.rs\",\
             \"line\":3,\"message\":\"m\"}}]}}"
        )
    };
    match choices.below(9) {
        0 | 1 => said(verdict("approved"), FinishReason::Stop),
        2 => said("```\nAPPROVED\n```", FinishReason::Stop),
        3 | 4 => said(verdict("rework"), FinishReason::Stop),
        5 => said(verdict("rejected"), FinishReason::Stop),
        6 => said("Looks fine to me.", FinishReason::Stop),
        7 => said("{\"verdict\":", FinishReason::Length),
        _ => said(verdict("perhaps"), FinishReason::Stop),
    }
}

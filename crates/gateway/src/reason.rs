//! Reasons in words: why a run stopped, why a step did not succeed, what is asked.

use lao_event::latest::{FailureReason, QuestionAnswer, QuestionSubject, StopReason};

/// Why a run stopped.
pub(crate) fn stop(reason: &StopReason) -> String {
    match reason {
        StopReason::Interrupted => "it was interrupted".to_owned(),
        StopReason::ServerUnreachable { endpoint, message } => {
            format!("the model server {endpoint} cannot be reached: {message}")
        }
        StopReason::ModelMissing { endpoint, message } => {
            format!("the model server {endpoint} lacks a model: {message}")
        }
        StopReason::Parked => "nothing can go on before a person acts".to_owned(),
        StopReason::EffectLostTooOften { effect } => {
            format!("effect {effect} was lost to crashes too often")
        }
        StopReason::WorkspaceUnusable { message } => {
            format!("the workspace cannot be used: {message}")
        }
        StopReason::Cancelled => "a person cancelled it".to_owned(),
    }
}

/// The kind of a failure, as views name it.
pub(crate) const fn failure_kind(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::ModelFailed => "model_failed",
        FailureReason::PlanUnusable => "plan_unusable",
        FailureReason::ChecksRed => "checks_red",
        FailureReason::NotApproved => "not_approved",
        FailureReason::ReviewUnreadable => "review_unreadable",
        FailureReason::CoderStuck => "coder_stuck",
        FailureReason::TimedOut => "timed_out",
        FailureReason::ActionFailed => "action_failed",
        FailureReason::OutputUnusable => "output_unusable",
        FailureReason::ExpressionFailed => "expression_failed",
        FailureReason::AssertionFailed => "assertion_failed",
        FailureReason::Denied => "denied",
        FailureReason::InsideFailed => "inside_failed",
    }
}

/// What a person is asked.
pub(crate) fn question(subject: &QuestionSubject) -> String {
    match subject {
        QuestionSubject::CommandUnknown { argv } => format!(
            "`{}` was started and a crash hid whether it ended. Run it again?",
            argv.join(" ")
        ),
        QuestionSubject::FileConflict { path } => format!(
            "somebody else changed {path}, which was about to be written. Try again, or go on \
             without?"
        ),
        QuestionSubject::Approval { message } => message.clone(),
    }
}

/// What may be answered.
pub(crate) fn choices(subject: &QuestionSubject) -> [&'static str; 2] {
    match subject {
        QuestionSubject::CommandUnknown { .. } | QuestionSubject::FileConflict { .. } => {
            ["rerun", "skip"]
        }
        QuestionSubject::Approval { .. } => ["approve", "deny"],
    }
}

/// An answer, as views and requests name it.
pub(crate) const fn answer(answer: QuestionAnswer) -> &'static str {
    match answer {
        QuestionAnswer::Rerun => "rerun",
        QuestionAnswer::Skip => "skip",
        QuestionAnswer::Approve => "approve",
        QuestionAnswer::Deny => "deny",
    }
}

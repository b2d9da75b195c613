//! What an outstanding effect is, in the words of scripts.

use lao_event::{
    CallId, EffectId, Role, StepId,
    latest::{Answer, CommitStarted, FailureKind, Message, ModelFailure, ModelOutcome},
};
use lao_kernel::{Command, Effect, EffectKey, EffectWork, ToolPlan};

/// The number of a started effect.
pub(crate) fn started(effect: &Effect<'_>) -> EffectId {
    match effect.key {
        EffectKey::Started(id, _) => id,
        EffectKey::Prepare(call) => panic!("{call} is to be prepared and was not started"),
        EffectKey::Look(step, ..) => panic!("{step} is to be looked for and was not started"),
    }
}

/// The model that is asked, and the prompt.
pub(crate) fn asked<'a>(effect: &Effect<'a>) -> Option<(Role, &'a [Message])> {
    if let EffectWork::Model { role, messages, .. } = effect.work {
        Some((role, messages))
    } else {
        None
    }
}

/// The role that is asked.
pub(crate) fn role_of(effect: &Effect<'_>) -> Option<Role> {
    asked(effect).map(|(role, _)| role)
}

/// The tool call that is to be looked at, and its tool.
pub(crate) fn called_tool<'a>(effect: &Effect<'a>) -> Option<(CallId, &'a str)> {
    match (effect.key, effect.work) {
        (EffectKey::Prepare(call), EffectWork::Prepare { name, .. }) => Some((call, name)),
        _ => None,
    }
}

/// The tasks that are to be checked.
pub(crate) fn checked<'a>(effect: &Effect<'a>) -> Option<&'a [StepId]> {
    if let EffectWork::Checks { steps, .. } = effect.work { Some(steps) } else { None }
}

/// The commit that is to be made.
pub(crate) fn committed<'a>(effect: &Effect<'a>) -> Option<&'a CommitStarted> {
    if let EffectWork::Commit(commit) = effect.work { Some(commit) } else { None }
}

/// The model answers.
pub(crate) fn answer(effect: &Effect<'_>, answer: Answer) -> Command {
    Command::ModelCallEnded {
        effect: started(effect),
        outcome: ModelOutcome::Answered(answer),
        failed_tries: Vec::new(),
    }
}

/// The server refuses.
pub(crate) fn refuse(effect: &Effect<'_>) -> Command {
    Command::ModelCallEnded {
        effect: started(effect),
        outcome: ModelOutcome::Failed(ModelFailure {
            kind: FailureKind::Refused,
            message: "HTTP 400".to_owned(),
        }),
        failed_tries: Vec::new(),
    }
}

/// A tool call would do this.
pub(crate) fn prepare(call: CallId, plan: ToolPlan) -> Command {
    Command::ToolPrepared { call, tool: "tool".to_owned(), repair: None, plan }
}

/// A file that was not there is written.
pub(crate) fn write_new(path: &str) -> ToolPlan {
    ToolPlan::Write {
        path: path.to_owned(),
        before: None,
        after: Some("fn parse() {}\n".to_owned()),
        reply: format!("{path}: written, 1 line"),
    }
}

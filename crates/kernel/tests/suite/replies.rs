//! What tools, verifier, git and workspace answer.

use lao_event::{
    Content, EffectId, Hash, StepId,
    latest::{
        CheckReport, CommandOutcome, CommandReport, CommitOutcome, FileWriteOutcome, Finding,
        TodoItem, ToolOutcome, WorkspaceOutcome,
    },
};
use lao_kernel::{BeforeFile, Command, ToolPlan};

use crate::choices::Choices;

/// What a tool call would do.
pub(crate) fn plan(choices: &mut Choices<'_>, number: usize) -> ToolPlan {
    let path = format!("src/f{}.rs", choices.below(4));
    let write = |before: Option<BeforeFile>, after: Option<String>| ToolPlan::Write {
        path: path.clone(),
        before,
        after,
        reply: format!("{path}: done"),
    };
    let item = |done: bool| TodoItem { text: "look".to_owned(), done };
    match choices.below(11) {
        0 => ToolPlan::Read { arguments: "{}".to_owned() },
        1 => write(None, Some(format!("fn f{number}() {{}}\n"))),
        2 => write(Some(before("old\n")), Some("new\n".repeat(5_000))),
        3 => write(Some(before("old\n")), None),
        4 | 5 => ToolPlan::Command { argv: vec!["make".to_owned()], timeout_ms: 1_000 },
        6 => ToolPlan::TodoSet { items: vec![item(true), item(choices.once_in(2))] },
        7 => ToolPlan::TodoGet,
        8 => ToolPlan::Denied { rule: "shell-off".to_owned(), reply: "no".to_owned() },
        9 => ToolPlan::Invalid { reply: "no such tool".to_owned() },
        _ => write(Some(before(&format!("old {number}"))), Some(String::new())),
    }
}

fn before(text: &str) -> BeforeFile {
    BeforeFile { hash: Hash::of(text.as_bytes()), content: Content::from(text) }
}

pub(crate) fn read_ended(choices: &mut Choices<'_>, effect: EffectId) -> Command {
    let outcome = *choices.one_of(&[ToolOutcome::Succeeded, ToolOutcome::Failed]);
    let reply = if choices.once_in(6) { "x".repeat(20_000) } else { "text".to_owned() };
    Command::ToolCallEnded { effect, outcome, reply }
}

pub(crate) fn write_ended(choices: &mut Choices<'_>, effect: EffectId) -> Command {
    let outcome = match choices.below(6) {
        3 => FileWriteOutcome::AlreadyWritten,
        4 => FileWriteOutcome::Conflict { found: choices.once_in(2).then(|| Hash::of(b"theirs")) },
        5 => FileWriteOutcome::Failed { message: "disk full".to_owned() },
        _ => FileWriteOutcome::Written,
    };
    Command::FileWriteEnded { effect, outcome }
}

fn command_outcome(choices: &mut Choices<'_>) -> CommandOutcome {
    match choices.below(8) {
        5 => CommandOutcome::Exited { code: 1 },
        6 => CommandOutcome::TimedOut,
        7 => CommandOutcome::NotStarted { message: "no such program".to_owned() },
        _ => CommandOutcome::Exited { code: 0 },
    }
}

pub(crate) fn command_ended(choices: &mut Choices<'_>, effect: EffectId) -> Command {
    let outcome = command_outcome(choices);
    Command::CommandEnded { effect, outcome, reply: "output".to_owned() }
}

/// A report on some tasks; sometimes it leaves one out or covers one too many.
pub(crate) fn checks_ended(
    choices: &mut Choices<'_>,
    effect: EffectId,
    steps: &[StepId],
) -> Command {
    let mut steps = steps.to_vec();
    if choices.once_in(20) {
        steps.pop();
    }
    if choices.once_in(20) {
        steps.push(StepId(0));
    }
    let commands = vec![CommandReport {
        name: "lint".to_owned(),
        outcome: command_outcome(choices),
        output: Content::from("output"),
        elapsed_ms: 5,
    }];
    let report = |step: StepId| CheckReport {
        step,
        findings: (0..choices.below(5).saturating_sub(2)).map(finding).collect(),
        diff: Content::Inline("+line\n".repeat(1 + 3_000 * choices.below(2))),
    };
    Command::ChecksEnded { effect, reports: steps.into_iter().map(report).collect(), commands }
}

fn finding(index: usize) -> Finding {
    Finding {
        file: (index == 0).then(|| "a.rs".to_owned()),
        line: None,
        rule: "placeholder".to_owned(),
        message: "unfinished".to_owned(),
        hint: String::new(),
    }
}

pub(crate) fn commit_ended(choices: &mut Choices<'_>, effect: EffectId) -> Command {
    let outcome = match choices.below(8) {
        6 => CommitOutcome::Unchanged,
        7 => CommitOutcome::Failed { message: "index.lock is held".to_owned() },
        _ => CommitOutcome::Made { id: format!("{:040x}", effect.0) },
    };
    Command::CommitEnded { effect, outcome }
}

pub(crate) fn workspace_ended(choices: &mut Choices<'_>, effect: EffectId) -> Command {
    let outcome = if choices.once_in(12) {
        WorkspaceOutcome::Unusable { message: "read-only".to_owned() }
    } else {
        WorkspaceOutcome::Ready { base: Some("0".repeat(40)), dirty: vec!["notes".to_owned()] }
    };
    Command::WorkspaceEnded { effect, outcome }
}

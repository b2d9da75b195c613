//! What differs of workflows, as clients see it: values, actions, outputs.

use lao_event::latest::ActionFailure;
use lao_protocol::{DiffKind, DiffTextOf};
use lao_replay::diff::{
    ActionDiff, ActionKind, ActionLine, ActionResult, OutputDiff, OutputOrigin, Pair, ValueDiff,
    ValueForm,
};

use super::{Said, named};

/// A value by itself.
pub(super) fn value(said: Said, value: &ValueDiff) -> Said {
    value_of(said, DiffTextOf::Text, value)
}

/// Form and text of a value.
fn value_of(said: Said, of: DiffTextOf, value: &ValueDiff) -> Said {
    let ValueDiff { forms, text } = value;
    let said = match forms {
        Pair { a: Some(a), b: Some(b) } if a != b => {
            said.value("form", Pair { a: *a, b: *b }.map(form_name).map(named))
        }
        // A value that only one run has is told by its text.
        Pair { a: Some(_) | None, b: Some(_) | None } => said,
    };
    text.iter().fold(said, |said, text| said.text_of(of, text))
}

const fn form_name(form: ValueForm) -> &'static str {
    match form {
        ValueForm::Nothing => "nothing",
        ValueForm::Text => "text",
        ValueForm::Json => "json",
        ValueForm::File => "file",
    }
}

pub(super) fn action(action: &ActionDiff) -> Said {
    let ActionDiff { kind, sides, arguments, input, value } = action;
    let lines = sides.as_ref().map(Option::as_ref);
    let of = |value: fn(&ActionLine) -> Option<String>| lines.map(|line| line.and_then(value));
    let about = |line: &ActionLine| (!line.about.is_empty()).then(|| line.about.clone());
    let values = [
        ("about", of(about)),
        ("outcome", of(|line| Some(result(&line.result)))),
        ("exit_code", of(|line| line.exit_code.map(|code| code.to_string()))),
    ];
    // What it is about is told by what it is done with, where there is something beside it.
    let is_told = |name: &str| name == "about" && lines.a.is_some() && lines.b.is_some();
    let differing =
        values.into_iter().filter(|(name, values)| values.a != values.b && !is_told(name));
    let said = Said::of(DiffKind::Action).subject(kind_name(*kind));
    let said = differing.fold(said, |said, (name, values)| said.value(name, values));
    let said = arguments.iter().fold(said, |said, text| said.text_of(DiffTextOf::Arguments, text));
    let said = input.iter().fold(said, |said, text| said.text_of(DiffTextOf::Input, text));
    value.iter().fold(said, |said, value| value_of(said, DiffTextOf::Output, value))
}

const fn kind_name(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Run => "run",
        ActionKind::Read => "read",
        ActionKind::List => "list",
        ActionKind::Write => "write",
        ActionKind::Transcribe => "transcribe",
        ActionKind::Embed => "embed",
        ActionKind::Plan => "plan",
        ActionKind::Approve => "approve",
        ActionKind::Wait => "wait",
        ActionKind::Pause => "pause",
    }
}

fn result(result: &ActionResult) -> String {
    match result {
        ActionResult::Open => "open".to_owned(),
        ActionResult::Done => "done".to_owned(),
        ActionResult::Failed(kind, message) => format!("failed ({}): {message}", failure(*kind)),
    }
}

const fn failure(kind: ActionFailure) -> &'static str {
    match kind {
        ActionFailure::Command => "command",
        ActionFailure::File => "file",
        ActionFailure::Conflict => "conflict",
        ActionFailure::Engine => "engine",
        ActionFailure::Model => "model",
        ActionFailure::Unreachable => "unreachable",
        ActionFailure::ModelMissing => "model missing",
        ActionFailure::TimedOut => "timed out",
        ActionFailure::Inside => "run inside",
        ActionFailure::Denied => "denied",
    }
}

pub(super) fn output(output: &OutputDiff) -> Said {
    let OutputDiff { origins, keyed_on, value } = output;
    let said = Said::of(DiffKind::Output);
    let said = if origins.a == origins.b {
        said
    } else {
        let names: Pair<Option<String>> =
            origins.map(|origin| origin.and_then(|origin| named(origin_name(origin))));
        said.value("from", names)
    };
    let said = keyed_on.iter().fold(said, |said, text| said.text_of(DiffTextOf::KeyedOn, text));
    value.iter().fold(said, |said, value| value_of(said, DiffTextOf::Text, value))
}

const fn origin_name(origin: OutputOrigin) -> &'static str {
    match origin {
        OutputOrigin::Answer => "the model's answer",
        OutputOrigin::Inside => "the steps inside",
        OutputOrigin::Cache => "an earlier result",
    }
}

//! One conversation beside another: what the model was told, how it was asked, what it answered
//! and which tools it called.

use lao_event::{
    Content, Hash, Role,
    latest::{
        Answer, AnswerFormat, Before, CommandOutcome, FileWriteOutcome, ModelOutcome, ToolOutcome,
        ToolVerdict,
    },
};

use super::attempt::Changes;
use crate::diff::{
    DiffError,
    align::{Pair, Presence, align},
    change::{CallDiff, CallLine, CallOutcome, FieldChange, RequestField, Turn, TurnOutcome, What},
    record::{Action, CallRecord, PromptRecord, TalkRecord, TurnRecord, WriteRecord},
    text::{Grain, TextDiff},
};

/// How much of a call's arguments names it, in characters.
const ARGUMENT_CHARS_MAX: usize = 120;

type Both<'a, T> = Pair<Option<&'a T>>;

pub(super) fn compare(
    changes: &mut Changes<'_>,
    talks: Both<'_, TalkRecord>,
) -> Result<(), DiffError> {
    let Some(role) = talks.a.or(talks.b).map(|talk| talk.role) else {
        return Ok(());
    };
    let prompts = talks.map(|talk| talk.map_or(&[][..], |talk| &talk.prompts));
    let key = |prompt: &PromptRecord| (prompt.from, prompt.content.hash());
    for row in align((prompts.a, prompts.b), key, |one, other| one.from == other.from) {
        prompt(changes, role, row)?;
    }
    let turns = talks.map(|talk| talk.map_or(&[][..], |talk| &talk.turns));
    let mut numbers = Pair { a: 0, b: 0 };
    let mut asked: Pair<Vec<Option<String>>> = Pair::default();
    for row in align((turns.a, turns.b), turn_key, |_, _| true) {
        numbers.a += u64::from(row.a.is_some());
        numbers.b += u64::from(row.b.is_some());
        let numbers = Pair { a: row.a.map(|_| numbers.a), b: row.b.map(|_| numbers.b) };
        let turn = Turn { role, numbers };
        compare_turn(changes, turn, row)?;
        requests(changes, (turn, row), &mut asked);
    }
    Ok(())
}

fn prompt(
    changes: &mut Changes<'_>,
    role: Role,
    row: Both<'_, PromptRecord>,
) -> Result<(), DiffError> {
    let seqs = row.map(|prompt| prompt.map(|prompt| prompt.seq));
    let texts = row.map(|prompt| prompt.map(|prompt| (prompt.seq, &prompt.content)));
    let from = row.a.or(row.b).map(|prompt| prompt.from);
    if let (Some(from), Some(text)) = (from, changes.text(Grain::Words, texts)?) {
        changes.push(seqs, What::Prompt(role, from, text));
    }
    Ok(())
}

/// What a turn is found by in the other run: its words and its calls.
fn turn_key(turn: &TurnRecord) -> (Option<Hash>, Vec<(&str, Hash)>) {
    let text = answer(turn).map(|answer| answer.text.hash());
    (text, turn.calls.iter().map(call_key).collect())
}

fn call_key(call: &CallRecord) -> (&str, Hash) {
    (&call.name, call.arguments.hash())
}

fn answer(turn: &TurnRecord) -> Option<&Answer> {
    match &turn.outcome {
        Some((_, ModelOutcome::Answered(answer))) => Some(answer),
        Some((_, ModelOutcome::Failed(_))) | None => None,
    }
}

fn ended(turn: &TurnRecord) -> u64 {
    turn.outcome.as_ref().map_or(turn.seq, |(seq, _)| *seq)
}

fn compare_turn(
    changes: &mut Changes<'_>,
    turn: Turn,
    row: Both<'_, TurnRecord>,
) -> Result<(), DiffError> {
    let seqs = row.map(|turn| turn.map(ended));
    if let Some(outcomes) = row.map(outcome).differing()
        && !is_told(row)
    {
        changes.push(seqs, What::Outcome(turn, outcomes));
    }
    let answers = row.map(|turn| turn.and_then(answer));
    let texts = |text: fn(&Answer) -> &Content| Pair {
        a: seqs.a.zip(answers.a.map(text)),
        b: seqs.b.zip(answers.b.map(text)),
    };
    let reasoning = changes.text(Grain::Words, texts(|answer| &answer.reasoning))?;
    if let Some(text) = reasoning.filter(TextDiff::shows) {
        changes.push(seqs, What::Reasoning(turn, text));
    }
    let said = changes.text(Grain::Words, texts(|answer| &answer.text))?;
    if let Some(text) = said.filter(TextDiff::shows) {
        changes.push(seqs, What::Answer(turn, text));
    }
    if let Pair { a: Some(a), b: Some(b) } = answers
        && let Some(reasons) = (Pair { a, b }).map(|answer| answer.finish).differing()
    {
        changes.push(seqs, What::Finish(turn, reasons));
    }
    let calls = row.map(|turn| turn.map_or(&[][..], |turn| &turn.calls));
    for row in align((calls.a, calls.b), call_key, fits) {
        compare_call(changes, turn, row)?;
    }
    Ok(())
}

/// Whether what only one run has says by itself that the model answered.
fn is_told(row: Both<'_, TurnRecord>) -> bool {
    let only = row.a.xor(row.b);
    let answered = only.and_then(|turn| Some((turn, answer(turn)?)));
    answered.is_some_and(|(turn, answer)| answer.text.size_bytes() > 0 || !turn.calls.is_empty())
}

fn outcome(turn: Option<&TurnRecord>) -> TurnOutcome {
    match turn.map(|turn| &turn.outcome) {
        None => TurnOutcome::NotAsked,
        Some(None) => TurnOutcome::Waiting,
        Some(Some((_, ModelOutcome::Answered(_)))) => TurnOutcome::Answered,
        Some(Some((_, ModelOutcome::Failed(failure)))) => {
            TurnOutcome::Failed(failure.kind, failure.message.clone())
        }
    }
}

/// How the models were asked, where that differs in another way than the turn before.
fn requests(
    changes: &mut Changes<'_>,
    (turn, row): (Turn, Both<'_, TurnRecord>),
    asked: &mut Pair<Vec<Option<String>>>,
) {
    let Pair { a: Some(a), b: Some(b) } = row else {
        return;
    };
    let now = Pair { a, b }.map(fields);
    let values = now.as_ref().map(|fields| fields.iter().map(|(_, value)| value.clone()).collect());
    if values == *asked {
        return;
    }
    *asked = values;
    let rows = now.a.into_iter().zip(now.b);
    let differing = rows.filter_map(|((field, a), (_, b))| {
        Some(FieldChange { field, values: Pair { a, b }.differing()? })
    });
    let differing: Vec<FieldChange> = differing.collect();
    if !differing.is_empty() {
        changes.push(Pair { a: Some(a.seq), b: Some(b.seq) }, What::Request(turn, differing));
    }
}

/// The settings of a call, in the order of their names.
fn fields(turn: &TurnRecord) -> Vec<(RequestField, Option<String>)> {
    let request = &turn.request;
    let settings = turn.settings.as_ref();
    let answer = answer(turn);
    let format = match &request.format {
        AnswerFormat::Text => "text".to_owned(),
        AnswerFormat::Json { name, schema } => format!("{name} {}", schema.hash().short()),
    };
    let milli =
        |value: Option<u32>| value.map(|value| format!("{}.{:03}", value / 1000, value % 1000));
    vec![
        (RequestField::Endpoint, Some(request.endpoint.clone())),
        (RequestField::Model, Some(request.model.clone())),
        (RequestField::Format, Some(format)),
        (RequestField::Tools, Some(request.tools.to_string())),
        (RequestField::OutputTokensMax, Some(request.output_tokens_max.to_string())),
        (RequestField::ContextTokens, settings.map(|role| role.context_tokens.to_string())),
        (RequestField::Temperature, milli(settings.and_then(|role| role.temperature_milli))),
        (RequestField::TopP, milli(settings.and_then(|role| role.top_p_milli))),
        (
            RequestField::RepetitionPenalty,
            milli(settings.and_then(|role| role.repetition_penalty_milli)),
        ),
        (RequestField::Seed, settings.and_then(|role| role.seed).map(|seed| seed.to_string())),
        (RequestField::ServedModel, answer.map(|answer| answer.model.clone())),
        (RequestField::Server, answer.and_then(|answer| answer.server.clone())),
    ]
}

/// Whether calls that are not the same are worth a comparison.
fn fits(one: &CallRecord, other: &CallRecord) -> bool {
    let path = |call: &CallRecord| write(call).map(|write| write.path.clone());
    one.name == other.name && path(one) == path(other)
}

fn write(call: &CallRecord) -> Option<&WriteRecord> {
    match &call.action {
        Action::Write(write) => Some(write),
        Action::Nothing | Action::Read { .. } | Action::Command { .. } | Action::TodoSet => None,
    }
}

fn compare_call(
    changes: &mut Changes<'_>,
    turn: Turn,
    row: Both<'_, CallRecord>,
) -> Result<(), DiffError> {
    let seqs = row.map(|call| call.map(|call| call.seq));
    let is_file_told = compare_files(changes, row)?;
    let (mut arguments, mut reply) = (None, None);
    if let Pair { a: Some(a), b: Some(b) } = row {
        let pair = Pair { a, b };
        if !is_file_told {
            let texts = pair.map(|call| Some((call.seq, &call.arguments)));
            arguments = changes.text(Grain::Words, texts)?;
            let texts = pair.map(|call| told(call).map(|reply| (call.seq, reply)));
            reply = changes.text(Grain::Lines, texts)?;
        }
    }
    let sides = Pair { a: line(row.a), b: line(row.b) };
    let differs = |sides: Pair<Option<&CallLine>>| {
        Presence::of(sides) != Some(Presence::Both)
            || sides
                .map(|line| line.map(|line| (&line.tool, &line.rule, &line.outcome)))
                .differing()
                .is_some()
    };
    if arguments.is_some() || reply.is_some() || differs(sides.as_ref().map(Option::as_ref)) {
        let call = CallDiff { turn, sides, arguments, reply };
        changes.push(seqs, What::Call(Box::new(call)));
    }
    Ok(())
}

/// Compares what a pair of calls wrote. True where that says what arguments and reply would.
fn compare_files(changes: &mut Changes<'_>, row: Both<'_, CallRecord>) -> Result<bool, DiffError> {
    let Pair { a: Some(a), b: Some(b) } = row else {
        return Ok(false);
    };
    let (Some(one), Some(other)) = (write(a), write(b)) else {
        return Ok(false);
    };
    if one.path != other.path {
        return Ok(false);
    }
    let (calls, writes) = (Pair { a, b }, Pair { a: one, b: other });
    let seqs = calls.map(|call| Some(call.seq));
    let before = writes.map(|write| (write.path.as_str(), &write.before));
    compare_before(changes, calls.map(|call| call.seq), before)?;
    let after = Pair {
        a: one.after.as_ref().map(|after| (a.seq, after)),
        b: other.after.as_ref().map(|after| (b.seq, after)),
    };
    changes.files.insert(one.path.clone(), calls.map(|call| call.seq));
    let Some(text) = changes.text(Grain::Lines, after)? else {
        return Ok(false);
    };
    changes.push(seqs, What::File(one.path.clone(), text));
    Ok(true)
}

/// A file that the journal had not seen before: who wrote it is not in the journal either.
pub(super) fn compare_before(
    changes: &mut Changes<'_>,
    seqs: Pair<u64>,
    files: Pair<(&str, &Before)>,
) -> Result<(), DiffError> {
    let is_known = |(_, before): (&str, &Before)| matches!(before, Before::Known { .. });
    let hashes = files.map(|(_, before)| before.hash());
    if hashes.a == hashes.b || is_known(files.a) && is_known(files.b) {
        return Ok(());
    }
    let sides = changes.comparison.sides;
    let text = |side: super::Told<'_>, hash: Option<Hash>| {
        hash.and_then(|hash| side.run.files.get(&hash).cloned())
    };
    let contents = Pair { a: text(sides.a, hashes.a), b: text(sides.b, hashes.b) };
    let seqs = seqs.map(Some);
    let texts = seqs.zip(contents.as_ref().map(Option::as_ref));
    if let Some(text) = changes.text(Grain::Lines, texts)? {
        changes.push(seqs, What::Before(files.a.0.to_owned(), text));
    }
    Ok(())
}

/// What the model was told of its call.
fn told(call: &CallRecord) -> Option<&Content> {
    match (&call.verdict, &call.action) {
        (Some(ToolVerdict::Denied { rule: _, reply } | ToolVerdict::Invalid { reply }), _) => {
            Some(reply)
        }
        (_, Action::Read { ended }) => ended.as_ref().map(|(_, reply)| reply),
        (_, Action::Command { argv: _, ended }) => ended.as_ref().map(|(_, reply)| reply),
        (_, Action::Write(write)) => Some(&write.reply),
        (_, Action::Nothing | Action::TodoSet) => None,
    }
}

fn line(call: Option<&CallRecord>) -> Option<CallLine> {
    let call = call?;
    let rule = match &call.verdict {
        Some(ToolVerdict::Allowed { rule } | ToolVerdict::Denied { rule, reply: _ }) => {
            Some(rule.clone())
        }
        Some(ToolVerdict::Invalid { reply: _ }) | None => None,
    };
    let arguments = match write(call) {
        Some(write) => write.path.clone(),
        None => beginning(&call.arguments),
    };
    Some(CallLine { tool: call.name.clone(), arguments, rule, outcome: call_outcome(call) })
}

fn beginning(arguments: &Content) -> String {
    match arguments {
        Content::Inline(text) => text.chars().take(ARGUMENT_CHARS_MAX).collect(),
        Content::Blob { hash: _, size_bytes } => format!("({size_bytes} bytes)"),
    }
}

fn call_outcome(call: &CallRecord) -> CallOutcome {
    match &call.verdict {
        None => return CallOutcome::Open,
        Some(ToolVerdict::Denied { .. }) => return CallOutcome::Denied,
        Some(ToolVerdict::Invalid { .. }) => return CallOutcome::Invalid,
        Some(ToolVerdict::Allowed { .. }) => {}
    }
    match &call.action {
        Action::Read { ended: Some((ToolOutcome::Succeeded, _)) } | Action::TodoSet => {
            CallOutcome::Succeeded
        }
        Action::Read { ended: Some((ToolOutcome::Failed, _)) } => CallOutcome::Failed,
        Action::Command { argv: _, ended: Some((outcome, _)) } => CallOutcome::from(outcome),
        Action::Write(write) => match &write.outcome {
            Some(FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten) => {
                CallOutcome::Succeeded
            }
            Some(FileWriteOutcome::Conflict { .. }) => CallOutcome::Conflict,
            Some(FileWriteOutcome::Failed { .. }) => CallOutcome::Failed,
            None => CallOutcome::Open,
        },
        Action::Nothing | Action::Read { ended: None } | Action::Command { ended: None, .. } => {
            CallOutcome::Open
        }
    }
}

impl From<&CommandOutcome> for CallOutcome {
    fn from(outcome: &CommandOutcome) -> Self {
        match outcome {
            CommandOutcome::Exited { code } => Self::Exited(*code),
            CommandOutcome::TimedOut => Self::TimedOut,
            CommandOutcome::NotStarted { .. } => Self::NotStarted,
            CommandOutcome::Unknown => Self::Unknown,
        }
    }
}

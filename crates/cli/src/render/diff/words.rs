//! A diff in words.

use lao_protocol::{
    DiffAttempt, DiffChange, DiffFirst, DiffKind, DiffPresence, DiffRun, DiffSides, DiffStep,
    DiffTextOf, DiffTotals, DiffValue,
};

use crate::{
    render::words::step_state,
    units::{count, duration, number},
};

/// Where two runs part first, in one sentence.
pub(super) fn first(first: &DiffFirst) -> String {
    let step = first.step.as_ref().map(|key| format!("step {key}, ")).unwrap_or_default();
    let attempt = first.attempt.map(|number| format!("attempt {number}: ")).unwrap_or_default();
    let what = heading(DiffPresence::Both, &first.change);
    format!("first difference: {step}{attempt}{what} ({})", place(&first.change))
}

/// Where the runs part: `event 31 of A, 33 of B`.
pub(super) fn place(change: &DiffChange) -> String {
    match (change.seq.a, change.seq.b) {
        (Some(a), Some(b)) => format!("event {a} of A, {b} of B"),
        (Some(a), None) => format!("event {a} of A"),
        (None, Some(b)) => format!("event {b} of B"),
        (None, None) => "nowhere".to_owned(),
    }
}

/// Where the runs part, as positions are typed: `A@31 B@33`.
pub(super) fn positions(change: &DiffChange) -> String {
    let of = |name: &str, seq: Option<u64>| seq.map(|seq| format!("{name}@{seq}"));
    let both: Vec<String> =
        of("A", change.seq.a).into_iter().chain(of("B", change.seq.b)).collect();
    both.join(" ")
}

/// A step's own line.
pub(super) fn step(step: &DiffStep) -> String {
    let title = match (&step.sides.a, &step.sides.b) {
        (Some(side), _) | (None, Some(side)) => side.title.as_str(),
        (None, None) => "",
    };
    format!("step {}: {title}{}", step.key, only(step.presence))
}

/// An attempt's own line.
pub(super) fn attempt(attempt: &DiffAttempt) -> String {
    let retries = match attempt.retries {
        0 => String::new(),
        1 => ", after a retry".to_owned(),
        more => format!(", after {more} retries"),
    };
    format!("attempt {}{retries}{}", attempt.attempt, only(attempt.presence))
}

/// ` (only in A)`, where it is.
pub(super) const fn only(presence: DiffPresence) -> &'static str {
    match presence {
        DiffPresence::Both => "",
        DiffPresence::OnlyA => " (only in A)",
        DiffPresence::OnlyB => " (only in B)",
    }
}

/// What differs, within something that is in both runs or, as is said there, in one.
pub(super) fn heading(within: DiffPresence, change: &DiffChange) -> String {
    let subject = change.subject.as_deref().unwrap_or_default();
    let role = change.role.as_deref().unwrap_or("model");
    let what = match change.kind {
        DiffKind::Plan => "the plan".to_owned(),
        DiffKind::Workflow => "the workflow".to_owned(),
        DiffKind::Input => format!("input {subject}"),
        DiffKind::Settings => "the settings".to_owned(),
        DiffKind::RunEnd => "how the run ended".to_owned(),
        DiffKind::Step => "the step itself".to_owned(),
        DiffKind::Title => "its title".to_owned(),
        DiffKind::Description => "what it is to do".to_owned(),
        DiffKind::Definition => "how it is defined".to_owned(),
        DiffKind::Item => "its item".to_owned(),
        DiffKind::Needs => "what it needs".to_owned(),
        DiffKind::Files => "the files it must leave".to_owned(),
        DiffKind::Deletes => "the files it must delete".to_owned(),
        DiffKind::Acceptance => "what must hold".to_owned(),
        DiffKind::StepEnd => "how the step ended".to_owned(),
        DiffKind::Attempt => "the attempt itself".to_owned(),
        DiffKind::Cause => "why the attempt began".to_owned(),
        DiffKind::Prompt => format!("what the {role} is told ({subject})"),
        DiffKind::Request => format!("how the {role} is asked"),
        DiffKind::Outcome => format!("whether the {role} answers"),
        DiffKind::Reasoning => format!("what the {role} thinks"),
        DiffKind::Answer => format!("what the {role} says"),
        DiffKind::Finish => format!("why the {role} stops"),
        DiffKind::Call => format!("the {role} calls {subject}"),
        DiffKind::Action => format!("what it does ({subject})"),
        DiffKind::Output => "what it gives".to_owned(),
        DiffKind::Before => format!("{subject}, before it is written"),
        DiffKind::File => format!("file {subject}"),
        DiffKind::Checks => format!("round {subject} of checks"),
        DiffKind::CheckCommand => format!("command {subject} of the checks"),
        DiffKind::Finding if subject.is_empty() => "a finding".to_owned(),
        DiffKind::Finding => format!("a finding in {subject}"),
        DiffKind::Verdict => "the verdict".to_owned(),
        DiffKind::Summary => "the reviewer's words".to_owned(),
        DiffKind::Rejected => "why the answer cannot be used".to_owned(),
        DiffKind::Commit => format!("the commit ({subject})"),
        DiffKind::Tokens => "tokens".to_owned(),
    };
    let only = match within {
        DiffPresence::Both => only(presence_shown(change)),
        DiffPresence::OnlyA | DiffPresence::OnlyB => "",
    };
    format!("{what}{}{only}", turn(change))
}

/// Deletions and new files are said by the text, an answer by its turn.
fn presence_shown(change: &DiffChange) -> DiffPresence {
    match change.texts.first() {
        Some(text) if change.presence == DiffPresence::Both => text.presence,
        Some(_) | None => change.presence,
    }
}

fn turn(change: &DiffChange) -> String {
    match change.turn {
        Some(DiffSides { a: Some(a), b: Some(b) }) if a != b => {
            format!(", turn {a} of A, {b} of B")
        }
        Some(DiffSides { a: Some(turn), .. } | DiffSides { a: None, b: Some(turn) }) => {
            format!(", turn {turn}")
        }
        Some(DiffSides { a: None, b: None }) | None => String::new(),
    }
}

/// The short values of a change, a line each.
pub(super) fn value_lines(change: &DiffChange) -> DiffSides<Vec<String>> {
    // What a model is asked with always has a value, if only the server's own.
    let missing = (change.kind == DiffKind::Request).then_some("not set");
    let of = |side: fn(&DiffValue) -> Option<&String>| {
        let values: Vec<(&str, &str)> = change
            .values
            .iter()
            .filter_map(|value| {
                let shown = side(value).map(String::as_str);
                Some((value.name.as_str(), shown.or(missing)?))
            })
            .collect();
        lines(change.kind, &values)
    };
    DiffSides { a: of(|value| value.a.as_ref()), b: of(|value| value.b.as_ref()) }
}

fn lines(kind: DiffKind, values: &[(&str, &str)]) -> Vec<String> {
    let find =
        |name: &str| values.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    if values.is_empty() {
        return Vec::new();
    }
    match (kind, values) {
        (DiffKind::Finding, _) => {
            let part = |name| find(name).unwrap_or_default();
            let hint = find("hint").map(|hint| format!(" ({hint})")).unwrap_or_default();
            vec![format!("{} ({}, {}){hint}", part("message"), part("by"), part("rule"))]
        }
        (DiffKind::Tokens, _) => {
            let tokens =
                |name| find(name).and_then(|value| value.parse().ok()).map_or(0, |count| count);
            let (prompt, completion) = (number(tokens("prompt")), number(tokens("completion")));
            vec![format!("{prompt} of prompts, {completion} of answers")]
        }
        (
            DiffKind::Request
            | DiffKind::Call
            | DiffKind::Action
            | DiffKind::Output
            | DiffKind::Input
            | DiffKind::Item
            | DiffKind::Commit
            | DiffKind::Checks,
            _,
        )
        | (_, [] | [_, _, ..]) => {
            values.iter().map(|(name, value)| format!("{name}: {value}")).collect()
        }
        (_, [(_, value)]) => vec![(*value).to_owned()],
    }
}

/// What a text is, where the heading does not say it.
pub(super) const fn text_name(of: DiffTextOf) -> Option<&'static str> {
    match of {
        DiffTextOf::Text => None,
        DiffTextOf::Arguments => Some("arguments"),
        DiffTextOf::Input => Some("input"),
        DiffTextOf::KeyedOn => Some("found by"),
        DiffTextOf::Reply => Some("reply"),
        DiffTextOf::Output => Some("output"),
    }
}

/// How a step went in either run, on one line; `None` where only one has it.
pub(super) fn step_times(step: &DiffStep) -> Option<String> {
    let side = |name: &str, side: &lao_protocol::DiffStepSide| {
        let state = side.status.map_or("not over", |status| step_state(status).1);
        let attempts = count(side.attempts, "attempt");
        let tokens = count(side.prompt_tokens + side.completion_tokens, "token");
        format!("{name} {state}, {attempts}, {tokens}, {}", duration(side.elapsed_ms))
    };
    let a = step.sides.a.as_ref().map(|found| side("A", found));
    let b = step.sides.b.as_ref().map(|found| side("B", found));
    let sides: Vec<String> = a.into_iter().chain(b).collect();
    (!sides.is_empty()).then(|| format!("{}: {}", step.key, sides.join("; ")))
}

/// What the runs took: names and values, but for what neither has.
pub(super) fn totals(runs: &DiffSides<DiffRun>) -> Vec<(&'static str, DiffSides<String>)> {
    let (a, b) = (rows(&runs.a.totals), rows(&runs.b.totals));
    let rows = a.into_iter().zip(b);
    rows.filter(|(a, b)| a.1 > 0 || b.1 > 0)
        .map(|(a, b)| (a.0, DiffSides { a: a.2(a.1), b: b.2(b.1) }))
        .collect()
}

type Row = (&'static str, u64, fn(u64) -> String);

fn rows(totals: &DiffTotals) -> [Row; 16] {
    let DiffTotals {
        events,
        resumed,
        effects_lost,
        steps,
        attempts,
        answers,
        failed_tries,
        tool_calls,
        actions,
        file_writes,
        findings,
        commits,
        prompt_tokens,
        completion_tokens,
        model_ms,
        active_ms,
    } = *totals;
    [
        ("steps", steps, number),
        ("attempts", attempts, number),
        ("answers", answers, number),
        ("failed tries", failed_tries, number),
        ("tool calls", tool_calls, number),
        ("actions", actions, number),
        ("files written", file_writes, number),
        ("findings", findings, number),
        ("commits", commits, number),
        ("tokens of prompts", prompt_tokens, number),
        ("tokens of answers", completion_tokens, number),
        ("events", events, number),
        ("times resumed", resumed, number),
        ("effects lost", effects_lost, number),
        ("models took", model_ms, duration),
        ("time", active_ms, duration),
    ]
}

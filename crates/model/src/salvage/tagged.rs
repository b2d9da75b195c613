//! Calls between marks that mean a call and nothing else.

use lao_port::ChatToolCall;
use serde_json::{Map, Value};

use super::call::Offered;
use crate::lenient;

/// What begins a marked call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Hermes,
    Function,
    LmStudio,
    Mistral,
    PythonTag,
    Harmony,
}

const MARKS: [(Mark, &str); 6] = [
    (Mark::Hermes, "<tool_call>"),
    (Mark::Function, "<function="),
    (Mark::LmStudio, "[TOOL_REQUEST]"),
    (Mark::Mistral, "[TOOL_CALLS]"),
    (Mark::PythonTag, "<|python_tag|>"),
    (Mark::Harmony, "<|channel|>commentary to="),
];

const FUNCTION_END: &str = "</function>";

/// Where the first mark begins.
pub(super) fn find_mark(text: &str) -> Option<usize> {
    MARKS.iter().filter_map(|(_, mark)| text.find(mark)).min()
}

/// Length of the mark that `text` begins with.
pub(super) fn mark_len(text: &str) -> usize {
    mark_at(text).map_or(1, |(_, mark)| mark.len())
}

fn mark_at(text: &str) -> Option<(Mark, &'static str)> {
    MARKS.into_iter().find(|(_, mark)| text.starts_with(mark))
}

/// Reads what `text`, which begins with a mark, calls; with the length of all of it.
pub(super) fn read(text: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    let (mark, open) = mark_at(text)?;
    let inside = &text[open.len()..];
    let (calls, len) = match mark {
        Mark::Hermes => read_hermes(inside, offered)?,
        Mark::Function => read_function(inside, offered)?,
        Mark::LmStudio => read_json(inside, "[END_TOOL_REQUEST]", offered)?,
        Mark::Mistral => read_mistral(inside, offered)?,
        Mark::PythonTag => read_json(inside, "<|eom_id|>", offered)?,
        Mark::Harmony => read_harmony(inside, offered)?,
    };
    Some((calls, open.len() + len))
}

fn read_hermes(inside: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    const END: &str = "</tool_call>";
    let start = inside.trim_start();
    let Some(function) = start.strip_prefix("<function=") else {
        return read_json(inside, END, offered);
    };
    let (calls, len) = read_function(function, offered)?;
    let rest = &function[len..];
    Some((calls, inside.len() - after_end(rest, END).len()))
}

/// JSON values, then `end`, which may be missing at the end of the text.
fn read_json(inside: &str, end: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    let start = inside.trim_start();
    // By its brackets first: the arguments may well contain the end mark.
    let by_brackets = lenient::value_len(start)
        .and_then(|len| Some((offered.calls(&lenient::parse(&start[..len])?)?, &start[len..])));
    let (mut calls, mut rest) = if let Some(found) = by_brackets {
        found
    } else {
        let len = start.find(end).unwrap_or(start.len());
        (offered.calls(&lenient::parse(&start[..len])?)?, &start[len..])
    };
    // Several calls may share one pair of marks.
    while let Some((more, after)) = next_value(rest, offered) {
        calls.extend(more);
        rest = after;
    }
    Some((calls, inside.len() - after_end(rest, end).len()))
}

fn next_value<'a>(text: &'a str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, &'a str)> {
    let start =
        text.trim_start_matches(|char: char| char.is_whitespace() || matches!(char, ';' | ','));
    let len = lenient::value_len(start)?;
    let calls = offered.calls(&lenient::parse(&start[..len])?)?;
    Some((calls, &start[len..]))
}

/// What follows `end`, if `end` comes next.
fn after_end<'a>(rest: &'a str, end: &str) -> &'a str {
    rest.trim_start().strip_prefix(end).unwrap_or(rest)
}

/// `f><parameter=k>v</parameter>...</function>`.
fn read_function(inside: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    let (name, mut rest) = inside.split_once('>')?;
    let tool = offered.find(name)?;
    let schema: Value = serde_json::from_str(&tool.parameters).unwrap_or_default();
    let mut arguments = Map::new();
    while let Some(parameter) = rest.trim_start().strip_prefix("<parameter=") {
        let (key, value) = parameter.split_once('>')?;
        let len = parameter_len(value)?;
        arguments.insert(key.to_owned(), typed(&value[..len], &schema["properties"][key]));
        rest = value[len..].strip_prefix("</parameter>").unwrap_or_default();
    }
    let rest = after_end(rest, FUNCTION_END);
    let call = offered.call(name, &Value::Object(arguments))?;
    Some((vec![call], inside.len() - rest.len()))
}

/// Length of a parameter's value: up to the end mark that something of the form follows, since
/// the value may contain the mark itself.
fn parameter_len(value: &str) -> Option<usize> {
    const END: &str = "</parameter>";
    value.match_indices(END).map(|(at, _)| at).find(|at| {
        let after = value[at + END.len()..].trim_start();
        after.is_empty() || after.starts_with("<parameter=") || after.starts_with(FUNCTION_END)
    })
}

/// A parameter's text as the schema wants it; text where the schema does not say.
fn typed(text: &str, schema: &Value) -> Value {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    match schema["type"].as_str() {
        Some("string") | None => Value::String(text.to_owned()),
        Some(_) => lenient::parse(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// `[{...}]`, or `f[ARGS]{...}`, again and again.
fn read_mistral(inside: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    let Some((name, start)) = inside.split_once("[ARGS]") else {
        return read_json(inside, "</s>", offered);
    };
    if inside.trim_start().starts_with(['[', '{']) {
        return read_json(inside, "</s>", offered);
    }
    let len = lenient::value_len(start).unwrap_or(start.len());
    let call = offered.call(name, &lenient::parse(&start[..len])?)?;
    Some((vec![call], inside.len() - start.len() + len))
}

/// `functions.f <|constrain|>json<|message|>{...}<|call|>`.
fn read_harmony(inside: &str, offered: &Offered<'_>) -> Option<(Vec<ChatToolCall>, usize)> {
    let (header, start) = inside.split_once("<|message|>")?;
    let name = header.split([' ', '<']).next()?;
    let start = start.trim_start();
    let len = lenient::value_len(start).or_else(|| start.find("<|call|>")).unwrap_or(start.len());
    let call = offered.call(name, &lenient::parse(&start[..len])?)?;
    let rest = after_end(&start[len..], "<|call|>");
    Some((vec![call], inside.len() - rest.len()))
}

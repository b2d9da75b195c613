//! `[f(a=1, b="x"), g()]`: calls as Llama 4 writes them.

use lao_port::ChatToolCall;
use serde_json::{Map, Value};

use super::call::Offered;
use crate::lenient;

/// Reads a text that is nothing but a list of calls.
pub(super) fn read(text: &str, offered: &Offered<'_>) -> Option<Vec<ChatToolCall>> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (name, inside) = rest.split_once('(')?;
        offered.find(name)?;
        let end = item_len(inside, ')')?;
        calls.push(offered.call(name, &keyword_arguments(&inside[..end])?)?);
        rest = inside[end + 1..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(calls)
}

fn keyword_arguments(text: &str) -> Option<Value> {
    let mut arguments = Map::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=')?;
        let end = item_len(value, ',').unwrap_or(value.len());
        arguments.insert(key.trim().to_owned(), lenient::parse(&value[..end])?);
        rest = value.get(end + 1..).unwrap_or_default().trim_start();
    }
    Some(Value::Object(arguments))
}

/// Bytes up to the `end` that stands outside quotes and brackets.
fn item_len(text: &str, end: char) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        if let Some(open) = quote {
            if !escaped && char == open {
                quote = None;
            }
            escaped = !escaped && char == '\\';
            continue;
        }
        match char {
            '"' | '\'' => quote = Some(char),
            _ if char == end && depth == 0 => return Some(at),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

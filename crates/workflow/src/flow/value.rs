//! Single values: durations, numbers, names, JSON.

use lao_event::Template;
use serde_json::Value as Json;

use super::yaml::{Is, Node};

/// The longest id of a step.
pub(crate) const ID_BYTES_MAX: usize = 64;

/// The longest duration: a year.
const DURATION_MS_MAX: u64 = 366 * 24 * 3_600_000;

/// What keeps a text from being an id.
pub(crate) enum IdFault {
    None,
    Hyphen,
    Other,
}

pub(crate) fn id_fault(text: &str) -> IdFault {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let begins = text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let short = text.len() <= ID_BYTES_MAX;
    if begins && short && text.chars().all(is_word) {
        IdFault::None
    } else if begins && short && text.chars().all(|letter| is_word(letter) || letter == '-') {
        IdFault::Hyphen
    } else {
        IdFault::Other
    }
}

pub(crate) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

pub(crate) fn flag(node: &Node) -> Option<bool> {
    match &node.is {
        Is::Scalar { text, plain: true } => match text.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        Is::Null | Is::Scalar { .. } | Is::List(_) | Is::Mapping(_) => None,
    }
}

pub(crate) fn count(node: &Node) -> Option<u64> {
    let text = node.text()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A decimal number in thousandths; digits behind are cut off.
pub(crate) fn milli(node: &Node) -> Option<u32> {
    let text = node.text()?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) {
        return None;
    }
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(part.parse().ok()?)
}

/// `500ms`, `30s`, `5m`, `1h30m`, `2d`, or a number of milliseconds.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if let Ok(ms) = rest.parse::<u64>() {
        return Some(ms).filter(|ms| *ms <= DURATION_MS_MAX);
    }
    let mut total = 0_u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let amount: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let unit_ms = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        // Each unit once, the largest first: `30m1h` is more likely a mistake.
        if unit_ms >= last {
            return None;
        }
        last = unit_ms;
        total = total.checked_add(amount.checked_mul(unit_ms)?)?;
        rest = &rest[letters..];
    }
    Some(total).filter(|_| last != u64::MAX).filter(|ms| *ms <= DURATION_MS_MAX)
}

pub(crate) fn codes(node: &Node) -> Option<Vec<i32>> {
    let code = |node: &Node| node.text()?.parse().ok();
    match &node.is {
        Is::List(items) if !items.is_empty() => items.iter().map(code).collect(),
        Is::Scalar { .. } => code(node).map(|code| vec![code]),
        Is::Null | Is::List(_) | Is::Mapping(_) => None,
    }
}

/// A node as JSON: what stands without quotes and is a number or boolean is one.
pub(crate) fn json(node: &Node) -> Json {
    match &node.is {
        Is::Null => Json::Null,
        Is::Scalar { text, plain } => scalar(text, *plain),
        Is::List(items) => Json::Array(items.iter().map(json).collect()),
        Is::Mapping(pairs) => Json::Object(
            pairs
                .iter()
                .map(|(key, value)| (key.text().unwrap_or("null").to_owned(), json(value)))
                .collect(),
        ),
    }
}

fn scalar(text: &str, plain: bool) -> Json {
    let number_like =
        text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') && plain;
    match text {
        "true" if plain => Json::Bool(true),
        "false" if plain => Json::Bool(false),
        _ if number_like => serde_json::from_str::<serde_json::Number>(text)
            .map_or_else(|_| Json::String(text.to_owned()), Json::Number),
        _ => Json::String(text.to_owned()),
    }
}

/// A template that comes to a value as it is.
pub(crate) fn constant(value: &Json) -> Template {
    match value {
        Json::String(text) => Template(lao_expression::escaped(text)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            Template(format!("${{{{ {} }}}}", expression(value)))
        }
    }
}

/// The source of an expression that comes to a value as it is.
pub(crate) fn expression(value: &Json) -> String {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.to_string(),
        // As a text, since the parts of an expression are counted.
        Json::Array(_) | Json::Object(_) => {
            format!("{} | parse_json", Json::String(value.to_string()))
        }
    }
}

/// Whether there is a `${{ }}` in a text of a node, keys aside.
pub(crate) fn has_expressions(node: &Node) -> bool {
    match &node.is {
        Is::Null => false,
        Is::Scalar { text, .. } => text.contains("${{"),
        Is::List(items) => items.iter().any(has_expressions),
        Is::Mapping(pairs) => pairs.iter().any(|(_, value)| has_expressions(value)),
    }
}

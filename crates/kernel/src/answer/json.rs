//! JSON inside an answer: alone, fenced, or embedded in prose; reasoning is stripped.

use serde::de::DeserializeOwned;

/// Tags that models put around what they think.
const REASONING_TAGS: [&str; 3] = ["think", "thinking", "reasoning"];

/// The answer without reasoning blocks. A lone closing tag ends a block that the server began.
pub(super) fn without_reasoning(text: &str) -> String {
    let mut rest = text.to_owned();
    for tag in REASONING_TAGS {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        while let Some(end) = rest.find(&close) {
            let start = rest[..end].find(&open).unwrap_or(0);
            rest.replace_range(start..end + close.len(), "");
        }
    }
    rest
}

/// The places in a text where JSON may be, best first: the whole, fenced blocks, and what
/// stands between matching brackets.
pub(super) fn candidates(text: &str) -> Vec<&str> {
    let whole = text.trim();
    let mut found = vec![whole];
    found.extend(fenced(text));
    found.extend(bracketed(text));
    found
}

/// The insides of fenced blocks.
pub(super) fn fenced(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("```") {
        let inside = &rest[start + 3..];
        let body = inside.find('\n').map_or("", |line_end| &inside[line_end + 1..]);
        let Some(end) = body.find("```") else {
            break;
        };
        blocks.push(body[..end].trim());
        rest = &body[end + 3..];
    }
    blocks
}

/// The outermost `{...}` and `[...]` of a text, brackets inside strings not counted.
fn bracketed(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut position = 0;
    while position < bytes.len() {
        if !matches!(bytes[position], b'{' | b'[') {
            position += 1;
            continue;
        }
        match matching_end(&bytes[position..]) {
            Some(length) => {
                found.push(&text[position..position + length]);
                position += length;
            }
            None => return found,
        }
    }
    found
}

/// Length of the bracketed piece that the bytes begin with.
fn matching_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    let mut in_string = false;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Reads a value from the first place where one of this type stands; else the error of the
/// place that looked most like it.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut problem = None;
    for candidate in candidates(text) {
        if !candidate.starts_with(['{', '[']) {
            continue;
        }
        match serde_json::from_str(candidate) {
            Ok(value) => return Ok(value),
            Err(strict) => match serde_json::from_str(&without_trailing_commas(candidate)) {
                Ok(value) => return Ok(value),
                Err(_) => problem = problem.or(Some(strict)),
            },
        }
    }
    Err(problem.map_or_else(
        || "there is no JSON in it".to_owned(),
        |error| format!("its JSON cannot be read: {error}"),
    ))
}

/// Reads whatever JSON an answer has: an object or a list.
pub(crate) fn read_value(text: &str) -> Result<serde_json::Value, Vec<String>> {
    super::check_length(text).map_err(|problem| vec![problem])?;
    let text = without_reasoning(text);
    read(&text).map_err(|problem| vec![super::short_problem(&problem)])
}

/// Drops commas before a closing bracket, the most common slip.
fn without_trailing_commas(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ',' if !in_string => {
                let next = text[index + 1..].trim_start().chars().next();
                if matches!(next, Some('}' | ']')) {
                    continue;
                }
            }
            _ => {}
        }
        kept.push(character);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<serde_json::Value, String> {
        read(&without_reasoning(text))
    }

    #[test]
    fn json_is_found_wherever_it_stands() {
        let expected = serde_json::json!({"a": [1, "}"]});
        for text in [
            r#"{"a": [1, "}"]}"#,
            "Sure! Here it is:\n```json\n{\"a\": [1, \"}\"]}\n```\nAnything else?",
            r#"The object {"a": [1, "}"]} does it."#,
            "<think>{\"b\": 1}</think>{\"a\": [1, \"}\",],}",
            "half a thought</think>\n{\"a\": [1, \"}\"]}",
        ] {
            assert_eq!(value(text), Ok(expected.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_so() {
        assert_eq!(value("I cannot do that."), Err("there is no JSON in it".to_owned()));
        assert!(value("{\"a\": ").is_err());
        assert!(value("]]]{").is_err());
    }
}

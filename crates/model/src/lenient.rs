//! JSON as models write it: mended where only one reading is possible.
//!
//! Mended are raw control characters in strings, single quotes around strings, trailing commas,
//! Python's `True`, `False` and `None`, and brackets left open at the end. Never use it on a text
//! that was cut off: closing its brackets would invent an end.

use serde_json::Value;

/// The deepest nesting that is mended.
const DEPTH_MAX: usize = 64;

/// Reads JSON, mended if it must be.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let text = text.trim();
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&mend(text)?).ok())
}

/// Length of the JSON object or array that `text` begins with, by its brackets.
pub(crate) fn value_len(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn mend(text: &str) -> Option<String> {
    let mut mended = String::with_capacity(text.len() + 8);
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' => mend_string(first, &rest[1..], &mut mended),
            '{' | '[' => {
                open.push(if first == '{' { '}' } else { ']' });
                mended.push(first);
                &rest[1..]
            }
            '}' | ']' => {
                if open.pop() != Some(first) {
                    return None;
                }
                drop_trailing_comma(&mut mended);
                mended.push(first);
                &rest[1..]
            }
            _ if first.is_alphabetic() => mend_word(rest, &mut mended),
            _ => {
                mended.push(first);
                &rest[first.len_utf8()..]
            }
        };
        if open.len() > DEPTH_MAX {
            return None;
        }
    }
    drop_trailing_comma(&mut mended);
    mended.extend(open.into_iter().rev());
    Some(mended)
}

/// Copies a string up to its closing quote; returns what follows it.
fn mend_string<'a>(quote: char, inside: &'a str, mended: &mut String) -> &'a str {
    mended.push('"');
    let mut chars = inside.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some((_, '\'')) => mended.push('\''),
                Some((_, escaped)) => mended.extend(['\\', escaped]),
                None => {}
            },
            _ if char == quote => {
                mended.push('"');
                return &inside[at + 1..];
            }
            '"' => mended.push_str("\\\""),
            '\n' => mended.push_str("\\n"),
            '\r' => mended.push_str("\\r"),
            '\t' => mended.push_str("\\t"),
            control if control.is_control() && control.is_ascii() => {
                let escape = format!("\\u{:04x}", u32::from(control));
                mended.push_str(&escape);
            }
            _ => mended.push(char),
        }
    }
    mended.push('"');
    ""
}

fn mend_word<'a>(rest: &'a str, mended: &mut String) -> &'a str {
    let end = rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len());
    mended.push_str(match &rest[..end] {
        "True" => "true",
        "False" => "false",
        "None" => "null",
        word => word,
    });
    &rest[end..]
}

fn drop_trailing_comma(mended: &mut String) {
    let kept = mended.trim_end();
    if let Some(kept) = kept.strip_suffix(',') {
        mended.truncate(kept.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{parse, value_len};

    #[test]
    fn broken_json_with_one_reading_is_mended() {
        for (text, value) in [
            (r#"{"a": 1}"#, json!({"a": 1})),
            (r#"{"a": [1, 2,], }"#, json!({"a": [1, 2]})),
            ("{\"a\": \"x\ny\tz\"}", json!({"a": "x\ny\tz"})),
            (
                r#"{'a': 'it\'s "so"', 'b': True, 'c': None}"#,
                json!({"a": "it's \"so\"", "b": true, "c": null}),
            ),
            (r#"{"a": {"b": [1"#, json!({"a": {"b": [1]}})),
            (r#"{"a": "x"#, json!({"a": "x"})),
            (r#"{"a": -1.5e3}"#, json!({"a": -1500.0})),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        for text in ["", "{", "nonsense", "{]", "{\"a\"}", "}{"] {
            let parsed = parse(text);
            assert!(parsed.is_none() || text == "{", "{text}: {parsed:?}");
        }
    }

    #[test]
    fn a_value_is_measured_by_its_brackets() {
        assert_eq!(value_len(r#"{"a": "}\"{"} tail"#), Some(13));
        assert_eq!(value_len("[[1], 2]x"), Some(8));
        assert_eq!(value_len(r#"{"a": "#), None);
        assert_eq!(value_len("x{}"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\"',:\\\\ a-zé€1\n\t]{0,40}") {
            parse(&text);
            value_len(&text);
        }
    }
}

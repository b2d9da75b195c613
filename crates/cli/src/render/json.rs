//! JSON lines: one value, one line, safe on a terminal.

use serde::Serialize;

use crate::text::is_hidden;

/// A value as JSON on one line, without the line's end.
///
/// JSON leaves some control characters as they are (DEL, C1, those that reorder text); here they
/// are escaped, so that JSON printed on a terminal is as harmless as text.
pub fn line<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value)
        .expect("values of the protocol have string keys and finite numbers");
    if text.chars().all(|letter| !is_hidden(letter)) {
        return text;
    }
    // Outside of strings JSON is ASCII without controls, so every hit is inside of one.
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) {
            push_escape(&mut escaped, letter);
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Several values, one a line.
pub fn lines<T: Serialize>(values: &[T]) -> String {
    values.iter().map(|value| line(value) + "\n").collect()
}

fn push_escape(escaped: &mut String, letter: char) {
    use std::fmt::Write as _;
    for unit in letter.encode_utf16(&mut [0; 2]) {
        write!(escaped, "\\u{unit:04x}").expect("writing to a String cannot fail");
    }
}

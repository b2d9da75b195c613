//! The forms in which a known value turns up in texts.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shorter values are not looked for: too much text would be taken for them.
pub const VALUE_CHARS_MIN: usize = 8;

/// Shorter pieces of a value are not taken for it.
const PIECE_BYTES_MIN: usize = 12;

/// The shortest form of a value that is looked for, in bytes.
const FORM_BYTES_MIN: usize = 8;

/// A value and everything it looks like.
pub(crate) struct Value {
    pub(crate) raw: String,
    pub(crate) forms: BTreeSet<String>,
}

impl Value {
    /// `None` where the value is too short to be looked for.
    pub(crate) fn new(value: &str) -> Option<Self> {
        let raw = value.trim();
        if raw.chars().count() < VALUE_CHARS_MIN {
            return None;
        }
        let mut forms = BTreeSet::from([raw.to_owned()]);
        let escaped = in_json(raw);
        forms.insert(in_json(&escaped));
        forms.insert(escaped);
        forms.insert(in_ascii_json(raw));
        for (reserved, space) in [("-_.~", "%20"), ("*-._", "+")] {
            let encoded = in_url(raw, reserved, space);
            forms.insert(encoded.replace('%', "%25"));
            forms.insert(lower_hex(&encoded));
            forms.insert(encoded);
        }
        for shift in 0..3 {
            forms.extend(in_base64(raw, shift));
        }
        forms.insert(STANDARD_NO_PAD.encode(raw));
        forms.insert(URL_SAFE_NO_PAD.encode(raw));
        forms.retain(|form| form.len() >= FORM_BYTES_MIN);
        Some(Self { raw: raw.to_owned(), forms })
    }

    /// How its first and its last piece begin and end that are taken for it where its other end is
    /// cut off: half of it, and enough to be nothing else.
    pub(crate) fn pieces(&self) -> Option<(&str, &str)> {
        let half = self.raw.len().div_ceil(2).max(PIECE_BYTES_MIN);
        if half >= self.raw.len() {
            return None;
        }
        let head = (half..self.raw.len()).find(|at| self.raw.is_char_boundary(*at))?;
        let tail = (1..=self.raw.len() - half).rev().find(|at| self.raw.is_char_boundary(*at))?;
        Some((&self.raw[..head], &self.raw[tail..]))
    }
}

/// As it stands between the quotes of JSON.
fn in_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            control if control.is_control() && control.is_ascii() => unit(&mut escaped, control),
            other => escaped.push(other),
        }
    }
    escaped
}

/// As it stands in JSON that is ASCII only.
fn in_ascii_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in in_json(text).chars() {
        if character.is_ascii() { escaped.push(character) } else { unit(&mut escaped, character) }
    }
    escaped
}

fn unit(escaped: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(escaped, "\\u{unit:04x}").expect("a String takes every write");
    }
}

fn in_url(text: &str, kept: &str, space: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push_str(space),
            plain if plain.is_ascii_alphanumeric() || kept.as_bytes().contains(&plain) => {
                encoded.push(char::from(plain));
            }
            other => write!(encoded, "%{other:02X}").expect("a String takes every write"),
        }
    }
    encoded
}

/// Hex digits of a URL in lower case.
fn lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        lower.push('%');
        lower.push_str(&digits.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// What a value looks like inside the base64 of a longer text, so many bytes after a whole group:
/// the characters that it alone decides.
fn in_base64(text: &str, shift: usize) -> [String; 2] {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(text.as_bytes());
    let first = (shift * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|encoded| encoded[first..last].to_owned())
}

#[cfg(test)]
mod tests {
    use super::Value;

    fn forms(value: &str) -> Vec<String> {
        Value::new(value).expect("long enough").forms.into_iter().collect()
    }

    #[test]
    fn a_plain_value_has_few_forms() {
        let forms = forms(" s3cr3t-value\n");
        assert!(forms.contains(&"s3cr3t-value".to_owned()), "{forms:?}");
        assert!(forms.contains(&"czNjcjN0LXZhbHVl".to_owned()), "{forms:?}");
        assert!(forms.len() < 8, "{forms:?}");
        assert!(Value::new("  1234567 ").is_none(), "seven characters are too few");
    }

    #[test]
    fn what_needs_escaping_has_every_escape() {
        let forms = forms("a \"b\"/\u{e9}\n0123");
        for form in [
            "a \"b\"/\u{e9}\n0123",
            "a \\\"b\\\"/\u{e9}\\n0123",
            "a \\\\\\\"b\\\\\\\"/\u{e9}\\\\n0123",
            "a \\\"b\\\"/\\u00e9\\n0123",
            "a%20%22b%22%2F%C3%A9%0A0123",
            "a%20%22b%22%2f%c3%a9%0a0123",
            "a+%22b%22%2F%C3%A9%0A0123",
        ] {
            assert!(forms.contains(&form.to_owned()), "{form} is not in {forms:#?}");
        }
    }

    #[test]
    fn pieces_are_half_of_a_long_value() {
        let value = Value::new("0123456789abcdefghijklmnopqrst").expect("long enough");
        assert_eq!(value.pieces(), Some(("0123456789abcde", "fghijklmnopqrst")));
        let value = Value::new("0123456789ab").expect("long enough");
        assert_eq!(value.pieces(), None);
        let value = Value::new("ééééééééééé").expect("long enough");
        assert_eq!(value.pieces(), Some(("éééééé", "éééééé")));
    }
}

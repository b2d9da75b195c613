//! JSON as small models write it: read as what it must have meant, or not at all.
//!
//! Mended are trailing commas, single quotes, raw control characters and unknown escapes in
//! strings, Python's constants, a code fence around the whole, and brackets that are missing at
//! the very end. A string that does not end is never mended: what it would have contained is
//! unknown.

use std::{collections::BTreeSet, fmt, iter::Peekable, str::Chars};

use serde_json::{Map, Value};

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 64;

/// One kind of mending that was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mend {
    CodeFence,
    TrailingComma,
    SingleQuotes,
    RawControlCharacter,
    UnknownEscape,
    PythonConstant,
    MissingBrackets,
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodeFence => "removed a code fence",
            Self::TrailingComma => "removed a trailing comma",
            Self::SingleQuotes => "read single quotes as double",
            Self::RawControlCharacter => "escaped a control character in a string",
            Self::UnknownEscape => "kept the backslash of an unknown escape",
            Self::PythonConstant => "read a Python constant",
            Self::MissingBrackets => "closed brackets at the end",
        })
    }
}

/// Reads a text that is almost JSON and says what was mended.
pub(crate) fn parse(text: &str) -> Option<(Value, BTreeSet<Mend>)> {
    let mut mends = BTreeSet::new();
    let inner = without_fence(text);
    if inner.len() != text.trim().len() {
        mends.insert(Mend::CodeFence);
    }
    let mut reader = Reader { rest: inner.chars().peekable(), mends };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.next().is_none().then_some((value, reader.mends))
}

fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"))
        .and_then(|rest| rest.split_once('\n'));
    match inner {
        Some((language, inner)) if language.trim().chars().all(char::is_alphanumeric) => {
            inner.trim()
        }
        Some(_) | None => text,
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    mends: BTreeSet<Mend>,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.skip_space();
        match self.rest.peek()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' | '\'' => self.string().map(Value::String),
            _ => self.scalar(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut members = Map::new();
        loop {
            if self.at_end('}', !members.is_empty()) {
                return Some(Value::Object(members));
            }
            let key = match self.rest.peek()? {
                '"' | '\'' => self.string()?,
                _ => return None,
            };
            self.skip_space();
            self.rest.next_if_eq(&':')?;
            let value = self.value(depth + 1)?;
            if members.insert(key, value).is_some() {
                return None;
            }
            self.comma_or('}')?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut items = Vec::new();
        loop {
            if self.at_end(']', !items.is_empty()) {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.comma_or(']')?;
        }
    }

    /// Whether the container ends here: by its bracket, or because the text does and the
    /// container has something in it.
    fn at_end(&mut self, close: char, filled: bool) -> bool {
        self.skip_space();
        match self.rest.peek() {
            Some(next) if *next == close => {
                self.rest.next();
                true
            }
            Some(_) => false,
            None => {
                if filled {
                    self.mends.insert(Mend::MissingBrackets);
                }
                filled
            }
        }
    }

    /// Expects `,` or, without taking it, the closing bracket or the end.
    fn comma_or(&mut self, close: char) -> Option<()> {
        self.skip_space();
        match self.rest.peek() {
            Some(',') => {
                self.rest.next();
                self.skip_space();
                match self.rest.peek() {
                    Some(next) if *next == close => {
                        self.mends.insert(Mend::TrailingComma);
                        Some(())
                    }
                    Some(_) => Some(()),
                    // More was to come: this text was cut off.
                    None => None,
                }
            }
            Some(next) if *next == close => Some(()),
            Some(_) => None,
            None => Some(()),
        }
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.rest.next()?;
        if quote == '\'' {
            self.mends.insert(Mend::SingleQuotes);
        }
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                end if end == quote => return Some(text),
                '\\' => self.escape(&mut text)?,
                character => {
                    if character < ' ' {
                        self.mends.insert(Mend::RawControlCharacter);
                    }
                    text.push(character);
                }
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        match self.rest.next()? {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'u' => text.push(self.unicode()?),
            plain @ ('"' | '\\' | '/') => text.push(plain),
            '\'' => {
                self.mends.insert(Mend::SingleQuotes);
                text.push('\'');
            }
            unknown => {
                self.mends.insert(Mend::UnknownEscape);
                text.extend(['\\', unknown]);
            }
        }
        Some(())
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.rest.next_if_eq(&'\\')?;
        self.rest.next_if_eq(&'u')?;
        let second = self.four_digits()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + low)
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |sum, _| Some(sum * 16 + self.rest.next()?.to_digit(16)?))
    }

    fn scalar(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(character) =
            self.rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        {
            word.push(character);
        }
        let python = match word.as_str() {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" => Value::Null,
            _ => return self.number_or_constant(&word),
        };
        self.mends.insert(Mend::PythonConstant);
        Some(python)
    }

    /// A number that the text ends with may have lost digits.
    fn number_or_constant(&mut self, word: &str) -> Option<Value> {
        let value: Value = serde_json::from_str(word).ok()?;
        (!value.is_number() || self.rest.peek().is_some()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Mend, parse};

    #[test]
    fn known_damage_is_mended_and_named() {
        for (text, value, mend) in [
            (r#"{"a":1,}"#, json!({"a":1}), Mend::TrailingComma),
            (r#"{"a":[1,2,],"b":2}"#, json!({"a":[1,2],"b":2}), Mend::TrailingComma),
            ("{'a':'it\"s'}", json!({"a":"it\"s"}), Mend::SingleQuotes),
            (r#"{"a":"it\'s"}"#, json!({"a":"it's"}), Mend::SingleQuotes),
            ("{\"a\":\"x\ny\"}", json!({"a":"x\ny"}), Mend::RawControlCharacter),
            (r#"{"a":"\d+"}"#, json!({"a":"\\d+"}), Mend::UnknownEscape),
            (r#"{"a":True}"#, json!({"a":true}), Mend::PythonConstant),
            (r#"{"a":{"b":"x""#, json!({"a":{"b":"x"}}), Mend::MissingBrackets),
            ("```json\n{\"a\":1}\n```", json!({"a":1}), Mend::CodeFence),
        ] {
            let (found, mends) = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found, value, "{text}");
            assert_eq!(mends.into_iter().collect::<Vec<_>>(), [mend], "{text}");
        }
    }

    #[test]
    fn what_was_cut_off_is_not_guessed() {
        for text in [
            r#"{"a":"unfinished"#,
            r#"{"a":1,"#,
            r#"{"a":"#,
            r#"{"a""#,
            r"{",
            r#"{"a":tr"#,
            r#"{"first_line":12"#,
            r#"{"a":"x\"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":1}}"#,
            r#"{"a":1,"a":2,}"#,
            "{a:1}",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    #[test]
    fn surrogate_pairs_are_one_character() {
        assert_eq!(parse(r#"["\ud83d\ude00"]"#).unwrap().0, json!(["😀"]));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{},:\"'\\\\ntu0-9aTrue \n`]{0,60}") {
            parse(&text);
        }

        #[test]
        fn agrees_with_strict_json(text in "[\\[\\]{},:\"\\\\n01 ]{0,24}") {
            if let Ok(strict) = serde_json::from_str::<serde_json::Value>(&text)
                && let Some((lenient, _)) = parse(&text)
            {
                prop_assert_eq!(strict, lenient);
            }
        }
    }
}

//! `&&`, `||`, `!` and `null` as the engine spells them, with the way back to the places in the
//! text as it was written.

use crate::scan::quote_end;

/// The most tokens of one expression. The engine goes down once for each operator of a chain, so
/// this bounds its stack.
pub(crate) const TOKENS_MAX: usize = 400;

/// An expression in the engine's spelling.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Translated {
    pub text: String,
    /// Where pieces of the translation begin and where those come from, ascending.
    places: Vec<(usize, usize)>,
}

impl Translated {
    /// The place in the source of a place in the translation.
    pub(crate) fn place(&self, at: usize) -> usize {
        let index = self.places.partition_point(|(new, _)| *new <= at);
        match index.checked_sub(1).map(|index| self.places[index]) {
            Some((new, old)) => old + (at - new),
            None => at,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

/// The translation, or the number of tokens where there are more than [`TOKENS_MAX`].
pub(crate) fn translate(source: &str) -> Result<Translated, usize> {
    let tokens = tokens(source);
    if tokens.len() > TOKENS_MAX {
        return Err(tokens.len());
    }
    let mut closes = vec![0_usize; tokens.len() + 1];
    let mut text = String::with_capacity(source.len() + 16);
    let mut places = Vec::new();
    let mut done = 0;
    for (index, token) in tokens.iter().enumerate() {
        text.extend(std::iter::repeat_n(')', closes[index]));
        text.push_str(&source[done..token.at]);
        places.push((text.len(), token.at));
        let after_dot = index > 0 && tokens[index - 1].text == ".";
        match token.text {
            "&&" => text.push_str(" and "),
            "||" => text.push_str(" or "),
            "null" if !after_dot => text.push_str("none"),
            "." if is_position(&tokens, index) => text.push('['),
            digits if index > 0 && is_position(&tokens, index - 1) => {
                text.push_str(digits);
                text.push(']');
            }
            "!" => {
                closes[operand_end(&tokens, index + 1)] += 1;
                text.push_str("(not ");
            }
            other => text.push_str(other),
        }
        done = token.at + token.text.len();
        places.push((text.len(), done));
    }
    text.extend(std::iter::repeat_n(')', closes[tokens.len()]));
    text.push_str(&source[done..]);
    Ok(Translated { text, places })
}

/// Whether a point stands between a value and a number: `a.0` for `a[0]`.
fn is_position(tokens: &[Token<'_>], point: usize) -> bool {
    let number = |token: &Token<'_>| token.text.bytes().all(|byte| byte.is_ascii_digit());
    let before = point.checked_sub(1).and_then(|before| tokens.get(before));
    tokens[point].text == "."
        && before.is_some_and(|before| {
            !number(before)
                && before.text.ends_with(|last| is_word(last) || last == ')' || last == ']')
        })
        && tokens.get(point + 1).is_some_and(number)
}

/// Where the operand of a `!` ends: a name, number, text or bracket, and what hangs on it.
fn operand_end(tokens: &[Token<'_>], begin: usize) -> usize {
    let mut at = begin;
    while tokens.get(at).is_some_and(|token| token.text == "!") {
        at += 1;
    }
    at = past(tokens, at);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "." => at = (at + 2).min(tokens.len()),
            "(" | "[" => at = past(tokens, at),
            _ => break,
        }
    }
    at
}

/// Past one token, or past what a bracket encloses.
fn past(tokens: &[Token<'_>], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(begin) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let length = match first {
            '"' | '\'' => quote_end(bytes, at).map_or(rest.len(), |end| end + 1 - at),
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            _ if is_word(first) => rest.find(|next| !is_word(next)).unwrap_or(rest.len()),
            _ if ["&&", "||", "!="].iter().any(|pair| rest.starts_with(pair)) => 2,
            _ => first.len_utf8(),
        };
        tokens.push(Token { text: &rest[..length], at });
        at += length;
    }
    tokens
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::{TOKENS_MAX, translate};

    fn text(source: &str) -> String {
        translate(source).expect("few tokens").text
    }

    #[test]
    fn operators_are_spelled_as_the_engine_does() {
        assert_eq!(
            text("a && b || c").split_whitespace().collect::<Vec<_>>().join(" "),
            "a and b or c"
        );
        assert_eq!(text("!a.b == c"), "(not a.b) == c");
        assert_eq!(text("!!f(a)[0] && x != y"), "(not (not f(a)[0]))  and  x != y");
        assert_eq!(
            text("a == null && \"&& ! null\" == 'x'"),
            "a == none  and  \"&& ! null\" == 'x'"
        );
        assert_eq!(text("a.null"), "a.null");
        assert_eq!(text("a.0.b + 2.5 + !f(a).1"), "a[0].b + 2.5 + (not f(a)[1])");
    }

    #[test]
    fn places_lead_back() {
        let source = "!a && bad";
        let translated = translate(source).expect("few tokens");
        let at = translated.text.find("bad").expect("it is there");
        assert_eq!(translated.place(at), source.find("bad").expect("it is there"));
        assert_eq!(translated.place(translated.text.len()), source.len());
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        assert!(translate(&"a+".repeat(TOKENS_MAX)).is_err());
    }
}

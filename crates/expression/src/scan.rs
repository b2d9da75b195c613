//! Where the expressions of a text begin and end.

use crate::template::TemplateError;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// What is between `${{` and `}}`, and where it begins.
    Expression { source: &'a str, at: usize },
}

const OPEN: &str = "${{";
const ESCAPED: &str = "$${{";

/// The parts of a text, in order.
pub(crate) fn parts(text: &str) -> Result<Vec<Part<'_>>, TemplateError> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(OPEN) {
        let open = at + found;
        if text[..open].ends_with('$') && open > at {
            // `$${{`: everything up to its first `$`, then `${{` as text.
            push(&mut parts, &text[at..open - 1]);
            push(&mut parts, OPEN);
            at = open - 1 + ESCAPED.len();
            continue;
        }
        push(&mut parts, &text[at..open]);
        let begin = open + OPEN.len();
        let end = end(text, begin).map_err(|fault| fault.error(open, text.len()))?;
        parts.push(Part::Expression { source: &text[begin..end], at: begin });
        at = end + 2;
    }
    push(&mut parts, &text[at..]);
    Ok(parts)
}

fn push<'a>(parts: &mut Vec<Part<'a>>, literal: &'a str) {
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
}

enum Unclosed {
    Expression,
    Quote(usize),
}

impl Unclosed {
    fn error(self, open: usize, text_end: usize) -> TemplateError {
        match self {
            Self::Expression => TemplateError {
                start: open,
                end: open + OPEN.len(),
                message: "the expression has no end".to_owned(),
                hint: Some("close it with `}}`, or write `$${{` for a plain `${{`".to_owned()),
            },
            Self::Quote(at) => TemplateError {
                start: at,
                end: text_end.min(at + 1),
                message: "the text in quotes has no end".to_owned(),
                hint: Some("close it with the same quote before `}}`".to_owned()),
            },
        }
    }
}

/// Where the `}}` is that closes an expression: outside of quotes and of `{ }`.
fn end(text: &str, begin: usize) -> Result<usize, Unclosed> {
    let bytes = text.as_bytes();
    let mut at = begin;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = quote_end(bytes, at).ok_or(Unclosed::Quote(at))?,
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err(Unclosed::Expression)
}

/// Where the quote is that closes the one at `at`.
pub(crate) fn quote_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut next = at + 1;
    while let Some(byte) = bytes.get(next) {
        match byte {
            b'\\' => next += 1,
            byte if *byte == quote => return Some(next),
            _ => {}
        }
        next += 1;
    }
    None
}

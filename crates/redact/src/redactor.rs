//! The redactor: finds secrets and puts names in their place.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::{
    SCHEME,
    pattern::Pattern,
    shape::Shape,
    span::{self, Span},
    value::Value,
};

/// How often a text is looked at again after something was replaced in it. Twice does, unless a
/// user's pattern finds what stands beside what it found before.
const ROUNDS_MAX: usize = 8;

/// Stands for a name while secrets are looked for: nothing that secrets are made of.
const MASK: &str = "\0";

/// What counts as a secret.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Keys and tokens of well-known shapes do.
    pub known_shapes: bool,
    /// Names and values that are known; of the same value, the first name counts. Too short ones
    /// (see [`crate::VALUE_CHARS_MIN`]) are not looked for.
    pub values: Vec<(String, String)>,
    /// The user's patterns, in their order.
    pub patterns: Vec<Pattern>,
}

/// The values are too many or too long to be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the values that are to be kept secret cannot be looked for: {cause}")]
pub struct RedactorError {
    /// Why.
    pub cause: String,
}

impl From<BuildError> for RedactorError {
    fn from(error: BuildError) -> Self {
        Self { cause: error.to_string() }
    }
}

/// A secret that a text holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The text that stands for it, such as `secret://MY_TOKEN`.
    pub token: String,
    /// The line it begins in, from 1.
    pub line: usize,
}

/// Replaces secrets; cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    known: Arc<Known>,
}

/// What a redactor looks for.
struct Known {
    /// What stands for each secret; of two secrets in one place, the one with the lower index
    /// counts.
    tokens: Vec<String>,
    token_finder: AhoCorasick,
    /// Forms of values, and the index of each one's name.
    forms: AhoCorasick,
    form_names: Vec<usize>,
    /// Pieces of values.
    piece_finder: AhoCorasick,
    pieces: Vec<Piece>,
    patterns: Vec<(usize, Pattern)>,
    shapes: Vec<(usize, Shape)>,
}

/// The beginning or the end of a value.
struct Piece {
    name: usize,
    value: String,
    end: End,
}

enum End {
    Head,
    Tail,
}

impl Redactor {
    /// A redactor with these rules.
    pub fn new(rules: Rules) -> Result<Self, RedactorError> {
        let mut names: Vec<String> = Vec::new();
        let mut forms: Vec<(String, usize)> = Vec::new();
        let mut pieces: Vec<(String, Piece)> = Vec::new();
        for (name, value) in rules.values {
            let Some(value) = Value::new(&value) else {
                continue;
            };
            let name = index(&mut names, &name);
            if let Some((head, tail)) = value.pieces() {
                let piece = |end| Piece { name, value: value.raw.clone(), end };
                pieces.push((head.to_owned(), piece(End::Head)));
                pieces.push((tail.to_owned(), piece(End::Tail)));
            }
            forms.extend(value.forms.into_iter().map(|form| (form, name)));
        }
        let numbered = |(place, pattern): (usize, Pattern)| {
            let name =
                pattern.name().map_or_else(|| format!("pattern-{}", place + 1), str::to_owned);
            (index(&mut names, &name), pattern)
        };
        let patterns = rules.patterns.into_iter().enumerate().map(numbered).collect();
        let shapes = if rules.known_shapes { Shape::all() } else { Vec::new() };
        let shapes: Vec<(usize, Shape)> =
            shapes.into_iter().map(|shape| (index(&mut names, shape.name), shape)).collect();
        let tokens: Vec<String> = names.iter().map(|name| format!("{SCHEME}{name}")).collect();
        let longest =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&tokens)?;
        Ok(Self {
            known: Arc::new(Known {
                token_finder: longest,
                tokens,
                forms: AhoCorasick::new(forms.iter().map(|(form, _)| form))?,
                form_names: forms.into_iter().map(|(_, name)| name).collect(),
                piece_finder: AhoCorasick::new(pieces.iter().map(|(text, _)| text))?,
                pieces: pieces.into_iter().map(|(_, piece)| piece).collect(),
                patterns,
                shapes,
            }),
        })
    }

    /// A redactor that finds nothing.
    pub fn none() -> Self {
        Self::new(Rules::default()).expect("nothing can always be looked for")
    }

    /// The text with names in place of its secrets. What was redacted stays as it is.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redact_noting(text, &mut |_token| {})
    }

    /// The same; `note` is told what was put in place of each secret.
    pub fn redact_noting<'t>(&self, text: &'t str, note: &mut dyn FnMut(&str)) -> Cow<'t, str> {
        let mut redacted = Cow::Borrowed(text);
        for _ in 0..ROUNDS_MAX {
            let spans = self.known.spans(&redacted);
            if spans.is_empty() {
                break;
            }
            for span in &spans {
                note(&self.known.tokens[span.name]);
            }
            redacted = Cow::Owned(self.known.replaced(&redacted, &spans));
        }
        redacted
    }

    /// The first secret in a file or another text, which need not be UTF-8.
    pub fn held(&self, bytes: &[u8]) -> Option<Held> {
        let text = String::from_utf8_lossy(bytes);
        let span = self.known.spans(&text).into_iter().next()?;
        let line = text[..span.start].matches('\n').count() + 1;
        Some(Held { token: self.known.tokens[span.name].clone(), line })
    }

    /// The first place where a text has what stands for a secret.
    pub fn token<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.known.tokens(text).next().map(|range| &text[range])
    }
}

/// The index of a name, which is added where it is new.
fn index(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Redactor")
            .field("tokens", &self.known.tokens)
            .finish_non_exhaustive()
    }
}

impl Known {
    fn tokens<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        // Almost no text has any.
        let text = if text.contains(SCHEME) { text } else { "" };
        self.token_finder.find_iter(text).map(|found| found.range())
    }

    /// Secrets in order, none of them next to nothing but names.
    fn spans(&self, text: &str) -> Vec<Span> {
        let tokens: Vec<Range<usize>> = self.tokens(text).collect();
        let masked = masked(text, &tokens);
        let mut spans = Vec::new();
        self.find_values(&masked, &mut spans);
        for (name, pattern) in &self.patterns {
            span::note(&masked, *name, pattern.places(&masked), &mut spans);
        }
        for (name, shape) in &self.shapes {
            span::note(&masked, *name, shape.places(&masked), &mut spans);
        }
        spans.retain_mut(|span| widen(span, &tokens, &masked));
        span::merged(spans)
    }

    fn find_values(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.forms.find_overlapping_iter(text) {
            spans.push(Span::new(found.range(), self.form_names[found.pattern().as_usize()]));
        }
        for found in self.piece_finder.find_overlapping_iter(text) {
            let piece = &self.pieces[found.pattern().as_usize()];
            spans.push(Span::new(piece.grown(text, found.range()), piece.name));
        }
    }

    fn replaced(&self, text: &str, spans: &[Span]) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut from = 0;
        for span in spans {
            redacted.push_str(&text[from..span.start]);
            redacted.push_str(&self.tokens[span.name]);
            from = span.end;
        }
        redacted.push_str(&text[from..]);
        redacted
    }
}

/// The text with names made into what secrets are not made of, byte for byte.
fn masked<'t>(text: &'t str, tokens: &[Range<usize>]) -> Cow<'t, str> {
    if tokens.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for token in tokens {
        masked.push_str(&text[masked.len()..token.start]);
        masked.push_str(&MASK.repeat(token.len()));
    }
    masked.push_str(&text[masked.len()..]);
    Cow::Owned(masked)
}

/// Takes in the whole of every name that a span has a part of; false where it is names only.
fn widen(span: &mut Span, tokens: &[Range<usize>], masked: &str) -> bool {
    let first = tokens.partition_point(|token| token.end <= span.start);
    let end = span.end;
    for token in tokens[first..].iter().take_while(|token| token.start < end) {
        span.start = span.start.min(token.start);
        span.end = span.end.max(token.end);
    }
    masked[span.start..span.end].bytes().any(|byte| byte != 0)
}

impl Piece {
    /// As much of the value as stands there.
    fn grown(&self, text: &str, found: Range<usize>) -> Range<usize> {
        let length = found.len();
        match self.end {
            End::Head => {
                let rest = self.value[length..].chars().zip(text[found.end..].chars());
                let more = rest.take_while(|(wanted, there)| wanted == there);
                let more: usize = more.map(|(wanted, _)| wanted.len_utf8()).sum();
                found.start..found.end + more
            }
            End::Tail => {
                let before = self.value.len() - length;
                let rest =
                    self.value[..before].chars().rev().zip(text[..found.start].chars().rev());
                let more = rest.take_while(|(wanted, there)| wanted == there);
                let more: usize = more.map(|(wanted, _)| wanted.len_utf8()).sum();
                found.start - more..found.end
            }
        }
    }
}

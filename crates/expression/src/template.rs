//! Texts with `${{ }}`, parsed and evaluated.

use std::fmt;
use std::sync::Arc;

use minijinja::{Error, ErrorKind, Expression};
use serde_json::Value as Json;
use thiserror::Error as ThisError;

use crate::context::{self, Unusable};
use crate::functions::ENVIRONMENT;
use crate::nearest::nearest;
use crate::scan::{self, Part};
use crate::translate::{self, TOKENS_MAX};
use crate::walk;

/// The longest text and the largest value that come out of an evaluation, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest expression, in bytes: whole lists stand in one, as texts. The number of its parts is
/// bounded apart from this.
const EXPRESSION_BYTES_MAX: usize = 256 * 1024;

/// The most expressions in one text.
const EXPRESSIONS_MAX: usize = 20_000;

/// A text with `${{ }}`: parsed, checked.
#[derive(Clone)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
    references: Vec<Reference>,
    /// Every use of a path, in the order of the text.
    uses: Vec<Reference>,
}

#[derive(Clone)]
enum Piece {
    Literal(String),
    Expression(Arc<Compiled>),
}

struct Compiled {
    expression: Expression<'static, 'static>,
    /// Where it is in the text.
    start: usize,
    end: usize,
    /// The paths it uses.
    paths: Vec<Vec<String>>,
}

/// A dotted path that a text uses, such as `steps.text.output`, and where it does first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its names, outermost first.
    pub path: Vec<String>,
    /// Where it begins: a byte offset into the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("{message}{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct TemplateError {
    /// Where the fault begins: a byte offset into the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("{message}")]
pub struct EvaluationError {
    /// Where the expression begins that failed: a byte offset into the text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Debug for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Template").field(&self.text).finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

impl Template {
    /// Parses a text and checks every expression in it.
    ///
    /// # Errors
    /// [`TemplateError`] for the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut references: Vec<Reference> = Vec::new();
        for part in scan::parts(text)? {
            match part {
                Part::Literal(literal) => match pieces.last_mut() {
                    Some(Piece::Literal(before)) => before.push_str(literal),
                    Some(Piece::Expression(_)) | None => {
                        pieces.push(Piece::Literal(literal.to_owned()));
                    }
                },
                Part::Expression { source, at } => {
                    let compiled = compile(source, at, &mut references)?;
                    pieces.push(Piece::Expression(Arc::new(compiled)));
                }
            }
            if pieces.len() > 2 * EXPRESSIONS_MAX {
                return Err(whole(text, format!("more than {EXPRESSIONS_MAX} expressions")));
            }
        }
        let mut uses = references.clone();
        uses.sort_by_key(|used| used.start);
        references.sort();
        references.dedup_by(|later, first| later.path == first.path);
        Ok(Self { text: text.to_owned(), pieces, references, uses })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// Every dotted path it uses: sorted, each once, at its first place.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Whether there is no `${{ }}` in it.
    pub fn is_literal(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// Its text, where there is no `${{ }}` in it.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it is exactly one `${{ }}` with nothing but white space around: its value keeps
    /// its type.
    pub fn is_single(&self) -> bool {
        self.single().is_some()
    }

    /// The source of one expression that comes to its value.
    pub fn expression(&self) -> String {
        let source =
            |compiled: &Compiled| format!("({})", self.text[compiled.start..compiled.end].trim());
        if let Some(single) = self.single() {
            return source(single);
        }
        let quoted = |text: &str| Json::from(text).to_string();
        if let Some(text) = self.literal() {
            return quoted(text);
        }
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => quoted(text),
            Piece::Expression(compiled) => source(compiled),
        });
        format!("([{}] | join)", pieces.collect::<Vec<_>>().join(", "))
    }

    /// The text with paths replaced by other expressions, where `replace` gives one. What comes
    /// out is to be parsed again.
    pub fn replaced(&self, replace: &dyn Fn(&[String]) -> Option<String>) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for used in &self.uses {
            let Some(other) = replace(&used.path).filter(|_| used.start >= done) else { continue };
            text.push_str(&self.text[done..used.start]);
            text.push_str(&other);
            done = used.end;
        }
        text.push_str(&self.text[done..]);
        text
    }

    /// The text with every expression that uses no path replaced by what it comes to, as text.
    pub fn folded(&self) -> String {
        let mut folded = String::with_capacity(self.text.len());
        let mut literal = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => literal.push_str(text),
                Piece::Expression(compiled) => {
                    if let Some(value) = compiled.constant() {
                        push_text(&value, &mut literal);
                        continue;
                    }
                    // A `$` before `${{` would be read as its escape.
                    let dollar = literal.ends_with('$').then(|| literal.pop()).flatten();
                    folded.push_str(&escaped(&std::mem::take(&mut literal)));
                    folded.push_str(dollar.map_or("", |_| "${{ '$' }}"));
                    folded.push_str("${{");
                    folded.push_str(&self.text[compiled.start..compiled.end]);
                    folded.push_str("}}");
                }
            }
        }
        folded.push_str(&escaped(&literal));
        folded
    }

    fn single(&self) -> Option<&Compiled> {
        let mut single = None;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) if text.trim().is_empty() => {}
                Piece::Expression(compiled) if single.is_none() => single = Some(compiled),
                Piece::Literal(_) | Piece::Expression(_) => return None,
            }
        }
        single.map(Arc::as_ref)
    }

    /// Its value: of the type it has for a single `${{ }}`, else the text.
    ///
    /// # Errors
    /// [`EvaluationError`] where a path leads nowhere, types do not fit or the value is too large.
    pub fn value(&self, context: &Json) -> Result<Json, EvaluationError> {
        match self.single() {
            Some(single) => single.value(context, &mut TEXT_BYTES_MAX.clone()),
            None => self.text(context).map(Json::String),
        }
    }

    /// Its text: texts as they are, null as nothing, numbers and booleans in words, lists and
    /// mappings as compact JSON.
    ///
    /// # Errors
    /// As [`Template::value`].
    pub fn text(&self, context: &Json) -> Result<String, EvaluationError> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Expression(compiled) => {
                    let mut room_bytes = TEXT_BYTES_MAX.saturating_sub(text.len());
                    push_text(&compiled.value(context, &mut room_bytes)?, &mut text);
                    if text.len() > TEXT_BYTES_MAX {
                        return Err(compiled.error(too_large()));
                    }
                }
            }
        }
        Ok(text)
    }
}

/// A text as a template that comes to it, whatever is in it.
pub fn escaped(text: &str) -> String {
    text.replace("${{", "$${{")
}

/// Adds a value to a text in the way of [`Template::text`].
pub(crate) fn push_text(value: &Json, text: &mut String) {
    match value {
        Json::Null => {}
        Json::String(string) => text.push_str(string),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            text.push_str(&value.to_string());
        }
    }
}

/// Whether a value counts as true: not null, false, zero, or empty.
pub fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(is) => *is,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

fn too_large() -> String {
    format!("the value is larger than {TEXT_BYTES_MAX} bytes")
}

fn whole(text: &str, message: String) -> TemplateError {
    TemplateError { start: 0, end: text.len(), message, hint: None }
}

fn compile(
    source: &str,
    at: usize,
    references: &mut Vec<Reference>,
) -> Result<Compiled, TemplateError> {
    let end = at + source.len();
    let refuse = |message: String, hint: &str| TemplateError {
        start: at,
        end,
        message,
        hint: Some(hint.to_owned()),
    };
    if source.trim().is_empty() {
        return Err(refuse(
            "the expression is empty".to_owned(),
            "write a value between `${{` and `}}`",
        ));
    }
    if source.len() > EXPRESSION_BYTES_MAX {
        let message = format!("the expression is longer than {EXPRESSION_BYTES_MAX} bytes");
        return Err(refuse(message, "compute it in a step"));
    }
    let translated = translate::translate(source).map_err(|tokens| {
        let message = format!("the expression has {tokens} parts; {TOKENS_MAX} are allowed");
        refuse(message, "compute it in a step")
    })?;
    let place =
        |offset: usize| at + source.floor_char_boundary(translated.place(offset).min(source.len()));
    let syntax = |error: Error| {
        let range = error.range().unwrap_or(0..translated.text.len());
        let start = place(range.start).min(end);
        let message = error.detail().unwrap_or("this is no expression").to_owned();
        TemplateError { start, end: place(range.end).max(start), message, hint: None }
    };
    let tree = minijinja::machinery::parse_expr(&translated.text).map_err(syntax)?;
    let mut used = Vec::new();
    walk::walk(&tree, &mut used).map_err(|fault| {
        let start = place(fault.start);
        let end = place(fault.end).max(start);
        TemplateError { start, end, message: fault.message, hint: fault.hint }
    })?;
    let paths = used.iter().map(|used| used.path.clone()).collect();
    references.extend(used.into_iter().map(|used| {
        let start = place(used.start);
        Reference { path: used.path, start, end: place(used.end).max(start) }
    }));
    let expression =
        ENVIRONMENT.compile_expression_owned(translated.text.clone()).map_err(syntax)?;
    Ok(Compiled { expression, start: at, end, paths })
}

impl Compiled {
    fn value(&self, context: &Json, room_bytes: &mut usize) -> Result<Json, EvaluationError> {
        let reachable = context::reachable(context, &self.paths);
        let value =
            self.expression.eval(reachable).map_err(|error| self.explain(&error, context))?;
        if value.is_undefined() {
            return Err(self.error(self.missing(context)));
        }
        context::json(&value, room_bytes).map_err(|unusable| {
            self.error(match unusable {
                Unusable::TooLarge => too_large(),
                Unusable::NotJson => "the value has no form in JSON".to_owned(),
            })
        })
    }

    /// Its value, where that depends on nothing.
    fn constant(&self) -> Option<Json> {
        let is_constant = self.paths.is_empty();
        is_constant.then(|| self.value(&Json::Null, &mut TEXT_BYTES_MAX.clone()).ok()).flatten()
    }

    fn error(&self, message: String) -> EvaluationError {
        EvaluationError { start: self.start, end: self.end, message }
    }

    fn explain(&self, error: &Error, context: &Json) -> EvaluationError {
        self.error(if error.kind() == ErrorKind::UndefinedError {
            self.missing(context)
        } else if error.kind() == ErrorKind::OutOfFuel {
            "the expression does more work than is allowed".to_owned()
        } else {
            error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
        })
    }

    /// Names the first path that leads nowhere.
    fn missing(&self, context: &Json) -> String {
        let gap = self.paths.iter().find_map(|path| gap(path, context));
        gap.unwrap_or_else(|| "the expression has no value".to_owned())
    }
}

fn gap(path: &[String], context: &Json) -> Option<String> {
    let mut at = context;
    for (depth, name) in path.iter().enumerate() {
        let position = at.as_array().and_then(|items| items.get(name.parse::<usize>().ok()?));
        if let Some(below) = at.get(name).or(position) {
            at = below;
            continue;
        }
        let whole = path.join(".");
        let known = at.as_object().map(|map| map.keys().map(String::as_str));
        let near = known.and_then(|known| nearest(name, known));
        let outer = match depth {
            0 => String::new(),
            depth => format!(" in `{}`", path[..depth].join(".")),
        };
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Some(format!("`{whole}` has no value: there is no `{name}`{outer}{hint}"));
    }
    None
}

//! One value: read from TOML or from a line of text, checked against its kind, written back.

use std::ops::Range;

use lao_event::CheckCommand;
use toml::Spanned;
use toml::de::DeValue;

use crate::command;
use crate::decimal::{format_milli, parse_milli};
use crate::nearest::nearest;
use crate::problem::Fault;
use crate::schema::Kind;

/// A value that fits the kind it was read for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Integer(u64),
    Milli(u32),
    Text(String),
    List(Vec<String>),
    Commands(Vec<CheckCommand>),
}

/// Why a value does not fit: the place within the text, the key below the value's own
/// (such as `[0].run`; mostly empty), and the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) span: Range<usize>,
    pub(crate) below: String,
    pub(crate) fault: Fault,
}

impl Misfit {
    pub(crate) fn at(span: Range<usize>, fault: Fault) -> Self {
        Self { span, below: String::new(), fault }
    }

    pub(crate) fn below(mut self, key: &str) -> Self {
        self.below.insert_str(0, key);
        self
    }
}

pub(crate) type Misfits = Vec<Misfit>;

impl Value {
    /// Reads a value from the tree of a TOML text.
    pub(crate) fn from_tree(kind: Kind, tree: &Spanned<DeValue<'_>>) -> Result<Self, Misfits> {
        let span = tree.span();
        let value = tree.get_ref();
        let scalar = |result: Result<Self, Fault>| {
            result.map_err(|fault| vec![Misfit::at(span.clone(), fault)])
        };
        match kind {
            Kind::Bool => scalar(
                value.as_bool().map(Self::Bool).ok_or_else(|| wrong_type("true or false", value)),
            ),
            Kind::Integer { min, max } => scalar(integer(value, min, max).map(Self::Integer)),
            Kind::Milli { min, max } => scalar(milli(value, min, max).map(Self::Milli)),
            Kind::Text => scalar(text(value).map(Self::Text)),
            Kind::Choice(allowed) => scalar(choice(value, allowed).map(Self::Text)),
            Kind::TextList => text_list(tree).map(Self::List),
            Kind::Words => words(tree).map(Self::List),
            Kind::Commands => command::from_tree(tree).map(Self::Commands),
        }
    }

    /// Reads a value from TOML text that holds nothing else.
    pub(crate) fn from_toml(kind: Kind, toml: &str) -> Result<Self, Misfits> {
        match DeValue::parse(toml) {
            Ok(tree) => Self::from_tree(kind, &tree),
            Err(error) => Err(vec![Misfit::at(
                error.span().unwrap_or(0..toml.len()),
                Fault::Syntax { message: error.message().to_owned() },
            )]),
        }
    }

    /// Reads a value from a line of text as it stands in the environment or in a flag:
    /// words without quotes, lists as TOML or separated by commas, the rest as TOML.
    pub(crate) fn from_line(kind: Kind, line: &str) -> Result<Self, Misfits> {
        let as_tree = |value| Self::from_tree(kind, &Spanned::new(0..line.len(), value));
        match kind {
            Kind::Text | Kind::Choice(_) => as_tree(DeValue::String(line.into())),
            Kind::TextList if !line.trim_start().starts_with('[') => {
                let items = line.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Self::List(items.map(str::to_owned).collect()))
            }
            Kind::Bool | Kind::Integer { .. } | Kind::Milli { .. } => {
                let trimmed = line.trim();
                DeValue::parse(trimmed)
                    .map(Spanned::into_inner)
                    .map_or_else(|_| as_tree(DeValue::String(trimmed.into())), as_tree)
            }
            Kind::TextList | Kind::Words | Kind::Commands => Self::from_toml(kind, line.trim()),
        }
    }

    /// The value as TOML text.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Milli(value) => format_milli(*value),
            Self::Text(value) => quote(value),
            Self::List(values) => list_to_toml(values),
            Self::Commands(commands) => {
                let tables: Vec<_> = commands.iter().map(command::to_toml).collect();
                format!("[{}]", tables.join(", "))
            }
        }
    }
}

/// A text as a TOML string.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A list of texts as a TOML array.
pub(crate) fn list_to_toml(values: &[String]) -> String {
    let values: Vec<_> = values.iter().map(|value| quote(value)).collect();
    format!("[{}]", values.join(", "))
}

pub(crate) fn wrong_type(expected: &'static str, found: &DeValue<'_>) -> Fault {
    const SHOWN_CHARS_MAX: usize = 40;
    let found = match found {
        DeValue::String(text) => {
            let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
            format!("the text {}", quote(&shown))
        }
        DeValue::Integer(integer) => format!("the number {integer}"),
        DeValue::Float(float) => format!("the number {float}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    };
    Fault::WrongType { expected, found }
}

fn integer(value: &DeValue<'_>, min: u64, max: u64) -> Result<u64, Fault> {
    let integer = value.as_integer().ok_or_else(|| wrong_type("a whole number", value))?;
    u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Fault::OutOfRange {
            value: integer.to_string(),
            min: min.to_string(),
            max: max.to_string(),
        })
}

fn milli(value: &DeValue<'_>, min: u32, max: u32) -> Result<u32, Fault> {
    let literal = match value {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
        DeValue::Float(float) => float.as_str(),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => return Err(wrong_type(DECIMAL, value)),
    };
    let out_of_range = || Fault::OutOfRange {
        value: literal.to_owned(),
        min: format_milli(min),
        max: format_milli(max),
    };
    match parse_milli(literal) {
        Some(milli) if (min..=max).contains(&milli) => Ok(milli),
        Some(_) => Err(out_of_range()),
        None if literal.starts_with('-') => Err(out_of_range()),
        None => Err(wrong_type(DECIMAL, value)),
    }
}

const DECIMAL: &str = "a decimal such as 0.7 with at most three places";

fn text(value: &DeValue<'_>) -> Result<String, Fault> {
    let text = value.as_str().ok_or_else(|| wrong_type("a text", value))?;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(Fault::BadText);
    }
    Ok(text.to_owned())
}

fn choice(value: &DeValue<'_>, allowed: &'static [&'static str]) -> Result<String, Fault> {
    let word = value.as_str().ok_or_else(|| wrong_type("a word", value))?;
    if allowed.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(Fault::NotAChoice {
        value: word.to_owned(),
        allowed,
        nearest: nearest(word, allowed.iter().copied()).map(str::to_owned),
    })
}

fn text_list(tree: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Misfits> {
    let items = tree.get_ref().as_array().ok_or_else(|| {
        vec![Misfit::at(tree.span(), wrong_type("a list of texts", tree.get_ref()))]
    })?;
    let mut texts = Vec::new();
    let mut misfits = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match text(item.get_ref()) {
            Ok(text) => texts.push(text),
            Err(fault) => {
                misfits.push(Misfit::at(item.span(), fault).below(&format!("[{index}]")));
            }
        }
    }
    if misfits.is_empty() { Ok(texts) } else { Err(misfits) }
}

fn words(tree: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Misfits> {
    let words = match tree.get_ref().as_str() {
        Some(line) => shlex::split(line).ok_or_else(|| {
            vec![Misfit::at(
                tree.span(),
                Fault::Unusable {
                    why: "a quote or escape in the command is not closed; close it, or write a list",
                },
            )]
        })?,
        None => text_list(tree)?,
    };
    if words.is_empty() {
        return Err(vec![Misfit::at(
            tree.span(),
            Fault::Unusable { why: "the command is empty; name a program" },
        )]);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::problem::Fault;
    use crate::schema::Kind;

    const COUNT: Kind = Kind::Integer { min: 1, max: 100 };
    const MILLI: Kind = Kind::Milli { min: 0, max: 2000 };

    fn fault(kind: Kind, toml: &str) -> Fault {
        let mut misfits = Value::from_toml(kind, toml).expect_err(toml);
        misfits.remove(0).fault
    }

    #[test]
    fn values_of_their_kind_are_read_and_written_back() {
        for (kind, toml, written) in [
            (Kind::Bool, "true", "true"),
            (COUNT, "0x10", "16"),
            (COUNT, "1_0", "10"),
            (MILLI, "0.70", "0.7"),
            (MILLI, "1", "1.0"),
            (Kind::Text, "'a \"b\"'", "'a \"b\"'"),
            (Kind::Choice(&["off", "on"]), "\"on\"", "\"on\""),
            (Kind::TextList, "['a', 'b']", "[\"a\", \"b\"]"),
            (Kind::Words, "'cargo test \"a b\"'", "[\"cargo\", \"test\", \"a b\"]"),
        ] {
            let value = Value::from_toml(kind, toml).expect(toml);
            assert_eq!(value.to_toml(), written);
        }
    }

    #[test]
    fn values_that_do_not_fit_say_why() {
        for (kind, toml) in [
            (COUNT, "0"),
            (COUNT, "101"),
            (COUNT, "-5"),
            (COUNT, "99999999999999999999"),
            (MILLI, "2.001"),
            (MILLI, "-0.1"),
        ] {
            let fault = fault(kind, toml);
            assert!(matches!(fault, Fault::OutOfRange { .. }), "{toml}: {fault}");
        }
        for (kind, toml) in [
            (COUNT, "'5'"),
            (COUNT, "1.5"),
            (Kind::Bool, "1"),
            (MILLI, "nan"),
            (MILLI, "0.12345"),
            (Kind::Text, "[]"),
            (Kind::TextList, "'a'"),
            (Kind::TextList, "[1]"),
        ] {
            let fault = fault(kind, toml);
            assert!(matches!(fault, Fault::WrongType { .. }), "{toml}: {fault}");
        }
        assert_eq!(fault(Kind::Text, "''"), Fault::BadText);
        assert_eq!(fault(Kind::Text, "\"a\\nb\""), Fault::BadText);
    }

    #[test]
    fn lines_need_no_quotes() {
        assert_eq!(
            Value::from_line(Kind::Text, "qwen3:8b"),
            Ok(Value::Text("qwen3:8b".to_owned()))
        );
        assert_eq!(Value::from_line(COUNT, " 7 "), Ok(Value::Integer(7)));
        let list = Value::List(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(Value::from_line(Kind::TextList, "a, b,"), Ok(list.clone()));
        assert_eq!(Value::from_line(Kind::TextList, "['a','b']"), Ok(list));
        assert!(Value::from_line(COUNT, "many").is_err());
        assert!(Value::from_line(Kind::Text, "").is_err());
    }
}

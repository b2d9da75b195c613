//! The filters, tests and functions there are. The engine brings none: this is all of it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::context;
use crate::template::TEXT_BYTES_MAX;

/// What can be called, by the name and form in which it is written: name, one-line meaning.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("lower", "`TEXT | lower`: in small letters"),
    ("upper", "`TEXT | upper`: in capital letters"),
    ("trim", "`TEXT | trim`: without white space at both ends"),
    ("replace", "`TEXT | replace(OLD, NEW)`: every OLD replaced by NEW"),
    ("truncate", "`TEXT | truncate(N)`: its first N characters"),
    ("split", "`TEXT | split(BY)`: a list of its parts; by white space without BY"),
    ("lines", "`TEXT | lines`: a list of its lines"),
    ("join", "`LIST | join(BY)`: one text, with BY in between"),
    ("length", "`VALUE | length`: characters of a text, entries of a list or mapping"),
    ("first", "`LIST | first`: its first entry; nothing for an empty list"),
    ("last", "`LIST | last`: its last entry; nothing for an empty list"),
    ("sort", "`LIST | sort`: its entries in ascending order"),
    ("unique", "`LIST | unique`: each entry once, at its first place"),
    ("default", "`VALUE | default(OTHER)`: OTHER where the value is absent or null"),
    ("int", "`VALUE | int`: the whole number, cut off after the point"),
    ("round", "`NUMBER | round(N)`: rounded to N digits after the point, to none without N"),
    ("json", "`VALUE | json`: as JSON text"),
    ("parse_json", "`TEXT | parse_json`: the value that a JSON text stands for"),
    ("basename", "`PATH | basename`: the file's name, as `talk.wav`"),
    ("stem", "`PATH | stem`: the file's name without its ending, as `talk`"),
    ("extension", "`PATH | extension`: the ending without the point, as `wav`"),
    ("folder", "`PATH | folder`: the path of the folder it is in"),
    ("quote", "`TEXT | quote`: one word for a shell, whatever is in it"),
    ("contains", "`contains(TEXT, PART)`, `contains(LIST, ENTRY)`: whether it is in there"),
    ("starts_with", "`starts_with(TEXT, PART)`: whether the text begins so"),
    ("ends_with", "`ends_with(TEXT, PART)`: whether the text ends so"),
    ("defined", "`VALUE is defined`: whether there is such a value"),
    ("none", "`VALUE is none`: whether it is null"),
    ("empty", "`VALUE is empty`: null, or a text, list or mapping with nothing in it"),
];

/// How something is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `value | name`
    Filter,
    /// `value is name`
    Test,
    /// `name(value)`
    Function,
}

impl Form {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Function => "function",
        }
    }
}

/// The form of a known name, and how many arguments it takes besides the value before `|` or `is`.
pub(crate) fn form(name: &str) -> Option<(Form, std::ops::RangeInclusive<usize>)> {
    let (form, arguments) = match name {
        "replace" => (Form::Filter, 2..=2),
        "truncate" => (Form::Filter, 1..=1),
        "split" | "join" | "round" | "default" => (Form::Filter, 0..=1),
        "contains" | "starts_with" | "ends_with" => (Form::Function, 2..=2),
        "defined" | "none" | "empty" => (Form::Test, 0..=0),
        other if FUNCTIONS.iter().any(|(name, _)| *name == other) => (Form::Filter, 0..=0),
        _ => return None,
    };
    Some((form, arguments))
}

/// What one evaluation may cost, in instructions and in 64 bytes of text touched.
const FUEL: u64 = 8_000_000;

/// The one environment; it holds no template and never changes.
pub(crate) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    texts(&mut environment);
    lists(&mut environment);
    values(&mut environment);
    paths(&mut environment);
    environment
});

fn texts(environment: &mut Environment<'static>) {
    environment.add_filter("lower", |value: &Value| Ok::<_, Error>(text(value)?.to_lowercase()));
    environment.add_filter("upper", |value: &Value| Ok::<_, Error>(text(value)?.to_uppercase()));
    environment.add_filter("trim", |value: &Value| Ok::<_, Error>(text(value)?.trim().to_owned()));
    environment.add_filter("replace", replace);
    environment.add_filter("truncate", |value: &Value, most: usize| {
        Ok::<_, Error>(text(value)?.chars().take(most).collect::<String>())
    });
    environment.add_filter("split", |value: &Value, by: Option<String>| {
        let text = text(value)?;
        let parts: Vec<Value> = match by.filter(|by| !by.is_empty()) {
            Some(by) => text.split(by.as_str()).map(Value::from).collect(),
            None => text.split_whitespace().map(Value::from).collect(),
        };
        Ok::<_, Error>(Value::from(parts))
    });
    environment.add_filter("lines", |value: &Value| {
        Ok::<_, Error>(Value::from(text(value)?.lines().map(Value::from).collect::<Vec<_>>()))
    });
    environment.add_filter("quote", |value: &Value| {
        Ok::<_, Error>(format!("'{}'", text(value)?.replace('\'', r"'\''")))
    });
    environment.add_function("contains", contains);
    environment.add_function("starts_with", |value: &Value, part: &str| {
        Ok::<_, Error>(text(value)?.starts_with(part))
    });
    environment.add_function("ends_with", |value: &Value, part: &str| {
        Ok::<_, Error>(text(value)?.ends_with(part))
    });
}

fn lists(environment: &mut Environment<'static>) {
    environment.add_filter("join", join);
    environment.add_filter("length", |value: &Value| {
        if value.kind() == ValueKind::String {
            return Ok(text(value)?.chars().count());
        }
        value.len().ok_or_else(|| expected("a text, list or mapping", value))
    });
    environment.add_filter("first", |value: &Value| {
        Ok::<_, Error>(list(value)?.into_iter().next().unwrap_or(Value::UNDEFINED))
    });
    environment.add_filter("last", |value: &Value| {
        Ok::<_, Error>(list(value)?.pop().unwrap_or(Value::UNDEFINED))
    });
    environment.add_filter("sort", |value: &Value| {
        let mut items = list(value)?;
        items.sort();
        Ok::<_, Error>(Value::from(items))
    });
    environment.add_filter("unique", |value: &Value| {
        let mut seen = BTreeSet::new();
        let mut items = list(value)?;
        items.retain(|item| seen.insert(item.clone()));
        Ok::<_, Error>(Value::from(items))
    });
}

fn values(environment: &mut Environment<'static>) {
    environment.add_filter("default", |value: &Value, other: Option<Value>| {
        let absent = value.is_undefined() || value.is_none();
        if absent { other.unwrap_or_else(|| Value::from("")) } else { value.clone() }
    });
    environment.add_filter("int", int);
    environment.add_filter("round", round);
    environment.add_filter("json", |value: &Value| {
        let mut room_bytes = TEXT_BYTES_MAX;
        context::json(value, &mut room_bytes)
            .map(|json| json.to_string())
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, "`json` cannot write this value"))
    });
    environment.add_filter("parse_json", |value: &Value| {
        let parsed: serde_json::Value = serde_json::from_str(text(value)?.trim())
            .map_err(|error| invalid(format!("`parse_json`: this is not JSON: {error}")))?;
        Ok::<_, Error>(Value::from(Serde(&parsed)))
    });
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment.add_test("none", |value: &Value| value.is_none());
    environment.add_test("empty", |value: &Value| {
        value.is_undefined() || value.is_none() || value.len() == Some(0)
    });
}

fn paths(environment: &mut Environment<'static>) {
    environment
        .add_filter("basename", |value: &Value| Ok::<_, Error>(name(text(value)?).to_owned()));
    environment.add_filter("stem", |value: &Value| {
        Ok::<_, Error>(split_name(name(text(value)?)).0.to_owned())
    });
    environment.add_filter("extension", |value: &Value| {
        Ok::<_, Error>(split_name(name(text(value)?)).1.to_owned())
    });
    environment.add_filter("folder", |value: &Value| {
        let path = text(value)?.trim_end_matches('/');
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        Ok::<_, Error>(if folder.is_empty() { "/" } else { folder }.to_owned())
    });
}

fn name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// A file's name without its ending, and the ending. A point at the beginning begins no ending.
fn split_name(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, ending),
        Some(_) | None => (name, ""),
    }
}

fn replace(value: &Value, old: &str, new: &str) -> Result<String, Error> {
    let text = text(value)?;
    if old.is_empty() {
        return Err(invalid("`replace`: the text to be replaced is empty".to_owned()));
    }
    let grown = text.matches(old).count().saturating_mul(new.len());
    if text.len().saturating_add(grown) > TEXT_BYTES_MAX {
        return Err(too_large());
    }
    Ok(text.replace(old, new))
}

fn join(value: &Value, by: Option<String>) -> Result<String, Error> {
    let by = by.unwrap_or_default();
    let mut joined = String::new();
    for (index, item) in list(value)?.iter().enumerate() {
        let mut room_bytes = TEXT_BYTES_MAX.saturating_sub(joined.len());
        let item = context::json(item, &mut room_bytes).map_err(|_| too_large())?;
        if index > 0 {
            joined.push_str(&by);
        }
        crate::template::push_text(&item, &mut joined);
        if joined.len() > TEXT_BYTES_MAX {
            return Err(too_large());
        }
    }
    Ok(joined)
}

fn contains(whole: &Value, part: &Value) -> Result<bool, Error> {
    if whole.kind() == ValueKind::String {
        Ok(text(whole)?.contains(text(part)?))
    } else if whole.kind() == ValueKind::Map {
        Ok(!whole.get_item(part)?.is_undefined())
    } else {
        Ok(list(whole)?.contains(part))
    }
}

fn int(value: &Value) -> Result<i64, Error> {
    let parsed = match value.as_str() {
        Some(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
        }
        None => i64::try_from(value.clone()).ok().or_else(|| float(value).and_then(whole)),
    };
    parsed.ok_or_else(|| expected("a number", value))
}

fn float(value: &Value) -> Option<f64> {
    (value.kind() == ValueKind::Number).then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// A number cut off after the point, where it is within what floats hold exactly.
fn whole(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let cut = number.trunc();
    (cut.abs() <= EXACT_MAX).then(|| format!("{cut:.0}").parse().ok()).flatten()
}

fn round(value: &Value, digits: Option<u32>) -> Result<Value, Error> {
    const DIGITS_MAX: u32 = 12;
    if value.is_integer() {
        return Ok(value.clone());
    }
    let number = float(value).ok_or_else(|| expected("a number", value))?;
    let digits = digits.unwrap_or(0).min(DIGITS_MAX);
    let factor = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
    let rounded = (number * factor).round() / factor;
    Ok(match whole(rounded) {
        Some(whole) if digits == 0 => Value::from(whole),
        Some(_) | None => Value::from(rounded),
    })
}

fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| expected("a text", value))
}

fn list(value: &Value) -> Result<Vec<Value>, Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        Ok(value.try_iter()?.collect())
    } else {
        Err(expected("a list", value))
    }
}

fn expected(what: &str, found: &Value) -> Error {
    if found.is_undefined() {
        return Error::from(ErrorKind::UndefinedError);
    }
    let found = match found.kind() {
        ValueKind::None => "null",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a mapping",
        ValueKind::Undefined | ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => {
            "something else"
        }
    };
    invalid(format!("expected {what}, found {found}"))
}

fn too_large() -> Error {
    invalid(format!("the text would be longer than {TEXT_BYTES_MAX} bytes"))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

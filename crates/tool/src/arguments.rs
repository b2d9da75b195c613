//! A tool call's arguments: read, mended in a fixed order, checked against the tool's schema.
//!
//! The order is the safe one: what can be read strictly is never mended, and nothing is
//! guessed that the model did not write.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::{catalogue::Tool, excerpt, lenient};

/// The most bytes of the model's own words that an error repeats.
const QUOTE_BYTES_MAX: usize = 120;

/// The most violations that one reply lists.
const VIOLATIONS_MAX: usize = 4;

/// `file_read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRead {
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) skip_bytes: Option<u64>,
}

/// `list_dir`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListDir {
    #[serde(default = "here")]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) skip: u64,
}

/// `find_files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FindFiles {
    pub(crate) pattern: String,
    #[serde(default = "here")]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) skip: u64,
}

/// `grep`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grep {
    pub(crate) pattern: String,
    #[serde(default = "here")]
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<String>,
    #[serde(default)]
    pub(crate) skip: u64,
}

/// `file_write`.
#[derive(Debug, Deserialize)]
pub(crate) struct FileWriteCall {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// `file_patch`.
#[derive(Debug, Deserialize)]
pub(crate) struct FilePatch {
    pub(crate) path: String,
    pub(crate) search: String,
    pub(crate) replace: String,
    #[serde(default)]
    pub(crate) all: bool,
}

/// `file_delete`.
#[derive(Debug, Deserialize)]
pub(crate) struct FileDelete {
    pub(crate) path: String,
}

/// `shell`.
#[derive(Debug, Deserialize)]
pub(crate) struct Shell {
    pub(crate) command: String,
}

/// `todo_set`.
#[derive(Debug, Deserialize)]
pub(crate) struct TodoSet {
    pub(crate) items: Vec<TodoEntry>,
}

/// One item of `todo_set`.
#[derive(Debug, Deserialize)]
pub(crate) struct TodoEntry {
    pub(crate) text: String,
    pub(crate) done: bool,
}

fn here() -> String {
    ".".to_owned()
}

/// Arguments that fit the tool's schema.
#[derive(Debug, PartialEq)]
pub(crate) struct Mended {
    pub(crate) value: Value,
    /// What was mended, in order; `None` where nothing was.
    pub(crate) repair: Option<String>,
}

/// Reads arguments for a tool.
///
/// # Errors
/// What the model is told: where the arguments are wrong, what was expected, an example.
pub(crate) fn read(tool: Tool, text: &str) -> Result<Mended, String> {
    let mut repairs = Vec::new();
    let mut value =
        parse(tool, text, &mut repairs).ok_or_else(|| complaint(tool, &unreadable(text)))?;
    fit(&mut value, tool.schema(), "", &mut repairs);
    let violations = violations(tool, &value);
    if violations.is_empty() {
        let repair = (!repairs.is_empty()).then(|| repairs.join("; "));
        Ok(Mended { value, repair })
    } else {
        Err(complaint(tool, &violations))
    }
}

/// From text to a value: strictly, as no arguments, out of a string, leniently.
fn parse(tool: Tool, text: &str, repairs: &mut Vec<String>) -> Option<Value> {
    if is_nothing(text) {
        if tool.schema().get("required").is_some() {
            return None;
        }
        repairs.push("read no arguments as {}".to_owned());
        return Some(Value::Object(Map::new()));
    }
    let value = parse_text(text, repairs)?;
    let Value::String(inner) = value else {
        return Some(value);
    };
    repairs.push("unwrapped arguments from a string".to_owned());
    parse_text(&inner, repairs)
}

fn is_nothing(text: &str) -> bool {
    matches!(text.trim(), "" | "null" | "\"\"" | "None")
}

fn parse_text(text: &str, repairs: &mut Vec<String>) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let (value, mends) = lenient::parse(text)?;
    repairs.extend(mends.iter().map(ToString::to_string));
    Some(value)
}

/// Converts scalars to the types that the schema names, where that loses nothing.
fn fit(value: &mut Value, schema: &Value, at: &str, repairs: &mut Vec<String>) {
    if let Value::Object(members) = value {
        drop_nulls(members, schema, at, repairs);
        let properties = schema.get("properties");
        for (name, member) in members {
            if let Some(schema) = properties.and_then(|all| all.get(name)) {
                fit(member, schema, &format!("{at}/{name}"), repairs);
            }
        }
        return;
    }
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or("");
    if let Some(converted) = convert(value, wanted) {
        *value = converted;
        repairs.push(format!("made {at} {wanted}"));
    }
    if let (Value::Array(items), Some(schema)) = (value, schema.get("items")) {
        for (index, item) in items.iter_mut().enumerate() {
            fit(item, schema, &format!("{at}/{index}"), repairs);
        }
    }
}

/// Models write `null` for what they leave out.
fn drop_nulls(
    members: &mut Map<String, Value>,
    schema: &Value,
    at: &str,
    repairs: &mut Vec<String>,
) {
    let is_required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|required| required == name))
    };
    members.retain(|name, member| {
        let kept = !member.is_null() || is_required(name);
        if !kept {
            repairs.push(format!("left out {at}/{name}, which was null"));
        }
        kept
    });
}

/// The value as the wanted type; `None` where it is of that type or cannot become it.
fn convert(value: &Value, wanted: &str) -> Option<Value> {
    match (value, wanted) {
        (Value::String(text), "integer") => text.trim().parse::<i64>().ok().map(Value::from),
        (Value::Number(number), "integer") => whole(number),
        (Value::String(text), "boolean") => match text.trim().to_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        (Value::Number(_) | Value::Bool(_), "string") => Some(Value::String(value.to_string())),
        (Value::String(text), "array" | "object") => serde_json::from_str(text)
            .ok()
            .filter(|inner: &Value| inner.is_array() == (wanted == "array"))
            .filter(|inner| inner.is_array() || inner.is_object()),
        _ => None,
    }
}

/// `5.0` as `5`.
fn whole(number: &Number) -> Option<Value> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() <= EXACT_MAX)
        .then(|| format!("{float:.0}").parse::<i64>().ok().map(Value::from))?
}

fn unreadable(text: &str) -> String {
    if is_nothing(text) {
        return "there are none".to_owned();
    }
    let error = serde_json::from_str::<Value>(text)
        .err()
        .map_or_else(String::new, |error| format!(" ({error})"));
    format!("they are not JSON{error}: {}", excerpt::clipped(text, QUOTE_BYTES_MAX))
}

fn violations(tool: Tool, value: &Value) -> String {
    let mut text = String::new();
    for error in tool.validator().iter_errors(value).take(VIOLATIONS_MAX) {
        let path = error.instance_path().to_string();
        let path = if path.is_empty() { "the arguments" } else { path.as_str() };
        let separator = if text.is_empty() { "" } else { "; " };
        let error = excerpt::clipped(&error.to_string(), 2 * QUOTE_BYTES_MAX);
        write!(text, "{separator}{path}: {error}").expect("a String takes every write");
    }
    text
}

fn complaint(tool: Tool, what: &str) -> String {
    format!(
        "The arguments of {name} are wrong: {what}\nExpected by schema: {schema}\nExample: {example}",
        name = tool.name(),
        schema = tool.parameters(),
        example = tool.example(),
    )
}

/// Reads checked arguments into the tool's own type.
pub(crate) fn typed<T: for<'de> Deserialize<'de>>(value: Value) -> T {
    serde_json::from_value(value).expect("the schema was checked and demands what the type does")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Mended, read};
    use crate::catalogue::Tool;

    fn mended(tool: Tool, text: &str) -> (Value, Option<String>) {
        let Mended { value, repair } = read(tool, text).unwrap_or_else(|error| panic!("{error}"));
        (value, repair)
    }

    #[test]
    fn arguments_are_mended_in_order_and_it_is_recorded() {
        let path = json!({"path":"a"});
        for (tool, text, value, repair) in [
            (Tool::FileRead, r#"{"path":"a"}"#, path.clone(), None),
            (Tool::ListDir, "", json!({}), Some("read no arguments as {}")),
            (Tool::TodoGet, "null", json!({}), Some("read no arguments as {}")),
            (
                Tool::FileRead,
                r#""{\"path\":\"a\"}""#,
                path.clone(),
                Some("unwrapped arguments from a string"),
            ),
            (Tool::FileRead, r#"{"path":"a",}"#, path.clone(), Some("removed a trailing comma")),
            (
                Tool::FileRead,
                r#"{"path":"a","last_line":null}"#,
                path.clone(),
                Some("left out /last_line, which was null"),
            ),
            (
                Tool::FileRead,
                r#"{"path":"a","first_line":"5"}"#,
                json!({"path":"a","first_line":5}),
                Some("made /first_line integer"),
            ),
            (
                Tool::FileRead,
                r#"{"path":"a","first_line":5.0}"#,
                json!({"path":"a","first_line":5}),
                Some("made /first_line integer"),
            ),
            (
                Tool::FileWrite,
                r#"{"path":"a","content":5}"#,
                json!({"path":"a","content":"5"}),
                Some("made /content string"),
            ),
            (
                Tool::FileWrite,
                r#"{"path":"a","content":"null"}"#,
                json!({"path":"a","content":"null"}),
                None,
            ),
            (
                Tool::TodoSet,
                r#"{"items":"[{\"text\":\"t\",\"done\":\"True\"}]"}"#,
                json!({"items":[{"text":"t","done":true}]}),
                Some("made /items array; made /items/0/done boolean"),
            ),
        ] {
            let (found, how) = mended(tool, text);
            assert_eq!(found, value, "{text}");
            assert_eq!(how.as_deref(), repair, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_mended_is_explained() {
        let told = read(Tool::FileRead, r#"{"path":"a","first_line":0,"lines":3}"#).unwrap_err();
        insta::assert_snapshot!(told, @r#"
        The arguments of file_read are wrong: /first_line: 0 is less than the minimum of 1; the arguments: Additional properties are not allowed ('lines' was unexpected)
        Expected by schema: {"type":"object","properties":{"path":{"type":"string"},"first_line":{"type":"integer","minimum":1},"last_line":{"type":"integer","minimum":1},"skip_bytes":{"type":"integer","minimum":0,"description":"of first_line"}},"required":["path"],"additionalProperties":false}
        Example: {"path":"src/main.py","first_line":40,"last_line":80}
        "#);
        let told = read(Tool::FileDelete, r#"{"path":"a"#).unwrap_err();
        insta::assert_snapshot!(told, @r#"
        The arguments of file_delete are wrong: they are not JSON (EOF while parsing a string at line 1 column 10): {"path":"a
        Expected by schema: {"type":"object","properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false}
        Example: {"path":"src/old.py"}
        "#);
    }

    #[test]
    fn wrong_arguments_stay_wrong() {
        for (tool, text) in [
            (Tool::FileRead, ""),
            (Tool::FileRead, "[]"),
            (Tool::FileRead, "5"),
            (Tool::FileRead, r#"{"path":null}"#),
            (Tool::FileRead, r#"{"path":"a","first_line":1.5}"#),
            (Tool::FileWrite, r#"{"path":"a"}"#),
            (Tool::FileWrite, r#"{"path":"a","content":["x"]}"#),
            (Tool::FilePatch, r#"{"path":"a","search":"","replace":"b"}"#),
            (Tool::TodoSet, r#"{"items":[{"text":"x"}]}"#),
            (Tool::Shell, r#"{"command":""}"#),
        ] {
            assert!(read(tool, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_reply_about_huge_arguments_is_short() {
        let huge = format!("{{\"path\":\"{}\",\"x\":1}}", "y".repeat(100_000));
        assert!(read(Tool::FileRead, &huge).unwrap_err().len() < 2000);
        assert!(read(Tool::FileRead, &"y".repeat(100_000)).unwrap_err().len() < 2000);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{},:\"'\\\\0-9a-z. \n]{0,60}") {
            for tool in Tool::ALL {
                read(tool, &text).ok();
            }
        }
    }
}

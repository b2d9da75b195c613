//! From a JSON value to a call of a tool that was offered.

use std::cell::OnceCell;

use lao_event::ToolSpec;
use lao_port::ChatToolCall;
use serde_json::{Map, Value};

use crate::lenient;

const NAME_KEYS: [&str; 3] = ["name", "tool", "tool_name"];
const ARGUMENT_KEYS: [&str; 6] =
    ["arguments", "parameters", "args", "input", "tool_input", "kwargs"];

/// The tools that were offered.
pub(super) struct Offered<'a> {
    tools: &'a [ToolSpec],
    folded: OnceCell<Vec<String>>,
}

impl<'a> Offered<'a> {
    pub(super) fn new(tools: &'a [ToolSpec]) -> Self {
        Self { tools, folded: OnceCell::new() }
    }

    /// The offered tool that a model means by `name`: the same name, that name behind a
    /// namespace, or the only one that differs in case and in `-` for `_`.
    pub(super) fn find(&self, name: &str) -> Option<&'a ToolSpec> {
        let name = name.trim();
        let exact = |name: &str| self.tools.iter().find(|tool| tool.name == name);
        if let Some(tool) = exact(name) {
            return Some(tool);
        }
        let bare = name.strip_prefix("functions.").unwrap_or(name);
        if let Some(tool) = exact(bare) {
            return Some(tool);
        }
        let folded =
            self.folded.get_or_init(|| self.tools.iter().map(|tool| fold(&tool.name)).collect());
        let bare = fold(bare);
        let mut same = folded.iter().zip(self.tools).filter(|(folded, _)| **folded == bare);
        match (same.next(), same.next()) {
            (Some((_, tool)), None) => Some(tool),
            _ => None,
        }
    }

    /// A call by its parts.
    pub(super) fn call(&self, name: &str, arguments: &Value) -> Option<ChatToolCall> {
        Some(ChatToolCall {
            id: String::new(),
            name: self.find(name)?.name.clone(),
            arguments: arguments.to_string(),
        })
    }

    /// One call or an array of calls; arguments may be absent where there are none.
    pub(super) fn calls(&self, value: &Value) -> Option<Vec<ChatToolCall>> {
        self.each(value, |fields| Some(arguments(fields).unwrap_or_else(empty)))
    }

    /// One call or an array of calls, each with arguments: what unmarked JSON must have.
    pub(super) fn calls_with_arguments(&self, value: &Value) -> Option<Vec<ChatToolCall>> {
        self.each(value, arguments)
    }

    fn each(
        &self,
        value: &Value,
        arguments: impl Fn(&Map<String, Value>) -> Option<Value> + Copy,
    ) -> Option<Vec<ChatToolCall>> {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        items
            .iter()
            .map(|item| {
                let fields = item.as_object()?;
                let fields = match fields.get("function") {
                    Some(Value::Object(inner)) => inner,
                    _ => fields,
                };
                self.call(name(fields)?, &arguments(fields)?)
            })
            .collect()
    }
}

fn name(fields: &Map<String, Value>) -> Option<&str> {
    NAME_KEYS.iter().chain(&["function"]).find_map(|key| fields.get(*key)?.as_str())
}

/// The arguments; a model may encode them as a string of JSON once too often.
fn arguments(fields: &Map<String, Value>) -> Option<Value> {
    let value = ARGUMENT_KEYS.iter().find_map(|key| fields.get(*key))?;
    match value {
        Value::Object(_) => Some(value.clone()),
        Value::String(text) if text.trim().is_empty() => Some(empty()),
        Value::String(text) => lenient::parse(text).filter(Value::is_object),
        Value::Null => Some(empty()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn fold(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '-' | '_')).flat_map(char::to_lowercase).collect()
}

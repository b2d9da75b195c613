//! What a workflow is given: declared in the file, bound to values when it starts.

use std::collections::BTreeSet;

use lao_expression::nearest;
use serde_json::Value as Json;
use thiserror::Error;

use super::Workflow;
use super::reader::Reader;
use super::table::INPUT;
use super::value;
use super::yaml::{Is, Node};

/// An input of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it accepts.
    pub kind: InputKind,
    /// Its value where none is given; without one, a value must be given.
    pub default: Option<Json>,
    /// What it is for.
    pub description: Option<String>,
}

/// What an input accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    #[default]
    Text,
    /// A path; whether it is there is not looked at.
    Path,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON.
    Json,
}

impl InputKind {
    /// Its name in a workflow.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Path => "path",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Json => "json",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "path" => Self::Path,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "json" => Self::Json,
            _ => Self::Text,
        }
    }

    /// The value that a text given on a command line stands for.
    pub(crate) fn convert(self, text: &str) -> Option<Json> {
        match self {
            Self::Text | Self::Path => Some(Json::String(text.to_owned())),
            Self::Number => text.trim().parse().ok().map(Json::Number),
            Self::Boolean => match text.trim() {
                "true" | "yes" | "on" | "1" => Some(Json::Bool(true)),
                "false" | "no" | "off" | "0" => Some(Json::Bool(false)),
                _ => None,
            },
            Self::Json => serde_json::from_str(text).ok(),
        }
    }

    fn accepts(self, value: &Json) -> bool {
        match self {
            Self::Text | Self::Path => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Json => true,
        }
    }
}

pub(crate) fn read<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Vec<Input> {
    let pairs = match &node.is {
        Is::Mapping(pairs) => pairs.as_slice(),
        Is::Null => &[],
        Is::Scalar { .. } | Is::List(_) => {
            let message = format!("`inputs` is a mapping of names, here is {}", node.found());
            let hint = "write `NAME: DEFAULT`, or `NAME: { type: text }`".to_owned();
            reader.problem(node.at, message, Some(hint));
            &[]
        }
    };
    let mut inputs: Vec<Input> = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, value) in pairs {
        let name = key.text().unwrap_or_default();
        if !matches!(value::id_fault(name), value::IdFault::None) {
            let message = format!("`{}` is no name of an input", value::shortened(name));
            let hint = "a letter, then letters, digits and `_`".to_owned();
            reader.problem(key.at, message, Some(hint));
            continue;
        }
        if !seen.insert(name) {
            reader.problem(
                key.at,
                format!("the input `{name}` stands twice"),
                Some("remove one".to_owned()),
            );
            continue;
        }
        inputs.extend(one(name, value, reader));
    }
    inputs
}

fn one<'r>(name: &str, node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<Input> {
    let short = |kind, default| Input { name: name.to_owned(), kind, default, description: None };
    match &node.is {
        Is::Null => return Some(short(InputKind::Text, None)),
        Is::Scalar { .. } | Is::List(_) => {
            let default = value::json(node);
            let kind = match &default {
                Json::String(_) | Json::Null => InputKind::Text,
                Json::Number(_) => InputKind::Number,
                Json::Bool(_) => InputKind::Boolean,
                Json::Array(_) | Json::Object(_) => InputKind::Json,
            };
            literal(&default, node, reader);
            return Some(short(kind, Some(default)));
        }
        Is::Mapping(_) => {}
    }
    let mut fields = reader.fields(node, &INPUT)?;
    let kind = fields.choice("type").map_or(InputKind::Text, InputKind::of);
    let at = fields.place("default").unwrap_or(node.at);
    let default = fields.json("default").map(|default| fitted(kind, default));
    if let Some(default) = &default {
        literal(default, node, reader);
        if !kind.accepts(default) {
            let message = format!("the default of `{name}` is not of type {}", kind.name());
            let hint = "change the `type` or the `default`".to_owned();
            reader.problem(at, message, Some(hint));
        }
    }
    Some(Input { name: name.to_owned(), kind, default, description: fields.text("description") })
}

/// A text stays one, even if it looks like a number.
fn fitted(kind: InputKind, default: Json) -> Json {
    match (kind, &default) {
        (InputKind::Text | InputKind::Path, Json::Number(_) | Json::Bool(_)) => {
            Json::String(default.to_string())
        }
        _ => default,
    }
}

fn literal(default: &Json, node: &Node, reader: &mut Reader<'_, '_>) {
    if default.as_str().is_some_and(|text| text.contains("${{")) {
        let hint = "write it out; expressions are for steps".to_owned();
        reader.problem(node.at, "a default has no expressions".to_owned(), Some(hint));
    }
}

/// Why the values given are not what a workflow takes: every fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", faults.join("\n"))]
pub struct BindError {
    /// What is wrong; at least one.
    pub faults: Vec<String>,
}

impl Workflow {
    /// The values of all inputs, in their order: those given, converted to their types, and the
    /// defaults. `text` stands for the only input, or the one named `text` or `input`.
    ///
    /// # Errors
    /// [`BindError`] for unknown names, values of another type, and what is missing.
    pub fn bind(
        &self,
        given: &[(String, String)],
        text: Option<&str>,
    ) -> Result<Vec<(String, Json)>, BindError> {
        let mut faults = Vec::new();
        let mut values: Vec<Option<Json>> = vec![None; self.inputs.len()];
        let unnamed =
            text.and_then(|text| self.unnamed().map(|name| (name.to_owned(), text.to_owned())));
        if text.is_some() && unnamed.is_none() {
            let names = self.names();
            faults.push(format!("which input is meant? write NAME=TEXT; there are: {names}"));
        }
        for (name, text) in given.iter().chain(&unnamed) {
            let Some(index) = self.inputs.iter().position(|input| input.name == *name) else {
                faults.push(self.unknown(name));
                continue;
            };
            let kind = self.inputs[index].kind;
            if values[index].is_some() {
                faults.push(format!("the input `{name}` is given twice"));
                continue;
            }
            let value = kind.convert(text);
            if value.is_none() {
                let text = value::shortened(text);
                faults.push(format!(
                    "the input `{name}` is of type {}, given is `{text}`",
                    kind.name()
                ));
            }
            // A bad value is not missing too.
            values[index] = Some(value.unwrap_or_default());
        }
        let mut bound = Vec::new();
        for (input, value) in self.inputs.iter().zip(values) {
            match value.or_else(|| input.default.clone()) {
                Some(value) => bound.push((input.name.clone(), value)),
                None => faults.push(missing(input)),
            }
        }
        if faults.is_empty() { Ok(bound) } else { Err(BindError { faults }) }
    }

    /// The input that a text without a name is for.
    fn unnamed(&self) -> Option<&str> {
        if let [only] = self.inputs.as_slice() {
            return Some(&only.name);
        }
        let names = || self.inputs.iter().map(|input| input.name.as_str());
        names().find(|name| *name == "text").or_else(|| names().find(|name| *name == "input"))
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.inputs.iter().map(|input| input.name.as_str());
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.inputs.is_empty() => format!("`{}` has no inputs", self.name),
            None => format!("there are: {}", self.names()),
        };
        format!("there is no input `{name}`; {hint}")
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

fn missing(input: &Input) -> String {
    let about = input.description.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
    let name = &input.name;
    format!("the input `{name}`{about} is missing; give it as `--input {name}=...`")
}

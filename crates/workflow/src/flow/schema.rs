//! The form of a workflow as JSON Schema, made of the tables that the reader follows.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::table::{FILE, Holds, Key, Table};

/// The JSON Schema of a workflow file, for editors.
pub fn schema() -> Json {
    let mut parts = BTreeMap::new();
    let root = table(&FILE, &mut parts);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "LAO workflow",
    });
    let definitions: Map<String, Json> = parts.into_iter().collect();
    if let (Some(schema), Json::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Json::Object(definitions));
    }
    schema
}

type Parts = BTreeMap<String, Json>;

fn mapping(table: &'static Table, parts: &mut Parts) -> Json {
    let mut properties = Map::new();
    for key in table.keys {
        properties.insert(key.name.to_owned(), described(key, parts));
    }
    let needed = table.keys.iter().filter(|key| key.needed);
    let needed: Vec<&str> = needed.map(|key| key.name).collect();
    let mut mapping = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !needed.is_empty() {
        mapping["required"] = json!(needed);
    }
    if !table.one_of.is_empty() {
        let each = table.one_of.iter().map(|name| json!({ "required": [name] }));
        mapping["oneOf"] = Json::Array(each.collect());
    }
    mapping
}

fn described(key: &'static Key, parts: &mut Parts) -> Json {
    let mut held = holds(key.holds, parts);
    if let Some(held) = held.as_object_mut() {
        held.insert("description".to_owned(), json!(key.meaning));
    }
    held
}

/// A table with its short forms.
fn table(table: &'static Table, parts: &mut Parts) -> Json {
    let mut forms = vec![mapping(table, parts)];
    for short in [table.short, table.short_list].into_iter().flatten() {
        let key = table.keys.iter().find(|key| key.name == short);
        forms.extend(key.map(|key| holds(key.holds, parts)));
    }
    let can_be_empty = table.one_of.is_empty() && table.keys.iter().all(|key| !key.needed);
    if can_be_empty {
        forms.push(json!({ "type": "null" }));
    }
    any_of(forms)
}

fn any_of(mut forms: Vec<Json>) -> Json {
    if forms.len() == 1 { forms.remove(0) } else { json!({ "anyOf": forms }) }
}

/// A table as a definition of its own, so that steps can be inside of steps.
fn reference(of: &'static Table, parts: &mut Parts) -> Json {
    let name: String =
        of.what.chars().filter(|letter| *letter != '`').collect::<String>().replace(' ', "_");
    if !parts.contains_key(&name) {
        parts.insert(name.clone(), Json::Null);
        let definition = table(of, parts);
        parts.insert(name.clone(), definition);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn holds(holds: Holds, parts: &mut Parts) -> Json {
    const DURATION: &str = "^([0-9]+|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$";
    let scalar = || json!({ "type": ["string", "number", "boolean"] });
    let list = |of: Json| json!({ "type": "array", "items": of });
    match holds {
        Holds::Template | Holds::Condition | Holds::Text => scalar(),
        Holds::Id => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$" }),
        Holds::Flag => json!({ "type": "boolean" }),
        Holds::Count { min, max } => count(min, max),
        Holds::Milli { max } => json!({ "type": "number", "minimum": 0, "maximum": max / 1000 }),
        Holds::Duration => json!({
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": DURATION }],
        }),
        Holds::Choice(words) => json!({ "enum": words }),
        Holds::Texts | Holds::TextOrList => any_of(vec![scalar(), list(scalar())]),
        Holds::Templates => json!({ "type": "array", "items": scalar(), "minItems": 1 }),
        Holds::Items => any_of(vec![json!({ "type": "string" }), json!({ "type": "array" })]),
        Holds::Pairs => json!({ "type": "object" }),
        Holds::Renames => {
            let names = json!({ "type": "object", "additionalProperties": { "type": "string" } });
            any_of(vec![scalar(), list(scalar()), names])
        }
        Holds::Codes => {
            let code = || json!({ "type": "integer" });
            any_of(vec![code(), list(code())])
        }
        Holds::Value | Holds::Json => json!({}),
        Holds::Table(of) => reference(of, parts),
        Holds::Several(of) => {
            let one = reference(of, parts);
            any_of(vec![one.clone(), list(one)])
        }
        Holds::Inputs(of) => {
            let kinds = json!({ "type": ["string", "number", "boolean", "array", "null"] });
            let input = any_of(vec![reference(of, parts), kinds]);
            json!({ "type": ["object", "null"], "additionalProperties": input })
        }
        Holds::Steps(of) => {
            json!({ "type": "array", "minItems": 1, "items": reference(of, parts) })
        }
        Holds::Args => json!({ "type": ["array", "object"] }),
        Holds::ChoiceOr(words, of) => any_of(vec![json!({ "enum": words }), reference(of, parts)]),
        Holds::DurationOr(of) => {
            let duration = self::holds(Holds::Duration, parts);
            any_of(vec![duration, reference(of, parts)])
        }
        Holds::CountOr { min, max, table } => {
            any_of(vec![count(min, max), reference(table, parts)])
        }
    }
}

fn count(min: u64, max: u64) -> Json {
    if max == u64::MAX {
        json!({ "type": "integer", "minimum": min })
    } else {
        json!({ "type": "integer", "minimum": min, "maximum": max })
    }
}

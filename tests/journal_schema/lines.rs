//! The JSON Schema of the lines that `lao export --format jsonl` writes: what their `data` is follows
//! from the files of `journal-schema/`.

use std::{fs, path::PathBuf};

use serde_json::{Map, Value, json};

use super::folder::{self, EventFile, Field, Shape};

/// Enums whose variant is named by a field of its own.
const TAGGED: [(&str, &str); 2] = [("Message", "from"), ("StopReason", "reason")];

/// Where the schema lies.
fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/portable-events.schema.json")
}

/// The schema as it is published.
pub(crate) fn published() -> Value {
    let text = fs::read_to_string(path()).expect("the schema is there; LAO_BLESS=1 writes it");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// Writes the schema that follows from the files.
pub(crate) fn bless(files: &[EventFile]) {
    let text = serde_json::to_string_pretty(&schema(files)).expect("a schema is plain JSON");
    fs::write(path(), text + "\n").expect("the schema can be written");
}

/// The schema that follows from the files.
pub(crate) fn schema(files: &[EventFile]) -> Value {
    let newest = || files.iter().filter(|file| file.is_newest());
    let mut definitions = Map::new();
    for shape in newest().flat_map(|file| &file.shape) {
        definitions.insert(shape.name.clone(), of_shape(shape));
    }
    let mut lines: Vec<Value> = vec![
        json!({ "$ref": "#/$defs/line.run" }),
        json!({ "$ref": "#/$defs/line.unknown" }),
        json!({ "$ref": "#/$defs/line.blob" }),
        json!({ "$ref": "#/$defs/line.end" }),
    ];
    for file in newest() {
        let name = format!("line.event.{}", file.name);
        lines.push(json!({ "$ref": format!("#/$defs/{name}") }));
        definitions.insert(name, event_line(file));
    }
    definitions.extend(other_lines());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of an exported run, format 1",
        "description": "Written by `lao export --format jsonl`; see docs/portable-runs.md. Readers pass over fields and lines that they do not know.",
        "oneOf": lines,
        "$defs": definitions,
    })
}

fn event_line(file: &EventFile) -> Value {
    let mut data = fields(&file.fields);
    let name = folder::path(0, &file.name, 0);
    let tag = name.trim_start_matches("events/0000-").trim_end_matches("-v0.toml");
    data.insert("event".to_owned(), json!({ "const": tag }));
    let mut properties = header("event");
    properties.insert("monotonic_ns".to_owned(), unsigned());
    properties.insert("cause".to_owned(), unsigned());
    properties.insert("noted".to_owned(), json!({ "type": "boolean" }));
    properties.insert("event".to_owned(), json!({ "const": file.name }));
    properties.insert("data".to_owned(), object(data));
    let mut line = object(properties);
    line["description"] = json!(file.meaning);
    line
}

/// What lines about one record have.
fn header(line: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("line".to_owned(), json!({ "const": line }));
    properties.insert("seq".to_owned(), json!({ "type": "integer", "minimum": 1 }));
    properties.insert("time_ms".to_owned(), json!({ "type": "integer" }));
    properties.insert("hash".to_owned(), hash());
    properties
}

fn other_lines() -> Map<String, Value> {
    let mut unknown = header("unknown");
    unknown.insert("event_type".to_owned(), unsigned());
    unknown.insert("schema_version".to_owned(), unsigned());
    unknown.insert("record_hex".to_owned(), hex());
    let end = json!({ "line": { "const": "end" }, "events": unsigned(), "blobs": unsigned() });
    let blob = |content: &str, shape: Value| {
        let line = json!({ "line": { "const": "blob" }, "hash": hash(), "size_bytes": unsigned(), content: shape });
        object(map(line))
    };
    let lines = [
        ("line.run", object(run_line())),
        ("line.unknown", object(unknown)),
        ("line.blob", json!({ "oneOf": [blob("text", text()), blob("bytes_hex", hex())] })),
        ("line.end", object(map(end))),
    ];
    lines.into_iter().map(|(name, line)| (name.to_owned(), line)).collect()
}

fn run_line() -> Map<String, Value> {
    let position = object(map(json!({ "seq": unsigned(), "hash": hash() })));
    let rule = object(map(json!({ "token": text(), "count": unsigned() })));
    let redaction = object(map(json!({
        "original": position, "rules": { "type": "array", "items": rule },
    })));
    let model = object(map(json!({
        "role": { "$ref": "#/$defs/Role" }, "endpoint": text(), "asked": text(),
        "answered": or_null(text()), "server": or_null(text()), "calls": unsigned(),
    })));
    map(json!({
        "line": { "const": "run" }, "format": { "const": 1 }, "lao": text(), "run": text(),
        "title": text(), "source": text(), "created_ms": { "type": "integer" },
        "outcome": or_null(text()), "started": hex(), "genesis": hash(), "head": position,
        "blobs": unsigned(), "blob_bytes": unsigned(),
        "programs": { "type": "array", "items": text() },
        "models": { "type": "array", "items": model },
        "redacted": or_null(redaction),
    }))
}

fn of_shape(shape: &Shape) -> Value {
    let mut schema = match (&shape.fields, shape.name.as_str()) {
        (_, "Hash") => hash(),
        (_, "RunId") => text(),
        (Some(own), _) => of_fields(own),
        (None, name) => {
            let tag = TAGGED.iter().find(|(tagged, _)| *tagged == name).map(|(_, tag)| *tag);
            let variants: Vec<Value> =
                shape.variants.iter().map(|it| of_variant(&it.name, &it.fields, tag)).collect();
            json!({ "oneOf": variants })
        }
    };
    schema["description"] = json!(shape.meaning);
    schema
}

fn of_variant(name: &str, own: &[Field], tag: Option<&str>) -> Value {
    let name = folder::path(0, name, 0);
    let name = name.trim_start_matches("events/0000-").trim_end_matches("-v0.toml");
    if let Some(tag) = tag {
        let mut properties = fields(own);
        properties.insert(tag.to_owned(), json!({ "const": name }));
        return object(properties);
    }
    if own.is_empty() {
        return json!({ "const": name });
    }
    object(map(json!({ name: of_fields(own) })))
}

/// A struct, or the one value in it.
fn of_fields(own: &[Field]) -> Value {
    match own {
        [only] if only.name == "0" => kind(&only.kind),
        own => object(fields(own)),
    }
}

fn fields(own: &[Field]) -> Map<String, Value> {
    own.iter().map(|field| (field.name.clone(), kind(&field.kind))).collect()
}

fn kind(name: &str) -> Value {
    let inside = |outer: &str| name.strip_prefix(outer).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inside("Vec<") {
        return json!({ "type": "array", "items": kind(inner) });
    }
    if let Some(inner) = inside("Option<") {
        return or_null(kind(inner));
    }
    if let Some(both) = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let parts: Vec<Value> = both.split(", ").map(kind).collect();
        let count = parts.len();
        return json!({
            "type": "array", "prefixItems": parts, "minItems": count, "maxItems": count,
        });
    }
    match name {
        "String" => text(),
        "bool" => json!({ "type": "boolean" }),
        "u8" | "u16" | "u32" | "u64" => unsigned(),
        "i32" | "i64" => json!({ "type": "integer" }),
        shape => json!({ "$ref": format!("#/$defs/{shape}") }),
    }
}

/// An object that has all of these.
fn object(properties: Map<String, Value>) -> Value {
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({ "type": "object", "required": required, "properties": Value::Object(properties) })
}

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("{value} is written as an object") };
    fields
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": Value::Array(vec![json!({ "type": "null" }), schema]) })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn unsigned() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn hash() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

fn hex() -> Value {
    json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$" })
}

/// The same schema, in which an object may have no field that is not described.
pub(crate) fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut strict: Map<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), self::strict(field))).collect();
            if fields.contains_key("properties") && fields.contains_key("required") {
                strict.insert("additionalProperties".to_owned(), json!(false));
            }
            Value::Object(strict)
        }
        Value::Array(items) => items.iter().map(strict).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

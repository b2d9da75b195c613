//! What a model's JSON must be like: the part of JSON Schema that small models can be held to.
//!
//! `type`, `enum`, `const`, `properties`, `required`, `additionalProperties: false`, `items`,
//! `minItems`, `maxItems`, `minLength`, `maxLength`. What else a schema says goes to the server.

use serde_json::Value;

/// The most problems that a model is told at once.
const PROBLEMS_MAX: usize = 8;

/// Gives the value back if it fits, else what is wrong with it, a sentence each.
pub(super) fn check(schema: Option<&str>, value: Value) -> Result<Value, Vec<String>> {
    let Some(schema) = schema.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return Ok(value);
    };
    let mut problems = Vec::new();
    check_at("the answer", &schema, &value, &mut problems);
    problems.truncate(PROBLEMS_MAX);
    if problems.is_empty() { Ok(value) } else { Err(problems) }
}

fn check_at(place: &str, schema: &Value, value: &Value, problems: &mut Vec<String>) {
    if let Some(problem) = wrong_type(schema, value) {
        problems.push(format!("{place} {problem}"));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        problems.push(format!("{place} must be one of {}", allowed.join(", ")));
    }
    if let Some(only) = schema.get("const")
        && only != value
    {
        problems.push(format!("{place} must be {only}"));
    }
    match value {
        Value::Object(object) => check_object(place, schema, object, problems),
        Value::Array(items) => {
            check_length((place, "items"), schema, ("minItems", "maxItems"), items.len(), problems);
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    check_at(&format!("{place}[{index}]"), schema, item, problems);
                }
            }
        }
        Value::String(text) => {
            let length = text.chars().count();
            check_length(
                (place, "characters"),
                schema,
                ("minLength", "maxLength"),
                length,
                problems,
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    let wanted: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let fits = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    };
    (!wanted.iter().any(fits)).then(|| format!("must be of type {}", wanted.join(" or ")))
}

fn check_object(
    place: &str,
    schema: &Value,
    object: &serde_json::Map<String, Value>,
    problems: &mut Vec<String>,
) {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !object.contains_key(name) {
            problems.push(format!("{place} lacks {name:?}"));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in object {
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => check_at(&format!("{place}.{name}"), schema, value, problems),
            None if closed => problems.push(format!("{place} must not have {name:?}")),
            None => {}
        }
    }
}

fn check_length(
    (place, unit): (&str, &str),
    schema: &Value,
    (min, max): (&str, &str),
    length: usize,
    problems: &mut Vec<String>,
) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    if let Some(least) = bound(min).filter(|least| (length as u64) < *least) {
        problems.push(format!("{place} has {length} {unit}, and must have at least {least}"));
    }
    if let Some(most) = bound(max).filter(|most| length as u64 > *most) {
        problems.push(format!("{place} has {length} {unit}, and may have at most {most}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"object","required":["names"],"additionalProperties":false,
        "properties":{"names":{"type":"array","minItems":1,"items":{"type":"string"}},
        "mood":{"enum":["good","bad"]}}}"#;

    fn problems(value: &str) -> Vec<String> {
        let value = serde_json::from_str(value).unwrap();
        check(Some(SCHEMA), value).err().unwrap_or_default()
    }

    #[test]
    fn what_fits_is_taken() {
        assert_eq!(problems(r#"{"names":["Ada"],"mood":"good"}"#), Vec::<String>::new());
    }

    #[test]
    fn what_does_not_is_named_with_its_place() {
        assert_eq!(problems("[]"), ["the answer must be of type object"]);
        assert_eq!(problems("{}"), [r#"the answer lacks "names""#]);
        assert_eq!(
            problems(r#"{"names":[1],"mood":"sad","more":1}"#),
            [
                r#"the answer.mood must be one of "good", "bad""#,
                r#"the answer must not have "more""#,
                "the answer.names[0] must be of type string",
            ]
        );
        assert_eq!(
            problems(r#"{"names":[]}"#),
            ["the answer.names has 0 items, and must have at least 1"]
        );
    }
}

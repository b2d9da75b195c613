//! Two values of the same kind, field by field.

use serde_json::Value;

/// A field in which two values differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDifference {
    /// The way to it, such as `request.model` or `steps[2].title`.
    pub path: String,
    /// What the first has there; `None` for nothing.
    pub first: Option<Value>,
    /// What the second has there.
    pub second: Option<Value>,
}

/// Every field in which two values differ, in the order of their names.
pub fn field_differences(first: &Value, second: &Value) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    compare(String::new(), (Some(first), Some(second)), &mut found);
    found
}

fn compare(
    path: String,
    (first, second): (Option<&Value>, Option<&Value>),
    found: &mut Vec<FieldDifference>,
) {
    match (first, second) {
        (Some(first), Some(second)) if first == second => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let missing_in_a = b.keys().filter(|key| !a.contains_key(*key));
            let mut keys: Vec<&String> = a.keys().chain(missing_in_a).collect();
            keys.sort_unstable();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(inner, (a.get(key), b.get(key)), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                compare(format!("{path}[{index}]"), (a.get(index), b.get(index)), found);
            }
        }
        (first, second) => {
            found.push(FieldDifference { path, first: first.cloned(), second: second.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_named_once() {
        let first = json!({"a": 1, "b": {"c": [1, 2], "d": "x"}, "e": null});
        let second = json!({"a": 1, "b": {"c": [1, 3, 4], "d": "x"}, "f": 2});
        let found = field_differences(&first, &second);
        let paths: Vec<&str> = found.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, ["b.c[1]", "b.c[2]", "e", "f"]);
        assert_eq!(found[0].first, Some(json!(2)));
        assert_eq!(found[1].first, None);
        assert_eq!(found[2].second, None);
        assert_eq!(field_differences(&first, &first), []);
    }
}

//! JSON of others, brought into one form.

use serde_json::Value;

/// JSON text without space between its parts, the keys of objects in alphabetical order.
pub(crate) fn compact(text: &str) -> Result<String, serde_json::Error> {
    let mut value: Value = serde_json::from_str(text)?;
    value.sort_all_objects();
    Ok(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn the_same_value_has_the_same_text() {
        for text in
            [r#"{"b": [1, 2.50, "x y"], "a": null}"#, "{\"a\":null,\n\"b\":[1,2.5,\"x y\"]}\n"]
        {
            assert_eq!(compact(text).unwrap(), r#"{"a":null,"b":[1,2.5,"x y"]}"#);
        }
        for text in ["", "{", "1 2", "nope"] {
            assert!(compact(text).is_err(), "{text}");
        }
    }
}

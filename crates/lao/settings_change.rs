//! Settings of a run, changed in what a command line changes and left alone otherwise.

use lao_event::Settings;
use serde_json::{Map, Value};

/// `base` with everything that `after` has otherwise than `before`.
pub(crate) fn carried_over(base: &Settings, before: &Settings, after: &Settings) -> Settings {
    let mut settings = by_role(base);
    carry(&mut settings, &by_role(before), &by_role(after));
    let roles = settings.get_mut("roles").and_then(Value::as_object_mut).map(std::mem::take);
    let roles = roles.unwrap_or_default().into_values().collect();
    settings["roles"] = Value::Array(roles);
    serde_json::from_value(settings).unwrap_or_else(|_| base.clone())
}

/// Settings as JSON, with the roles by their names.
pub(crate) fn by_role(settings: &Settings) -> Value {
    let mut value = serde_json::to_value(settings).expect("settings are plain JSON");
    let roles = settings.roles.iter().map(|role| {
        let value = serde_json::to_value(role).expect("settings are plain JSON");
        (role.role.name().to_owned(), value)
    });
    value["roles"] = Value::Object(roles.collect::<Map<String, Value>>());
    value
}

fn carry(base: &mut Value, before: &Value, after: &Value) {
    if before == after {
        return;
    }
    let (Value::Object(fields), Value::Object(before), Value::Object(after)) =
        (&mut *base, before, after)
    else {
        base.clone_from(after);
        return;
    };
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        fields.remove(key);
    }
    for (key, after) in after {
        match (fields.get_mut(key), before.get(key)) {
            (Some(field), Some(before)) => carry(field, before, after),
            (_, before) if before == Some(after) => {}
            (_, _) => {
                fields.insert(key.clone(), after.clone());
            }
        }
    }
}

//! Settings of a run, changed in what a command line changes and left alone otherwise.

use lao_event::Settings;
use serde_json::{Map, Value};

/// `base` with everything that `after` has otherwise than `before`.
pub(crate) fn carried_over(base: &Settings, before: &Settings, after: &Settings) -> Settings {
    let mut settings = by_role(base);
    carry(&mut settings, &by_role(before), &by_role(after));
    let roles = settings.get_mut("roles").and_then(Value::as_object_mut).map(std::mem::take);
    let mut roles = roles.unwrap_or_default();
    // In the order they had.
    let known = base.roles.iter().filter_map(|role| roles.remove(role.role.name()));
    let known: Vec<Value> = known.collect();
    settings["roles"] = known.into_iter().chain(roles.into_values()).collect();
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

#[cfg(test)]
mod tests {
    use lao_event::Role;
    use lao_testkit::settings;

    use super::*;

    #[test]
    fn what_the_command_line_does_not_change_stays_as_the_run_had_it() {
        let mut base = settings("then");
        base.limits.turns_max = 7;
        let mut today = settings("today");
        today.roles.reverse();
        let mut wanted = today.clone();
        let coder = |settings: &mut Settings| {
            let role = settings.roles.iter_mut().find(|role| role.role == Role::Coder).unwrap();
            role.model = "wanted".to_owned();
            role.temperature_milli = Some(700);
        };
        coder(&mut wanted);
        wanted.limits.attempts_max = 9;
        let mut expected = base.clone();
        coder(&mut expected);
        expected.limits.attempts_max = 9;
        assert_eq!(carried_over(&base, &today, &wanted), expected);
        assert_eq!(carried_over(&base, &today, &today), base);
    }
}

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
    use lao_event::{Role, RoleSettings, WorkspaceSettings};

    use super::*;

    fn role(role: Role, model: &str) -> RoleSettings {
        RoleSettings {
            role,
            endpoint: "e".to_owned(),
            model: model.to_owned(),
            context_tokens: 1000,
            output_tokens_max: 100,
            temperature_milli: Some(200),
            top_p_milli: None,
            repetition_penalty_milli: None,
            seed: None,
            tools: true,
            json_schema: true,
            instructions: None,
        }
    }

    fn settings(roles: Vec<RoleSettings>) -> Settings {
        let workspace = WorkspaceSettings::Folder { path: "/w".to_owned() };
        let value = serde_json::json!({ "roles": roles, "workspace": workspace });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_the_command_line_does_not_change_stays_as_the_run_had_it() {
        let (planner, coder) = (role(Role::Planner, "old"), role(Role::Coder, "old"));
        let mut base = settings(vec![planner, coder]);
        base.limits.turns_max = 7;
        let today = settings(vec![role(Role::Coder, "today"), role(Role::Planner, "today")]);
        let mut wanted = today.clone();
        wanted.roles[0].model = "wanted".to_owned();
        wanted.roles[0].temperature_milli = None;
        wanted.limits.attempts_max = 9;
        let carried = carried_over(&base, &today, &wanted);
        let mut expected = base.clone();
        expected.roles[1].model = "wanted".to_owned();
        expected.roles[1].temperature_milli = None;
        expected.limits.attempts_max = 9;
        assert_eq!(carried, expected);
        assert_eq!(carried_over(&base, &today, &today), base);
    }
}

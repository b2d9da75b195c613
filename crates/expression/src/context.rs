//! JSON values into the engine and out of it, within bounds.

use std::collections::BTreeMap;

use minijinja::value::{Serde, Value, ValueKind};
use serde_json::Value as Json;

/// What of a context an expression can reach, as the engine's value. Only that is copied.
pub(crate) fn reachable(context: &Json, paths: &[Vec<String>]) -> Value {
    let mut tree = Tree::default();
    for path in paths {
        tree.add(path);
    }
    tree.value(context)
}

/// The paths to take over; a whole value where a path ends.
#[derive(Default)]
struct Tree {
    whole: bool,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    fn add(&mut self, path: &[String]) {
        match path {
            [] => self.whole = true,
            [first, rest @ ..] => self.below.entry(first.clone()).or_default().add(rest),
        }
    }

    fn value(&self, json: &Json) -> Value {
        let Some(map) = json.as_object().filter(|_| !self.whole) else {
            return Value::from(Serde(json));
        };
        let known = self
            .below
            .iter()
            .filter_map(|(name, tree)| map.get(name).map(|json| (name.clone(), tree.value(json))));
        Value::from(known.collect::<BTreeMap<String, Value>>())
    }
}

/// Why a value of the engine is no value of ours.
pub(crate) enum Unusable {
    TooLarge,
    NotJson,
}

/// The engine's value as JSON; `room_bytes` is what is left for all values together.
pub(crate) fn json(value: &Value, room_bytes: &mut usize) -> Result<Json, Unusable> {
    take(room_bytes, 8)?;
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::Number => serde_json::to_value(value).map_err(|_| Unusable::NotJson),
        ValueKind::String => {
            let text = value.as_str().ok_or(Unusable::NotJson)?;
            take(room_bytes, text.len())?;
            Ok(Json::String(text.to_owned()))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| Unusable::NotJson)?;
            items.map(|item| json(&item, room_bytes)).collect::<Result<_, _>>().map(Json::Array)
        }
        ValueKind::Map => map(value, room_bytes),
        ValueKind::Bytes | ValueKind::Plain | ValueKind::Invalid | _ => Err(Unusable::NotJson),
    }
}

fn map(value: &Value, room_bytes: &mut usize) -> Result<Json, Unusable> {
    let mut map = serde_json::Map::new();
    for key in value.try_iter().map_err(|_| Unusable::NotJson)? {
        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        take(room_bytes, name.len())?;
        let item = value.get_item(&key).map_err(|_| Unusable::NotJson)?;
        map.insert(name, json(&item, room_bytes)?);
    }
    Ok(Json::Object(map))
}

fn take(room_bytes: &mut usize, bytes: usize) -> Result<(), Unusable> {
    *room_bytes = room_bytes.checked_sub(bytes).ok_or(Unusable::TooLarge)?;
    Ok(())
}

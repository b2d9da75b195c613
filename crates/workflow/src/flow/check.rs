//! What steps refer to: that it is there, and which steps a step needs because of it.

use std::collections::BTreeMap;

use lao_expression::nearest;

use super::inputs::Input;
use super::order;
use super::read::RawStep;
use super::reader::{Reader, Use};
use super::trigger::Trigger;
use super::yaml::Place;

/// What is known besides steps.
pub(crate) struct Known<'k> {
    pub inputs: &'k [Input],
    pub triggers: &'k [Trigger],
}

/// Positions of steps in the file by id.
type Index = BTreeMap<String, usize>;

const ROOTS: [&str; 4] = ["steps", "inputs", "trigger", "run"];
const OF_A_STEP: [&str; 4] = ["output", "status", "error", "exit_code"];
const OF_A_FILE: [&str; 7] = ["path", "name", "stem", "extension", "folder", "hash", "size_bytes"];
const OF_ANY_TRIGGER: [&str; 2] = ["kind", "time"];

/// Checks what is used where there are no steps yet.
pub(crate) fn outside(uses: &[Use<'_>], known: &Known<'_>, reader: &mut Reader<'_, '_>) {
    for used in uses {
        if used.path[0] == "inputs" {
            input(used, known, reader);
        } else {
            let message = format!("`{}` is not known before a run", used.path.join("."));
            let hint = "only inputs are known here, as in `inputs.folder`".to_owned();
            told(used, message, hint, reader);
        }
    }
}

/// Checks all references and needs, and gives the order of the steps.
pub(crate) fn steps(
    raw: &mut [RawStep<'_>],
    output: &[Use<'_>],
    known: &Known<'_>,
    reader: &mut Reader<'_, '_>,
) -> Option<Vec<usize>> {
    let index = index(raw, reader);
    for step in raw.iter_mut() {
        let mut needed = Vec::new();
        for used in &step.uses {
            needed.extend(reference(used, &index, known, reader));
        }
        for (id, at) in &step.needs {
            needed.extend(position(id, *at, &index, reader));
        }
        step.needed = needed;
    }
    for used in output {
        reference(used, &index, known, reader);
    }
    fallbacks(raw, &index, reader);
    match order::order(raw) {
        Ok(order) => Some(order),
        Err(cycles) => {
            for cycle in cycles {
                cyclic(&cycle, raw, reader);
            }
            None
        }
    }
}

fn index(raw: &[RawStep<'_>], reader: &mut Reader<'_, '_>) -> Index {
    let mut index = Index::new();
    for (at, step) in raw.iter().enumerate().filter(|(_, step)| !step.id.is_empty()) {
        if let Some(first) = index.get(&step.id) {
            let line = raw[*first].id_at.line;
            let hint = format!("the first is in line {line}; give this one another name");
            reader.problem(step.id_at, format!("there are two steps `{}`", step.id), Some(hint));
            continue;
        }
        index.insert(step.id.clone(), at);
    }
    index
}

/// The position of a step; a problem where there is none.
fn position(id: &str, at: Place, index: &Index, reader: &mut Reader<'_, '_>) -> Option<usize> {
    if let Some(position) = index.get(id) {
        return Some(*position);
    }
    if !reader.is_full() {
        let hint = no_step(id, index, reader.problems.len());
        reader.problem(at, format!("there is no step `{id}`"), Some(hint));
    }
    None
}

fn no_step(id: &str, index: &Index, told: usize) -> String {
    const NAMED_MAX: usize = 8;
    // The likeness of many names to many names is not worth its time.
    const COMPARED_MAX: usize = 20_000;
    let ids = || index.keys().map(String::as_str);
    let near = nearest(id, ids().take(COMPARED_MAX / (told + 1)));
    if let Some(near) = near {
        return format!("did you mean `{near}`?");
    }
    let more = if index.len() > NAMED_MAX { ", ..." } else { "" };
    format!("there are {}{more}", ids().take(NAMED_MAX).collect::<Vec<_>>().join(", "))
}

/// Checks one reference; gives the step it is to.
fn reference(
    used: &Use<'_>,
    index: &Index,
    known: &Known<'_>,
    reader: &mut Reader<'_, '_>,
) -> Option<usize> {
    match used.path[0].as_str() {
        "steps" => return of_a_step(used, index, reader),
        "inputs" => input(used, known, reader),
        "trigger" => trigger(used, known, reader),
        "run" => match used.path.get(1).map(String::as_str) {
            Some("id") | None => {}
            Some(other) => {
                told(
                    used,
                    format!("a run has no `{other}`"),
                    "there is `run.id`".to_owned(),
                    reader,
                );
            }
        },
        "item" | "index" if used.inside => {}
        name @ ("item" | "index") => {
            let message = format!("`{name}` is known only inside a map");
            told(
                used,
                message,
                "put the step under `map: { over: ..., do: ... }`".to_owned(),
                reader,
            );
        }
        other => {
            let hint = root_hint(other, index, known);
            told(used, format!("there is no value `{other}`"), hint, reader);
        }
    }
    None
}

fn root_hint(name: &str, index: &Index, known: &Known<'_>) -> String {
    if index.contains_key(name) {
        return format!("write `steps.{name}.output`");
    }
    if known.inputs.iter().any(|input| input.name == name) {
        return format!("write `inputs.{name}`");
    }
    match nearest(name, ROOTS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}; put texts in quotes", ROOTS.join(", ")),
    }
}

fn of_a_step(used: &Use<'_>, index: &Index, reader: &mut Reader<'_, '_>) -> Option<usize> {
    let Some(id) = used.path.get(1) else {
        let message = "`steps` needs a name behind it".to_owned();
        told(used, message, "write `steps.NAME.output`".to_owned(), reader);
        return None;
    };
    if reader.is_full() {
        return index.get(id).copied();
    }
    if !index.contains_key(id) {
        let at = reader.source.part(used.node, used.start, used.end);
        return position(id, at, index, reader);
    }
    match used.path.get(2).map(String::as_str) {
        Some(field) if OF_A_STEP.contains(&field) => {}
        Some(field) => {
            let hint = match nearest(field, OF_A_STEP) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", OF_A_STEP.join(", ")),
            };
            told(used, format!("a step has no `{field}`"), hint, reader);
        }
        None => {
            let message = format!("`steps.{id}` is a step, not a value");
            told(used, message, format!("write `steps.{id}.output`"), reader);
        }
    }
    index.get(id).copied()
}

fn input(used: &Use<'_>, known: &Known<'_>, reader: &mut Reader<'_, '_>) {
    let Some(name) = used.path.get(1) else {
        let message = "`inputs` needs a name behind it".to_owned();
        return told(used, message, "write `inputs.NAME`".to_owned(), reader);
    };
    let names = || known.inputs.iter().map(|input| input.name.as_str());
    if names().any(|known| known == name) || reader.is_full() {
        return;
    }
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: `inputs: {{ {name}: ... }}`"),
    };
    told(used, format!("there is no input `{name}`"), hint, reader);
}

fn trigger(used: &Use<'_>, known: &Known<'_>, reader: &mut Reader<'_, '_>) {
    let Some(name) = used.path.get(1).map(String::as_str) else { return };
    if OF_ANY_TRIGGER.contains(&name) {
        return;
    }
    let watches = known.triggers.iter().any(|trigger| matches!(trigger, Trigger::Watch(_)));
    if !OF_A_FILE.contains(&name) {
        let all = || OF_A_FILE.into_iter().chain(OF_ANY_TRIGGER);
        let hint = match nearest(name, all()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", all().collect::<Vec<_>>().join(", ")),
        };
        told(used, format!("a trigger has no `{name}`"), hint, reader);
    } else if !watches {
        let message = format!("`trigger.{name}` is of a file, and no folder is watched");
        let hint = "add `on: { watch: { path: FOLDER } }`, or use an input".to_owned();
        told(used, message, hint, reader);
    }
}

fn told(used: &Use<'_>, message: String, hint: String, reader: &mut Reader<'_, '_>) {
    if !reader.is_full() {
        let at = reader.source.part(used.node, used.start, used.end);
        reader.problem(at, message, Some(hint));
    }
}

/// Whoever needs a step with a fallback needs the fallback too, and the fallback needs the step.
fn fallbacks(raw: &mut [RawStep<'_>], index: &Index, reader: &mut Reader<'_, '_>) {
    let mut stands_in: Vec<Option<usize>> = vec![None; raw.len()];
    let mut replaced: Vec<Option<usize>> = vec![None; raw.len()];
    for at in 0..raw.len() {
        let Some((id, place)) = raw[at].fallback.clone() else { continue };
        let Some(fallback) = position(&id, place, index, reader) else { continue };
        if fallback == at {
            let message = format!("`{id}` cannot stand in for itself");
            reader.problem(place, message, Some("name another step".to_owned()));
            continue;
        }
        if let Some(other) = replaced[fallback] {
            let message = format!("`{id}` stands in for `{}` already", raw[other].id);
            let hint = "write a step of its own for this one".to_owned();
            reader.problem(place, message, Some(hint));
            continue;
        }
        replaced[fallback] = Some(at);
        stands_in[at] = Some(fallback);
        raw[fallback].step.fallback_for = Some(raw[at].id.clone());
        raw[fallback].needed.push(at);
    }
    for (at, step) in raw.iter_mut().enumerate() {
        let mut checked = 0;
        step.needed.sort_unstable();
        step.needed.dedup();
        while let Some(needed) = step.needed.get(checked).copied() {
            checked += 1;
            let more = stands_in[needed].filter(|more| *more != at);
            // A chain of fallbacks that comes round is a cycle, told as one.
            step.needed.extend(more.filter(|_| checked <= 2 * stands_in.len()));
        }
        step.needed.sort_unstable();
        step.needed.dedup();
    }
}

fn cyclic(cycle: &[usize], raw: &[RawStep<'_>], reader: &mut Reader<'_, '_>) {
    const NAMED_MAX: usize = 12;
    let first = &raw[cycle[0]];
    let mut names: Vec<&str> =
        cycle.iter().take(NAMED_MAX).map(|at| raw[*at].id.as_str()).collect();
    if cycle.len() > NAMED_MAX {
        names.push("...");
    }
    names.push(&first.id);
    let message = if cycle.len() == 1 {
        format!("the step `{}` needs itself", first.id)
    } else {
        format!("steps need each other: {}", names.join(" -> "))
    };
    let hint = "take out one of these needs: in `needs`, in `${{ }}` or as a fallback".to_owned();
    reader.problem(first.id_at, message, Some(hint));
}

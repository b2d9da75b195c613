//! Workflows that a workflow calls.

use std::rc::Rc;

use lao_event::{FlowAction, FlowCall, Template};
use lao_expression::nearest;

use super::files::{NESTING_MAX, STEPS_MAX, resolve};
use super::inputs::Input;
use super::reader::Reader;
use super::table::WORKFLOW;
use super::value;
use super::yaml::{Node, Place};
use super::{Workflow, called};

pub(crate) fn call<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &WORKFLOW)?;
    let at = fields.place("file").unwrap_or(node.at);
    let with = fields.pairs("with");
    let file = fields.text("file")?;
    let path = resolve(&reader.source.path, &file);
    let workflow = workflow(&path, at, reader)?;
    reader.steps_called = reader.steps_called.saturating_add(workflow.steps_total);
    if reader.steps_called > STEPS_MAX {
        let message = format!("more than {STEPS_MAX} steps, those of called workflows included");
        let hint = "call one workflow for a list, with `map`".to_owned();
        reader.problem(at, message, Some(hint));
        return None;
    }
    let inputs = inputs(&workflow, &with, at, reader);
    Some(FlowAction::Workflow(FlowCall {
        file: path,
        inputs,
        steps: workflow.steps.clone(),
        output: workflow.output.clone(),
    }))
}

/// The workflow of a file; a problem where it cannot be had.
fn workflow(path: &str, at: Place, reader: &mut Reader<'_, '_>) -> Option<Rc<Workflow>> {
    if let Some(first) = reader.files.open.iter().position(|open| open == path) {
        let chain = reader.files.open[first..].join(" -> ");
        let hint = "a workflow cannot be inside itself; use `map` for repetition".to_owned();
        reader.problem(at, format!("workflows call each other: {chain} -> {path}"), Some(hint));
        return None;
    }
    if reader.files.open.len() >= NESTING_MAX {
        let message = format!("workflows are nested deeper than {NESTING_MAX}");
        reader.problem(at, message, None);
        return None;
    }
    if let Some(known) = reader.files.known.get(path) {
        return known.clone();
    }
    match reader.files.text(path) {
        Ok(text) => called(path, &text, reader.files),
        Err(cause) => {
            let hint = "the path is seen from the folder of this file".to_owned();
            reader.problem(at, format!("`{path}` cannot be read: {cause}"), Some(hint));
            None
        }
    }
}

/// All inputs of a called workflow: those given, checked, and the defaults.
fn inputs(
    workflow: &Workflow,
    with: &[(String, Template, Place)],
    at: Place,
    reader: &mut Reader<'_, '_>,
) -> Vec<(String, Template)> {
    let names = || workflow.inputs.iter().map(|input| input.name.as_str());
    for (name, _, at) in with {
        if names().all(|known| known != name) {
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", list(names())),
            };
            reader.problem(*at, format!("`{}` has no input `{name}`", workflow.path), Some(hint));
        }
    }
    let mut inputs = Vec::new();
    for input in &workflow.inputs {
        let given = with.iter().find(|(name, ..)| *name == input.name);
        let value = match (given, &input.default) {
            (Some((_, template, at)), _) => typed(input, template, *at, reader),
            (None, Some(default)) => Some(value::constant(default)),
            (None, None) => {
                let name = &input.name;
                let message = format!("`{}` needs the input `{name}`", workflow.path);
                let hint = format!("add it: `with: {{ {name}: ... }}`");
                reader.problem(at, message, Some(hint));
                None
            }
        };
        inputs.extend(value.map(|value| (input.name.clone(), value)));
    }
    inputs
}

/// A given value: a text without expressions is converted to the type now.
fn typed(
    input: &Input,
    template: &Template,
    at: Place,
    reader: &mut Reader<'_, '_>,
) -> Option<Template> {
    let parsed = lao_expression::Template::parse(&template.0).ok()?;
    let Some(text) = parsed.literal() else { return Some(template.clone()) };
    let value = input.kind.convert(text);
    if value.is_none() {
        let message = format!("`{}` is of type {}", input.name, input.kind.name());
        let hint = format!("here is `{}`", value::shortened(text));
        reader.problem(at, message, Some(hint));
    }
    value.map(|value| value::constant(&value))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// How many steps of called workflows are in an action.
pub(crate) fn steps_inside(action: &FlowAction) -> usize {
    match action {
        FlowAction::Workflow(call) => {
            call.steps.iter().map(|named| 1 + steps_inside(&named.step.action)).sum()
        }
        FlowAction::Map(map) => 1 + steps_inside(&map.step.action),
        FlowAction::Prompt(_)
        | FlowAction::Agent(_)
        | FlowAction::Plan(_)
        | FlowAction::Transcribe(_)
        | FlowAction::Embed(_)
        | FlowAction::Run(_)
        | FlowAction::Read(_)
        | FlowAction::Write(_)
        | FlowAction::Approve(_)
        | FlowAction::Wait(_)
        | FlowAction::Assert(_) => 0,
    }
}

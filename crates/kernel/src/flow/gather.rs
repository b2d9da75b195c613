//! What a step's expressions name, taken out of the state: values, and texts that lie in blobs.

use std::collections::BTreeMap;

use lao_event::{
    Content, FlowAction, Hash, OnFailure, StepId, Template,
    latest::{Definition, FlowValue, StepDefinition, StepOutcome},
};
use lao_expression::Template as Parsed;
use serde_json::{Map, Value, json};

use super::Failure;
use crate::{
    state::State,
    step::{Step, StepStatus},
};

/// Texts that lie in blobs, by their hashes.
pub type Texts = BTreeMap<Hash, String>;

/// The values that expressions name, by their paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Gathered {
    values: BTreeMap<Vec<String>, Lazy>,
}

/// A value that may have texts which are not at hand.
#[derive(Debug, Clone, PartialEq)]
enum Lazy {
    Json(Value),
    Value(FlowValue),
    List(Vec<Lazy>),
    /// An input of a workflow inside: what it is given, in the words of the step that calls it.
    Given {
        template: Template,
        gathered: Gathered,
    },
    /// There is no such value.
    Absent,
}

impl Gathered {
    /// The blobs whose texts are needed.
    pub(crate) fn blobs(&self) -> BTreeMap<Hash, Content> {
        let mut found = BTreeMap::new();
        self.visit_blobs(&mut |content| {
            found.insert(content.hash(), content.clone());
        });
        found
    }

    /// Some text is in a blob.
    pub(crate) fn has_blobs(&self) -> bool {
        let mut found = false;
        self.visit_blobs(&mut |_| found = true);
        found
    }

    fn visit_blobs(&self, visit: &mut dyn FnMut(&Content)) {
        self.values.values().for_each(|lazy| lazy.visit_blobs(visit));
    }

    /// The values as one object, for expressions to be evaluated in.
    pub(crate) fn context(&self, texts: &Texts) -> Result<Value, Failure> {
        let mut root = Map::new();
        for (path, lazy) in &self.values {
            let Some((last, parents)) = path.split_last() else {
                continue;
            };
            if let Some(value) = lazy.value(texts)? {
                let object = parents.iter().fold(&mut root, |object, part| {
                    let inner = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
                    inner.as_object_mut().expect("no path begins with another")
                });
                object.insert(last.clone(), value);
            }
        }
        Ok(Value::Object(root))
    }
}

impl Lazy {
    fn visit_blobs(&self, visit: &mut dyn FnMut(&Content)) {
        match self {
            Self::Value(FlowValue::Text(content) | FlowValue::Json(content)) => {
                if content.inline().is_none() {
                    visit(content);
                }
            }
            Self::Value(FlowValue::Nothing | FlowValue::File { .. })
            | Self::Json(_)
            | Self::Absent => {}
            Self::List(items) => items.iter().for_each(|item| item.visit_blobs(visit)),
            Self::Given { template: _, gathered } => gathered.visit_blobs(visit),
        }
    }

    fn value(&self, texts: &Texts) -> Result<Option<Value>, Failure> {
        Ok(Some(match self {
            Self::Absent => return Ok(None),
            Self::Json(value) => value.clone(),
            Self::Value(value) => to_json(value, texts)?,
            Self::List(items) => {
                let values = items.iter().map(|item| item.value(texts));
                let values: Result<Vec<Option<Value>>, Failure> = values.collect();
                values?.into_iter().map(Option::unwrap_or_default).collect()
            }
            Self::Given { template, gathered } => evaluate(template, &gathered.context(texts)?)?,
        }))
    }
}

/// A value as expressions see it.
fn to_json(value: &FlowValue, texts: &Texts) -> Result<Value, Failure> {
    Ok(match value {
        FlowValue::Nothing => Value::Null,
        FlowValue::File { path } => Value::String(path.clone()),
        FlowValue::Text(content) => Value::String(text_of(content, texts)?.to_owned()),
        FlowValue::Json(content) => serde_json::from_str(text_of(content, texts)?)
            .map_err(|error| Failure::expression(&format!("a value is no JSON: {error}")))?,
    })
}

pub(crate) fn text_of<'a>(content: &'a Content, texts: &'a Texts) -> Result<&'a str, Failure> {
    content
        .inline()
        .or_else(|| texts.get(&content.hash()).map(String::as_str))
        .ok_or_else(|| Failure::expression("a text is not at hand"))
}

/// A value of an expression as the journal keeps it.
pub(crate) fn from_json(value: Value) -> FlowValue {
    match value {
        Value::Null => FlowValue::Nothing,
        Value::String(text) => FlowValue::Text(text.into()),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            FlowValue::Json(other.to_string().into())
        }
    }
}

pub(crate) fn parse(template: &Template) -> Result<Parsed, Failure> {
    Parsed::parse(&template.0).map_err(|error| Failure::expression(&error))
}

/// What a template comes to.
pub(super) fn evaluate(template: &Template, context: &Value) -> Result<Value, Failure> {
    parse(template)?.value(context).map_err(|error| Failure::expression(&error))
}

/// Gathers what templates name, as a step sees it; what cannot be parsed names nothing, and is
/// told when it is evaluated.
pub(crate) fn gather<'a>(
    state: &State,
    id: StepId,
    templates: impl IntoIterator<Item = &'a Template>,
) -> Gathered {
    let mut gathered = Gathered::default();
    for template in templates {
        let Ok(parsed) = Parsed::parse(&template.0) else {
            continue;
        };
        for reference in parsed.references() {
            let path = significant(&reference.path);
            if let Some(path) = path.filter(|path| !gathered.values.contains_key(*path)) {
                let lazy = look_up(state, id, path);
                gathered.values.insert(path.to_vec(), lazy);
            }
        }
    }
    gathered
}

/// The part of a path that names a value; what follows is within it.
fn significant(path: &[String]) -> Option<&[String]> {
    let length = match path.first()?.as_str() {
        "steps" => 3,
        "inputs" => 2,
        _ => 1,
    };
    path.get(..length)
}

fn look_up(state: &State, id: StepId, path: &[String]) -> Lazy {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["steps", step, field] => of_step(state, id, step, field),
        ["inputs", name] => of_input(state, id, name),
        ["trigger"] => flow(state).map_or(Lazy::Absent, |flow| {
            serde_json::from_str(&flow.trigger).map_or(Lazy::Absent, Lazy::Json)
        }),
        ["run"] => Lazy::Json(json!({ "id": state.started().id.as_str() })),
        ["item"] => item(state, id).map_or(Lazy::Absent, |(_, item)| Lazy::Value(item.clone())),
        ["index"] => item(state, id).map_or(Lazy::Absent, |(index, _)| Lazy::Json(json!(index))),
        _ => Lazy::Absent,
    }
}

fn flow(state: &State) -> Option<&lao_event::latest::FlowDefinition> {
    match &state.started().definition {
        Definition::Flow(flow) => Some(flow),
        Definition::Plan(_) => None,
    }
}

/// The item a step is about: its own, or that of the step it is a part of.
fn item(state: &State, id: StepId) -> Option<(u32, &FlowValue)> {
    let mut id = id;
    loop {
        let step = state.at(id);
        if let StepDefinition::Item { index, value } = &step.definition {
            return Some((*index, value));
        }
        id = step.parent.filter(|parent| !is_call(state, *parent))?;
    }
}

fn is_call(state: &State, id: StepId) -> bool {
    state.spec(id).is_some_and(|spec| matches!(spec.action, FlowAction::Workflow(_)))
}

/// The step that calls the workflow a step belongs to; `None` for the run's own.
pub(crate) fn caller(state: &State, id: StepId) -> Option<StepId> {
    let mut parent = state.at(id).parent;
    while let Some(outer) = parent {
        if is_call(state, outer) {
            return Some(outer);
        }
        parent = state.at(outer).parent;
    }
    None
}

/// A step of the same workflow, by its id there.
pub(crate) fn sibling(state: &State, id: StepId, name: &str) -> Option<StepId> {
    match caller(state, id) {
        None => state.step_by_key(name),
        Some(caller) => state.step_by_key(&format!("{}/{name}", state.at(caller).key)),
    }
}

fn of_input(state: &State, id: StepId, name: &str) -> Lazy {
    let Some(caller) = caller(state, id) else {
        let inputs = flow(state).map_or(&[][..], |flow| &flow.inputs);
        let given = inputs.iter().find(|input| input.name == name);
        return given.map_or(Lazy::Absent, |input| Lazy::Value(input.value.clone()));
    };
    let Some(FlowAction::Workflow(call)) = state.spec(caller).map(|spec| &spec.action) else {
        return Lazy::Absent;
    };
    let Some((_, template)) = call.inputs.iter().find(|(input, _)| input == name) else {
        return Lazy::Absent;
    };
    let gathered = gather(state, caller, [template]);
    Lazy::Given { template: template.clone(), gathered }
}

fn of_step(state: &State, id: StepId, name: &str, field: &str) -> Lazy {
    let Some(found) = sibling(state, id, name) else {
        return Lazy::Absent;
    };
    let step = state.at(found);
    match field {
        "output" => output(state, found),
        "status" => Lazy::Json(json!(status_word(step))),
        "error" => Lazy::Json(json!(error(step))),
        "exit_code" => Lazy::Json(json!(step.exit_code)),
        _ => Lazy::Absent,
    }
}

/// How a step stands, as expressions see it.
fn status_word(step: &Step) -> &'static str {
    match &step.status {
        StepStatus::Pending => "pending",
        StepStatus::Running(_) => "running",
        StepStatus::Parked(..) => "parked",
        StepStatus::Ended(StepOutcome::Succeeded) => "succeeded",
        StepStatus::Ended(StepOutcome::Failed { .. }) => "failed",
        StepStatus::Ended(StepOutcome::Skipped(_)) => "skipped",
    }
}

fn error(step: &Step) -> Option<&str> {
    match &step.status {
        StepStatus::Ended(StepOutcome::Failed { message, .. }) => Some(message),
        StepStatus::Ended(StepOutcome::Succeeded | StepOutcome::Skipped(_))
        | StepStatus::Pending
        | StepStatus::Running(_)
        | StepStatus::Parked(..) => None,
    }
}

/// What a step gave: of one that failed what its stand-in gave, of one that does the same for every
/// item the list of what was given for each.
fn output(state: &State, id: StepId) -> Lazy {
    let step = state.at(id);
    let fallback = state.spec(id).and_then(|spec| match &spec.on_failure {
        OnFailure::Fallback(name) if step.has_failed() => sibling(state, id, name),
        OnFailure::Fallback(_) | OnFailure::Stop | OnFailure::Continue => None,
    });
    if let Some(fallback) = fallback {
        return output(state, fallback);
    }
    match &step.inside {
        Some(inside) if !is_call(state, id) => {
            Lazy::List(inside.steps().map(|item| output(state, item)).collect())
        }
        Some(_) | None => Lazy::Value(step.output.clone()),
    }
}

impl State {
    /// What the run gives: the value of a template at its top, or the output of its last step.
    pub fn result(&self) -> Option<RunResult> {
        let flow = flow(self)?;
        let last = self.steps.iter().rposition(|step| step.parent.is_none())?;
        let last = crate::step::id_at(last);
        let template = flow.output.as_ref().map(|output| Template(output.clone()));
        let template = template
            .unwrap_or_else(|| Template(format!("${{{{ steps.{}.output }}}}", self.at(last).key)));
        let gathered = gather(self, last, [&template]);
        Some(RunResult { template, gathered })
    }
}

/// What a run gives, to be evaluated with the texts it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    template: Template,
    gathered: Gathered,
}

impl RunResult {
    /// The blobs whose texts are needed.
    pub fn blobs(&self) -> BTreeMap<Hash, Content> {
        self.gathered.blobs()
    }

    /// The value.
    pub fn value(&self, texts: &Texts) -> Result<Value, Failure> {
        evaluate(&self.template, &self.gathered.context(texts)?)
    }
}

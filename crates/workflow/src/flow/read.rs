//! Steps: what all kinds have in common. What each kind does is in the files of `read/`.

mod ask;
mod flowing;
mod local;

use lao_event::{
    FLOW_STEP_BYTES_MAX, FlowAction, FlowModel, FlowRetry, FlowStep, OnFailure, RetryOn, Role,
    Template,
};
use lao_expression::nearest;

use super::reader::{Field, Fields, Reader, Use};
use super::table::{self, FALLBACK, INNER_STEP, KINDS, RETRY, SETTINGS, STEP};
use super::yaml::{Node, Place};

/// A step as it stands in the file.
pub(crate) struct RawStep<'r> {
    pub id: String,
    pub id_at: Place,
    pub title: String,
    /// Needs as written.
    pub needs: Vec<(String, Place)>,
    /// The paths its templates use.
    pub uses: Vec<Use<'r>>,
    /// The step that runs in its place.
    pub fallback: Option<(String, Place)>,
    pub step: FlowStep,
    /// All steps it needs, as positions in the file; filled in when references are checked.
    pub needed: Vec<usize>,
}

const PAUSE_MS: u64 = 1000;
const PAUSE_MS_MAX: u64 = 60_000;

/// Failures after which a step may be tried again, by name.
const RETRY_ON: &[(&str, RetryOn)] = &[
    ("model", RetryOn::Model),
    ("command", RetryOn::Command),
    ("file", RetryOn::File),
    ("engine", RetryOn::Engine),
    ("timeout", RetryOn::Timeout),
    ("inside", RetryOn::Inside),
];

pub(crate) fn step<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<RawStep<'r>> {
    reader.uses.clear();
    let mut fields = reader.fields(node, &STEP)?;
    let id_at = fields.place("id").unwrap_or(node.at);
    let id = fields.text("id");
    let title = fields.text("title");
    let needs = fields.texts("needs");
    let fallback_at = fields.place("on_failure").unwrap_or(node.at);
    let mut fallback = None;
    let on_failure = match fields.take("on_failure") {
        Some(Field::Choice("continue")) => OnFailure::Continue,
        Some(Field::Node(node)) => {
            let id = reader.fields(node, &FALLBACK).and_then(|mut fields| fields.text("fallback"));
            fallback = id.map(|id| (id, fallback_at));
            fallback.clone().map_or(OnFailure::Stop, |(id, _)| OnFailure::Fallback(id))
        }
        Some(_) | None => OnFailure::Stop,
    };
    let step = common(&mut fields, on_failure, reader);
    let uses = std::mem::take(&mut reader.uses);
    // A step that is wrong stays in the graph, so that what refers to it and what it refers to is
    // looked at too; no workflow comes of it.
    let id = id.unwrap_or_default();
    let step = step.unwrap_or_else(nothing);
    check_size(&id, &step, id_at, reader);
    Some(RawStep {
        title: title.unwrap_or_else(|| id.clone()),
        id,
        id_at,
        needs,
        uses,
        fallback,
        step,
        needed: Vec::new(),
    })
}

fn check_size(id: &str, step: &FlowStep, at: Place, reader: &mut Reader<'_, '_>) {
    let size_bytes = serde_json::to_string(step).map_or(0, |definition| definition.len());
    if size_bytes > FLOW_STEP_BYTES_MAX {
        let size_max = FLOW_STEP_BYTES_MAX / 1024;
        let message = format!(
            "`{id}` is too large: {} KiB, what it calls included, and a step has {size_max} KiB",
            size_bytes.div_ceil(1024)
        );
        let hint = "read a long list from a file, with `read: { lines: FILE }` or `json`; call a \
                    long workflow in parts";
        reader.problem(at, message, Some(hint.to_owned()));
    }
}

fn nothing() -> FlowStep {
    FlowStep {
        action: flowing::waited(0),
        when: None,
        retry: None,
        timeout_ms: None,
        on_failure: OnFailure::Stop,
        fallback_for: None,
        cache: false,
    }
}

/// The step inside a map.
pub(super) fn inner<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowStep> {
    reader.maps += 1;
    let fields = reader.fields(node, &INNER_STEP);
    let step = fields.and_then(|mut fields| {
        let on_failure = match fields.choice("on_failure") {
            Some("continue") => OnFailure::Continue,
            Some(_) | None => OnFailure::Stop,
        };
        common(&mut fields, on_failure, reader)
    });
    reader.maps -= 1;
    step
}

/// What steps and steps inside maps share.
fn common<'r>(
    fields: &mut Fields<'r>,
    on_failure: OnFailure,
    reader: &mut Reader<'r, '_>,
) -> Option<FlowStep> {
    let when_at = fields.place("when");
    let when = fields.template("when");
    if let (Some(Template(text)), Some(at)) = (&when, when_at)
        && text.trim_start_matches("${{").trim_end_matches("}}").trim() == "false"
    {
        let hint = "remove the step, or the `when`".to_owned();
        reader.problem(at, "this step never runs".to_owned(), Some(hint));
    }
    let retry = retry(fields.take("retry"), reader);
    let timeout_at = fields.place("timeout").unwrap_or(fields.at);
    let timeout_ms = fields.count("timeout");
    if timeout_ms == Some(0) {
        let hint = "leave it out for no limit".to_owned();
        reader.problem(timeout_at, "a timeout of nothing leaves no time".to_owned(), Some(hint));
    }
    if timeout_ms.is_some() && fields.place("approve").is_some() {
        let hint = "leave the timeout out: a person is waited for".to_owned();
        reader.problem(timeout_at, "a question has no timeout".to_owned(), Some(hint));
    }
    let cache = fields.flag("cache");
    let kind = KINDS.iter().copied().find(|kind| fields.place(kind).is_some());
    let model = model(fields, kind, reader);
    let action = action(kind?, fields, model, reader);
    Some(FlowStep {
        action: action?,
        when,
        retry,
        timeout_ms,
        on_failure,
        fallback_for: None,
        cache,
    })
}

fn retry<'r>(field: Option<Field<'r>>, reader: &mut Reader<'r, '_>) -> Option<FlowRetry> {
    let standard = |attempts| FlowRetry {
        attempts,
        pause_ms: PAUSE_MS,
        pause_ms_max: PAUSE_MS_MAX,
        on: Vec::new(),
    };
    let field = field?;
    if let Field::Count(attempts) = field {
        return u32::try_from(attempts).ok().map(standard);
    }
    let Field::Node(node) = field else { return None };
    let mut fields = reader.fields(node, &RETRY)?;
    let mut on = Vec::new();
    for (name, at) in fields.texts("on") {
        if let Some((_, failure)) = RETRY_ON.iter().find(|(known, _)| *known == name) {
            on.push(*failure);
            continue;
        }
        let names = || RETRY_ON.iter().map(|(known, _)| *known);
        let hint = match nearest(&name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
        };
        reader.problem(at, format!("`{name}` is no kind of failure"), Some(hint));
    }
    let pause_ms = fields.count("pause").unwrap_or(PAUSE_MS);
    let pause_ms_max = fields.count("pause_max").unwrap_or(PAUSE_MS_MAX.max(pause_ms));
    let attempts = fields.small("attempts")?;
    Some(FlowRetry { attempts, pause_ms, pause_ms_max, on })
}

/// The model a step asks; a problem where it asks none and says which.
fn model<'r>(
    fields: &mut Fields<'r>,
    kind: Option<&'static str>,
    reader: &mut Reader<'r, '_>,
) -> FlowModel {
    let standard = match kind {
        Some("agent") => Role::Coder,
        Some("prompt") | None => Role::Analyst,
        Some(kind) => {
            for name in ["model", "settings"] {
                if let Some(at) = fields.place(name) {
                    let message = format!("`{name}` has no use beside `{kind}`");
                    let hint = "remove it; prompt and agent ask a model".to_owned();
                    reader.problem(at, message, Some(hint));
                }
            }
            Role::Analyst
        }
    };
    let name = fields.choice("model");
    let named = Role::ALL.into_iter().find(|role| Some(role.name()) == name);
    let settings = fields.node("settings").and_then(|node| reader.fields(node, &SETTINGS));
    let mut model = FlowModel {
        role: named.unwrap_or(standard),
        temperature_milli: None,
        top_p_milli: None,
        seed: None,
        output_tokens_max: None,
    };
    if let Some(mut settings) = settings {
        model.temperature_milli = settings.milli("temperature");
        model.top_p_milli = settings.milli("top_p");
        model.seed = settings.count("seed");
        model.output_tokens_max = settings.small("max_tokens");
    }
    model
}

fn action<'r>(
    kind: &str,
    fields: &mut Fields<'r>,
    model: FlowModel,
    reader: &mut Reader<'r, '_>,
) -> Option<FlowAction> {
    let field = fields.take(kind)?;
    if let ("wait", Field::Count(ms)) = (kind, &field) {
        return Some(flowing::waited(*ms));
    }
    let Field::Node(node) = field else { return None };
    match kind {
        "prompt" => ask::prompt(node, model, reader),
        "agent" => ask::agent(node, model, reader),
        "plan" => ask::plan(node, reader),
        "transcribe" => ask::transcribe(node, reader),
        "embed" => ask::embed(node, reader),
        "run" => local::run(node, reader),
        "read" => local::read(node, reader),
        "write" => local::write(node, reader),
        "map" => flowing::map(node, reader),
        "approve" => flowing::approve(node, reader),
        "wait" => flowing::wait(node, reader),
        "workflow" => super::nested::call(node, reader),
        "assert" => flowing::assert(node, reader),
        other => {
            unreachable!("{other} is in the table of kinds and nowhere else: {:?}", table::KINDS)
        }
    }
}

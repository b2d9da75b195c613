//! Steps that ask a model or an engine.

use lao_event::{
    FlowAction, FlowAgent, FlowEmbed, FlowFormat, FlowModel, FlowPlan, FlowPrompt, FlowTranscribe,
    Template, TranscriptFormat,
};

use crate::flow::reader::Reader;
use crate::flow::table::{AGENT, EMBED, PLAN, PROMPT, TRANSCRIBE};
use crate::flow::yaml::Node;

/// Answers of an agent without `turns`.
const TURNS: u32 = 40;

pub(super) fn prompt<'r>(
    node: &'r Node,
    model: FlowModel,
    reader: &mut Reader<'r, '_>,
) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &PROMPT)?;
    let schema_at = fields.place("schema");
    let format = fields.choice("format");
    let schema = fields.json("schema");
    if let (Some("text"), Some(at)) = (format, schema_at) {
        let hint = "write `format: json`, or remove the schema".to_owned();
        reader.problem(at, "a schema is for JSON, and the format is text".to_owned(), Some(hint));
    }
    if let (Some(schema), Some(at)) = (&schema, schema_at)
        && !schema.is_object()
        && !schema.is_boolean()
    {
        let hint = "write a JSON Schema: `{ type: object, properties: { ... } }`".to_owned();
        reader.problem(at, "`schema` is a mapping".to_owned(), Some(hint));
    }
    let format = if schema.is_some() || format == Some("json") {
        FlowFormat::Json { schema: schema.map(|schema| schema.to_string()) }
    } else {
        FlowFormat::Text
    };
    let system = fields.template("system");
    Some(FlowAction::Prompt(FlowPrompt { text: fields.template("text")?, system, model, format }))
}

pub(super) fn agent<'r>(
    node: &'r Node,
    model: FlowModel,
    reader: &mut Reader<'r, '_>,
) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &AGENT)?;
    Some(FlowAction::Agent(FlowAgent {
        text: fields.template("task")?,
        system: fields.template("system"),
        model,
        tools: fields.texts("tools").into_iter().map(|(text, _)| text).collect(),
        turns_max: fields.small("turns").unwrap_or(TURNS),
    }))
}

pub(super) fn plan<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &PLAN)?;
    Some(FlowAction::Plan(FlowPlan { file: fields.template("file")? }))
}

pub(super) fn transcribe<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &TRANSCRIBE)?;
    Some(FlowAction::Transcribe(FlowTranscribe {
        file: fields.template("file")?,
        language: fields.template("language").unwrap_or_else(|| Template::from("auto")),
        translate: fields.flag("translate"),
        prompt: fields.template("prompt"),
        threads: fields.small("threads"),
        format: match fields.choice("format") {
            Some("srt") => TranscriptFormat::Srt,
            Some("vtt") => TranscriptFormat::Vtt,
            Some("json") => TranscriptFormat::Json,
            Some(_) | None => TranscriptFormat::Text,
        },
    }))
}

pub(super) fn embed<'r>(node: &'r Node, reader: &mut Reader<'r, '_>) -> Option<FlowAction> {
    let mut fields = reader.fields(node, &EMBED)?;
    Some(FlowAction::Embed(FlowEmbed { text: fields.template("text")? }))
}

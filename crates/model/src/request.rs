//! The body of a chat completion request, straight from the call.

mod described;

use std::borrow::Cow;

use lao_event::ToolSpec;
use lao_port::{Chat, ChatFormat, ChatMessage, ChatToolCall, Sampling};
use serde::{Serialize, Serializer, de::IgnoredAny, ser::SerializeSeq};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::endpoint::{Delivery, ServerKind};

/// A schema in the call is no JSON.
#[derive(Debug, Error)]
#[error("the schema of {of} is not JSON: {cause}")]
pub(crate) struct SchemaNotJson {
    of: String,
    cause: serde_json::Error,
}

/// Writes the body for a server of this kind.
pub(crate) fn body(
    chat: &Chat,
    kind: ServerKind,
    delivery: Delivery,
) -> Result<Vec<u8>, SchemaNotJson> {
    let described;
    let (messages, tools) = if chat.native_tools || chat.tools.is_empty() {
        (chat.messages.as_slice(), tools(&chat.tools)?)
    } else {
        described = described::messages(chat);
        (described.as_slice(), Vec::new())
    };
    let sampling = Penalties::new(chat.sampling, kind);
    let body = Body {
        model: &chat.model,
        messages: Messages(messages),
        tools,
        stream: delivery == Delivery::Streamed,
        stream_options: (delivery == Delivery::Streamed)
            .then_some(StreamOptions { include_usage: true }),
        max_tokens: chat.output_tokens_max,
        temperature: chat.sampling.temperature_milli.map(number),
        top_p: chat.sampling.top_p_milli.map(number),
        seed: chat.sampling.seed.map(|seed| seed & SEED_MASK),
        repeat_penalty: sampling.repeat,
        repetition_penalty: sampling.repetition,
        response_format: response_format(&chat.format)?,
    };
    // Room for what is not text: names, quotes, escapes.
    let mut bytes = Vec::with_capacity(prompt_bytes(messages) + messages.len() * 96 + 4096);
    serde_json::to_writer(&mut bytes, &body).expect("no key of the body is other than a text");
    Ok(bytes)
}

/// Seeds are sent as 31 bits: llama-server takes 32, others a signed number.
const SEED_MASK: u64 = 0x7FFF_FFFF;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The repetition penalty under the names that the server understands.
struct Penalties {
    repeat: Option<f64>,
    repetition: Option<f64>,
}

impl Penalties {
    fn new(sampling: Sampling, kind: ServerKind) -> Self {
        let penalty = sampling.repetition_penalty_milli.map(number);
        let (repeat, repetition) = match kind {
            // Its `/v1` has no such field.
            ServerKind::Ollama => (None, None),
            ServerKind::LmStudio | ServerKind::LlamaCpp => (penalty, None),
            ServerKind::Vllm => (None, penalty),
            // Local servers ignore the name they do not know.
            ServerKind::Auto | ServerKind::OpenAi => (penalty, penalty),
        };
        Self { repeat, repetition }
    }
}

fn number(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    r#type: &'static str,
    json_schema: JsonSchema<'a>,
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: &'a RawValue,
    strict: bool,
}

fn response_format(format: &ChatFormat) -> Result<Option<ResponseFormat<'_>>, SchemaNotJson> {
    match format {
        ChatFormat::Text => Ok(None),
        ChatFormat::JsonSchema { name, schema } => Ok(Some(ResponseFormat {
            r#type: "json_schema",
            json_schema: JsonSchema {
                name,
                schema: raw(schema, || format!("the answer `{name}`"))?,
                strict: true,
            },
        })),
    }
}

/// A tool that is offered.
#[derive(Serialize)]
struct Function<'a> {
    r#type: &'static str,
    function: FunctionSpec<'a>,
}

#[derive(Serialize)]
struct FunctionSpec<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

fn tools(tools: &[ToolSpec]) -> Result<Vec<Function<'_>>, SchemaNotJson> {
    tools.iter().map(function).collect()
}

fn function(tool: &ToolSpec) -> Result<Function<'_>, SchemaNotJson> {
    let ToolSpec { name, description, parameters } = tool;
    Ok(Function {
        r#type: "function",
        function: FunctionSpec {
            name,
            description,
            parameters: raw(parameters, || format!("tool `{name}`"))?,
        },
    })
}

fn raw(json: &str, of: impl FnOnce() -> String) -> Result<&RawValue, SchemaNotJson> {
    serde_json::from_str(json).map_err(|cause| SchemaNotJson { of: of(), cause })
}

struct Messages<'a>(&'a [ChatMessage]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for message in self.0 {
            list.serialize_element(&WireMessage::from(message))?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "ToolCalls::is_empty")]
    tool_calls: ToolCalls<'a>,
}

impl<'a> From<&'a ChatMessage> for WireMessage<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        let plain = |role, content| Self {
            role,
            content,
            tool_call_id: None,
            name: None,
            tool_calls: ToolCalls(&[]),
        };
        match message {
            ChatMessage::System(text) => plain("system", text),
            ChatMessage::User(text) => plain("user", text),
            ChatMessage::Assistant { text, tool_calls } => {
                Self { tool_calls: ToolCalls(tool_calls), ..plain("assistant", text) }
            }
            ChatMessage::Tool { id, name, text } => {
                Self { tool_call_id: Some(id), name: Some(name), ..plain("tool", text) }
            }
        }
    }
}

struct ToolCalls<'a>(&'a [ChatToolCall]);

impl ToolCalls<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for ToolCalls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for call in self.0 {
            list.serialize_element(&WireCall {
                id: &call.id,
                r#type: "function",
                function: WireFunction {
                    name: &call.name,
                    arguments: &object_text(&call.arguments),
                },
            })?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// Arguments as chat templates take them: servers parse what they are sent back and fail on
/// anything but an object, so what the model broke is quoted.
pub(crate) fn object_text(arguments: &str) -> Cow<'_, str> {
    let trimmed = arguments.trim();
    if trimmed.is_empty() {
        return Cow::Borrowed("{}");
    }
    if trimmed.starts_with('{') && serde_json::from_str::<IgnoredAny>(trimmed).is_ok() {
        return Cow::Borrowed(arguments);
    }
    Cow::Owned(serde_json::json!({ "malformed_arguments": arguments }).to_string())
}

/// Bytes of the texts of a prompt, about.
pub(crate) fn prompt_bytes(messages: &[ChatMessage]) -> usize {
    messages
        .iter()
        .map(|message| match message {
            ChatMessage::System(text) | ChatMessage::User(text) => text.len(),
            ChatMessage::Tool { id, name, text } => id.len() + name.len() + text.len(),
            ChatMessage::Assistant { text, tool_calls } => {
                let calls = tool_calls.iter().map(|call| call.name.len() + call.arguments.len());
                text.len() + calls.sum::<usize>()
            }
        })
        .sum()
}

#[cfg(test)]
mod tests;

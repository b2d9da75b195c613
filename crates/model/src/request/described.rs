//! Tools for models without tool support: described in the prompt, called in the text.
//!
//! The description joins the first system message, calls become text again, and results come
//! back as a user message, so that the prompt has only roles that every template knows.

use std::fmt::Write;

use lao_event::ToolSpec;
use lao_port::{Chat, ChatMessage, ChatToolCall};

use super::object_text;

const HOW_TO_CALL: &str = "# Tools\n\
To call a tool, write this, and end your answer after the last call:\n\
<tool_call>\n\
{\"name\": \"<tool>\", \"arguments\": {<arguments as JSON>}}\n\
</tool_call>\n\
Results come back in <tool_response>. Call no tool when you are done. The tools, each with the \
JSON Schema of its arguments:\n";

/// The prompt with everything about tools in its texts.
pub(super) fn messages(chat: &Chat) -> Vec<ChatMessage> {
    let mut told = Vec::with_capacity(chat.messages.len() + 1);
    let mut rest = chat.messages.as_slice();
    let description = describe(&chat.tools);
    if let [ChatMessage::System(text), others @ ..] = rest {
        told.push(ChatMessage::System(format!("{text}\n\n{description}")));
        rest = others;
    } else {
        told.push(ChatMessage::System(description));
    }
    for message in rest {
        match message {
            ChatMessage::System(text) => told.push(ChatMessage::System(text.clone())),
            ChatMessage::User(text) => add_user(&mut told, text),
            ChatMessage::Assistant { text, tool_calls } => told.push(ChatMessage::Assistant {
                text: with_calls(text, tool_calls),
                tool_calls: Vec::new(),
            }),
            ChatMessage::Tool { id: _, name, text } => add_user(
                &mut told,
                &format!("<tool_response tool=\"{name}\">\n{text}\n</tool_response>"),
            ),
        }
    }
    told
}

fn describe(tools: &[ToolSpec]) -> String {
    let mut text = HOW_TO_CALL.to_owned();
    for ToolSpec { name, description, parameters } in tools {
        writeln!(text, "- {name}: {description} {parameters}")
            .expect("writing to a text does not fail");
    }
    text.truncate(text.trim_end().len());
    text
}

fn with_calls(text: &str, calls: &[ChatToolCall]) -> String {
    let mut told = text.to_owned();
    for call in calls {
        if !told.is_empty() {
            told.push('\n');
        }
        let name = serde_json::Value::from(call.name.as_str());
        let arguments = object_text(&call.arguments);
        write!(told, "<tool_call>\n{{\"name\": {name}, \"arguments\": {arguments}}}\n</tool_call>")
            .expect("writing to a text does not fail");
    }
    told
}

/// Adds to the user message before it, if there is one: many templates demand that user and
/// assistant take turns.
fn add_user(told: &mut Vec<ChatMessage>, text: &str) {
    if let Some(ChatMessage::User(last)) = told.last_mut() {
        last.push_str("\n\n");
        last.push_str(text);
    } else {
        told.push(ChatMessage::User(text.to_owned()));
    }
}

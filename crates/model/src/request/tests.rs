//! Bodies as they go over the wire.

use lao_event::{Role, ToolSpec};
use lao_port::{Chat, ChatFormat, ChatMessage, ChatToolCall, Sampling};
use serde_json::{Value, json};

use super::body;
use crate::endpoint::{Delivery, ServerKind};

fn chat() -> Chat {
    Chat {
        endpoint: "e".to_owned(),
        model: "m".to_owned(),
        role: Role::Coder,
        step: "t1".to_owned(),
        messages: vec![
            ChatMessage::System("Be brief.".to_owned()),
            ChatMessage::User("Say \"hi\"\n✓".to_owned()),
            ChatMessage::Assistant {
                text: "I look.".to_owned(),
                tool_calls: vec![call("1", r#"{"path":"a"}"#), call("2", "{broken"), call("3", "")],
            },
            tool_reply("1", "one"),
            tool_reply("2", "two"),
        ],
        tools: vec![ToolSpec {
            name: "file_read".to_owned(),
            description: "Reads.".to_owned(),
            parameters: r#"{"type": "object"}"#.to_owned(),
        }],
        native_tools: true,
        format: ChatFormat::Text,
        output_tokens_max: 100,
        sampling: Sampling::default(),
    }
}

fn call(id: &str, arguments: &str) -> ChatToolCall {
    ChatToolCall {
        id: id.to_owned(),
        name: "file_read".to_owned(),
        arguments: arguments.to_owned(),
    }
}

fn tool_reply(id: &str, text: &str) -> ChatMessage {
    ChatMessage::Tool { id: id.to_owned(), name: "file_read".to_owned(), text: text.to_owned() }
}

fn sent(chat: &Chat, kind: ServerKind) -> Value {
    serde_json::from_slice(&body(chat, kind, Delivery::Streamed).unwrap()).unwrap()
}

#[test]
fn a_call_becomes_the_body_of_the_protocol() {
    let wire_call = |id: &str, arguments: &str| {
        json!({
            "id": id,
            "type": "function",
            "function": { "name": "file_read", "arguments": arguments },
        })
    };
    let expected = json!({
        "model": "m",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Say \"hi\"\n✓" },
            { "role": "assistant", "content": "I look.", "tool_calls": [
                wire_call("1", r#"{"path":"a"}"#),
                wire_call("2", r#"{"malformed_arguments":"{broken"}"#),
                wire_call("3", "{}"),
            ] },
            { "role": "tool", "content": "one", "tool_call_id": "1", "name": "file_read" },
            { "role": "tool", "content": "two", "tool_call_id": "2", "name": "file_read" },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "file_read", "description": "Reads.", "parameters": { "type": "object" },
        } }],
        "stream": true,
        "stream_options": { "include_usage": true },
        "max_tokens": 100,
    });
    assert_eq!(sent(&chat(), ServerKind::OpenAi), expected);
}

#[test]
fn sampling_is_sent_in_the_servers_words() {
    let mut chat = chat();
    chat.sampling = Sampling {
        temperature_milli: Some(200),
        top_p_milli: Some(950),
        repetition_penalty_milli: Some(1_050),
        seed: Some(u64::MAX),
    };
    let both = [ServerKind::OpenAi, ServerKind::Auto];
    let repeat = [ServerKind::LlamaCpp, ServerKind::LmStudio];
    for kind in [ServerKind::Vllm, ServerKind::Ollama].into_iter().chain(both).chain(repeat) {
        let body = sent(&chat, kind);
        assert_eq!(body["temperature"], 0.2);
        assert_eq!(body["top_p"], 0.95);
        assert_eq!(body["seed"], i32::MAX);
        let is_both = both.contains(&kind);
        assert_eq!(body["repeat_penalty"] == 1.05, is_both || repeat.contains(&kind), "{kind}");
        assert_eq!(
            body["repetition_penalty"] == 1.05,
            is_both || kind == ServerKind::Vllm,
            "{kind}"
        );
    }
}

#[test]
fn a_schema_is_enforced_by_the_server() {
    let mut chat = chat();
    chat.format = ChatFormat::JsonSchema {
        name: "tasks".to_owned(),
        schema: r#"{"type":"array"}"#.to_owned(),
    };
    assert_eq!(
        sent(&chat, ServerKind::OpenAi)["response_format"],
        json!({ "type": "json_schema", "json_schema": {
            "name": "tasks", "schema": { "type": "array" }, "strict": true,
        } })
    );
    chat.tools[0].parameters = "{".to_owned();
    let error = body(&chat, ServerKind::OpenAi, Delivery::Streamed).unwrap_err().to_string();
    assert!(error.contains("tool `file_read`"), "{error}");
}

#[test]
fn tools_can_be_described_in_the_prompt() {
    let mut chat = chat();
    chat.native_tools = false;
    let body = sent(&chat, ServerKind::OpenAi);
    assert_eq!(body["tools"], Value::Null);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|it| it["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let system = messages[0]["content"].as_str().unwrap();
    assert!(system.starts_with("Be brief.\n\n# Tools\n"), "{system}");
    assert!(system.ends_with("- file_read: Reads. {\"type\": \"object\"}"), "{system}");
    let said = messages[2]["content"].as_str().unwrap();
    assert!(said.starts_with(
        "I look.\n<tool_call>\n{\"name\": \"file_read\", \"arguments\": {\"path\":\"a\"}}\n</tool_call>\n"
    ), "{said}");
    assert_eq!(
        messages[3]["content"],
        "<tool_response tool=\"file_read\">\none\n</tool_response>\n\n\
         <tool_response tool=\"file_read\">\ntwo\n</tool_response>"
    );
}

/// Servers keep what they computed for a prompt that only grows at its end.
#[test]
fn a_longer_conversation_begins_with_the_shorter_one() {
    for native_tools in [true, false] {
        let mut chat = chat();
        chat.native_tools = native_tools;
        let before = sent(&chat, ServerKind::OpenAi)["messages"].clone();
        chat.messages
            .push(ChatMessage::Assistant { text: "Done.".to_owned(), tool_calls: Vec::new() });
        chat.messages.push(ChatMessage::User("Thanks.".to_owned()));
        let after = sent(&chat, ServerKind::OpenAi)["messages"].clone();
        let (before, after) = (before.as_array().unwrap(), after.as_array().unwrap());
        assert_eq!(after[..before.len()], before[..]);
    }
}

//! Ids for tool calls that came without one, or with one that is taken.

use std::collections::HashSet;

use lao_port::{ChatMessage, ChatToolCall};

/// Gives every call an id that nothing in the conversation has.
///
/// A made-up id is nine digits, counted from the calls before it: the same prompt and answer
/// always give the same ids, and the strictest chat template (Mistral's) accepts them.
pub(crate) fn complete(calls: &mut [ChatToolCall], prompt: &[ChatMessage]) {
    if calls.is_empty() {
        return;
    }
    let mut taken: HashSet<String> = prompt.iter().flat_map(ids).map(str::to_owned).collect();
    let mut number = taken.len();
    for call in calls {
        while call.id.is_empty() || taken.contains(&call.id) {
            number += 1;
            call.id = format!("{number:09}");
        }
        taken.insert(call.id.clone());
    }
}

fn ids(message: &ChatMessage) -> impl Iterator<Item = &str> {
    let calls = match message {
        ChatMessage::Assistant { text: _, tool_calls } => tool_calls.as_slice(),
        ChatMessage::System(_) | ChatMessage::User(_) | ChatMessage::Tool { .. } => &[],
    };
    calls.iter().map(|call| call.id.as_str())
}

#[cfg(test)]
mod tests {
    use lao_port::{ChatMessage, ChatToolCall};

    use super::complete;

    fn call(id: &str) -> ChatToolCall {
        ChatToolCall { id: id.to_owned(), name: "grep".to_owned(), arguments: "{}".to_owned() }
    }

    #[test]
    fn missing_and_repeated_ids_are_replaced() {
        let prompt = [ChatMessage::Assistant {
            text: String::new(),
            tool_calls: vec![call("a"), call("000000003")],
        }];
        let mut calls = [call(""), call("a"), call("b"), call("b")];
        complete(&mut calls, &prompt);
        let ids: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["000000004", "000000005", "b", "000000006"]);
    }
}

//! From what the server sent to what the model said.

use lao_event::latest::{FinishReason, Timing};
use lao_port::{Chat, ChatAnswer, ChatToolCall};
use serde::de::IgnoredAny;

use crate::{
    accumulate::Collected,
    call_id, reasoning,
    salvage::{Salvaged, salvage, salvage_tagged},
};

/// Takes leaked reasoning and calls out of the text and completes what the server left out.
///
/// Where the reasoning used up all tokens, the text is empty and the finish is `Length`.
pub(crate) fn complete(collected: Collected, chat: &Chat, timing: Timing) -> ChatAnswer {
    let Collected { text, reasoning: told_apart, mut tool_calls, mut finish, usage, model, server } =
        collected;
    let split = reasoning::split(text);
    let mut text = split.text;
    let reasoning = join(told_apart, &split.reasoning);
    match finish {
        FinishReason::Length | FinishReason::ContentFilter => tool_calls.retain(is_whole),
        FinishReason::Stop | FinishReason::ToolCalls if tool_calls.is_empty() => {
            if let Some(found) = find_calls(&text, &reasoning, chat) {
                text = found.text;
                tool_calls = found.calls;
                finish = FinishReason::ToolCalls;
            }
        }
        FinishReason::Stop | FinishReason::ToolCalls => {}
    }
    call_id::complete(&mut tool_calls, &chat.messages);
    ChatAnswer {
        text,
        reasoning,
        tool_calls,
        finish,
        usage,
        timing,
        model: if model.is_empty() { chat.model.clone() } else { model },
        server,
    }
}

fn find_calls(text: &str, reasoning: &str, chat: &Chat) -> Option<Salvaged> {
    if chat.tools.is_empty() {
        return None;
    }
    salvage(text, &chat.tools).or_else(|| {
        // Some models call while they think and then say nothing.
        let silent = text.trim().is_empty();
        let found = silent.then(|| salvage_tagged(reasoning, &chat.tools))??;
        Some(Salvaged { text: String::new(), calls: found.calls })
    })
}

/// In a cut answer only the calls that had ended are calls.
fn is_whole(call: &ChatToolCall) -> bool {
    call.arguments.trim_start().starts_with('{')
        && serde_json::from_str::<IgnoredAny>(&call.arguments).is_ok()
}

fn join(mut told_apart: String, leaked: &str) -> String {
    if !told_apart.is_empty() && !leaked.is_empty() {
        told_apart.push_str("\n\n");
    }
    told_apart.push_str(leaked);
    told_apart
}

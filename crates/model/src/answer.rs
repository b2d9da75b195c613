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

#[cfg(test)]
mod tests {
    use lao_event::{
        Role, ToolSpec,
        latest::{FinishReason, Timing, Usage},
    };
    use lao_port::{Chat, ChatAnswer, ChatFormat, ChatToolCall, Sampling};

    use super::complete;
    use crate::accumulate::Collected;

    const CALL: &str = r#"<tool_call>{"name": "grep", "arguments": {}}</tool_call>"#;

    fn answer(text: &str, reasoning: &str, finish: FinishReason, called: &[&str]) -> ChatAnswer {
        let call = |arguments: &&str| ChatToolCall {
            id: String::new(),
            name: "grep".to_owned(),
            arguments: (*arguments).to_owned(),
        };
        let collected = Collected {
            text: text.to_owned(),
            reasoning: reasoning.to_owned(),
            tool_calls: called.iter().map(call).collect(),
            finish,
            usage: Usage::default(),
            model: String::new(),
            server: None,
        };
        complete(collected, &chat(), Timing::default())
    }

    fn chat() -> Chat {
        Chat {
            endpoint: "local".to_owned(),
            model: "tiny".to_owned(),
            role: Role::Coder,
            step: "t1".to_owned(),
            messages: Vec::new(),
            tools: vec![ToolSpec {
                name: "grep".to_owned(),
                description: "Finds.".to_owned(),
                parameters: "{}".to_owned(),
            }],
            native_tools: true,
            format: ChatFormat::Text,
            output_tokens_max: 9,
            sampling: Sampling::default(),
        }
    }

    #[test]
    fn a_call_in_the_text_is_a_call_unless_it_was_cut_or_others_were_made() {
        let found = answer(&format!("Now. {CALL}"), "", FinishReason::Stop, &[]);
        assert_eq!((found.text.as_str(), found.tool_calls.len()), ("Now.", 1));
        assert_eq!(found.finish, FinishReason::ToolCalls);
        for (finish, called) in [
            (FinishReason::Length, &[][..]),
            (FinishReason::ContentFilter, &[][..]),
            (FinishReason::ToolCalls, &["{}"][..]),
        ] {
            let kept = answer(CALL, "", finish, called);
            assert_eq!((kept.text.as_str(), kept.finish), (CALL, finish));
            assert_eq!(kept.tool_calls.len(), called.len());
        }
    }

    #[test]
    fn a_call_in_the_reasoning_counts_only_where_nothing_is_said() {
        let silent = answer("\n", CALL, FinishReason::Stop, &[]);
        assert_eq!((silent.text.as_str(), silent.tool_calls.len()), ("", 1));
        let leaked = answer(&format!("<think>{CALL}</think>"), "", FinishReason::Stop, &[]);
        assert_eq!(leaked.tool_calls.len(), 1);
        let said = answer("Done.", CALL, FinishReason::Stop, &[]);
        assert!(said.tool_calls.is_empty());
    }

    #[test]
    fn a_cut_answer_keeps_the_calls_that_had_ended() {
        let cut = answer("", "", FinishReason::Length, &["{\"a\": 1}", "{\"a\": ", ""]);
        let kept: Vec<_> = cut.tool_calls.iter().map(|it| it.arguments.as_str()).collect();
        assert_eq!(kept, ["{\"a\": 1}"]);
        let whole = answer("", "", FinishReason::ToolCalls, &["{\"a\": "]);
        assert_eq!(whole.tool_calls.len(), 1);
    }

    #[test]
    fn reasoning_of_both_kinds_is_joined() {
        let both = answer("<think>b</think>Yes.", "a", FinishReason::Stop, &[]);
        assert_eq!((both.text.as_str(), both.reasoning.as_str()), ("Yes.", "a\n\nb"));
        assert_eq!(both.model, "tiny");
    }
}

//! Finds tool calls that were left in the text of an answer.
//!
//! Looked for only where tools were offered and none was called, taken only where the tool's
//! name was offered, never from an answer that was cut off. The forms, in the order they are
//! tried:
//!
//! | form | seen from |
//! | --- | --- |
//! | `<tool_call>{"name", "arguments"}</tool_call>` | Hermes, Qwen |
//! | `<function=f><parameter=k>v</parameter></function>` | Qwen3-Coder |
//! | `[TOOL_REQUEST]{...}[END_TOOL_REQUEST]` | LM Studio's default |
//! | `[TOOL_CALLS][{...}]`, `[TOOL_CALLS]f[ARGS]{...}` | Mistral |
//! | `<\|python_tag\|>{"name", "parameters"}` | Llama 3 |
//! | `<\|channel\|>commentary to=functions.f<\|message\|>{...}` | gpt-oss (harmony) |
//! | a whole text `[f(a=1), g()]` | Llama 4 |
//! | a fenced block that is nothing but a call | many |
//! | JSON that is a call, alone or at the end of the text | many |

mod call;
mod pythonic;
mod tagged;

use lao_event::ToolSpec;
use lao_port::ChatToolCall;

use self::call::Offered;
use crate::lenient;

/// An answer whose calls were found in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// The text around the calls.
    pub(crate) text: String,
    /// The calls, without ids.
    pub(crate) calls: Vec<ChatToolCall>,
}

/// Finds the calls in `text` in any form.
pub(crate) fn salvage(text: &str, tools: &[ToolSpec]) -> Option<Salvaged> {
    salvage_tagged(text, tools)
        .or_else(|| pythonic_calls(text, &Offered::new(tools)))
        .or_else(|| fenced_calls(text, &Offered::new(tools)))
        .or_else(|| bare_calls(text, &Offered::new(tools)))
}

/// Finds only calls that are marked as such: what is safe to take from reasoning.
pub(crate) fn salvage_tagged(text: &str, tools: &[ToolSpec]) -> Option<Salvaged> {
    if tools.is_empty() {
        return None;
    }
    let offered = Offered::new(tools);
    let mut found = Salvaged { text: String::new(), calls: Vec::new() };
    let mut rest = text;
    while let Some(at) = tagged::find_mark(rest) {
        let (before, marked) = rest.split_at(at);
        found.text.push_str(before);
        if let Some((calls, len)) = tagged::read(marked, &offered) {
            found.calls.extend(calls);
            rest = &marked[len..];
        } else {
            let skip = tagged::mark_len(marked);
            found.text.push_str(&marked[..skip]);
            rest = &marked[skip..];
        }
    }
    found.text.push_str(rest);
    finish(found)
}

fn pythonic_calls(text: &str, offered: &Offered<'_>) -> Option<Salvaged> {
    finish(Salvaged { text: String::new(), calls: pythonic::read(text.trim(), offered)? })
}

fn fenced_calls(text: &str, offered: &Offered<'_>) -> Option<Salvaged> {
    const FENCE: &str = "```";
    let mut found = Salvaged { text: String::new(), calls: Vec::new() };
    let mut rest = text;
    while let Some(start) = rest.find(FENCE) {
        let inside = &rest[start + FENCE.len()..];
        let Some(end) = inside.find("\n```") else {
            break;
        };
        let after = end + 1 + FENCE.len();
        let body = inside[..end].split_once('\n').map_or("", |(_, body)| body);
        if let Some(calls) = json_calls(body, offered) {
            found.text.push_str(&rest[..start]);
            found.calls.extend(calls);
        } else {
            found.text.push_str(&rest[..start + FENCE.len() + after]);
        }
        rest = &inside[after..];
    }
    found.text.push_str(rest);
    finish(found)
}

/// JSON that begins a line and reaches to the end of the text.
fn bare_calls(text: &str, offered: &Offered<'_>) -> Option<Salvaged> {
    let trimmed = text.trim_end();
    let starts = trimmed.match_indices(['{', '[']).map(|(at, _)| at).filter(|&at| {
        trimmed[..at].trim_end_matches([' ', '\t']).is_empty()
            || trimmed[..at].trim_end_matches([' ', '\t']).ends_with('\n')
    });
    for start in starts.take(STARTS_MAX) {
        if let Some(calls) = json_calls(&trimmed[start..], offered) {
            return finish(Salvaged { text: trimmed[..start].to_owned(), calls });
        }
    }
    None
}

/// The most places where bare JSON may begin that are tried.
const STARTS_MAX: usize = 16;

/// One call, several after one another, or an array of them, and nothing else.
fn json_calls(text: &str, offered: &Offered<'_>) -> Option<Vec<ChatToolCall>> {
    let mut calls = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if !rest.starts_with(['{', '[']) {
            return None;
        }
        let len = lenient::value_len(rest).unwrap_or(rest.len());
        calls.extend(offered.calls_with_arguments(&lenient::parse(&rest[..len])?)?);
        rest = rest[len..].trim_start_matches(|char: char| char.is_whitespace() || char == ';');
    }
    (!calls.is_empty()).then_some(calls)
}

fn finish(found: Salvaged) -> Option<Salvaged> {
    (!found.calls.is_empty())
        .then(|| Salvaged { text: found.text.trim().to_owned(), calls: found.calls })
}

#[cfg(test)]
mod tests;

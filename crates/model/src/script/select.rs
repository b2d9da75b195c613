//! Which turn answers a call.

use std::cmp::Reverse;

use lao_port::{Chat, ChatError, ChatErrorKind, ChatMessage};

use super::{Script, parse::Turn};

/// The most turns that a message lists.
const LISTED_MAX: usize = 12;

/// The turn that answers, or why there is none.
pub(super) fn select<'a>(script: &'a Script, chat: &Chat) -> Result<&'a Turn, ChatError> {
    let Some(turn) = find(script, chat) else {
        return Err(mismatch(no_turn(script, chat, turn_number(chat))));
    };
    match &turn.expect {
        Some(expected) if !last_text(chat).contains(expected.as_str()) => Err(mismatch(format!(
            "{}:{}: the turn expects `{expected}` in the last message, which is: {}",
            script.origin(),
            turn.line,
            beginning(last_text(chat))
        ))),
        _ => Ok(turn),
    }
}

/// The turn that is meant for a call, whatever it expects.
pub(super) fn find<'a>(script: &'a Script, chat: &Chat) -> Option<&'a Turn> {
    let number = turn_number(chat);
    let turns = script.turns().iter();
    turns
        .filter(|turn| serves(turn, chat) && is_due(turn, number) && contains(turn, chat))
        // The last of equals would win a maximum; reversed order makes it the first.
        .min_by_key(|turn| Reverse((turn.step.is_some(), !turn.contains.is_empty(), turn.number)))
}

/// Assistant messages in the prompt: the only count that outlives a process.
fn turn_number(chat: &Chat) -> u32 {
    let spoken = chat
        .messages
        .iter()
        .filter(|message| matches!(message, ChatMessage::Assistant { .. }))
        .count();
    u32::try_from(spoken).unwrap_or(u32::MAX)
}

fn serves(turn: &Turn, chat: &Chat) -> bool {
    turn.role == chat.role && turn.step.as_ref().is_none_or(|step| *step == chat.step)
}

fn is_due(turn: &Turn, number: u32) -> bool {
    turn.number == number || (turn.repeat && turn.number < number)
}

fn contains(turn: &Turn, chat: &Chat) -> bool {
    turn.contains.iter().all(|text| chat.messages.iter().any(|it| has(it, text)))
}

fn has(message: &ChatMessage, text: &str) -> bool {
    let called = match message {
        ChatMessage::Assistant { text: _, tool_calls } => tool_calls.as_slice(),
        ChatMessage::System(_) | ChatMessage::User(_) | ChatMessage::Tool { .. } => &[],
    };
    text_of(message).contains(text) || called.iter().any(|it| it.arguments.contains(text))
}

fn text_of(message: &ChatMessage) -> &str {
    match message {
        ChatMessage::System(text)
        | ChatMessage::User(text)
        | ChatMessage::Assistant { text, tool_calls: _ }
        | ChatMessage::Tool { id: _, name: _, text } => text,
    }
}

fn last_text(chat: &Chat) -> &str {
    chat.messages.last().map_or("", text_of)
}

fn no_turn(script: &Script, chat: &Chat, number: u32) -> String {
    let (origin, role) = (script.origin(), chat.role.name());
    let asked = if chat.step.is_empty() {
        format!("{origin}: no turn fits role `{role}` and `{}`", beginning(last_text(chat)))
    } else {
        format!("{origin}: no turn fits role `{role}`, step `{}`, turn {number}", chat.step)
    };
    let served: Vec<_> = script.turns().iter().filter(|turn| serves(turn, chat)).collect();
    if served.is_empty() {
        return format!("{asked}; the script has no turn for that role and step");
    }
    let more = served.len().saturating_sub(LISTED_MAX);
    let listed: Vec<_> = served.into_iter().take(LISTED_MAX).map(describe).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{asked}; there are {}{more}", listed.join(", "))
}

fn describe(turn: &Turn) -> String {
    let mut text = format!("turn {} in line {}", turn.number, turn.line);
    if !turn.contains.is_empty() {
        text.push_str(" (if the prompt contains `");
        text.push_str(&turn.contains.join("` and `"));
        text.push_str("`)");
    }
    text
}

fn beginning(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn mismatch(message: String) -> ChatError {
    ChatError { kind: ChatErrorKind::ScriptMismatch, message, retry_after_ms: None }
}

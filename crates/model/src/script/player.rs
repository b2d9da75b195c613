//! Turns as they are played: their pauses and their errors.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lao_event::Role;
use lao_port::{Chat, ChatError, ChatFormat, ChatMessage, ChatToolCall, Sampling};

use super::{Script, parse::Turn, select};

/// A script under way.
#[derive(Debug)]
pub(super) struct Player {
    script: Script,
    /// How often a turn's error was returned for a prompt; by the turn's line and the prompt.
    failures: Mutex<HashMap<(usize, u64), u32>>,
}

impl Player {
    /// A script from its beginning.
    pub(super) fn new(script: Script) -> Self {
        Self { script, failures: Mutex::default() }
    }

    /// The turn that answers, or why there is none.
    pub(super) fn turn(&self, chat: &Chat) -> Result<&Turn, ChatError> {
        select::select(&self.script, chat)
    }

    /// Whether a turn is meant for this, though what it expects may not hold.
    pub(super) fn has_turn(&self, chat: &Chat) -> bool {
        select::find(&self.script, chat).is_some()
    }

    /// Waits as long as a turn takes; fails where it has an error that is due.
    pub(super) async fn play(&self, turn: &Turn, chat: &Chat) -> Result<(), ChatError> {
        if turn.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(turn.delay_ms)).await;
        }
        self.due_error(turn, chat).map_or(Ok(()), Err)
    }

    /// The turn's error, unless it was returned often enough.
    fn due_error(&self, turn: &Turn, chat: &Chat) -> Option<ChatError> {
        let error = turn.error.as_ref()?;
        if !self.is_due(error.times, turn, chat) {
            return None;
        }
        Some(ChatError {
            kind: error.kind.into(),
            message: format!(
                "{}:{}: the script says: {}",
                self.script.origin(),
                turn.line,
                error.message
            ),
            retry_after_ms: error.retry_after_ms,
        })
    }

    /// Whether something that happens `times` for a prompt happens again; notes that it does.
    pub(super) fn is_due(&self, times: Option<u32>, turn: &Turn, chat: &Chat) -> bool {
        let Some(times) = times else {
            return true;
        };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = failures.entry((turn.line, prompt_key(chat))).or_default();
        *failed += 1;
        *failed <= times
    }
}

/// A request that is no conversation, as its turns are matched.
pub(super) fn single(role: Role, model: &str, texts: &[String]) -> Chat {
    Chat {
        endpoint: String::new(),
        model: model.to_owned(),
        role,
        step: String::new(),
        messages: texts.iter().cloned().map(ChatMessage::User).collect(),
        tools: Vec::new(),
        native_tools: false,
        format: ChatFormat::Text,
        output_tokens_max: 0,
        sampling: Sampling::default(),
    }
}

/// Tells prompts apart within this process.
fn prompt_key(chat: &Chat) -> u64 {
    let mut hasher = DefaultHasher::new();
    chat.step.hash(&mut hasher);
    for message in &chat.messages {
        match message {
            ChatMessage::System(text) => (0, text).hash(&mut hasher),
            ChatMessage::User(text) => (1, text).hash(&mut hasher),
            ChatMessage::Assistant { text, tool_calls } => {
                (2, text, tool_calls.len()).hash(&mut hasher);
                for ChatToolCall { id, name, arguments } in tool_calls {
                    (id, name, arguments).hash(&mut hasher);
                }
            }
            ChatMessage::Tool { id, name, text } => (3, id, name, text).hash(&mut hasher),
        }
    }
    hasher.finish()
}

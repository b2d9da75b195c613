//! The identity of a question to a model, from the call itself and from the journal.

use std::fmt;

use lao_event::{Hash, Role, latest::Message};
use lao_history::{ContentError, Contents};
use lao_port::{Chat, ChatMessage, ChatToolCall};

/// A question to a model: who was asked, for which step, in which conversation so far.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromptKey {
    /// Key of the step.
    pub step: String,
    /// Who is asked.
    pub role: Role,
    /// Messages of the prompt.
    pub messages: usize,
    /// BLAKE3 over all of them.
    pub hash: Hash,
}

impl PromptKey {
    /// The question that a call asks.
    pub fn of_chat(chat: &Chat) -> Self {
        Self::new(&chat.step, chat.role, &chat.messages)
    }

    /// The question that a conversation in the journal asks.
    pub fn of_talk(
        step: &str,
        role: Role,
        messages: &[Message],
        contents: &Contents,
    ) -> Result<Self, ContentError> {
        let messages: Vec<ChatMessage> =
            messages.iter().map(|message| resolve(contents, message)).collect::<Result<_, _>>()?;
        Ok(Self::new(step, role, &messages))
    }

    fn new(step: &str, role: Role, messages: &[ChatMessage]) -> Self {
        // The debug form names every field, so that nothing of a message is left out.
        let hash = Hash::of(format!("{messages:?}").as_bytes());
        Self { step: step.to_owned(), role, messages: messages.len(), hash }
    }
}

impl fmt::Display for PromptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, role, messages, hash } = self;
        write!(f, "{role} of {step}, {messages} messages, {}", hash.short())
    }
}

/// The texts of messages, one after the other.
pub(crate) fn texts(messages: &[Message], contents: &Contents) -> Result<String, ContentError> {
    let mut texts = String::new();
    for message in messages {
        let (Message::System { content }
        | Message::User { content }
        | Message::Assistant { content, .. }
        | Message::Tool { content, .. }) = message;
        texts.push_str(&contents.text(content)?);
        texts.push('\n');
    }
    Ok(texts)
}

fn resolve(contents: &Contents, message: &Message) -> Result<ChatMessage, ContentError> {
    Ok(match message {
        Message::System { content } => ChatMessage::System(contents.text(content)?),
        Message::User { content } => ChatMessage::User(contents.text(content)?),
        Message::Assistant { content, tool_calls } => ChatMessage::Assistant {
            text: contents.text(content)?,
            tool_calls: tool_calls
                .iter()
                .map(|call| {
                    let arguments = contents.text(&call.arguments)?;
                    Ok(ChatToolCall { id: call.id.clone(), name: call.name.clone(), arguments })
                })
                .collect::<Result<_, ContentError>>()?,
        },
        Message::Tool { id, name, content } => {
            ChatMessage::Tool { id: id.clone(), name: name.clone(), text: contents.text(content)? }
        }
    })
}

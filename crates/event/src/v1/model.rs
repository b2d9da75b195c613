//! Model calls and the messages they consist of.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Contents;
use crate::{Content, ConversationId, EffectId, Hash, Role, StepId};

/// A model is being asked.
///
/// The prompt is the conversation so far: the messages of earlier `appended` lists, the answers
/// and the tool replies, in the order of the journal. Each is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ModelCallStarted {
    /// The effect.
    pub effect: EffectId,
    /// The step that asks.
    pub step: StepId,
    /// The conversation it goes on with; a new number begins a new one.
    pub conversation: ConversationId,
    /// Who is asked.
    pub role: Role,
    /// Messages that join the conversation with this call.
    pub appended: Vec<Message>,
    /// Number of messages in the whole prompt.
    pub message_count: u32,
    /// Running hash over the whole prompt, message by message.
    pub prompt: Hash,
    /// How the model is asked.
    pub request: ModelRequest,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Message {
    /// Instructions.
    System {
        /// The text.
        content: Content,
    },
    /// What is asked.
    User {
        /// The text.
        content: Content,
    },
    /// What the model said.
    Assistant {
        /// The text, without reasoning.
        content: Content,
        /// The tools it called.
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool returned.
    Tool {
        /// The model's own id of the call.
        id: String,
        /// The tool.
        name: String,
        /// The text.
        content: Content,
    },
}

/// How a model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ModelRequest {
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// The model's key on that endpoint.
    pub model: String,
    /// The form the answer must have.
    pub format: AnswerFormat,
    /// Tools are offered.
    pub tools: bool,
    /// The most tokens the answer may have.
    pub output_tokens_max: u32,
}

/// The form an answer must have.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// Any text.
    Text,
    /// JSON that fits a schema.
    Json {
        /// Name of the schema.
        name: String,
        /// JSON Schema, as JSON text.
        schema: Content,
    },
}

/// A tool call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's own id of the call; made up where the model gave none.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments, as JSON text that may be broken.
    pub arguments: Content,
}

/// The model answered, or failed to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ModelCallEnded {
    /// The effect.
    pub effect: EffectId,
    /// What came of it.
    pub outcome: ModelOutcome,
    /// Tries that failed before, oldest first, in words.
    pub failed_tries: Vec<String>,
}

/// What came of a model call.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelOutcome {
    /// A whole answer.
    Answered(Answer),
    /// None.
    Failed(ModelFailure),
}

/// A whole answer of a model.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Answer {
    /// What it said, without reasoning.
    pub text: Content,
    /// What it thought, where the server tells.
    pub reasoning: Content,
    /// The tools it called.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// Tokens, where the server tells.
    pub usage: Usage,
    /// How long it took.
    pub timing: Timing,
    /// The model as the server named it.
    pub model: String,
    /// The server's fingerprint or build, where it tells.
    pub server: Option<String>,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It ran into the limit of tokens.
    Length,
    /// It called tools.
    ToolCalls,
    /// The server withheld the rest.
    ContentFilter,
}

/// Tokens of one call; 0 where the server does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Of these, served from the server's prefix cache.
    pub cached_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u64,
}

/// How long a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Timing {
    /// Milliseconds until the first token.
    pub first_token_ms: u64,
    /// Milliseconds in all, failed tries and waiting excluded.
    pub total_ms: u64,
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ModelFailure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// In words, with the server's own message.
    pub message: String,
}

/// Kinds of failure of a model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nobody listens, for longer than the settings allow.
    Unreachable,
    /// The server does not have the model.
    ModelMissing,
    /// The prompt does not fit the model's window.
    WindowExceeded,
    /// The server refuses the request (HTTP 4xx).
    Refused,
    /// The server failed (HTTP 5xx or an error in the stream) on every try.
    ServerFailed,
    /// The answer broke off or could not be read, on every try.
    Unreadable,
    /// A time limit passed, on every try.
    TimedOut,
    /// The script of a scripted model has no turn that fits.
    ScriptMismatch,
    /// The run was cancelled before the answer was complete.
    Aborted,
}

fn visit_message(message: &mut Message, visit: &mut dyn FnMut(&mut Content)) {
    match message {
        Message::System { content }
        | Message::User { content }
        | Message::Tool { id: _, name: _, content } => visit(content),
        Message::Assistant { content, tool_calls } => {
            visit(content);
            visit_tool_calls(tool_calls, visit);
        }
    }
}

fn visit_tool_calls(tool_calls: &mut [ToolCall], visit: &mut dyn FnMut(&mut Content)) {
    for ToolCall { id: _, name: _, arguments } in tool_calls {
        visit(arguments);
    }
}

impl Contents for ModelCallStarted {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        for message in &mut self.appended {
            visit_message(message, visit);
        }
        match &mut self.request.format {
            AnswerFormat::Text => {}
            AnswerFormat::Json { name: _, schema } => visit(schema),
        }
    }
}

impl Contents for ModelCallEnded {
    fn visit_contents(&mut self, visit: &mut dyn FnMut(&mut Content)) {
        match &mut self.outcome {
            ModelOutcome::Answered(answer) => {
                visit(&mut answer.text);
                visit(&mut answer.reasoning);
                visit_tool_calls(&mut answer.tool_calls, visit);
            }
            ModelOutcome::Failed(_) => {}
        }
    }
}

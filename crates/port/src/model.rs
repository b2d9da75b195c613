//! Asking a model: one try of one call.
//!
//! Retries, pauses and waiting for a server that is away belong to the runtime, which needs to
//! know only what went wrong ([`ChatErrorKind`]) to decide.

use lao_event::{
    Role, ToolSpec,
    latest::{FinishReason, Timing, Usage},
};

use crate::BoxFuture;

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// The model's key on that endpoint.
    pub model: String,
    /// Who is asked (the scripted model matches its turns by it).
    pub role: Role,
    /// Key of the step that asks, such as `t1` (likewise).
    pub step: String,
    /// The whole prompt.
    pub messages: Vec<ChatMessage>,
    /// The tools offered; empty when none are.
    pub tools: Vec<ToolSpec>,
    /// The server takes tool definitions; otherwise they are described in the prompt and calls
    /// are read from the text.
    pub native_tools: bool,
    /// The form the answer must have.
    pub format: ChatFormat,
    /// The most tokens the answer may have.
    pub output_tokens_max: u32,
    /// How tokens are drawn.
    pub sampling: Sampling,
}

/// How tokens are drawn; the server's default where absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Temperature in thousandths.
    pub temperature_milli: Option<u32>,
    /// Nucleus sampling in thousandths.
    pub top_p_milli: Option<u32>,
    /// Repetition penalty in thousandths.
    pub repetition_penalty_milli: Option<u32>,
    /// Seed.
    pub seed: Option<u64>,
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatMessage {
    /// Instructions.
    System(String),
    /// What is asked.
    User(String),
    /// What the model said before.
    Assistant {
        /// The text.
        text: String,
        /// The tools it called.
        tool_calls: Vec<ChatToolCall>,
    },
    /// What a tool returned.
    Tool {
        /// The id of the call it answers.
        id: String,
        /// The tool.
        name: String,
        /// The text.
        text: String,
    },
}

/// A tool call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatToolCall {
    /// The model's id of the call; the adapter makes one up where there is none.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as JSON text, possibly broken.
    pub arguments: String,
}

/// The form an answer must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatFormat {
    /// Any text.
    Text,
    /// JSON that fits a schema, enforced by the server.
    JsonSchema {
        /// Name of the schema.
        name: String,
        /// JSON Schema, as JSON text.
        schema: String,
    },
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAnswer {
    /// What the model said, reasoning stripped.
    pub text: String,
    /// What it thought, from whichever field or tag it came in.
    pub reasoning: String,
    /// The tools it called, in order.
    pub tool_calls: Vec<ChatToolCall>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// Tokens, 0 where the server does not tell.
    pub usage: Usage,
    /// How long it took.
    pub timing: Timing,
    /// The model as the server named it.
    pub model: String,
    /// The server's fingerprint or build, where it tells.
    pub server: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChatError {
    /// The kind of failure.
    pub kind: ChatErrorKind,
    /// In words, with the endpoint's address and the server's own message.
    pub message: String,
    /// How long the server asks to wait, where it does, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// Kinds of failure of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatErrorKind {
    /// Nobody listens (connection refused, reset before the answer began, no route).
    Unreachable,
    /// The server is loading or has no room (503, 429).
    Busy,
    /// The server does not have the model.
    ModelMissing,
    /// The prompt does not fit the model's window.
    WindowExceeded,
    /// Any other HTTP 4xx.
    Refused,
    /// HTTP 5xx, or an error inside the stream.
    ServerFailed,
    /// The stream ended without a finish, or was reset midway.
    Cut,
    /// What came is not of the protocol.
    Malformed,
    /// A time limit passed.
    TimedOut,
    /// The script of a scripted model has no turn that fits.
    ScriptMismatch,
}

/// What is told while an answer comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The first token arrived.
    Began,
    /// Pieces of the answer so far (about one a token).
    Pieces(u64),
}

/// Called while an answer comes in; must return at once.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Texts to turn into vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embed {
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// The model's key on that endpoint.
    pub model: String,
    /// The texts; at least one.
    pub texts: Vec<String>,
}

/// Model servers.
pub trait Model: Send + Sync {
    /// Asks once.
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>>;

    /// Turns texts into vectors, one for each, in their order.
    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        let kind = ChatErrorKind::Refused;
        let message = format!("{} cannot turn texts into vectors", embed.endpoint);
        Box::pin(std::future::ready(Err(ChatError { kind, message, retry_after_ms: None })))
    }
}

//! One answer out of the chunks of a stream.
//!
//! Pure and bounded. Tool calls are put together as servers really send them: with and without
//! an index, whole or in pieces, interleaved, with names repeated, empty or absent.

use lao_event::latest::{FinishReason, Usage};
use lao_port::{ChatErrorKind, ChatToolCall};
use thiserror::Error;

use crate::{
    chunk::{CallDelta, Choice, Chunk, Delta, Timings, UsageFields},
    sse::Frame,
};

/// The most bytes the texts and arguments of one answer may have.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most tools one answer may call.
pub const TOOL_CALLS_MAX: usize = 256;

/// Collects the chunks of one answer.
#[derive(Debug, Default)]
pub struct Accumulator {
    text: String,
    reasoning: String,
    calls: Vec<Call>,
    bytes: usize,
    finish: Option<FinishReason>,
    done: bool,
    usage: Usage,
    model: String,
    server: Option<String>,
    pieces: u64,
    has_choice: bool,
}

/// A tool call under construction.
#[derive(Debug)]
struct Call {
    /// The server's number of it.
    index: Option<u64>,
    call: ChatToolCall,
}

/// An answer as the server gave it: leaked tags and calls in the text are still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The content.
    pub text: String,
    /// The reasoning fields.
    pub reasoning: String,
    /// The tool calls; an id is empty where the server gave none.
    pub tool_calls: Vec<ChatToolCall>,
    /// Why it stopped.
    pub finish: FinishReason,
    /// Tokens, 0 where the server does not tell.
    pub usage: Usage,
    /// The model as the server named it, else empty.
    pub model: String,
    /// The server's fingerprint.
    pub server: Option<String>,
}

/// Why a stream gives no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StreamFault {
    /// The server reports an error.
    #[error("the server reports an error: {body}")]
    Server {
        /// The error as the server wrote it, usually JSON.
        body: String,
    },
    /// A chunk is not of the protocol.
    #[error("the stream is not of the protocol ({cause}): {excerpt}")]
    Unreadable {
        /// What is wrong with it.
        cause: String,
        /// Its beginning.
        excerpt: String,
    },
    /// The answer is larger than [`ANSWER_BYTES_MAX`] or calls more tools than [`TOOL_CALLS_MAX`].
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes or {TOOL_CALLS_MAX} tool calls")]
    TooLarge,
    /// The stream ended before the answer did.
    #[error("the answer broke off after {bytes} bytes, without a finish reason")]
    Cut {
        /// Bytes of the answer so far.
        bytes: usize,
    },
}

impl StreamFault {
    /// What kind of failure of a try it is.
    pub(crate) const fn kind(&self) -> ChatErrorKind {
        match self {
            Self::Cut { .. } => ChatErrorKind::Cut,
            Self::Unreadable { .. } | Self::TooLarge => ChatErrorKind::Malformed,
            Self::Server { .. } => ChatErrorKind::ServerFailed,
        }
    }
}

impl Accumulator {
    /// Nothing collected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event of the stream.
    pub fn take(&mut self, frame: Frame<'_>) -> Result<(), StreamFault> {
        let data = frame.data.trim_ascii();
        if frame.is_error {
            let body = String::from_utf8_lossy(data).into_owned();
            return Err(StreamFault::Server { body });
        }
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        if data.is_empty() || self.done {
            return Ok(());
        }
        self.take_json(data)
    }

    /// Takes a chunk, or a whole answer, as JSON.
    pub fn take_json(&mut self, data: &[u8]) -> Result<(), StreamFault> {
        match serde_json::from_slice::<Chunk<'_>>(data) {
            Ok(chunk) => self.take_chunk(&chunk, data),
            // Some servers cut a character in two at the edge of a token.
            Err(cause) => match String::from_utf8_lossy(data) {
                std::borrow::Cow::Borrowed(_) => Err(unreadable(&cause, data)),
                std::borrow::Cow::Owned(mended) => {
                    let chunk =
                        serde_json::from_str(&mended).map_err(|cause| unreadable(&cause, data))?;
                    self.take_chunk(&chunk, data)
                }
            },
        }
    }

    /// Chunks so far that carried something of the answer.
    pub const fn pieces(&self) -> u64 {
        self.pieces
    }

    /// A finish reason or the end mark has come: what may still follow is the usage.
    pub const fn is_finished(&self) -> bool {
        self.finish.is_some() || self.done
    }

    /// The end mark has come.
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// Bytes of the answer so far.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was taken is a whole answer and not a stream: its end is its finish. False where
    /// there was no answer in it.
    pub fn take_end_of_whole(&mut self) -> bool {
        let is_answer = self.has_choice;
        self.done |= is_answer;
        is_answer
    }

    /// The stream ended.
    pub fn finish(self) -> Result<Collected, StreamFault> {
        if !self.is_finished() {
            return Err(StreamFault::Cut { bytes: self.bytes });
        }
        let tool_calls: Vec<_> = self.calls.into_iter().map(|call| call.call).collect();
        let finish = match self.finish {
            Some(FinishReason::Stop | FinishReason::ToolCalls) | None if tool_calls.is_empty() => {
                FinishReason::Stop
            }
            Some(FinishReason::Stop | FinishReason::ToolCalls) | None => FinishReason::ToolCalls,
            Some(cut @ (FinishReason::Length | FinishReason::ContentFilter)) => cut,
        };
        Ok(Collected {
            text: self.text,
            reasoning: self.reasoning,
            tool_calls,
            finish,
            usage: self.usage,
            model: self.model,
            server: self.server,
        })
    }

    fn take_chunk(&mut self, chunk: &Chunk<'_>, data: &[u8]) -> Result<(), StreamFault> {
        if chunk.error.is_some() || chunk.object.as_str() == "error" {
            let body = String::from_utf8_lossy(data).into_owned();
            return Err(StreamFault::Server { body });
        }
        if self.model.is_empty() {
            chunk.model.as_str().clone_into(&mut self.model);
        }
        if self.server.is_none() {
            self.server = chunk.system_fingerprint.some().map(str::to_owned);
        }
        for choice in chunk.choices.as_deref().unwrap_or_default() {
            if choice.index.0.unwrap_or(0) == 0 {
                self.take_choice(choice)?;
            }
        }
        self.take_counts(chunk.usage, chunk.timings);
        Ok(())
    }

    fn take_choice(&mut self, choice: &Choice<'_>) -> Result<(), StreamFault> {
        self.has_choice = true;
        if let Some(delta) = choice.delta.as_ref().or(choice.message.as_ref()) {
            self.take_delta(delta)?;
        }
        if let Some(reason) = choice.finish_reason.some() {
            self.finish = Some(finish_reason(reason)?);
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: &Delta<'_>) -> Result<(), StreamFault> {
        let before = self.bytes;
        let content = delta.content.as_str();
        let refusal = delta.refusal.as_str();
        let reasoning = delta.reasoning();
        self.grow(content.len() + refusal.len() + reasoning.len())?;
        self.text.push_str(content);
        self.text.push_str(refusal);
        self.reasoning.push_str(reasoning);
        for (position, call) in delta.calls().iter().enumerate() {
            self.take_call(call, position)?;
        }
        if self.bytes > before || !delta.calls().is_empty() {
            self.pieces += 1;
        }
        Ok(())
    }

    fn take_call(&mut self, delta: &CallDelta<'_>, position: usize) -> Result<(), StreamFault> {
        let name = delta.function.as_ref().map_or("", |it| it.name.as_str());
        let arguments =
            delta.function.as_ref().map(|function| function.arguments()).unwrap_or_default();
        self.grow(delta.id.as_str().len() + name.len() + arguments.len())?;
        let at = match self.find_call(delta, name, position) {
            Some(at) => at,
            None => self.begin_call(delta.index.0)?,
        };
        let call = &mut self.calls[at].call;
        if let Some(id) = delta.id.some() {
            id.clone_into(&mut call.id);
        }
        // A name that comes again whole is a repetition, never a continuation.
        if call.name != name {
            call.name.push_str(name);
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// The call that a delta goes on with; none where it begins one.
    fn find_call(&self, delta: &CallDelta<'_>, name: &str, position: usize) -> Option<usize> {
        let at = match delta.index.0 {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index))?,
            None => self.calls.len().checked_sub(1)?,
        };
        let current = &self.calls[at].call;
        let other_id = delta.id.some().is_some_and(|id| !current.id.is_empty() && id != current.id);
        let begins_another = if delta.index.0.is_some() {
            // Servers exist that number every call of an answer 0.
            other_id && !name.is_empty()
        } else {
            let follows_whole = !name.is_empty() && (position > 0 || is_json(&current.arguments));
            other_id || (delta.id.some().is_none() && follows_whole)
        };
        (!begins_another).then_some(at)
    }

    fn begin_call(&mut self, index: Option<u64>) -> Result<usize, StreamFault> {
        if self.calls.len() == TOOL_CALLS_MAX {
            return Err(StreamFault::TooLarge);
        }
        self.calls.push(Call {
            index,
            call: ChatToolCall { id: String::new(), name: String::new(), arguments: String::new() },
        });
        Ok(self.calls.len() - 1)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), StreamFault> {
        self.bytes += bytes;
        if self.bytes > ANSWER_BYTES_MAX {
            return Err(StreamFault::TooLarge);
        }
        Ok(())
    }

    /// The last counts win: with continuous usage every chunk has them.
    fn take_counts(&mut self, usage: Option<UsageFields>, timings: Option<Timings>) {
        if let Some(timings) = timings {
            let cached_tokens = timings.cached.0.unwrap_or(0);
            self.usage = Usage {
                prompt_tokens: timings.evaluated.0.unwrap_or(0).saturating_add(cached_tokens),
                cached_tokens,
                completion_tokens: timings.predicted.0.unwrap_or(0),
            };
        }
        if let Some(usage) = usage {
            let cached = usage.prompt_tokens_details.and_then(|it| it.cached_tokens.0);
            self.usage = Usage {
                prompt_tokens: usage.prompt_tokens.0.unwrap_or(self.usage.prompt_tokens),
                cached_tokens: cached.unwrap_or(self.usage.cached_tokens),
                completion_tokens: usage
                    .completion_tokens
                    .0
                    .unwrap_or(self.usage.completion_tokens),
            };
        }
    }
}

/// A server's word for why it stopped. One that is not known is a stop all the same: the server
/// says that the answer is whole.
fn finish_reason(reason: &str) -> Result<FinishReason, StreamFault> {
    match reason {
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Ok(FinishReason::ToolCalls),
        "length" | "max_tokens" | "max_length" | "limit" => Ok(FinishReason::Length),
        "content_filter" => Ok(FinishReason::ContentFilter),
        "abort" | "aborted" | "error" | "cancelled" | "canceled" => Err(StreamFault::Server {
            body: format!("the server gave up the answer (finish reason `{reason}`)"),
        }),
        _ => Ok(FinishReason::Stop),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn unreadable(cause: &serde_json::Error, data: &[u8]) -> StreamFault {
    StreamFault::Unreadable { cause: cause.to_string(), excerpt: excerpt(data) }
}

/// The beginning of what came, fit for a message.
pub(crate) fn excerpt(data: &[u8]) -> String {
    const CHARS_MAX: usize = 200;
    let head = &data[..data.len().min(CHARS_MAX * 4)];
    let text = String::from_utf8_lossy(head);
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < data.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;

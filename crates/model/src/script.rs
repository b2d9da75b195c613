//! A model that plays a script: the same prompt always gets the same answer.
//!
//! A script is TOML, a list of turns:
//!
//! ```toml
//! [[turn]]
//! role = "coder"                  # who is asked
//! step = "t1"                     # key of the step that asks; "*" for any
//! turn = 0                        # optional: assistant messages that the prompt already has
//! contains = ["rework", "x.py"]   # optional: texts that the prompt must have, or one text
//! expect = "Findings"             # optional: a text that the last message must have
//! text = "I write it."            # what the model says
//! reasoning = "Let me think."     # what it thinks
//! tool_calls = [                  # what it calls; arguments as a table, or as raw text
//!   { name = "file_write", arguments = { path = "{step}.py", content = "x = 1\n" } },
//!   { name = "file_read", arguments = "{broken", id = "call_7" },
//! ]
//! finish = "stop"                 # or length, tool_calls, content_filter; by default what fits
//! delay_ms = 200                  # time until the answer
//! repeat = true                   # also answers every later turn of the conversation
//! literal = true                  # `{step}` in text and arguments stays as it is
//! error = { kind = "busy", message = "loading", retry_after_ms = 50, times = 2 }
//! raw = { send = ["data: {\"choices\"", [255, 254], "\n\n"], times = 1 }   # bytes of a server
//! ```
//!
//! **Which turn answers** follows from the prompt alone, since a run that is killed and resumed
//! has nothing else: the turn's `role` and `step` must be those of the call, its `turn` the
//! number of assistant messages in the prompt, and each text of `contains` must be in some
//! message. Of several, one for the very step comes before one for `*`, one with `contains`
//! before one without, and the one written first before the others. Then `expect` must hold, or
//! the call fails: it says what the author believes about the prompt.
//!
//! A turn without `turn` is the one after the turn before it that has the same role, step and
//! `contains`; so the turns of one conversation are simply written one after another, and a
//! second conversation of the same role and step is told apart by `contains`.
//!
//! `{step}` in texts and arguments is the key of the step, so that one turn for `*` serves any
//! number of steps.
//!
//! An `error` is returned instead of an answer; with `times`, only that often for the same
//! prompt, and then the turn answers. Its kinds are `unreachable`, `busy`, `model_missing`,
//! `window_exceeded`, `refused`, `server_failed`, `cut`, `malformed` and `timed_out`. How often
//! it was returned is kept in memory: a resumed run meets the error again.
//!
//! With `raw`, the bytes of `send` (texts, or lists of numbers) are read as those of a real server
//! are, as a stream of events or as one JSON answer, and then the connection is closed; `times` is
//! as in `error`.
//!
//! Tokens are counted as a quarter of the bytes, rounded up; times are those of `delay_ms`.
//!
//! # Speech and vectors
//!
//! A turn for `transcriber` says what is spoken in the files whose path has every text of its
//! `contains`: each line of `text` is a passage of one second. A turn for `embedder` has an `error`
//! or a `delay_ms`, for the texts of which one has every text of its `contains`; the vectors
//! themselves are made up from the texts, with no turn at all. Such requests come from no step of
//! a conversation: `step` is `"*"`, and of turns that fit equally well only the first answers.
//! As errors of a transcriber, `refused` stands for a file that is no audio, `unreachable` and
//! `busy` for a server that is away, `model_missing` and `timed_out` for themselves, and every
//! other kind for an engine that fails.

mod parse;
mod player;
mod raw;
mod select;
mod speech;
mod vectors;

use lao_event::latest::{FinishReason, Timing, Usage};
use lao_port::{
    BoxFuture, Chat, ChatAnswer, ChatError, ChatMessage, ChatToolCall, Embed, Model, OnProgress,
    Progress,
};

pub use self::parse::{
    Script, ScriptError, TurnError, TurnErrorKind, TurnFinish, TurnTable, TurnTool,
};
use self::{
    parse::{Arguments, Turn},
    player::Player,
};
pub use self::{raw::TurnRaw, speech::ScriptedTranscriber};
use crate::call_id;

/// The place in texts and arguments where the step's key goes.
const STEP_MARK: &str = "{step}";

/// A model that plays a [`Script`].
#[derive(Debug)]
pub struct ScriptedModel {
    player: Player,
}

impl ScriptedModel {
    /// A model that plays this script.
    pub fn new(script: Script) -> Self {
        Self { player: Player::new(script) }
    }

    async fn answer(
        &self,
        chat: &Chat,
        on_progress: OnProgress<'_>,
    ) -> Result<ChatAnswer, ChatError> {
        let turn = self.player.turn(chat)?;
        self.player.play(turn, chat).await?;
        let answer = match self.due_raw(turn, chat) {
            Some(raw) => raw?,
            None => render(turn, chat),
        };
        on_progress(Progress::Began);
        on_progress(Progress::Pieces(answer.usage.completion_tokens));
        Ok(answer)
    }

    /// What comes of the turn's bytes, unless they were sent often enough.
    fn due_raw(&self, turn: &Turn, chat: &Chat) -> Option<Result<ChatAnswer, ChatError>> {
        let raw = turn.raw.as_ref()?;
        self.player.is_due(raw.times, turn, chat).then(|| raw.answer(chat, turn.delay_ms))
    }
}

impl Model for ScriptedModel {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        Box::pin(self.answer(chat, on_progress))
    }

    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        Box::pin(vectors::embed(&self.player, embed))
    }
}

fn render(turn: &Turn, chat: &Chat) -> ChatAnswer {
    let fill = |text: &str| {
        if turn.literal { text.to_owned() } else { text.replace(STEP_MARK, &chat.step) }
    };
    let mut tool_calls: Vec<_> = turn
        .tool_calls
        .iter()
        .map(|call| ChatToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: match &call.arguments {
                Arguments::Json(json) if !turn.literal => {
                    json.replace(STEP_MARK, &json_inside(&chat.step))
                }
                Arguments::Json(json) => json.clone(),
                Arguments::Raw(text) => fill(text),
            },
        })
        .collect();
    call_id::complete(&mut tool_calls, &chat.messages);
    let text = fill(&turn.text);
    let reasoning = fill(&turn.reasoning);
    let spoken = tool_calls.iter().map(call_bytes).sum::<usize>() + text.len() + reasoning.len();
    ChatAnswer {
        finish: turn.finish.unwrap_or(if tool_calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        }),
        usage: Usage {
            prompt_tokens: tokens(chat.messages.iter().map(message_bytes).sum()),
            cached_tokens: 0,
            completion_tokens: tokens(spoken),
        },
        timing: Timing { first_token_ms: turn.delay_ms, total_ms: turn.delay_ms },
        model: chat.model.clone(),
        server: Some("script".to_owned()),
        text,
        reasoning,
        tool_calls,
    }
}

/// A text as it stands inside a JSON string.
fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

fn message_bytes(message: &ChatMessage) -> usize {
    match message {
        ChatMessage::System(text) | ChatMessage::User(text) => text.len(),
        ChatMessage::Assistant { text, tool_calls } => {
            text.len() + tool_calls.iter().map(call_bytes).sum::<usize>()
        }
        ChatMessage::Tool { id: _, name, text } => name.len() + text.len(),
    }
}

fn call_bytes(call: &ChatToolCall) -> usize {
    call.name.len() + call.arguments.len()
}

#[cfg(test)]
mod tests;

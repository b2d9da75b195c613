//! One model call with its tries: what may pass is tried again, a server that is away is waited
//! for, what is final is reported.

use std::time::Duration;

use lao_event::{
    EffectId,
    latest::{Answer, AnswerFormat, FailureKind, Message, ModelFailure, ModelOutcome, ToolCall},
};
use lao_history::{ContentError, Contents};
use lao_kernel::{Command, Effect, EffectKey, State, outstanding};
use lao_port::{
    Chat, ChatAnswer, ChatError, ChatErrorKind, ChatFormat, ChatMessage, ChatToolCall, Progress,
    Sampling,
};
use tokio::time::Instant;

use crate::{
    job::{Job, ModelJob},
    notice::Notice,
    worker::WorkerContext,
};

/// How often and how long a model is asked again. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries at a call that fails in a way that may pass, counting the first.
    pub tries_max: u32,
    /// The first pause; each is twice the one before.
    pub pause_ms_min: u64,
    /// The longest pause.
    pub pause_ms_max: u64,
    /// How long a server that is away or busy is waited for.
    pub wait_for_server_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { tries_max: 4, pause_ms_min: 500, pause_ms_max: 10_000, wait_for_server_ms: 600_000 }
    }
}

impl RetryPolicy {
    /// The pause after a failed try: growing, with a jitter that the effect and the try decide.
    pub(crate) fn pause_ms(&self, effect: EffectId, tries: u32) -> u64 {
        let doublings = tries.saturating_sub(1).min(16);
        let pause = self.pause_ms_min.saturating_mul(1 << doublings).min(self.pause_ms_max);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&effect.0.to_le_bytes());
        hasher.update(&tries.to_le_bytes());
        let bytes = hasher.finalize();
        let jitter = u64::from(bytes.as_bytes()[0]) * (pause / 4) / 255;
        pause - pause / 8 + jitter
    }
}

/// What to do after a failed try.
enum Next {
    /// Give up.
    Final(FailureKind),
    /// Try again, a limited number of times.
    Again(FailureKind),
    /// Try again for as long as the policy waits for servers.
    Wait,
}

fn next(kind: ChatErrorKind) -> Next {
    match kind {
        ChatErrorKind::Unreachable | ChatErrorKind::Busy => Next::Wait,
        ChatErrorKind::ModelMissing => Next::Final(FailureKind::ModelMissing),
        ChatErrorKind::WindowExceeded => Next::Final(FailureKind::WindowExceeded),
        ChatErrorKind::Refused => Next::Final(FailureKind::Refused),
        ChatErrorKind::ScriptMismatch => Next::Final(FailureKind::ScriptMismatch),
        ChatErrorKind::ServerFailed => Next::Again(FailureKind::ServerFailed),
        ChatErrorKind::Cut | ChatErrorKind::Malformed => Next::Again(FailureKind::Unreadable),
        ChatErrorKind::TimedOut => Next::Again(FailureKind::TimedOut),
    }
}

/// Asks until there is an answer or no hope, and reports it.
pub(crate) async fn run(context: &WorkerContext, job: &ModelJob) -> Command {
    let chat = match chat(&context.contents, job) {
        Ok(chat) => chat,
        Err(error) => {
            return failed(job.effect, FailureKind::Unreadable, error.to_string(), vec![]);
        }
    };
    let mut tries = Tries::default();
    loop {
        let result = ask(context, job, &chat).await;
        let mut error = match result {
            Ok(answer) => return answered(job.effect, answer, tries.failed),
            Err(error) => error,
        };
        // Before it is cut: a part of a secret would not be known as one.
        let redacted = context.contents.redactor().redact(&error.message).into_owned();
        error.message = shortened(redacted);
        match tries.after(context, job, &error) {
            After::GiveUp(kind) => return failed(job.effect, kind, error.message, tries.failed),
            After::Pause(pause_ms) => tokio::time::sleep(Duration::from_millis(pause_ms)).await,
        }
    }
}

enum After {
    GiveUp(FailureKind),
    Pause(u64),
}

/// The tries so far.
#[derive(Default)]
struct Tries {
    failed: Vec<String>,
    passing: u32,
    waiting: Option<(Instant, u32)>,
}

/// The longest message of a server that is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// A message, short enough for the journal.
fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// The most failed tries that are kept in words.
const FAILED_TRIES_KEPT_MAX: usize = 20;

impl Tries {
    fn after(&mut self, context: &WorkerContext, job: &ModelJob, error: &ChatError) -> After {
        let policy = &context.retry;
        let endpoint = job.request.endpoint.clone();
        let message = error.message.clone();
        let after = match next(error.kind) {
            Next::Final(kind) => return After::GiveUp(kind),
            Next::Again(kind) => {
                self.waiting = None;
                self.passing += 1;
                if self.passing >= policy.tries_max {
                    return After::GiveUp(kind);
                }
                let pause_ms = policy.pause_ms(job.effect, self.passing);
                let tries = self.passing;
                context.notify(Notice::Retrying {
                    step: job.step,
                    endpoint,
                    message,
                    tries,
                    pause_ms,
                });
                After::Pause(pause_ms)
            }
            Next::Wait => {
                let (since, count) = self.waiting.get_or_insert_with(|| (Instant::now(), 0));
                *count += 1;
                let waited_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                let wait_ms_max = policy.wait_for_server_ms;
                if waited_ms >= wait_ms_max {
                    return After::GiveUp(FailureKind::Unreachable);
                }
                let pause_ms = error
                    .retry_after_ms
                    .unwrap_or_else(|| policy.pause_ms(job.effect, *count))
                    .min(wait_ms_max - waited_ms + 1);
                context.notify(Notice::Waiting {
                    step: job.step,
                    endpoint,
                    message,
                    waited_ms,
                    wait_ms_max,
                });
                After::Pause(pause_ms)
            }
        };
        if self.failed.len() < FAILED_TRIES_KEPT_MAX {
            self.failed.push(error.message.clone());
        }
        after
    }
}

/// How often listeners are told of tokens.
const TOKENS_EVERY: Duration = Duration::from_millis(200);

async fn ask(
    context: &WorkerContext,
    job: &ModelJob,
    chat: &Chat,
) -> Result<ChatAnswer, ChatError> {
    let permit = context.permits.acquire(&job.request.endpoint).await;
    let seen = std::sync::Mutex::new((Instant::now(), Instant::now() - TOKENS_EVERY));
    let on_progress = |progress: Progress| {
        let now = Instant::now();
        let mut seen = seen.lock().expect("nothing panics while it is held");
        match progress {
            Progress::Began => seen.0 = now,
            Progress::Pieces(pieces) if now - seen.1 >= TOKENS_EVERY => {
                seen.1 = now;
                let since_first_ms = u64::try_from((now - seen.0).as_millis()).unwrap_or(u64::MAX);
                context.notify(Notice::Tokens {
                    step: job.step,
                    role: job.role.role,
                    pieces,
                    since_first_ms,
                });
            }
            Progress::Pieces(_) => {}
        }
    };
    let result = context.world.model.chat(chat, &on_progress).await;
    drop(permit);
    result
}

/// What a model is asked for an effect that is under way; `None` if that is no model call.
///
/// # Errors
///
/// A text of the prompt cannot be read.
pub fn chat_under_way(
    contents: &Contents,
    state: &State,
    effect: EffectId,
) -> Result<Option<Chat>, ContentError> {
    let is_it = |owed: &Effect<'_>| matches!(owed.key, EffectKey::Started(id, _) if id == effect);
    let Some(Job::Model(job)) = outstanding(state).find(is_it).map(|it| Job::new(state, &it))
    else {
        return Ok(None);
    };
    chat(contents, &job).map(Some)
}

fn chat(contents: &Contents, job: &ModelJob) -> Result<Chat, ContentError> {
    let messages = job
        .messages
        .iter()
        .map(|message| chat_message(contents, message))
        .collect::<Result<_, _>>()?;
    let format = match &job.request.format {
        AnswerFormat::Text => ChatFormat::Text,
        AnswerFormat::Json { name, schema } => {
            ChatFormat::JsonSchema { name: name.clone(), schema: contents.text(schema)? }
        }
    };
    Ok(Chat {
        endpoint: job.request.endpoint.clone(),
        model: job.request.model.clone(),
        role: job.role.role,
        step: job.step_key.clone(),
        messages,
        tools: job.tools.clone(),
        native_tools: job.role.tools,
        format,
        output_tokens_max: job.request.output_tokens_max,
        sampling: Sampling {
            temperature_milli: job.role.temperature_milli,
            top_p_milli: job.role.top_p_milli,
            repetition_penalty_milli: job.role.repetition_penalty_milli,
            seed: job.role.seed,
        },
    })
}

fn chat_message(contents: &Contents, message: &Message) -> Result<ChatMessage, ContentError> {
    Ok(match message {
        Message::System { content } => ChatMessage::System(contents.text(content)?),
        Message::User { content } => ChatMessage::User(contents.text(content)?),
        Message::Assistant { content, tool_calls } => ChatMessage::Assistant {
            text: contents.text(content)?,
            tool_calls: tool_calls
                .iter()
                .map(|call| {
                    Ok(ChatToolCall {
                        id: call.id.clone(),
                        name: call.name.clone(),
                        arguments: contents.text(&call.arguments)?,
                    })
                })
                .collect::<Result<_, ContentError>>()?,
        },
        Message::Tool { id, name, content } => {
            ChatMessage::Tool { id: id.clone(), name: name.clone(), text: contents.text(content)? }
        }
    })
}

/// An answer as events have it.
pub fn answer_event(answer: ChatAnswer) -> Answer {
    let tool_calls = answer
        .tool_calls
        .into_iter()
        .map(|call| ToolCall { id: call.id, name: call.name, arguments: call.arguments.into() })
        .collect();
    Answer {
        text: answer.text.into(),
        reasoning: answer.reasoning.into(),
        tool_calls,
        finish: answer.finish,
        usage: answer.usage,
        timing: answer.timing,
        model: answer.model,
        server: answer.server,
    }
}

fn answered(effect: EffectId, answer: ChatAnswer, failed_tries: Vec<String>) -> Command {
    let outcome = ModelOutcome::Answered(answer_event(answer));
    Command::ModelCallEnded { effect, outcome, failed_tries }
}

fn failed(
    effect: EffectId,
    kind: FailureKind,
    message: String,
    failed_tries: Vec<String>,
) -> Command {
    let outcome = ModelOutcome::Failed(ModelFailure { kind, message });
    Command::ModelCallEnded { effect, outcome, failed_tries }
}

//! A conversation with a model: messages that only ever grow at the end, and its calls.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | due | `ModelCallStarted` | calling |
//! | calling | `ModelCallEnded` (tool calls) | tools |
//! | calling | `ModelCallEnded` (cut at the token limit) | due, to be told so |
//! | calling | `ModelCallEnded` (an answer) | answered |
//! | calling | `ModelCallEnded` (failed) | due, to be asked again |
//! | tools | the last tool call ended | due |
//! | answered | findings, problems | due |

use std::collections::VecDeque;

use lao_event::{
    CallId, Content, ConversationId, EffectId, Event, Hash, Limits, RetryOn, Role, RoleSettings,
    StepId,
    latest::{
        Answer, AnswerFormat, FailureKind, FailureReason, Finding, FinishReason, Message,
        ModelCallEnded, ModelCallStarted, ModelFailure, ModelOutcome, ModelRequest, RunStopping,
        StartCause, StopReason,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    flow::{self, FlowPhase},
    planning, review,
    state::{InFlight, InFlightKind, State},
    step::{self, Work},
    task::TaskPhase,
};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// Its number, once a call was made.
    pub id: Option<ConversationId>,
    /// What was said, in order.
    pub messages: Vec<Message>,
    /// Running hash over the messages of the last call.
    pub prompt: Hash,
    /// How many messages that is. What was said since is hashed when the next call is made, so
    /// that folding a history hashes no texts.
    pub(crate) asked: u32,
    /// Bytes of all messages.
    pub size_bytes: u64,
    /// Answers so far.
    pub turns: u32,
    /// How it stands.
    pub phase: TalkPhase,
    pub(crate) calls: VecDeque<PendingCall>,
    /// The tool call that was decided last: name and arguments.
    pub(crate) last_call: Option<(String, Content)>,
    pub(crate) same_calls: u32,
}

/// How a conversation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TalkPhase {
    /// The model is to be asked.
    Due(Ask),
    /// It is being asked.
    Calling(EffectId),
    /// Its tool calls are being served.
    Tools,
    /// It gave an answer without tool calls.
    Answered,
}

/// What the model is to be told next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// What it is to do.
    First,
    /// Nothing new: tool replies are in the conversation, or a call is repeated.
    GoOn,
    /// Its answer was cut at the token limit.
    Truncated,
    /// What the verifier found.
    Findings(Vec<Finding>),
    /// Why its answer could not be used.
    Problems(Vec<String>),
}

/// A tool call that has not been answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingCall {
    pub id: CallId,
    pub model_id: String,
    pub name: String,
    pub arguments: Content,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            id: None,
            messages: Vec::new(),
            prompt: Hash([0; 32]),
            asked: 0,
            size_bytes: 0,
            turns: 0,
            phase: TalkPhase::Due(Ask::First),
            calls: VecDeque::new(),
            last_call: None,
            same_calls: 0,
        }
    }
}

impl Talk {
    pub(crate) fn push(&mut self, message: Message) {
        self.size_bytes += size_bytes(&message);
        self.messages.push(message);
    }

    /// The model made the same tool call so often that it is not asked on: twice as often as it is
    /// served.
    pub(crate) fn repeats_itself(&self, limits: &Limits) -> bool {
        self.same_calls >= limits.repeated_calls_max.saturating_mul(2).max(2)
    }

    /// The messages of the last call, and those that came after it.
    pub(crate) fn split_at_last_call(&self) -> (&[Message], &[Message]) {
        self.messages.split_at(self.asked as usize)
    }

    /// Answers the tool call at the front; the next one is due, or the model.
    pub(crate) fn reply(&mut self, content: Content) -> Result<Next, Inconsistency> {
        let call = self
            .calls
            .pop_front()
            .ok_or_else(|| Inconsistency::new("a tool replied that nobody had called"))?;
        self.push(Message::Tool { id: call.model_id, name: call.name, content });
        if self.calls.is_empty() {
            self.phase = TalkPhase::Due(Ask::GoOn);
            Ok(Next::Model)
        } else {
            Ok(Next::ToolCall)
        }
    }
}

/// What follows a tool reply.
pub(crate) enum Next {
    Model,
    ToolCall,
}

pub(crate) fn size_bytes(message: &Message) -> u64 {
    match message {
        Message::System { content }
        | Message::User { content }
        | Message::Tool { id: _, name: _, content } => content.size_bytes(),
        Message::Assistant { content, tool_calls } => {
            let calls =
                tool_calls.iter().map(|call| call.arguments.size_bytes() + call.name.len() as u64);
            content.size_bytes() + calls.sum::<u64>()
        }
    }
}

/// The running hash of a prompt after one more message.
pub(crate) fn hash_after(previous: Hash, message: &Message) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&previous.0);
    let mut part = |tag: u8, text: &str, hash: Hash| {
        hasher.update(&[tag]);
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
        hasher.update(&hash.0);
    };
    match message {
        Message::System { content } => part(1, "", content.hash()),
        Message::User { content } => part(2, "", content.hash()),
        Message::Assistant { content, tool_calls } => {
            part(3, "", content.hash());
            for call in tool_calls {
                part(4, &call.id, Hash::of(call.name.as_bytes()));
                part(5, "", call.arguments.hash());
            }
        }
        Message::Tool { id, name, content } => {
            part(6, id, Hash::of(name.as_bytes()));
            part(7, "", content.hash());
        }
    }
    Hash(*hasher.finalize().as_bytes())
}

impl State {
    /// The conversation a step is having now.
    pub fn talk(&self, id: StepId) -> Option<(Role, &Talk)> {
        match self.step(id)?.work()? {
            Work::Planning(work) => Some((Role::Planner, &work.talk)),
            Work::Task(work) => match work.phase {
                TaskPhase::Reviewing => Some((Role::Reviewer, &work.review)),
                TaskPhase::Coding
                | TaskPhase::Checking
                | TaskPhase::Wave
                | TaskPhase::CodeCommit
                | TaskPhase::ReviewCommit => Some((Role::Coder, &work.talk)),
            },
            Work::Flow(work) => Some((self.role_of(id)?, &work.talk)),
        }
    }

    /// The running hash of the prompt that a step's model would be sent if these messages joined what
    /// it was told so far; `None` where the step is not talking.
    pub fn prompt_with(&self, step: StepId, appended: &[Message]) -> Option<Hash> {
        let (_, talk) = self.talk(step)?;
        let (_, since) = talk.split_at_last_call();
        Some(since.iter().chain(appended).fold(talk.prompt, hash_after))
    }

    /// Hashes the conversations that steps are having anew, and compares with what the journal
    /// says was sent. Folding does not, so whoever goes on with a folded state asks for it.
    pub fn check_prompts(&self) -> Result<(), Inconsistency> {
        for step in &self.steps {
            let talks = match step.work() {
                Some(Work::Planning(work)) => [Some(&work.talk), None],
                Some(Work::Task(work)) => [Some(&work.talk), Some(&work.review)],
                Some(Work::Flow(work)) => [Some(&work.talk), None],
                None => [None, None],
            };
            for talk in talks.into_iter().flatten() {
                let (asked, _) = talk.split_at_last_call();
                if asked.iter().fold(Hash([0; 32]), hash_after) != talk.prompt {
                    let problem = format!("the prompt of {} is not its conversation", step.key);
                    return Err(Inconsistency::new(problem));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn talk_mut(&mut self, id: StepId) -> Result<&mut Talk, Inconsistency> {
        match self.work_mut(id)? {
            Work::Planning(work) => Ok(&mut work.talk),
            Work::Task(work) => match work.phase {
                TaskPhase::Coding => Ok(&mut work.talk),
                TaskPhase::Reviewing => Ok(&mut work.review),
                TaskPhase::Checking
                | TaskPhase::Wave
                | TaskPhase::CodeCommit
                | TaskPhase::ReviewCommit => {
                    Err(Inconsistency::new(format!("{id} is not talking to a model")))
                }
            },
            Work::Flow(work) => Ok(&mut work.talk),
        }
    }
}

/// How a call of a role is to be made.
pub(crate) struct Call<'a> {
    pub role: &'a RoleSettings,
    pub appended: Vec<Message>,
    pub schema: Option<(&'a str, &'a str)>,
    pub tools: bool,
}

/// The event that asks a model in the conversation a step is having.
pub(crate) fn start(state: &State, step: StepId, call: Call<'_>) -> Event {
    let prompt = state.prompt_with(step, &call.appended).expect("the step is talking");
    let (_, talk) = state.talk(step).expect("the step is talking");
    let format = match call.schema {
        Some((name, schema)) if call.role.json_schema => {
            AnswerFormat::Json { name: name.to_owned(), schema: schema.into() }
        }
        Some(_) | None => AnswerFormat::Text,
    };
    let appended = call.appended;
    let count = talk.messages.len() + appended.len();
    ModelCallStarted {
        effect: state.next_effect(),
        step,
        conversation: talk.id.unwrap_or(ConversationId(state.talks_started + 1)),
        role: call.role.role,
        appended,
        message_count: u32::try_from(count).expect("turns are limited"),
        prompt,
        request: ModelRequest {
            endpoint: call.role.endpoint.clone(),
            model: call.role.model.clone(),
            format,
            tools: call.tools,
            output_tokens_max: call.role.output_tokens_max,
        },
    }
    .into()
}

/// About how many bytes of text make a token; low, so that estimates err on the safe side.
pub(crate) const BYTES_PER_TOKEN: u64 = 3;

/// Whether a prompt of this size leaves room for the answer.
pub(crate) fn fits(role: &RoleSettings, prompt_bytes: u64) -> bool {
    let tokens = prompt_bytes / BYTES_PER_TOKEN + u64::from(role.output_tokens_max);
    tokens <= u64::from(role.context_tokens)
}

pub(crate) fn decide_ended(
    state: &State,
    effect: EffectId,
    outcome: ModelOutcome,
    failed_tries: Vec<String>,
) -> Result<Vec<Event>, Rejection> {
    let (step, role, request) = match state.in_flight.get(&effect) {
        Some(InFlight {
            step: Some(step), kind: InFlightKind::Model { role, request }, ..
        }) => (*step, *role, request),
        Some(_) | None => return Err(Rejection::UnknownEffect(effect)),
    };
    let follow_up = match &outcome {
        ModelOutcome::Failed(failure) => after_failure(state, step, role, (failure, request)),
        ModelOutcome::Answered(answer) => after_answer(state, step, role, answer),
    };
    let mut events: Vec<Event> = vec![ModelCallEnded { effect, outcome, failed_tries }.into()];
    events.extend(follow_up);
    Ok(events)
}

fn after_answer(state: &State, step: StepId, role: Role, answer: &Answer) -> Vec<Event> {
    if state.flow(step).is_some() {
        return flow::after_answer(state, step, answer);
    }
    match role {
        Role::Planner => planning::after_answer(state, step, answer),
        Role::Reviewer => review::after_answer(state, step, answer),
        Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
            Vec::new()
        }
    }
}

fn after_failure(
    state: &State,
    step: StepId,
    role: Role,
    (failure, request): (&ModelFailure, &ModelRequest),
) -> Vec<Event> {
    let endpoint = request.endpoint.clone();
    let message = failure.message.clone();
    let stopping = |reason: StopReason| -> Vec<Event> {
        let working = state.started().is_working();
        working.then(|| RunStopping { reason }.into()).into_iter().collect()
    };
    match failure.kind {
        FailureKind::Aborted => Vec::new(),
        FailureKind::Unreachable => stopping(StopReason::ServerUnreachable { endpoint, message }),
        FailureKind::ModelMissing => stopping(StopReason::ModelMissing { endpoint, message }),
        FailureKind::WindowExceeded
        | FailureKind::Refused
        | FailureKind::ServerFailed
        | FailureKind::Unreadable
        | FailureKind::TimedOut
        | FailureKind::ScriptMismatch
            if state.flow(step).is_some() =>
        {
            let failure = flow::Failure::new(FailureReason::ModelFailed, message);
            flow::fail_or_retry(state, step, RetryOn::Model, failure)
        }
        FailureKind::WindowExceeded if role == Role::Coder => vec![step::again_or_fail(
            state,
            step,
            StartCause::WindowFull,
            (FailureReason::CoderStuck, message),
        )],
        FailureKind::WindowExceeded
        | FailureKind::Refused
        | FailureKind::ServerFailed
        | FailureKind::Unreadable
        | FailureKind::TimedOut
        | FailureKind::ScriptMismatch => {
            vec![step::failed(step, FailureReason::ModelFailed, message)]
        }
    }
}

pub(crate) fn evolve_started(
    state: &mut State,
    event: &ModelCallStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Model { role: event.role, request: event.request.clone() };
    state.begin(event.effect, Some(event.step), kind)?;
    let talk = state.talk_mut(event.step)?;
    let is_new = talk.id.is_none();
    if talk.id.is_some_and(|id| id != event.conversation) {
        return Err(Inconsistency::new("a call goes on with another conversation"));
    }
    talk.id = Some(event.conversation);
    for message in &event.appended {
        talk.push(message.clone());
    }
    if talk.messages.len() != event.message_count as usize {
        return Err(Inconsistency::new("the prompt is not the conversation so far"));
    }
    talk.prompt = event.prompt;
    talk.asked = event.message_count;
    talk.phase = TalkPhase::Calling(event.effect);
    state.index.due.remove(&event.step);
    state.index.waiting.remove(&event.step);
    state.index.looking.remove(&event.step);
    if state.at(event.step).is_task() {
        state.index.places.insert(event.step);
    }
    if let Ok(work) = state.flow_mut(event.step) {
        work.phase = FlowPhase::Talking;
    }
    state.talks_started += u32::from(is_new);
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &ModelCallEnded) -> Result<(), Inconsistency> {
    let flight = state.end(event.effect)?;
    let step = flight.step.ok_or_else(|| Inconsistency::new("a model call without a step"))?;
    let talk = state.talk_mut(step)?;
    let answer = match &event.outcome {
        ModelOutcome::Failed(_) => {
            talk.phase = TalkPhase::Due(Ask::GoOn);
            state.make_due(step);
            return Ok(());
        }
        ModelOutcome::Answered(answer) => answer,
    };
    talk.turns += 1;
    let truncated = answer.finish == FinishReason::Length;
    let has_tools = matches!(&flight.kind, InFlightKind::Model { request, .. } if request.tools);
    // A call that was cut, or that no tool was offered for, is never served, so it must not
    // stand in the conversation unanswered.
    let tool_calls = if has_tools && !truncated { answer.tool_calls.clone() } else { Vec::new() };
    for (index, call) in tool_calls.iter().enumerate() {
        let index = u32::try_from(index).expect("an answer has fewer than 2^32 calls");
        talk.calls.push_back(PendingCall {
            id: CallId { answer: event.effect, index },
            model_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        });
    }
    let calls_tools = !tool_calls.is_empty();
    talk.push(Message::Assistant { content: answer.text.clone(), tool_calls });
    if calls_tools {
        talk.phase = TalkPhase::Tools;
        state.index.preparing.insert(step);
    } else if truncated && has_tools {
        talk.phase = TalkPhase::Due(Ask::Truncated);
        state.make_due(step);
    } else {
        talk.phase = TalkPhase::Answered;
        state.coder_answered(step);
        if !truncated && state.flow(step).is_some() {
            flow::evolve_answered(state, step, &answer.text)?;
        }
    }
    Ok(())
}

//! What led to a tool call: the conversation before it, and the answer that it stands in.

use lao_event::{
    CallId, Event,
    latest::{Answer, Message, ModelOutcome, ModelRequest, ToolCall},
};
use lao_history::{HistoryError, StoredEvent, for_each_event};
use lao_journal::Reader;
use lao_kernel::{State, evolve};

/// What led to a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Position of the model call.
    pub asked: u64,
    /// Position of its answer.
    pub answered: u64,
    /// How the model was asked.
    pub request: ModelRequest,
    /// The whole conversation it was sent.
    pub messages: Vec<Message>,
    /// What it answered.
    pub answer: Answer,
    /// The tool call in it.
    pub tool_call: ToolCall,
}

/// What led to a tool call is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The journal cannot be read or folded.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// It has no such call.
    #[error("the journal has no tool call {call}")]
    NoCall {
        /// The call.
        call: CallId,
    },
}

/// Why the journal is not read further.
enum Stop {
    Found(Box<Origin>),
    Failed(HistoryError),
}

impl From<HistoryError> for Stop {
    fn from(error: HistoryError) -> Self {
        Self::Failed(error)
    }
}

/// What led to a tool call.
pub fn origin(reader: &Reader, call: CallId) -> Result<Origin, OriginError> {
    let mut state = State::new();
    let mut asked: Option<(u64, ModelRequest, Vec<Message>)> = None;
    let walked = for_each_event::<Stop>(reader, 1, |stored| {
        let recorded = match stored {
            StoredEvent::Known(recorded) => recorded,
            StoredEvent::Unknown { seq, .. } => return Err(HistoryError::Unknown { seq }.into()),
        };
        let seq = recorded.seq;
        let inconsistent = |source| HistoryError::Inconsistent { seq, source };
        evolve(&mut state, &recorded.event).map_err(inconsistent)?;
        if let Event::ModelCallStarted(started) = recorded.event {
            if started.effect == call.answer {
                let talk = state.talk(started.step).map(|(_, talk)| talk.messages.clone());
                asked = Some((seq, started.request, talk.unwrap_or_default()));
            }
        } else if let Event::ModelCallEnded(ended) = recorded.event
            && ended.effect == call.answer
            && let (ModelOutcome::Answered(answer), Some(asked)) = (ended.outcome, asked.take())
        {
            return answered(asked, (seq, answer), call);
        }
        Ok(())
    });
    match walked {
        Ok(()) => Err(OriginError::NoCall { call }),
        Err(Stop::Found(origin)) => Ok(*origin),
        Err(Stop::Failed(error)) => Err(error.into()),
    }
}

fn answered(
    (asked, request, messages): (u64, ModelRequest, Vec<Message>),
    (answered, answer): (u64, Answer),
    call: CallId,
) -> Result<(), Stop> {
    let index = usize::try_from(call.index).unwrap_or(usize::MAX);
    match answer.tool_calls.get(index).cloned() {
        Some(tool_call) => Err(Stop::Found(Box::new(Origin {
            asked,
            answered,
            request,
            messages,
            answer,
            tool_call,
        }))),
        None => Ok(()),
    }
}

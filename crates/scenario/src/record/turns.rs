//! Answers of models as turns, each told apart by who was asked, how often it had spoken, and where
//! there were several conversations by a text that only one of them has.

use std::collections::BTreeMap;

use lao_event::{
    EffectId, Role,
    latest::{
        FailureKind, FinishReason, Message, ModelCallEnded, ModelCallStarted, ModelOutcome,
        ToolCall,
    },
};
use lao_history::{ContentError, Contents};
use lao_kernel::State;
use serde::Serialize;

use crate::prompt;

/// The shortest line that is worth telling conversations apart by.
const TELLING_CHARS_MIN: usize = 8;

/// A turn as it is written.
#[derive(Debug, Serialize)]
pub(super) struct RecordedTurn {
    role: Role,
    step: String,
    turn: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contains: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<FinishReason>,
    #[serde(skip_serializing_if = "is_zero")]
    delay_ms: u64,
    #[serde(skip_serializing_if = "is_false")]
    literal: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RecordedFailure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<RecordedCall>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(truth: &bool) -> bool {
    !*truth
}

#[derive(Debug, Serialize)]
struct RecordedFailure {
    kind: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct RecordedCall {
    name: String,
    id: String,
    arguments: String,
}

/// The conversations so far.
#[derive(Debug, Default)]
pub(super) struct Turns {
    talks: Vec<RecordedTalk>,
    /// Which conversation a call belongs to.
    calls: BTreeMap<EffectId, usize>,
    /// What files say.
    spoken: Vec<RecordedTurn>,
}

#[derive(Debug)]
struct RecordedTalk {
    id: lao_event::ConversationId,
    role: Role,
    step: String,
    /// What it began with.
    opening: String,
    spoken: u32,
    turns: Vec<RecordedTurn>,
}

impl Turns {
    pub(super) fn asked(
        &mut self,
        state: &State,
        event: &ModelCallStarted,
        contents: &Contents,
    ) -> Result<(), ContentError> {
        let found = self.talks.iter().position(|talk| talk.id == event.conversation);
        let place = if let Some(place) = found {
            place
        } else {
            let step = state.step(event.step).map(|step| step.key.clone()).unwrap_or_default();
            let opening = prompt::texts(&event.appended, contents)?;
            let (id, role) = (event.conversation, event.role);
            let turns = Vec::new();
            self.talks.push(RecordedTalk { id, role, step, opening, spoken: 0, turns });
            self.talks.len() - 1
        };
        let spoken = state.talk(event.step).map_or(0, |(_, talk)| {
            let said = |message: &&Message| matches!(message, Message::Assistant { .. });
            talk.messages.iter().filter(said).count()
        });
        self.talks[place].spoken = u32::try_from(spoken).unwrap_or(u32::MAX);
        self.calls.insert(event.effect, place);
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        event: &ModelCallEnded,
        contents: &Contents,
    ) -> Result<(), ContentError> {
        let Some(place) = self.calls.remove(&event.effect) else {
            return Ok(());
        };
        let talk = &mut self.talks[place];
        let mut turn = RecordedTurn {
            role: talk.role,
            step: talk.step.clone(),
            turn: talk.spoken,
            contains: Vec::new(),
            text: String::new(),
            reasoning: String::new(),
            finish: None,
            delay_ms: 0,
            literal: false,
            error: None,
            tool_calls: Vec::new(),
        };
        match &event.outcome {
            ModelOutcome::Answered(answer) => {
                turn.text = contents.text(&answer.text)?;
                turn.reasoning = contents.text(&answer.reasoning)?;
                turn.finish = Some(answer.finish);
                turn.delay_ms = answer.timing.total_ms;
                turn.tool_calls = calls(&answer.tool_calls, contents)?;
                let arguments = turn.tool_calls.iter().map(|call| &call.arguments);
                turn.literal = arguments
                    .chain([&turn.text, &turn.reasoning])
                    .any(|text| text.contains("{step}"));
            }
            ModelOutcome::Failed(failure) => {
                let Some(kind) = kind(failure.kind) else {
                    return Ok(());
                };
                turn.error = Some(RecordedFailure { kind, message: failure.message.clone() });
            }
        }
        talk.turns.push(turn);
        Ok(())
    }

    /// All turns, with what tells their conversations apart.
    pub(super) fn into_turns(self) -> Vec<RecordedTurn> {
        let telling: Vec<Vec<String>> =
            (0..self.talks.len()).map(|place| self.telling(place)).collect();
        let talks = self.talks.into_iter().zip(telling);
        let turns = talks.flat_map(|(talk, contains)| {
            talk.turns.into_iter().map(move |turn| {
                let contains = contains.clone();
                RecordedTurn { contains, ..turn }
            })
        });
        turns.chain(self.spoken).collect()
    }

    /// What a file says.
    pub(super) fn spoken(&mut self, file: String, text: String) {
        self.spoken.push(RecordedTurn {
            role: Role::Transcriber,
            step: "*".to_owned(),
            turn: 0,
            contains: vec![file],
            text,
            reasoning: String::new(),
            finish: None,
            delay_ms: 0,
            literal: false,
            error: None,
            tool_calls: Vec::new(),
        });
    }

    /// A line that only this conversation begins with, where another one is held with the same role
    /// about the same step.
    fn telling(&self, place: usize) -> Vec<String> {
        let talk = &self.talks[place];
        let others: Vec<&RecordedTalk> = self
            .talks
            .iter()
            .enumerate()
            .filter(|(other, it)| *other != place && it.role == talk.role && it.step == talk.step)
            .map(|(_, it)| it)
            .collect();
        if others.is_empty() {
            return Vec::new();
        }
        let is_own = |line: &&str| {
            line.chars().count() >= TELLING_CHARS_MIN
                && others.iter().all(|other| !other.opening.contains(line))
        };
        let line = talk.opening.lines().map(str::trim).filter(is_own).min_by_key(|it| it.len());
        line.map(str::to_owned).into_iter().collect()
    }
}

fn calls(calls: &[ToolCall], contents: &Contents) -> Result<Vec<RecordedCall>, ContentError> {
    let recorded = |call: &ToolCall| {
        let arguments = contents.text(&call.arguments)?;
        Ok(RecordedCall { name: call.name.clone(), id: call.id.clone(), arguments })
    };
    calls.iter().map(recorded).collect()
}

/// The kind of a failure as scripts name it; none where a script cannot say it.
const fn kind(kind: FailureKind) -> Option<&'static str> {
    match kind {
        FailureKind::Unreachable => Some("unreachable"),
        FailureKind::ModelMissing => Some("model_missing"),
        FailureKind::WindowExceeded => Some("window_exceeded"),
        FailureKind::Refused => Some("refused"),
        FailureKind::ServerFailed => Some("server_failed"),
        FailureKind::Unreadable => Some("malformed"),
        FailureKind::TimedOut => Some("timed_out"),
        FailureKind::ScriptMismatch | FailureKind::Aborted => None,
    }
}

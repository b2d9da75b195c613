//! Conversations and tool calls, as their events are folded.

use lao_event::{
    CallId, EffectId, StepId,
    latest::{
        CommandEnded, FileWriteEnded, FileWriteStarted, Message, ModelCallEnded, ModelCallStarted,
        ModelOutcome, ToolDecided,
    },
};
use lao_kernel::State;

use super::{Doing, Fold, TurnPlace};
use crate::diff::record::{
    Action, CallRecord, PromptRecord, Speaker, TalkRecord, TurnRecord, WriteRecord,
};

impl Fold {
    pub(super) fn model_started(&mut self, seq: u64, event: &ModelCallStarted, state: &State) {
        let known = self.talks.get(&event.conversation).copied();
        let Some(place) = known.or_else(|| self.new_talk(event)) else {
            return;
        };
        let (step, attempt, talk) = place;
        self.talks.insert(event.conversation, place);
        self.clock.touch(step);
        let settings = state.run().and_then(|run| run.settings.role(event.role)).cloned();
        let Some(record) = self.talk_at(place) else {
            return;
        };
        record.prompts.extend(event.appended.iter().map(|message| prompt(seq, message)));
        // What is asked again since nobody answered is no turn of its own.
        let again = record.turns.last().is_some_and(|last| match &last.outcome {
            None | Some((_, ModelOutcome::Failed(_))) => true,
            Some((_, ModelOutcome::Answered(_))) => false,
        });
        let failed_tries = if again { record.turns.pop() } else { None };
        let failed_tries = failed_tries.map_or(0, |turn| turn.failed_tries + 1);
        let request = event.request.clone();
        let (outcome, calls) = (None, Vec::new());
        record.turns.push(TurnRecord { seq, request, settings, outcome, failed_tries, calls });
        let turn = record.turns.len() - 1;
        let doing = Doing::Model(TurnPlace { step, attempt, talk, turn });
        self.does(event.effect, doing);
    }

    /// A conversation that begins.
    fn new_talk(&mut self, event: &ModelCallStarted) -> Option<(StepId, usize, usize)> {
        let step = self.step(event.step)?;
        let attempt = step.attempts.last_mut()?;
        let (prompts, turns) = (Vec::new(), Vec::new());
        attempt.talks.push(TalkRecord { role: event.role, prompts, turns });
        let talk = attempt.talks.len() - 1;
        Some((event.step, step.attempts.len() - 1, talk))
    }

    fn talk_at(
        &mut self,
        (step, attempt, talk): (StepId, usize, usize),
    ) -> Option<&mut TalkRecord> {
        self.step(step)?.attempts.get_mut(attempt)?.talks.get_mut(talk)
    }

    fn turn(&mut self, effect: EffectId) -> Option<&mut TurnRecord> {
        let Some(Doing::Model(place)) = self.effects.get(&effect).copied() else {
            return None;
        };
        self.clock.touch(place.step);
        self.talk_at((place.step, place.attempt, place.talk))?.turns.get_mut(place.turn)
    }

    pub(super) fn model_ended(&mut self, seq: u64, event: &ModelCallEnded) {
        self.totals.failed_tries += event.failed_tries.len() as u64;
        match &event.outcome {
            ModelOutcome::Answered(answer) => {
                self.totals.answers += 1;
                self.totals.model_ms += answer.timing.total_ms;
            }
            ModelOutcome::Failed(_) => self.totals.failed_tries += 1,
        }
        let Some(turn) = self.turn(event.effect) else {
            return;
        };
        turn.failed_tries += event.failed_tries.len() as u64;
        turn.outcome = Some((seq, event.outcome.clone()));
        if let ModelOutcome::Answered(answer) = &event.outcome {
            let calls = (0..).zip(&answer.tool_calls).map(|(index, call)| CallRecord {
                id: CallId { answer: event.effect, index },
                seq,
                name: call.name.clone(),
                arguments: call.arguments.clone(),
                verdict: None,
                action: Action::Nothing,
            });
            turn.calls = calls.collect();
        }
        let tokens = turn.tokens();
        self.totals.tokens = self.totals.tokens.plus(tokens);
    }

    pub(super) fn decided(&mut self, seq: u64, event: &ToolDecided) {
        self.totals.tool_calls += 1;
        self.call(event.call, |call| {
            call.seq = seq;
            call.verdict = Some(event.verdict.clone());
            call.action = Action::Nothing;
        });
    }

    /// Changes a tool call.
    pub(super) fn call(&mut self, id: CallId, change: impl FnOnce(&mut CallRecord)) {
        let turn = self.turn(id.answer);
        if let Some(call) = turn.and_then(|turn| turn.calls.get_mut(id.index as usize)) {
            change(call);
        }
    }

    /// An effect does what a tool call asks for.
    pub(super) fn acts(&mut self, seq: u64, (effect, id): (EffectId, CallId), action: Action) {
        self.does(effect, Doing::Call(id));
        self.call(id, |call| {
            call.seq = seq;
            call.action = action;
        });
    }

    /// It did.
    pub(super) fn act_ended(&mut self, effect: EffectId, change: impl FnOnce(&mut CallRecord)) {
        if let Some(Doing::Call(id)) = self.effects.get(&effect).copied() {
            self.call(id, change);
        }
    }

    pub(super) fn write_started(&mut self, seq: u64, event: &FileWriteStarted) {
        self.keep_before(&event.before);
        if let Some(after) = &event.after {
            self.files.insert(after.hash(), after.clone());
        }
        let write = WriteRecord {
            path: event.path.clone(),
            before: event.before.clone(),
            after: event.after.clone(),
            reply: event.reply.clone(),
            outcome: None,
        };
        self.acts(seq, (event.effect, event.call), Action::Write(write));
    }

    pub(super) fn write_ended(&mut self, event: &FileWriteEnded) {
        let outcome = event.outcome.clone();
        let mut done = false;
        self.act_ended(event.effect, |call| {
            if let Action::Write(write) = &mut call.action {
                write.outcome = Some(outcome);
                done = write.is_done();
            }
        });
        self.totals.file_writes += u64::from(done);
    }

    pub(super) fn command_ended(&mut self, event: &CommandEnded) {
        let outcome = Some((event.outcome.clone(), event.reply.clone()));
        self.act_ended(event.effect, |call| {
            if let Action::Command { argv: _, ended } = &mut call.action {
                *ended = outcome;
            }
        });
    }
}

fn prompt(seq: u64, message: &Message) -> PromptRecord {
    let (from, content) = match message {
        Message::System { content } => (Speaker::System, content),
        Message::User { content } => (Speaker::User, content),
        Message::Assistant { content, tool_calls: _ } => (Speaker::Assistant, content),
        Message::Tool { id: _, name: _, content } => (Speaker::Tool, content),
    };
    PromptRecord { seq, from, content: content.clone() }
}

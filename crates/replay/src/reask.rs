//! Asking again: what another model says to the prompts of a run, and whether it comes to the same.
//!
//! The answers lead to nothing: the run's own answers are folded, whatever the other model says.

use std::collections::BTreeMap;

use lao_event::{
    EffectId, Event, Role, StepId,
    latest::{Answer, ModelCallEnded, ModelOutcome, NewStep, StepDefinition, ToolCall, Verdict},
};
use lao_history::{Contents, HistoryError, StoredEvent, for_each_event};
use lao_journal::Reader;
use lao_kernel::{Command, State, decide, evolve};
use serde_json::Value;

/// A model call of a run, with the answer it got.
#[derive(Debug)]
pub struct Call<'a> {
    /// Position of the event that says the model was being asked.
    pub seq: u64,
    /// The call.
    pub effect: EffectId,
    /// The step that asked.
    pub step: StepId,
    /// The run as it was just before the answer; the prompt is in it.
    pub state: &'a State,
    /// The answer.
    pub answer: &'a Answer,
}

/// How far another answer comes to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Word for word, tool calls included.
    Same,
    /// In other words: the same verdict, the same tasks, the same tools on the same files.
    Alike,
    /// Not.
    Different,
}

/// Shows every answered call of a role to `visit`, in the order of the answers.
pub fn for_each_call<E: From<HistoryError>>(
    reader: &Reader,
    role: Role,
    mut visit: impl FnMut(&Call<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut state = State::new();
    // What was asked is in the state until the answer comes; who asked, in the event.
    let mut open: BTreeMap<EffectId, (u64, StepId)> = BTreeMap::new();
    for_each_event(reader, 1, |stored| {
        let StoredEvent::Known(recorded) = stored else {
            return Ok(());
        };
        let seq = recorded.seq;
        if let Event::ModelCallStarted(started) = &recorded.event
            && started.role == role
        {
            open.insert(started.effect, (seq, started.step));
        }
        if let Event::ModelCallEnded(ModelCallEnded { effect, outcome, .. }) = &recorded.event
            && let Some((seq, step)) = open.remove(effect)
            && let ModelOutcome::Answered(answer) = outcome
        {
            visit(&Call { seq, effect: *effect, step, state: &state, answer })?;
        }
        evolve(&mut state, &recorded.event)
            .map_err(|source| HistoryError::Inconsistent { seq, source })?;
        Ok(())
    })
}

impl Call<'_> {
    /// Compares another answer to the call with the recorded one: what the kernel would make of it
    /// counts, and of a coder's answer the tools it calls.
    pub fn compare(&self, role: Role, other: &Answer, contents: &Contents) -> Agreement {
        if said(self.answer, contents) == said(other, contents) {
            return Agreement::Same;
        }
        let (ours, theirs) = (self.read(self.answer, contents), self.read(other, contents));
        let alike = match role {
            Role::Planner | Role::Reviewer => ours.is_some() && ours == theirs,
            Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
                aims(&self.answer.tool_calls, contents) == aims(&other.tool_calls, contents)
            }
        };
        if alike { Agreement::Alike } else { Agreement::Different }
    }

    /// What the kernel reads in an answer.
    fn read(&self, answer: &Answer, contents: &Contents) -> Option<Meaning> {
        let mut answer = answer.clone();
        answer.text = contents.text(&answer.text).ok()?.into();
        let outcome = ModelOutcome::Answered(answer);
        let command =
            Command::ModelCallEnded { effect: self.effect, outcome, failed_tries: Vec::new() };
        decide(self.state, command).ok()?.iter().find_map(meaning)
    }
}

/// What an answer means to the kernel.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Verdict(Verdict),
    /// Of each task the files it leaves and deletes, and how many tasks it needs.
    Tasks(Vec<(Vec<String>, Vec<String>, usize)>),
    Unusable,
}

fn meaning(event: &Event) -> Option<Meaning> {
    if let Event::ReviewGiven(given) = event {
        Some(Meaning::Verdict(given.verdict))
    } else if let Event::StepsAdded(added) = event {
        Some(Meaning::Tasks(added.steps.iter().map(task).collect()))
    } else if let Event::AnswerRejected(_) = event {
        Some(Meaning::Unusable)
    } else {
        None
    }
}

fn task(step: &NewStep) -> (Vec<String>, Vec<String>, usize) {
    match &step.definition {
        StepDefinition::Planning { .. }
        | StepDefinition::Flow { .. }
        | StepDefinition::Item { .. } => (Vec::new(), Vec::new(), step.needs.len()),
        StepDefinition::Task(task) => {
            let (mut files, mut deletes) = (task.files.clone(), task.deletes.clone());
            files.sort_unstable();
            deletes.sort_unstable();
            (files, deletes, step.needs.len())
        }
    }
}

/// What was said: the text, and the tools with their arguments as values.
fn said(answer: &Answer, contents: &Contents) -> (String, Vec<(String, Value)>) {
    let text = contents.text(&answer.text).unwrap_or_default().trim().to_owned();
    let calls = answer.tool_calls.iter().map(|call| (call.name.clone(), arguments(call, contents)));
    (text, calls.collect())
}

/// Arguments that say what a tool is used on.
const AIMS: [&str; 4] = ["path", "command", "pattern", "query"];

/// The tools with what they are used on.
fn aims(calls: &[ToolCall], contents: &Contents) -> Vec<(String, Vec<Value>)> {
    let aim = |call: &ToolCall| {
        let arguments = arguments(call, contents);
        let values = AIMS.iter().filter_map(|key| arguments.get(key).cloned());
        (call.name.clone(), values.collect())
    };
    calls.iter().map(aim).collect()
}

/// Arguments as a value; as text where they are no JSON.
fn arguments(call: &ToolCall, contents: &Contents) -> Value {
    let text = contents.text(&call.arguments).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

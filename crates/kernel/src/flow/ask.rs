//! Prompts and agents: the model is asked, and its answer is read.

use lao_event::{
    Event, FlowFormat, RetryOn, StepId,
    latest::{
        Answer, AnswerRejected, FailureReason, FinishReason, FlowValue, Message, OutputSet,
        OutputSource,
    },
};

use super::{Failure, fail_or_retry, schema};
use crate::{
    answer, prompt,
    state::State,
    step,
    talk::{self, Ask, Call, TalkPhase},
};

/// Asks for the first time in an attempt.
pub(super) fn first(
    state: &State,
    id: StepId,
    messages: Vec<Message>,
) -> Result<Vec<Event>, Failure> {
    let role = state.role_of(id).expect("a step that asks has a role");
    let settings = state.step_role(id, role).ok_or_else(|| Failure::role(role))?;
    let bytes: u64 = messages.iter().map(prompt::size_bytes).sum();
    if !talk::fits(&settings, bytes) {
        let message = format!(
            "the prompt of about {} tokens does not fit the {role}'s window of {} with {} for the \
             answer (roles.{role}.context_tokens)",
            bytes / talk::BYTES_PER_TOKEN,
            settings.context_tokens,
            settings.output_tokens_max,
        );
        return Err(Failure::new(FailureReason::ModelFailed, message));
    }
    Ok(vec![call(state, id, messages)])
}

/// Asks on: a tool replied, an answer was of no use, or a call broke off.
pub(super) fn again(state: &State, id: StepId) -> Vec<Event> {
    let work = state.flow(id).expect("a due step is under way");
    let TalkPhase::Due(ask) = &work.talk.phase else {
        unreachable!("a due step has something to ask");
    };
    let role = state.role_of(id).expect("a step that asks has a role");
    if let Some(message) = stuck(state, id) {
        let failure = Failure::new(FailureReason::CoderStuck, message);
        return fail_or_retry(state, id, RetryOn::Model, failure);
    }
    let limit = state.step_role(id, role).map_or(0, |role| role.output_tokens_max);
    let appended = match ask {
        Ask::First | Ask::GoOn => Vec::new(),
        Ask::Truncated => vec![prompt::truncated(limit)],
        Ask::Findings(findings) => vec![prompt::findings(findings)],
        Ask::Problems(problems) => vec![prompt::problems(problems)],
    };
    vec![call(state, id, appended)]
}

/// Why an agent is not asked on.
fn stuck(state: &State, id: StepId) -> Option<String> {
    let work = state.flow(id)?;
    let turns_max = turns_max(state, id)?;
    if work.talk.turns >= turns_max {
        return Some(format!("the model was not done after {} answers", work.talk.turns));
    }
    let repeats = work.talk.repeats_itself(&state.started().settings.limits);
    repeats.then(|| format!("the model made the same tool call {} times", work.talk.same_calls))
}

/// The most answers of an agent; `None` for what has no tools.
fn turns_max(state: &State, id: StepId) -> Option<u32> {
    Some(state.spec(id)?.action.as_agent()?.turns_max)
}

/// The form that a prompt's answer must have.
fn format(state: &State, id: StepId) -> Option<&FlowFormat> {
    Some(&state.spec(id)?.action.as_prompt()?.format)
}

fn call(state: &State, id: StepId, appended: Vec<Message>) -> Event {
    let role = state.role_of(id).expect("a step that asks has a role");
    let settings = state.step_role(id, role).expect("checked at the start");
    let schema = match format(state, id) {
        Some(FlowFormat::Json { schema }) => {
            Some(("answer", schema.as_deref().unwrap_or(r#"{"type":"object"}"#)))
        }
        Some(FlowFormat::Text) | None => None,
    };
    let tools = turns_max(state, id).is_some();
    talk::start(state, id, Call { role: &settings, appended, schema, tools })
}

/// Reads an answer: the output, or why it cannot be one.
pub(crate) fn after_answer(state: &State, id: StepId, answer: &Answer) -> Vec<Event> {
    let is_agent = turns_max(state, id).is_some();
    let cut = answer.finish == FinishReason::Length;
    if is_agent {
        let goes_on = cut || !answer.tool_calls.is_empty();
        return if goes_on { Vec::new() } else { vec![step::succeeded(id)] };
    }
    if cut {
        let message = "the answer was cut at the most tokens it may have \
                       (settings.max_tokens of the step, or roles.*.output_tokens_max)";
        let failure = Failure::new(FailureReason::ModelFailed, message);
        return fail_or_retry(state, id, RetryOn::Model, failure);
    }
    match format(state, id) {
        Some(FlowFormat::Json { schema }) => json_answer(state, id, schema.as_deref(), answer),
        Some(FlowFormat::Text) | None => vec![step::succeeded(id)],
    }
}

fn json_answer(state: &State, id: StepId, schema: Option<&str>, answer: &Answer) -> Vec<Event> {
    let text = answer.text.inline().expect("results of effects are whole");
    match answer::read_json(text).and_then(|value| schema::check(schema, value)) {
        Ok(value) => {
            let value = FlowValue::Json(value.to_string().into());
            let set = OutputSet { step: id, value, source: OutputSource::Answer };
            vec![set.into(), step::succeeded(id)]
        }
        Err(problems) => {
            let tries = state.flow(id).expect("it was asked").tries + 1;
            let limit = state.started().settings.limits.planner_tries_max;
            let message = format!(
                "the answer could not be used after {tries} tries: {}",
                problems.join("; ")
            );
            let mut events: Vec<Event> = vec![AnswerRejected { step: id, problems }.into()];
            if tries >= limit {
                let failure = Failure::new(FailureReason::OutputUnusable, message);
                events.extend(fail_or_retry(state, id, RetryOn::Model, failure));
            }
            events
        }
    }
}

//! The beginning of a step: what it is to do, as events.

use lao_event::{
    Content, Event, FlowAction, Hash, QuestionId, RetryOn, RunId, StepId, WriteMode,
    latest::{
        Action, ActionStarted, Before, FailureReason, FlowValue, Found, OutputSet, OutputSource,
        ParkReason, QuestionAsked, QuestionSubject, SkipReason, StepEnded, StepOutcome, StepParked,
    },
};

use super::{
    Failure, ask, fail_or_retry, failed,
    gather::{Texts, gather, text_of},
    inside,
    resolve::{Resolved, Surroundings, resolve, templates},
};
use crate::{answer::shortened, state::State, step};

/// The longest text of a question, in characters; the whole is in the action.
const QUESTION_CHARS_MAX: usize = 2000;

/// Begins a step, with what was looked at for it.
pub(super) fn begin(state: &State, id: StepId, texts: &Texts, found: Option<&Found>) -> Vec<Event> {
    match try_begin(state, id, texts, found) {
        Ok(events) => events,
        Err(failure) if failure.reason == FailureReason::ActionFailed => {
            fail_or_retry(state, id, RetryOn::File, failure)
        }
        Err(failure) => vec![failed(id, failure)],
    }
}

fn try_begin(
    state: &State,
    id: StepId,
    texts: &Texts,
    found: Option<&Found>,
) -> Result<Vec<Event>, Failure> {
    let resolved = resolved(state, id, texts)?;
    if let Some(Found::Cache { key, keyed_on, value: Some(value) }) = found {
        let source = OutputSource::Cache { key: *key, keyed_on: keyed_on.clone() };
        let set = OutputSet { step: id, value: value.clone(), source };
        return Ok(vec![set.into(), step::succeeded(id)]);
    }
    match resolved {
        Resolved::Skipped => {
            let outcome = StepOutcome::Skipped(SkipReason::ConditionFalse);
            Ok(vec![StepEnded { step: id, outcome }.into()])
        }
        Resolved::Ask(messages) => ask::first(state, id, messages),
        Resolved::Act(action @ Action::Approve { .. }) => Ok(approval(state, id, action)),
        Resolved::Act(action) => Ok(vec![started(state, id, action)]),
        Resolved::Write { path, text, mode } => {
            let write = write(state, (path, text, mode), texts, found)?;
            Ok(vec![started(state, id, write)])
        }
        Resolved::WaitMs(_) | Resolved::WaitUntil(_) => {
            let until_ms = until(found)?;
            Ok(vec![started(state, id, Action::Wait { until_ms })])
        }
        Resolved::Plan { file } => {
            let run = run_inside(found)?;
            Ok(vec![started(state, id, Action::Plan { file, run })])
        }
        Resolved::Items(items) => Ok(inside::add_items(state, id, items)),
        Resolved::Call => Ok(inside::add_steps(state, id)),
        Resolved::Holds => Ok(vec![step::succeeded(id)]),
        Resolved::Fails(why) => Err(Failure::new(FailureReason::AssertionFailed, why)),
    }
}

/// What a step is to do.
fn resolved(state: &State, id: StepId, texts: &Texts) -> Result<Resolved, Failure> {
    let spec = state.spec(id).expect("only called on steps of a workflow");
    let gathered = gather(state, id, templates(spec));
    let role = state.role_of(id).and_then(|role| state.step_role(id, role));
    resolve(spec, &gathered, Surroundings { role: role.as_ref(), texts })
}

fn started(state: &State, step: StepId, action: Action) -> Event {
    ActionStarted { effect: state.next_effect(), step, action }.into()
}

/// A person is asked, and the step waits.
fn approval(state: &State, step: StepId, action: Action) -> Vec<Event> {
    let Action::Approve { message } = &action else {
        unreachable!("the caller matched it");
    };
    let effect = state.next_effect();
    let question = QuestionId(state.questions_asked + 1);
    let text = message.inline().unwrap_or_default();
    let subject = QuestionSubject::Approval { message: shortened(text, QUESTION_CHARS_MAX) };
    vec![
        ActionStarted { effect, step, action }.into(),
        QuestionAsked { question, step, effect, subject }.into(),
        StepParked { step, reason: ParkReason::Question { question } }.into(),
    ]
}

/// A write, with the file as it is now.
fn write(
    state: &State,
    (path, text, mode): (String, String, WriteMode),
    texts: &Texts,
    found: Option<&Found>,
) -> Result<Action, Failure> {
    let Some(Found::File { before, start }) = found else {
        return Err(refusal(found));
    };
    let after = match (mode, start) {
        (WriteMode::Append, Some(start)) => format!("{}{text}", text_of(start, texts)?),
        (WriteMode::Replace | WriteMode::Create | WriteMode::Append, _) => text,
    };
    if mode == WriteMode::Create
        && let Some(there) = before.hash()
        && there != Hash::of(after.as_bytes())
    {
        let message = format!("{path} is there already, and `mode: create` does not replace it");
        return Err(Failure::new(FailureReason::ActionFailed, message));
    }
    let before = kept_once(state, &path, before);
    Ok(Action::Write { path, before, after: Content::Inline(after) })
}

/// The content of a file that the run itself wrote is in the journal already.
fn kept_once(state: &State, path: &str, before: &Before) -> Before {
    match before.hash() {
        Some(hash) if state.files.get(path) == Some(&Some(hash)) => Before::Known { hash },
        Some(_) | None => before.clone(),
    }
}

fn until(found: Option<&Found>) -> Result<i64, Failure> {
    match found {
        Some(Found::Until { until_ms }) => Ok(*until_ms),
        other => Err(refusal(other)),
    }
}

fn run_inside(found: Option<&Found>) -> Result<RunId, Failure> {
    match found {
        Some(Found::Run { run }) => Ok(run.clone()),
        other => Err(refusal(other)),
    }
}

fn refusal(found: Option<&Found>) -> Failure {
    let message = match found {
        Some(Found::Refused { message }) => message.clone(),
        Some(
            Found::Nothing
            | Found::File { .. }
            | Found::Until { .. }
            | Found::Run { .. }
            | Found::Cache { .. },
        )
        | None => "what it needs to know was not looked at".to_owned(),
    };
    Failure::new(FailureReason::ActionFailed, message)
}

/// A step does the same for every item.
pub(super) fn is_map(state: &State, id: StepId) -> bool {
    state.spec(id).is_some_and(|spec| matches!(spec.action, FlowAction::Map(_)))
}

/// An empty list.
pub(super) fn no_items() -> FlowValue {
    FlowValue::Json("[]".into())
}

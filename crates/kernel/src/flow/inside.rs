//! Steps inside a step: the items of a map, the steps of another workflow.

use lao_event::{
    Event, FlowAction, FlowCall, NamedStep, RetryOn, StepId,
    latest::{
        FailureReason, FlowValue, NewStep, OutputSet, OutputSource, StepDefinition, StepOutcome,
        StepsAdded,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Failure, FlowPhase,
    begin::no_items,
    ended::fail_or_retry,
    failed,
    gather::{Texts, evaluate, from_json, gather},
};
use crate::{
    evolve::Inconsistency,
    state::State,
    step::{self, StepStatus, Work, id_at},
};

/// About how many bytes of new steps one event has at the most.
const ADDED_BYTES_MAX: usize = 128 * 1024;
/// How many of what failed inside are named.
const NAMED_MAX: usize = 3;

/// The steps inside a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// The first; the others follow it.
    pub first: StepId,
    /// How many there are.
    pub count: u32,
    /// How many of them ended.
    pub ended: u32,
    /// How many of them may start: of items, no more than may be under way.
    pub(crate) released: u32,
}

impl Inside {
    /// The steps.
    pub fn steps(&self) -> impl Iterator<Item = StepId> + use<> {
        (self.first.0..self.first.0 + self.count).map(StepId)
    }

    fn has(&self, id: StepId) -> bool {
        (self.first.0..self.first.0 + self.count).contains(&id.0)
    }
}

impl State {
    /// The steps that a step is inside of, from the nearest on.
    pub fn outer_steps(&self, id: StepId) -> impl Iterator<Item = StepId> {
        let parent = |id: StepId| self.step(id).and_then(|step| step.parent);
        std::iter::successors(parent(id), move |outer| parent(*outer))
    }

    /// A fork does a step again that this one was inside of: others take its place, under the same
    /// keys, as soon as that one begins.
    pub fn is_replaced(&self, id: StepId) -> bool {
        let mut inner = id;
        self.outer_steps(id).any(|outer| {
            let inside = self.at(outer).inside;
            !inside.is_some_and(|inside| inside.has(std::mem::replace(&mut inner, outer)))
        })
    }
}

/// The events that add one step for each item; of none, the end.
pub(super) fn add_items(state: &State, id: StepId, items: Vec<FlowValue>) -> Vec<Event> {
    if items.is_empty() {
        let set = OutputSet { step: id, value: no_items(), source: OutputSource::Inside };
        return vec![set.into(), step::succeeded(id)];
    }
    let (key, title) = (&state.at(id).key, &state.at(id).title);
    let new = items.into_iter().enumerate().map(|(index, value)| NewStep {
        key: format!("{key}[{index}]"),
        title: format!("{title} {}", index + 1),
        needs: Vec::new(),
        definition: StepDefinition::Item {
            index: u32::try_from(index).expect("a list has fewer than 2^32 items"),
            value,
        },
    });
    added(Some(id), new)
}

/// The events that add the steps of a workflow that a step calls.
pub(super) fn add_steps(state: &State, id: StepId) -> Vec<Event> {
    let Some(FlowAction::Workflow(call)) = state.spec(id).map(|spec| &spec.action) else {
        unreachable!("the caller resolved it to a call");
    };
    let key = &state.at(id).key;
    let first = state.steps.len();
    let new = call.steps.iter().map(|named| NewStep {
        key: format!("{key}/{}", named.id),
        title: named.title.clone(),
        needs: named.needs.iter().filter_map(|need| place(call, need, first)).collect(),
        definition: definition(named),
    });
    added(Some(id), new)
}

fn place(call: &FlowCall, name: &str, first: usize) -> Option<StepId> {
    let index = call.steps.iter().position(|step| step.id == name)?;
    Some(id_at(first + index))
}

/// A step as the graph has it.
fn definition(named: &NamedStep) -> StepDefinition {
    StepDefinition::Flow {
        spec: serde_json::to_string(&named.step).expect("definitions are plain JSON"),
    }
}

/// New steps in events that are not too large.
pub(crate) fn added(by: Option<StepId>, new: impl Iterator<Item = NewStep>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut steps = Vec::new();
    let mut bytes = 0;
    for step in new {
        let size = size_bytes(&step);
        if !steps.is_empty() && bytes + size > ADDED_BYTES_MAX {
            events.push(StepsAdded { by, steps: std::mem::take(&mut steps) }.into());
            bytes = 0;
        }
        bytes += size;
        steps.push(step);
    }
    if !steps.is_empty() {
        events.push(StepsAdded { by, steps }.into());
    }
    events
}

fn size_bytes(step: &NewStep) -> usize {
    let definition = match &step.definition {
        StepDefinition::Flow { spec } => spec.len(),
        StepDefinition::Item { index: _, value } => match value {
            FlowValue::Text(content) | FlowValue::Json(content) => {
                content.inline().map_or(64, str::len).min(lao_event::INLINE_BYTES_MAX)
            }
            FlowValue::File { path } => path.len(),
            FlowValue::Nothing => 0,
        },
        StepDefinition::Planning { .. } | StepDefinition::Task(_) => 0,
    };
    step.key.len() + step.title.len() + step.needs.len() * 5 + definition + 16
}

/// How many of the steps inside a step may be under way at the same time; `None` for what has none.
fn places_inside(state: &State, id: StepId) -> Option<u32> {
    match state.spec(id).map(|spec| &spec.action) {
        Some(FlowAction::Map(map)) => Some(map.concurrency.max(1)),
        Some(FlowAction::Workflow(_)) => Some(u32::MAX),
        Some(_) | None => None,
    }
}

/// Notes that steps were added by another one.
pub(crate) fn evolve_inside_added(
    state: &mut State,
    id: StepId,
    (first, count): (StepId, u32),
) -> Result<(), Inconsistency> {
    let Some(places) = places_inside(state, id) else {
        return Err(Inconsistency::new(format!("{id} has no steps inside")));
    };
    state.flow_mut(id)?.phase = FlowPhase::Inside;
    state.index.due.remove(&id);
    state.index.looking.remove(&id);
    let none = Inside { first, count: 0, ended: 0, released: 0 };
    let inside = state.step_mut(id)?.inside.get_or_insert(none);
    if inside.first.0 + inside.count != first.0 {
        return Err(Inconsistency::new(format!("the steps inside {id} are not in a row")));
    }
    inside.count += count;
    inside.released = inside.count.min(places);
    let may_start = inside.first.0 + inside.released;
    for index in first.0..first.0 + count {
        let step = state.step_mut(StepId(index))?;
        step.parent = Some(id);
        step.held = index >= may_start;
    }
    Ok(())
}

/// Notes that a step inside another one is over.
pub(crate) fn evolve_child_ended(state: &mut State, parent: StepId) -> Result<(), Inconsistency> {
    let outer = state.step_mut(parent)?;
    let Some(inside) = outer.inside.as_mut() else {
        return Err(Inconsistency::new(format!("{parent} has no steps inside")));
    };
    inside.ended += 1;
    let over = inside.ended == inside.count;
    release_next(state, parent)?;
    if over && state.flow(parent).is_some_and(|work| work.phase == FlowPhase::Inside) {
        state.flow_mut(parent)?.phase = FlowPhase::Finishing;
        state.go_on(parent);
    }
    Ok(())
}

/// The next step inside that is held back may start.
fn release_next(state: &mut State, parent: StepId) -> Result<(), Inconsistency> {
    while let Some(inside) = &mut state.step_mut(parent)?.inside
        && inside.released < inside.count
    {
        let next = StepId(inside.first.0 + inside.released);
        inside.released += 1;
        let step = state.step_mut(next)?;
        if std::mem::take(&mut step.held) {
            if step.unmet == 0 && matches!(step.status, StepStatus::Pending) {
                state.index.ready.insert(next);
            }
            break;
        }
    }
    Ok(())
}

/// The template of what a called workflow gives, and a step from whose sight it is evaluated.
pub(super) fn output_of_call(state: &State, id: StepId) -> Option<(StepId, &lao_event::Template)> {
    let Some(FlowAction::Workflow(call)) = state.spec(id).map(|spec| &spec.action) else {
        return None;
    };
    Some((state.at(id).inside?.first, &call.output))
}

/// The end of a step whose steps inside are all over.
pub(super) fn finish(state: &State, id: StepId, texts: &Texts) -> Vec<Event> {
    if let Some((failure, may_pass)) = failure_inside(state, id) {
        return if may_pass {
            fail_or_retry(state, id, RetryOn::Inside, failure)
        } else {
            vec![failed(id, failure)]
        };
    }
    let Some((inner, template)) = output_of_call(state, id) else {
        return vec![step::succeeded(id)];
    };
    let context = gather(state, inner, [template]).context(texts);
    match context.and_then(|context| evaluate(template, &context)) {
        Ok(value) => {
            let source = OutputSource::Inside;
            let set = OutputSet { step: id, value: from_json(value), source };
            vec![set.into(), step::succeeded(id)]
        }
        Err(failure) => vec![failed(id, failure)],
    }
}

/// What failed inside, and whether some of it may go well another time.
fn failure_inside(state: &State, id: StepId) -> Option<(Failure, bool)> {
    let inside = state.at(id).inside?;
    let mut failed = Vec::new();
    let mut count = 0_u32;
    let mut may_pass = false;
    for child in inside.steps() {
        let step = state.at(child);
        if let StepStatus::Ended(StepOutcome::Failed { reason, message }) = &step.status
            && !state.is_tolerated(child)
        {
            count += 1;
            may_pass |= !is_for_good(*reason);
            if failed.len() < NAMED_MAX {
                failed.push(format!("{}: {message}", step.key));
            }
        }
    }
    if count == 0 {
        return None;
    }
    let more = if count as usize > NAMED_MAX { "; ..." } else { "" };
    let message = format!("{count} of {} failed: {}{more}", inside.count, failed.join("; "));
    Some((Failure::new(FailureReason::InsideFailed, message), may_pass))
}

/// The same comes of it every time, or a person said so.
fn is_for_good(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::ExpressionFailed | FailureReason::AssertionFailed | FailureReason::Denied
    )
}

/// Opens a step again whose steps inside did not all succeed: those go back to pending, so many of
/// them at a time as may be under way. Where all did, it ends again.
pub(crate) fn reopen(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let Some(inside) = state.at(id).inside else {
        return Err(Inconsistency::new(format!("{id} has no steps inside")));
    };
    let step = state.step_mut(id)?;
    let work = super::FlowWork { phase: FlowPhase::Inside, ..Default::default() };
    step.status = StepStatus::Running(Work::Flow(Box::new(work)));
    let mut again = Vec::new();
    for child in inside.steps() {
        let did_not = matches!(
            state.at(child).status,
            StepStatus::Ended(
                StepOutcome::Failed { .. }
                    | StepOutcome::Skipped(
                        lao_event::latest::SkipReason::UpstreamFailed { .. }
                            | lao_event::latest::SkipReason::Cancelled
                    )
            )
        );
        if did_not {
            again.push(child);
        }
    }
    let places = places_inside(state, id).map_or(usize::MAX, |places| places as usize);
    for (place, child) in again.iter().enumerate() {
        reopen_child(state, *child)?;
        let step = state.step_mut(*child)?;
        step.held = place >= places && matches!(step.status, StepStatus::Pending);
    }
    if let Some(inside) = &mut state.step_mut(id)?.inside {
        inside.ended -= u32::try_from(again.len()).expect("no more than there are");
        let held = again.get(places);
        inside.released = held.map_or(inside.count, |held| held.0 - inside.first.0);
    }
    step::settle_redone(state, &again);
    if again.is_empty() {
        state.flow_mut(id)?.phase = FlowPhase::Finishing;
        state.go_on(id);
    }
    Ok(())
}

fn reopen_child(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    state.index.failed.remove(&id);
    state.index.skipped.remove(&id);
    state.index.open += 1;
    if state.at(id).inside.is_some() {
        return reopen(state, id);
    }
    let step = state.step_mut(id)?;
    step.status = StepStatus::Pending;
    step.attempt = lao_event::Attempt(0);
    Ok(())
}

/// The step that this one is inside of and whose time is up: nothing begins there any more, and
/// nothing is tried again.
pub(crate) fn late_outer(state: &State, id: StepId) -> Option<StepId> {
    state.outer_steps(id).find(|outer| state.flow(*outer).is_some_and(|work| work.timed_out))
}

/// All steps inside a step that are under way, at any depth.
pub(crate) fn under_way_inside(state: &State, id: StepId) -> Vec<StepId> {
    let mut found = Vec::new();
    let mut open = vec![id];
    while let Some(outer) = open.pop() {
        let inside = state.at(outer).inside.into_iter().flat_map(|inside| inside.steps());
        for step in inside.filter(|step| matches!(state.at(*step).status, StepStatus::Running(_))) {
            found.push(step);
            open.push(step);
        }
    }
    found
}

/// A step that is redone finds what is inside it anew. What was inside stays, and leaves its keys.
pub(crate) fn forget_inside(state: &mut State, id: StepId) {
    let mut open = vec![id];
    while let Some(outer) = open.pop() {
        let Some(inside) = state.at(outer).inside else {
            continue;
        };
        for inner in inside.steps() {
            state.keys.remove(&state.steps[inner.0 as usize].key);
            open.push(inner);
        }
    }
    state.steps[id.0 as usize].inside = None;
}

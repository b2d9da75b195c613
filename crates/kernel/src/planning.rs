//! Planning: a chunk of the plan becomes tasks.
//!
//! | phase | event | next |
//! | --- | --- | --- |
//! | asking | `AnswerRejected` | asking, with the problems |
//! | asking | `StepsAdded` | commit (last chunk, with git) or the end |
//! | commit | `CommitEnded` | the end |

use lao_event::{
    Event, Role, StepId,
    latest::{Answer, AnswerRejected, FailureReason, StepDefinition, StepsAdded},
};
use serde::{Deserialize, Serialize};

use crate::{
    answer::{TASKS_SCHEMA, read_tasks},
    evolve::Inconsistency,
    prompt,
    state::State,
    step::{self, Work},
    talk::{self, Ask, Call, Talk, TalkPhase},
};

/// A planning step under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanningWork {
    /// The conversation with the planner.
    pub talk: Talk,
    /// Answers that were turned down.
    pub tries: u32,
    /// The tasks are there; what is left is the commit.
    pub planned: bool,
}

impl State {
    pub(crate) fn chunk(&self, id: StepId) -> usize {
        match &self.at(id).definition {
            StepDefinition::Planning { chunk } => *chunk as usize,
            StepDefinition::Task(_) | StepDefinition::Flow { .. } | StepDefinition::Item { .. } => {
                unreachable!("only called on planning steps")
            }
        }
    }

    fn is_last_chunk(&self, id: StepId) -> bool {
        let chunks = self.started().plan().map_or(0, |plan| plan.chunks.len());
        self.chunk(id) + 1 == chunks
    }

    pub(crate) fn planning(&self, id: StepId) -> Option<&PlanningWork> {
        match self.step(id)?.work()? {
            Work::Planning(work) => Some(work),
            Work::Task(_) | Work::Flow(_) => None,
        }
    }
}

/// The next move of a planning step that is due: the planner is asked.
pub(crate) fn advance(state: &State, id: StepId) -> Event {
    let role = state.started().settings.role(Role::Planner).expect("checked at the start");
    let work = state.planning(id).expect("a due planning step is under way");
    let TalkPhase::Due(ask) = &work.talk.phase else {
        unreachable!("a due planning step has something to ask");
    };
    let appended = match ask {
        Ask::First => prompt::planner(state, id, role),
        Ask::GoOn => Vec::new(),
        Ask::Truncated => vec![prompt::truncated(role.output_tokens_max)],
        Ask::Findings(findings) => vec![prompt::findings(findings)],
        Ask::Problems(problems) => vec![prompt::problems(problems)],
    };
    let schema = Some(("tasks", TASKS_SCHEMA));
    talk::start(state, id, Call { role, appended, schema, tools: false })
}

/// Reads the planner's answer: tasks, or the problems it is told.
pub(crate) fn after_answer(state: &State, id: StepId, answer: &Answer) -> Vec<Event> {
    let text = answer.text.inline().expect("results of effects are whole");
    let last = state.is_last_chunk(id);
    let read = read_tasks(state, text, answer.finish).and_then(|tasks| {
        if tasks.is_empty() && last && state.index.tasks == 0 {
            Err(vec!["the plan needs at least one task, and there is none".to_owned()])
        } else {
            Ok(tasks)
        }
    });
    match read {
        Ok(steps) => {
            let mut events: Vec<Event> = vec![StepsAdded { by: Some(id), steps }.into()];
            if !(last && state.started().settings.git.enabled) {
                events.push(step::succeeded(id));
            }
            events
        }
        Err(problems) => {
            let tries = state.planning(id).expect("it was asked").tries + 1;
            let limit = state.started().settings.limits.planner_tries_max;
            let message = format!(
                "the planner's answer could not be used after {tries} tries: {}",
                problems.join("; ")
            );
            let mut events: Vec<Event> = vec![AnswerRejected { step: id, problems }.into()];
            if tries >= limit {
                events.push(step::failed(id, FailureReason::PlanUnusable, message));
            }
            events
        }
    }
}

/// Notes that the tasks of a chunk are in the graph.
pub(crate) fn evolve_planned(state: &mut State, id: StepId) -> Result<(), Inconsistency> {
    let commits = state.started().settings.git.enabled && state.is_last_chunk(id);
    state.planning_mut(id)?.planned = true;
    if commits {
        state.index.commits.push_back(id);
    }
    Ok(())
}

/// Notes that an answer of a planner, a reviewer or a prompt was turned down.
pub(crate) fn evolve_rejected(
    state: &mut State,
    event: &AnswerRejected,
) -> Result<(), Inconsistency> {
    match state.work_mut(event.step)? {
        Work::Planning(work) => work.tries += 1,
        Work::Task(work) => work.review_tries += 1,
        Work::Flow(work) => work.tries += 1,
    }
    state.talk_mut(event.step)?.phase = TalkPhase::Due(Ask::Problems(event.problems.clone()));
    state.make_due(event.step);
    Ok(())
}

//! The review of a task: one answer, read for what it is.

use lao_event::{
    Event, Role, StepId,
    latest::{Answer, AnswerRejected, FailureReason, ReviewGiven},
};

use crate::{
    answer::{VERDICT_SCHEMA, read_verdict},
    evolve::Inconsistency,
    prompt,
    state::State,
    step,
    talk::{self, Ask, Call, TalkPhase},
    task::{self, TaskPhase},
};

/// Asks the reviewer.
pub(crate) fn advance(state: &State, id: StepId) -> Event {
    let role = state.started().settings.role(Role::Reviewer).expect("checked at the start");
    let work = state.task(id).expect("a due task is under way");
    let TalkPhase::Due(ask) = &work.review.phase else {
        unreachable!("a due review has something to ask");
    };
    let appended = match ask {
        Ask::First => prompt::reviewer(state, id, role),
        Ask::GoOn => Vec::new(),
        Ask::Truncated => vec![prompt::truncated(role.output_tokens_max)],
        Ask::Findings(findings) => vec![prompt::findings(findings)],
        Ask::Problems(problems) => vec![prompt::problems(problems)],
    };
    let schema = Some(("verdict", VERDICT_SCHEMA));
    talk::start(state, id, Call { role, appended, schema, tools: false })
}

/// Reads the reviewer's answer: a verdict, or the problems it is told.
pub(crate) fn after_answer(state: &State, id: StepId, answer: &Answer) -> Vec<Event> {
    let text = answer.text.inline().expect("results of effects are whole");
    match read_verdict(text, answer.finish) {
        Ok(verdict) => {
            let review = ReviewGiven {
                step: id,
                verdict: verdict.verdict,
                summary: verdict.summary,
                findings: verdict.findings,
            };
            let consequence = (!state.started().settings.git.enabled)
                .then(|| task::after_verdict(state, id, &review));
            std::iter::once(review.into()).chain(consequence).collect()
        }
        Err(problem) => {
            let tries = state.task(id).expect("it was asked").review_tries + 1;
            let limit = state.started().settings.limits.review_tries_max;
            let message = format!("the reviewer's answer could not be read: {problem}");
            let rejected = AnswerRejected { step: id, problems: vec![problem] };
            let failed = (tries >= limit)
                .then(|| step::failed(id, FailureReason::ReviewUnreadable, message));
            std::iter::once(rejected.into()).chain(failed).collect()
        }
    }
}

/// Notes a verdict.
pub(crate) fn evolve_given(state: &mut State, event: &ReviewGiven) -> Result<(), Inconsistency> {
    let git = state.started().settings.git.enabled;
    let work = state.task_mut(event.step)?;
    if work.phase != TaskPhase::Reviewing {
        return Err(Inconsistency::new(format!("{} is not under review", event.step)));
    }
    work.reviews.push(event.clone());
    work.phase = TaskPhase::ReviewCommit;
    if git {
        state.index.commits.push_back(event.step);
    }
    Ok(())
}

//! Commits: one at a time; after planning, after each task's code, after each review.

use lao_event::{
    EffectId, Event, StepId,
    latest::{
        CommitEnded, CommitOutcome, CommitPath, CommitPhase, CommitStarted, ParkReason, StepParked,
    },
};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    state::{InFlight, InFlightKind, State},
    step::{self, Work},
    task::{self, TaskPhase, TaskWork},
    trail,
};

/// The next commit, if one is due and none is under way.
pub(crate) fn advance(state: &State) -> Option<Event> {
    if state.index.committing.is_some() {
        return None;
    }
    let id = *state.index.commits.front()?;
    let commit = match state.at(id).work().expect("a step that commits is under way") {
        Work::Planning(_) => planning_commit(state, id),
        Work::Task(work) => match work.phase {
            TaskPhase::CodeCommit => code_commit(state, id, work),
            TaskPhase::ReviewCommit => review_commit(state, id, work),
            TaskPhase::Coding | TaskPhase::Checking | TaskPhase::Wave | TaskPhase::Reviewing => {
                unreachable!("a task in this phase does not commit")
            }
        },
        Work::Flow(_) => unreachable!("a step of a workflow does not commit"),
    };
    Some(commit.into())
}

fn planning_commit(state: &State, step: StepId) -> CommitStarted {
    let run = state.started();
    CommitStarted {
        effect: state.next_effect(),
        step,
        phase: CommitPhase::Planning,
        subject: subject("plan", run.title()),
        body: format!("{} tasks", state.index.tasks),
        paths: Vec::new(),
        trail: trail::plan(state),
        sweep: false,
    }
}

fn code_commit(state: &State, id: StepId, work: &TaskWork) -> CommitStarted {
    let step = state.at(id);
    let paths = work
        .files
        .keys()
        .filter_map(|path| {
            let hash = *state.files.get(path)?;
            Some(CommitPath { path: path.clone(), hash })
        })
        .collect();
    CommitStarted {
        effect: state.next_effect(),
        step: id,
        phase: CommitPhase::Code,
        subject: subject(&format!("code({})", step.key), &step.title),
        body: match step.attempt.0 {
            1 => String::new(),
            attempt => format!("Attempt {attempt}."),
        },
        paths,
        trail: Vec::new(),
        sweep: work.ran_commands,
    }
}

fn review_commit(state: &State, id: StepId, work: &TaskWork) -> CommitStarted {
    let step = state.at(id);
    let review = work.reviews.last().expect("a review is committed after it was given");
    CommitStarted {
        effect: state.next_effect(),
        step: id,
        phase: CommitPhase::Review,
        subject: subject(
            &format!("review({})", step.key),
            &format!("{}: {}", trail::verdict(review.verdict), step.title),
        ),
        body: review.summary.clone(),
        paths: Vec::new(),
        trail: vec![trail::review(step, work)],
        sweep: false,
    }
}

/// The longest first line of a commit message, in characters.
const SUBJECT_CHARS_MAX: usize = 72;

fn subject(phase: &str, title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("{phase}: {title}");
    if line.chars().count() <= SUBJECT_CHARS_MAX {
        return line;
    }
    line.chars().take(SUBJECT_CHARS_MAX - 1).chain(['…']).collect()
}

pub(crate) fn decide_ended(
    state: &State,
    effect: EffectId,
    outcome: CommitOutcome,
) -> Result<Vec<Event>, Rejection> {
    let step = match state.in_flight.get(&effect) {
        Some(InFlight { kind: InFlightKind::Commit(commit), .. }) => commit.step,
        Some(_) | None => return Err(Rejection::UnknownEffect(effect)),
    };
    let follow_up = match &outcome {
        CommitOutcome::Made { .. } | CommitOutcome::Unchanged => after_commit(state, step),
        CommitOutcome::Failed { message } => {
            let reason = ParkReason::CommitFailed { message: message.clone() };
            Some(StepParked { step, reason }.into())
        }
    };
    Ok(std::iter::once(CommitEnded { effect, outcome }.into()).chain(follow_up).collect())
}

fn after_commit(state: &State, id: StepId) -> Option<Event> {
    match state.at(id).work().expect("a step that commits is under way") {
        Work::Planning(_) => Some(step::succeeded(id)),
        Work::Task(work) if work.phase == TaskPhase::ReviewCommit => {
            let review = work.reviews.last().expect("a review was given");
            Some(task::after_verdict(state, id, review))
        }
        Work::Task(_) | Work::Flow(_) => None,
    }
}

pub(crate) fn evolve_started(
    state: &mut State,
    event: &CommitStarted,
) -> Result<(), Inconsistency> {
    let kind = InFlightKind::Commit(Box::new(event.clone()));
    state.begin(event.effect, Some(event.step), kind)?;
    if state.index.committing.replace(event.effect).is_some() {
        return Err(Inconsistency::new("two commits at the same time"));
    }
    if state.index.commits.pop_front() != Some(event.step) {
        return Err(Inconsistency::new(format!("{} was not to commit now", event.step)));
    }
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &CommitEnded) -> Result<(), Inconsistency> {
    let id = state.end_of_step(event.effect)?;
    state.index.committing = None;
    match &event.outcome {
        CommitOutcome::Made { .. } | CommitOutcome::Unchanged => {}
        CommitOutcome::Failed { message: _ } => return Ok(()),
    }
    if let Work::Task(work) = state.work_mut(id)?
        && work.phase == TaskPhase::CodeCommit
    {
        work.phase = TaskPhase::Reviewing;
        state.make_due(id);
    }
    Ok(())
}

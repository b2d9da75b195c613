//! A task: coded, checked, committed, reviewed.
//!
//! | phase | event | next |
//! | --- | --- | --- |
//! | coding | `ModelCallEnded` (an answer) | checking |
//! | checking | `ChecksEnded` (findings) | coding |
//! | checking | `ChecksEnded` (none) | wave, code commit or reviewing |
//! | wave | `ChecksEnded` (none for any task) | code commit or reviewing |
//! | wave | `ChecksEnded` (findings) | coding |
//! | code commit | `CommitEnded` | reviewing |
//! | reviewing | `ReviewGiven` | review commit, or the end |
//! | review commit | `CommitEnded` | the end, or another attempt |
//!
//! `StepTimedOut` may come in any phase: the attempt ends when the coder or reviewer would be
//! asked next.

use std::collections::BTreeMap;

use lao_event::{
    Attempt, CheckScope, Content, Event, Role, StepId,
    latest::{
        CommandReport, FailureKind, FailureReason, ModelCallEnded, ModelFailure, ModelOutcome,
        ReviewGiven, StartCause, StepDefinition, StepTimedOut, TaskDefinition, TodoItem, Verdict,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    command::Rejection,
    evolve::Inconsistency,
    flow, prompt,
    run::RunPhase,
    state::State,
    step::{self, StepStatus, Work},
    talk::{self, Ask, Call, Talk, TalkPhase},
};

/// A task under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskWork {
    /// What it is at.
    pub phase: TaskPhase,
    /// Why there is this attempt.
    pub cause: StartCause,
    /// The conversation with the coder.
    pub talk: Talk,
    /// The conversation with the reviewer.
    pub review: Talk,
    /// The time of this attempt is up.
    pub timed_out: bool,
    /// Rounds of findings in this attempt.
    pub check_rounds: u32,
    /// Reviewer answers of this attempt that could not be read.
    pub review_tries: u32,
    /// Files the task changed, over all attempts.
    pub files: BTreeMap<String, TaskFile>,
    /// The coder's to-do list.
    pub todo: Vec<TodoItem>,
    /// Commands were run, whose changes nobody announced.
    pub ran_commands: bool,
    /// The task's changes, as the verifier last saw them.
    pub diff: Content,
    /// The commands the verifier last ran.
    pub commands: Vec<CommandReport>,
    /// The reviews so far, over all attempts.
    pub reviews: Vec<ReviewGiven>,
}

/// A file that a task changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFile {
    /// Its content before the task; `None` where there was no file.
    pub base: Option<Content>,
}

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskPhase {
    /// The coder works on it.
    Coding,
    /// The verifier does, or will.
    Checking,
    /// It waits for the commands of its wave, or they run.
    Wave,
    /// Its code is being committed, or will be.
    CodeCommit,
    /// The reviewer looks at it.
    Reviewing,
    /// Its review is being committed, or will be.
    ReviewCommit,
}

impl Default for TaskWork {
    fn default() -> Self {
        Self {
            phase: TaskPhase::Coding,
            cause: StartCause::Ready,
            talk: Talk::default(),
            review: Talk::default(),
            timed_out: false,
            check_rounds: 0,
            review_tries: 0,
            files: BTreeMap::new(),
            todo: Vec::new(),
            ran_commands: false,
            diff: Content::empty(),
            commands: Vec::new(),
            reviews: Vec::new(),
        }
    }
}

impl TaskWork {
    /// The work of the next attempt, or of the first after a retry: what is in the workspace stays, the conversations do not.
    pub(crate) fn next_attempt(self, cause: StartCause) -> Self {
        let Self { files, ran_commands, reviews, .. } = self;
        Self { cause, files, ran_commands, reviews, ..Self::default() }
    }

    /// It is being coded or checked, so that its wave cannot run yet.
    pub(crate) fn is_coding(&self) -> bool {
        matches!(self.phase, TaskPhase::Coding | TaskPhase::Checking)
    }
}

impl State {
    /// What a task is to do.
    pub(crate) fn task_definition(&self, id: StepId) -> &TaskDefinition {
        match &self.at(id).definition {
            StepDefinition::Task(definition) => definition,
            StepDefinition::Planning { .. }
            | StepDefinition::Flow { .. }
            | StepDefinition::Item { .. } => unreachable!("only called on tasks"),
        }
    }

    /// A wave command is configured.
    pub(crate) fn has_wave_commands(&self) -> bool {
        let commands = &self.started().settings.verifier.commands;
        commands.iter().any(|command| command.scope == CheckScope::Wave)
    }

    /// Notes that the coder is done with a task, if it was the coder who answered.
    pub(crate) fn coder_answered(&mut self, id: StepId) {
        if let Ok(work) = self.task_mut(id)
            && work.phase == TaskPhase::Coding
        {
            work.phase = TaskPhase::Checking;
            self.index.checks.push_back(id);
        }
    }

    /// Moves a task whose checks are green to its commit or its review.
    pub(crate) fn checks_passed(&mut self, id: StepId) -> Result<(), crate::Inconsistency> {
        let git = self.started().settings.git.enabled;
        let work = self.task_mut(id)?;
        if git {
            work.phase = TaskPhase::CodeCommit;
            self.index.commits.push_back(id);
        } else {
            work.phase = TaskPhase::Reviewing;
            self.make_due(id);
        }
        Ok(())
    }
}

/// The next move of a task that is due: its coder or its reviewer is asked.
pub(crate) fn advance(state: &State, id: StepId) -> Event {
    let work = state.task(id).expect("a due task is under way");
    if work.timed_out {
        let message = "every attempt took longer than orchestration.task_time_limit_s".to_owned();
        let failure = (FailureReason::TimedOut, message);
        return step::again_or_fail(state, id, StartCause::TimedOut, failure);
    }
    match work.phase {
        TaskPhase::Coding => advance_coding(state, id),
        TaskPhase::Reviewing => crate::review::advance(state, id),
        TaskPhase::Checking | TaskPhase::Wave | TaskPhase::CodeCommit | TaskPhase::ReviewCommit => {
            unreachable!("a task in this phase waits in a queue and is not due")
        }
    }
}

fn advance_coding(state: &State, id: StepId) -> Event {
    let settings = &state.started().settings;
    let talk = &state.task(id).expect("checked by the caller").talk;
    let stuck = |message: String| {
        let failure = (FailureReason::CoderStuck, message);
        step::again_or_fail(state, id, StartCause::Stuck, failure)
    };
    let limits = &settings.limits;
    if talk.turns >= limits.turns_max {
        return stuck(format!("the coder was not done after {} answers", talk.turns));
    }
    if talk.repeats_itself(limits) {
        return stuck(format!("the coder made the same tool call {} times", talk.same_calls));
    }
    let role = settings.role(Role::Coder).expect("checked at the start");
    let TalkPhase::Due(ask) = &talk.phase else {
        unreachable!("a due task has something to ask");
    };
    let appended = match ask {
        Ask::First => prompt::coder(state, id, role),
        Ask::GoOn => Vec::new(),
        Ask::Truncated => vec![prompt::truncated(role.output_tokens_max)],
        Ask::Findings(findings) => vec![prompt::findings(findings)],
        Ask::Problems(problems) => vec![prompt::problems(problems)],
    };
    let tools_bytes: usize = settings
        .tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.len())
        .sum();
    let appended_bytes: u64 = appended.iter().map(prompt::size_bytes).sum();
    let prompt_bytes = talk.size_bytes + appended_bytes + tools_bytes as u64;
    if !talk::fits(role, prompt_bytes) {
        let message = format!(
            "the conversation of about {} tokens outgrew the coder's window of {} \
             (roles.coder.context_tokens)",
            prompt_bytes / talk::BYTES_PER_TOKEN,
            role.context_tokens
        );
        let failure = (FailureReason::CoderStuck, message);
        return step::again_or_fail(state, id, StartCause::WindowFull, failure);
    }
    talk::start(state, id, Call { role, appended, schema: None, tools: true })
}

/// The time of an attempt is up: an answer that is awaited is given up, and the attempt ends at
/// its next move. What writes or commits is waited for. The same holds for what is inside the step.
pub(crate) fn decide_time_up(
    state: &State,
    id: StepId,
    attempt: Attempt,
) -> Result<Vec<Event>, Rejection> {
    let run = state.run().ok_or(Rejection::NotStarted)?;
    if matches!(run.phase, RunPhase::Ended(_)) {
        return Err(Rejection::Ended);
    }
    let over = || Rejection::NotInAttempt(id);
    let step = state.step(id).ok_or_else(over)?;
    let timed_out = match &step.status {
        StepStatus::Running(Work::Task(work)) => work.timed_out,
        StepStatus::Running(Work::Flow(work)) => work.timed_out,
        StepStatus::Running(Work::Planning(_))
        | StepStatus::Pending
        | StepStatus::Parked(..)
        | StepStatus::Ended(_) => return Err(over()),
    };
    if step.attempt != attempt || timed_out || flow::pauses(state, id) {
        return Err(over());
    }
    let inside = flow::under_way_inside(state, id).into_iter();
    let inside = inside.filter(|inner| !state.flow(*inner).is_some_and(|work| work.timed_out));
    Ok(std::iter::once(id).chain(inside).flat_map(|id| time_is_up(state, id)).collect())
}

/// What ends with the time of an attempt.
fn time_is_up(state: &State, id: StepId) -> impl Iterator<Item = Event> + use<> {
    let attempt = state.at(id).attempt;
    let asked = state.talk(id).and_then(|(_, talk)| match talk.phase {
        TalkPhase::Calling(effect) => Some(effect),
        TalkPhase::Due(_) | TalkPhase::Tools | TalkPhase::Answered => None,
    });
    let given_up = asked.map(|effect| {
        let message = "the attempt took too long".to_owned();
        let failure = ModelFailure { kind: FailureKind::Aborted, message };
        let outcome = ModelOutcome::Failed(failure);
        ModelCallEnded { effect, outcome, failed_tries: Vec::new() }.into()
    });
    let acted = flow::acting(state, id).map(flow::action_timed_out);
    let timed_out: Event = StepTimedOut { step: id, attempt }.into();
    std::iter::once(timed_out).chain(given_up).chain(acted)
}

/// Notes that the time of an attempt is up.
pub(crate) fn evolve_timed_out(
    state: &mut State,
    event: &StepTimedOut,
) -> Result<(), Inconsistency> {
    match state.work_mut(event.step)? {
        Work::Task(work) => work.timed_out = true,
        Work::Flow(work) => {
            work.timed_out = true;
            if state.index.looking.remove(&event.step) {
                state.index.due.insert(event.step);
            }
        }
        Work::Planning(_) => {
            return Err(Inconsistency::new(format!("{} has no time limit", event.step)));
        }
    }
    Ok(())
}

/// What follows from a verdict.
pub(crate) fn after_verdict(state: &State, id: StepId, review: &ReviewGiven) -> Event {
    let failure = (
        FailureReason::NotApproved,
        format!("the reviewer did not approve the work: {}", review.summary),
    );
    match review.verdict {
        Verdict::Approved => step::succeeded(id),
        Verdict::Rework => step::again_or_fail(state, id, StartCause::Rework, failure),
        Verdict::Rejected => step::again_or_fail(state, id, StartCause::Rejected, failure),
    }
}

//! A step as people look at it.

use lao_event::{
    StepId,
    latest::{RunOutcome, StepDefinition, StepOutcome},
};
use lao_kernel::{
    FlowPhase, FlowWork, RunPhase, Step, StepStatus as Status, Talk, TalkPhase, TaskPhase, Work,
};
use lao_protocol::{StepStatus, StepView};

use super::RunView;

impl RunView {
    /// The steps in the order of addition.
    pub(super) fn step_views(&self) -> Vec<StepView> {
        self.steps().map(|(id, step)| self.view_of(id, step)).collect()
    }

    /// The steps, without those whose places others have taken.
    pub(super) fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        let steps = (0..).map(StepId).zip(self.state.steps());
        steps.filter(|(id, _)| !self.state.is_replaced(*id))
    }

    /// The keys of the steps.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.steps().map(|(_, step)| step.key.clone()).collect()
    }

    /// One step.
    pub(super) fn step_view(&self, id: StepId) -> Option<StepView> {
        let step = self.state.step(id)?;
        Some(self.view_of(id, step))
    }

    fn view_of(&self, id: StepId, step: &Step) -> StepView {
        let track = self.tracks.steps.get(id.0 as usize);
        let track = track.expect("tracks grow with the steps");
        StepView {
            key: step.key.clone(),
            title: step.title.clone(),
            kind: match &step.definition {
                StepDefinition::Planning { chunk: _ } => "planning".to_owned(),
                StepDefinition::Task(_) => "task".to_owned(),
                StepDefinition::Flow { .. } | StepDefinition::Item { .. } => {
                    self.state.spec(id).map_or("step", |spec| spec.action.kind()).to_owned()
                }
            },
            status: self.standing(step),
            activity: if self.is_left(step) { None } else { activity(step) },
            attempts: track.attempts,
            needs: step.needs.iter().map(|need| self.narrator.key(*need).into_owned()).collect(),
            failure: self.failure(id, step),
            findings: track.findings,
            files: track.files.iter().map(ToString::to_string).collect(),
            commits: track.commits.clone(),
            elapsed_ms: track.elapsed_ms(),
            detail: None,
        }
    }

    /// How a step stands.
    pub(super) fn standing(&self, step: &Step) -> StepStatus {
        match &step.status {
            _ if self.is_left(step) => StepStatus::Skipped,
            Status::Pending => StepStatus::Pending,
            Status::Running(_) => StepStatus::Running,
            Status::Parked(..) => StepStatus::Parked,
            Status::Ended(StepOutcome::Succeeded) => StepStatus::Succeeded,
            Status::Ended(StepOutcome::Failed { .. }) => StepStatus::Failed,
            Status::Ended(StepOutcome::Skipped(_)) => StepStatus::Skipped,
        }
    }

    /// Whether the run was cancelled before the step ended.
    pub(super) fn is_left(&self, step: &Step) -> bool {
        let phase = self.state.run().map(|run| &run.phase);
        let cancelled = matches!(phase, Some(RunPhase::Ended(RunOutcome::Cancelled)));
        cancelled && !matches!(step.status, Status::Ended(_))
    }
}

/// What a step under way is doing: `coding, turn 3`.
fn activity(step: &Step) -> Option<String> {
    let Status::Running(work) = &step.status else {
        return None;
    };
    Some(match work {
        Work::Planning(work) if work.planned => "committing the tasks".to_owned(),
        Work::Planning(work) => turn("planning", &work.talk),
        Work::Task(work) => match work.phase {
            TaskPhase::Coding => turn("coding", &work.talk),
            TaskPhase::Checking => "checking".to_owned(),
            TaskPhase::Wave => "waiting for the checks of the whole project".to_owned(),
            TaskPhase::CodeCommit => "committing the code".to_owned(),
            TaskPhase::Reviewing => turn("reviewing", &work.review),
            TaskPhase::ReviewCommit => "committing the review".to_owned(),
        },
        Work::Flow(work) => flow_activity(work, step),
    })
}

/// What a step of a workflow is doing.
fn flow_activity(work: &FlowWork, step: &Step) -> String {
    match &work.phase {
        FlowPhase::Begin | FlowPhase::Finishing => "looking around".to_owned(),
        FlowPhase::Talking => turn("asking", &work.talk),
        FlowPhase::Acting(_) => "at work".to_owned(),
        FlowPhase::Pausing(_) => "waiting before the next attempt".to_owned(),
        FlowPhase::Inside => match &step.inside {
            Some(inside) => format!("{} of {} done", inside.ended, inside.count),
            None => "at work".to_owned(),
        },
    }
}

/// Which answer a conversation is at, from its second on.
fn turn(doing: &str, talk: &Talk) -> String {
    let waits_for_answer = match &talk.phase {
        TalkPhase::Due(_) | TalkPhase::Calling(_) => 1,
        TalkPhase::Tools | TalkPhase::Answered => 0,
    };
    match talk.turns + waits_for_answer {
        0 | 1 => doing.to_owned(),
        turn => format!("{doing}, turn {turn}"),
    }
}

//! Why a step did not succeed, and the command that helps.

use lao_event::{
    QuestionId, StepId,
    latest::{ParkReason, SkipReason, StepOutcome},
};
use lao_kernel::{Step, StepStatus};
use lao_protocol::{FailureView, QuestionView};

use super::RunView;
use crate::reason;

impl RunView {
    /// Why a step failed, was skipped or is parked.
    pub(super) fn failure(&self, id: StepId, step: &Step) -> Option<FailureView> {
        match &step.status {
            _ if self.is_left(step) => Some(self.skipped(SkipReason::Cancelled)),
            StepStatus::Pending
            | StepStatus::Running(_)
            | StepStatus::Ended(StepOutcome::Succeeded) => None,
            StepStatus::Ended(StepOutcome::Failed { reason, message }) => Some(FailureView {
                kind: reason::failure_kind(*reason).to_owned(),
                message: message.clone(),
                next: (!self.state.is_tolerated(id)).then(|| self.retry(id)),
            }),
            StepStatus::Ended(StepOutcome::Skipped(reason)) => Some(self.skipped(*reason)),
            StepStatus::Parked(reason, _) => Some(self.parked(reason)),
        }
    }

    fn skipped(&self, reason: SkipReason) -> FailureView {
        match reason {
            SkipReason::UpstreamFailed { step } => {
                let key = self.narrator.key(step);
                FailureView {
                    kind: "upstream_failed".to_owned(),
                    message: format!("{key} failed"),
                    next: Some(self.retry(step)),
                }
            }
            SkipReason::ConditionFalse => FailureView {
                kind: "condition".to_owned(),
                message: "its condition is false".to_owned(),
                next: None,
            },
            SkipReason::NotNeeded => FailureView {
                kind: "not_needed".to_owned(),
                message: "the step it stands in for did not fail".to_owned(),
                next: None,
            },
            SkipReason::Cancelled => FailureView {
                kind: "cancelled".to_owned(),
                message: "the run was cancelled".to_owned(),
                next: None,
            },
        }
    }

    fn parked(&self, reason: &ParkReason) -> FailureView {
        match reason {
            ParkReason::Question { question } => FailureView {
                kind: "question".to_owned(),
                message: self
                    .question_text(*question)
                    .unwrap_or_else(|| format!("{question} waits for an answer")),
                next: Some(format!(
                    "lao answer {} {} {}",
                    self.short(),
                    question.0,
                    self.first_choice(*question)
                )),
            },
            ParkReason::CommitFailed { message } => FailureView {
                kind: "commit_failed".to_owned(),
                message: message.clone(),
                next: Some(format!("lao resume {}", self.short())),
            },
        }
    }

    /// The questions that wait for an answer.
    pub(super) fn questions(&self) -> Vec<QuestionView> {
        let view = |(question, step, _, subject): (QuestionId, StepId, _, &_)| QuestionView {
            question: question.0,
            step: self.narrator.key(step).into_owned(),
            text: reason::question(subject),
            choices: reason::choices(subject).map(str::to_owned).to_vec(),
        };
        self.state.questions().map(view).collect()
    }

    fn question_text(&self, wanted: QuestionId) -> Option<String> {
        self.state
            .questions()
            .find(|(question, ..)| *question == wanted)
            .map(|(_, _, _, subject)| reason::question(subject))
    }

    fn first_choice(&self, wanted: QuestionId) -> &'static str {
        let mut questions = self.state.questions();
        let found = questions.find(|(question, ..)| *question == wanted);
        found.map_or("rerun", |(_, _, _, subject)| reason::choices(subject)[0])
    }

    /// Of a step inside others, the outermost is retried.
    fn retry(&self, id: StepId) -> String {
        let key = self.narrator.key(self.state.outer_steps(id).last().unwrap_or(id));
        format!("lao retry {} --step {key}", self.short())
    }

    /// The part of the run's id that people type.
    fn short(&self) -> &str {
        let id = self.run.as_str();
        id.rsplit('-').next().unwrap_or(id)
    }
}

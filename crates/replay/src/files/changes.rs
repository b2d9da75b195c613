//! Changes of files, read out of events in their order.
//!
//! | event | tells |
//! | --- | --- |
//! | `FileWriteStarted` | how the file stood before: the run's own doing, or somebody else's |
//! | `FileWriteEnded` (written) | the file is as the call wanted it |
//! | `ActionStarted`, `ActionEnded` (of a write) | the same of a workflow's step |
//! | `CommitEnded` (made) | the files of the trail are there |

use std::collections::BTreeMap;

use lao_event::{
    Attempt, CallId, Content, EffectId, Event, Hash, StepId,
    latest::{
        Action, ActionEnded, ActionOutcome, ActionStarted, Before, CommitEnded, CommitOutcome,
        FileWriteEnded, FileWriteOutcome, TrailFile,
    },
};
use lao_history::Recorded;

use super::FilesError;

/// Who made a file what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenBy {
    /// It stood there when the run first touched it, with the event at this position.
    BeforeRun {
        /// The event that found it.
        seen: u64,
    },
    /// Neither: somebody else, or a command, changed it between two writes of the run.
    Elsewhere {
        /// The event that found it.
        seen: u64,
    },
    /// A tool call of a model.
    Call(CallWrite),
    /// A step of a workflow.
    Step {
        /// Position of the event that says so.
        seq: u64,
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: Attempt,
    },
    /// A commit of the run, whose trail it belongs to.
    Trail {
        /// Position at which the commit was made.
        seq: u64,
        /// The step it belongs to.
        step: StepId,
    },
}

/// A tool call that wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallWrite {
    /// Position from which on the file was as the call wanted it.
    pub seq: u64,
    /// The step whose model asked.
    pub step: StepId,
    /// The attempt at it.
    pub attempt: Attempt,
    /// The call.
    pub call: CallId,
}

/// A file became something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The event that tells.
    pub(crate) seq: u64,
    /// Relative to the workspace.
    pub(crate) path: String,
    /// What it became; `None` for no file.
    pub(crate) content: Option<Content>,
    pub(crate) by: WrittenBy,
}

/// A write under way.
struct Write {
    path: String,
    after: Option<Content>,
    step: StepId,
    attempt: Attempt,
    /// The tool call; `None` where a step of a workflow writes.
    call: Option<CallId>,
}

/// Follows the files of a run.
#[derive(Default)]
pub(crate) struct Changes {
    attempts: BTreeMap<StepId, Attempt>,
    writes: BTreeMap<EffectId, Write>,
    commits: BTreeMap<EffectId, (StepId, Vec<TrailFile>)>,
    /// Every file the run touched, with the hash of what it is.
    held: BTreeMap<String, Option<Hash>>,
}

impl Changes {
    /// What an event changed. Events must come in their order, from the first on.
    pub(crate) fn of(&mut self, recorded: &Recorded) -> Result<Vec<Change>, FilesError> {
        let seq = recorded.seq;
        Ok(match &recorded.event {
            Event::StepStarted(started) => {
                self.attempts.insert(started.step, started.attempt);
                Vec::new()
            }
            Event::FileWriteStarted(started) => {
                let write = Write {
                    path: started.path.clone(),
                    after: started.after.clone(),
                    step: started.step,
                    attempt: self.attempt(started.step),
                    call: Some(started.call),
                };
                self.write_started(seq, (started.effect, write), &started.before)?
            }
            Event::ActionStarted(started) => self.action_started(seq, started)?,
            Event::ActionEnded(ended) => self.action_ended(seq, ended),
            Event::FileWriteEnded(ended) => self.write_ended(seq, ended),
            Event::CommitStarted(started) => {
                if !started.trail.is_empty() {
                    self.commits.insert(started.effect, (started.step, started.trail.clone()));
                }
                Vec::new()
            }
            Event::CommitEnded(ended) => self.commit_ended(seq, ended),
            Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunForked(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_)
            | Event::StepsAdded(_)
            | Event::StepEnded(_)
            | Event::StepParked(_)
            | Event::StepRetried(_)
            | Event::AnswerRejected(_)
            | Event::StepTimedOut(_)
            | Event::ModelCallStarted(_)
            | Event::ModelCallEnded(_)
            | Event::ToolDecided(_)
            | Event::ToolCallStarted(_)
            | Event::ToolCallEnded(_)
            | Event::CommandStarted(_)
            | Event::CommandEnded(_)
            | Event::TodoSet(_)
            | Event::ChecksStarted(_)
            | Event::ChecksEnded(_)
            | Event::ReviewGiven(_)
            | Event::WorkspaceStarted(_)
            | Event::WorkspaceEnded(_)
            | Event::StepLooked(_)
            | Event::OutputSet(_)
            | Event::QuestionAsked(_)
            | Event::QuestionAnswered(_)
            | Event::EffectsLost(_) => Vec::new(),
        })
    }

    /// The files that are being written: how they stand is not known.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &str> {
        self.writes.values().map(|write| write.path.as_str())
    }

    fn action_started(
        &mut self,
        seq: u64,
        started: &ActionStarted,
    ) -> Result<Vec<Change>, FilesError> {
        let Action::Write { path, before, after } = &started.action else {
            return Ok(Vec::new());
        };
        let write = Write {
            path: path.clone(),
            after: Some(after.clone()),
            step: started.step,
            attempt: self.attempt(started.step),
            call: None,
        };
        self.write_started(seq, (started.effect, write), before)
    }

    fn action_ended(&mut self, seq: u64, ended: &ActionEnded) -> Vec<Change> {
        match &ended.outcome {
            ActionOutcome::Done { .. } => self.written(seq, ended.effect),
            ActionOutcome::Failed { .. } => {
                self.writes.remove(&ended.effect);
                Vec::new()
            }
        }
    }

    fn write_started(
        &mut self,
        seq: u64,
        (effect, write): (EffectId, Write),
        before: &Before,
    ) -> Result<Vec<Change>, FilesError> {
        let path = write.path.clone();
        self.writes.insert(effect, write);
        let found = before.hash();
        let by = match self.held.insert(path.clone(), found) {
            Some(held) if held == found => return Ok(Vec::new()),
            Some(_) => WrittenBy::Elsewhere { seen: seq },
            None => WrittenBy::BeforeRun { seen: seq },
        };
        let content = match before {
            Before::Absent => None,
            Before::Kept(content) => Some(content.clone()),
            Before::Known { hash: _ } => return Err(FilesError::NotKept { seq, path }),
        };
        Ok(vec![Change { seq, path, content, by }])
    }

    fn write_ended(&mut self, seq: u64, ended: &FileWriteEnded) -> Vec<Change> {
        match &ended.outcome {
            FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten => {
                self.written(seq, ended.effect)
            }
            FileWriteOutcome::Conflict { found: _ } | FileWriteOutcome::Failed { message: _ } => {
                self.writes.remove(&ended.effect);
                Vec::new()
            }
        }
    }

    /// A write was done.
    fn written(&mut self, seq: u64, effect: EffectId) -> Vec<Change> {
        let Some(Write { path, after, step, attempt, call }) = self.writes.remove(&effect) else {
            return Vec::new();
        };
        self.held.insert(path.clone(), after.as_ref().map(Content::hash));
        let by = match call {
            Some(call) => WrittenBy::Call(CallWrite { seq, step, attempt, call }),
            None => WrittenBy::Step { seq, step, attempt },
        };
        vec![Change { seq, path, content: after, by }]
    }

    fn attempt(&self, step: StepId) -> Attempt {
        self.attempts.get(&step).copied().unwrap_or(Attempt(1))
    }

    fn commit_ended(&mut self, seq: u64, ended: &CommitEnded) -> Vec<Change> {
        let Some((step, trail)) = self.commits.remove(&ended.effect) else {
            return Vec::new();
        };
        match &ended.outcome {
            CommitOutcome::Made { id: _ } => {}
            CommitOutcome::Unchanged | CommitOutcome::Failed { message: _ } => return Vec::new(),
        }
        let mut changes = Vec::with_capacity(trail.len());
        for TrailFile { path, content } in trail {
            let hash = Some(content.hash());
            if self.held.insert(path.clone(), hash) != Some(hash) {
                let by = WrittenBy::Trail { seq, step };
                changes.push(Change { seq, path, content: Some(content), by });
            }
        }
        changes
    }
}

//! What a view keeps besides the kernel's state: times, totals, and what steps leave behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lao_event::{
    EffectId, Event, Role, StepId,
    latest::{
        ActionEnded, ActionOutcome, ChecksEnded, CommitEnded, CommitOutcome, FileWriteEnded,
        FileWriteOutcome, ModelCallEnded, ModelOutcome,
    },
};
use lao_history::Recorded;
use lao_protocol::{CommitView, RoleTotals};
use serde::{Deserialize, Serialize};

use crate::narrator::{EffectNoteKind, Narrator};

const NS_PER_MS: u64 = 1_000_000;

/// The tracks of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tracks {
    /// Wall clock of the first event, milliseconds since 1970.
    pub first_ms: i64,
    /// Wall clock of the last one.
    pub last_ms: i64,
    /// Position of the last event.
    pub last_seq: u64,
    /// Steady clock of the last event, of the process that wrote it.
    last_ns: u64,
    /// Nanoseconds between events of the same process.
    active_ns: u64,
    /// By the number of the step.
    pub steps: Vec<StepTrack>,
    /// Totals per role.
    pub roles: BTreeMap<Role, RoleTrack>,
}

/// What one step leaves behind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct StepTrack {
    /// First and last event between its first start and its end, in nanoseconds that processes
    /// had worked on the run.
    span_ns: Option<(u64, u64)>,
    /// Attempts that began, before and after retries.
    pub attempts: u32,
    /// Findings of the verifier and of reviewers.
    pub findings: u32,
    /// Files it wrote or deleted.
    pub files: BTreeSet<Arc<str>>,
    /// Its commits.
    pub commits: Vec<CommitView>,
}

/// What one role used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RoleTrack {
    model: Arc<str>,
    calls: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    total_ms: u64,
}

impl RoleTrack {
    /// As clients see it.
    pub(super) fn totals(&self, role: Role) -> RoleTotals {
        let Self { model, calls, prompt_tokens, completion_tokens, total_ms } = self;
        RoleTotals {
            role: role.name().to_owned(),
            model: model.to_string(),
            calls: *calls,
            prompt_tokens: *prompt_tokens,
            completion_tokens: *completion_tokens,
            total_ms: *total_ms,
        }
    }
}

impl StepTrack {
    /// Milliseconds from the first start to the end, or to the last event; pauses in which no
    /// process worked on the run do not count.
    pub(super) fn elapsed_ms(&self) -> u64 {
        self.span_ns.map_or(0, |(from, to)| (to - from) / NS_PER_MS)
    }
}

impl Tracks {
    /// Milliseconds that processes worked on the run.
    pub(super) fn active_ms(&self) -> u64 {
        self.active_ns / NS_PER_MS
    }

    /// Notes an event that the narrator has noted.
    pub(super) fn note(&mut self, published: &Recorded, narrator: &Narrator) {
        self.note_time(published);
        let event = &published.event;
        if let Event::StepsAdded(added) = event {
            let count = self.steps.len() + added.steps.len();
            self.steps.resize_with(count, StepTrack::default);
            return;
        }
        self.note_span(published, narrator);
        match event {
            Event::StepStarted(event) => self.step(event.step, |step| step.attempts += 1),
            Event::ModelCallEnded(event) => self.note_call(event, narrator),
            Event::FileWriteEnded(event) => self.note_write(event, narrator),
            Event::ChecksEnded(event) => self.note_checks(event),
            Event::ReviewGiven(event) => {
                let found = count(event.findings.len());
                self.step(event.step, |step| step.findings += found);
            }
            Event::CommitEnded(event) => self.note_commit(event, narrator),
            Event::ActionEnded(event) => self.note_action(event, narrator),
            Event::StepLooked(_)
            | Event::ActionStarted(_)
            | Event::OutputSet(_)
            | Event::RunStarted(_)
            | Event::RunResumed(_)
            | Event::RunForked(_)
            | Event::RunStopping(_)
            | Event::RunStopped(_)
            | Event::RunEnded(_)
            | Event::StepsAdded(_)
            | Event::StepEnded(_)
            | Event::StepParked(_)
            | Event::StepRetried(_)
            | Event::StepTimedOut(_)
            | Event::AnswerRejected(_)
            | Event::ModelCallStarted(_)
            | Event::ToolDecided(_)
            | Event::ToolCallStarted(_)
            | Event::ToolCallEnded(_)
            | Event::FileWriteStarted(_)
            | Event::CommandStarted(_)
            | Event::CommandEnded(_)
            | Event::TodoSet(_)
            | Event::ChecksStarted(_)
            | Event::WorkspaceStarted(_)
            | Event::WorkspaceEnded(_)
            | Event::CommitStarted(_)
            | Event::QuestionAsked(_)
            | Event::QuestionAnswered(_)
            | Event::EffectsLost(_) => {}
        }
    }

    fn note_time(&mut self, published: &Recorded) {
        // A run that was branched off began there; what is before is another one's history.
        if matches!(published.event, Event::RunStarted(_) | Event::RunForked(_)) {
            self.first_ms = published.wall_ms;
        } else if !published.noted && !matches!(published.event, Event::RunResumed(_)) {
            // Nobody worked between the last event and a resume, or a word that was noted.
            let passed_ns = published.monotonic_ns.saturating_sub(self.last_ns);
            self.active_ns = self.active_ns.saturating_add(passed_ns);
        }
        self.last_ns = published.monotonic_ns;
        self.last_ms = published.wall_ms;
        self.last_seq = published.seq;
    }

    /// Stretches the time of the step that an event belongs to.
    fn note_span(&mut self, published: &Recorded, narrator: &Narrator) {
        let event = &published.event;
        let Some(id) = narrator.step_of(event) else {
            return;
        };
        let starts = matches!(event, Event::StepStarted(_));
        let now_ns = self.active_ns;
        self.step(id, |step| match &mut step.span_ns {
            Some((_, to_ns)) => *to_ns = now_ns,
            None if starts => step.span_ns = Some((now_ns, now_ns)),
            // A step that is skipped, or added others later, took no time.
            None => {}
        });
    }

    fn note_call(&mut self, event: &ModelCallEnded, narrator: &Narrator) {
        let Some(note) = narrator.effect(event.effect) else {
            return;
        };
        let EffectNoteKind::Model { role, model } = &note.kind else {
            return;
        };
        let track = self.roles.entry(*role).or_insert_with(|| RoleTrack {
            model: Arc::clone(model),
            calls: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_ms: 0,
        });
        track.model = Arc::clone(model);
        track.calls += 1;
        match &event.outcome {
            ModelOutcome::Answered(answer) => {
                track.prompt_tokens += answer.usage.prompt_tokens;
                track.completion_tokens += answer.usage.completion_tokens;
                track.total_ms += answer.timing.total_ms;
            }
            ModelOutcome::Failed(_) => {}
        }
    }

    fn note_write(&mut self, event: &FileWriteEnded, narrator: &Narrator) {
        match &event.outcome {
            FileWriteOutcome::Written | FileWriteOutcome::AlreadyWritten => {}
            FileWriteOutcome::Conflict { .. } | FileWriteOutcome::Failed { .. } => return,
        }
        let Some(note) = narrator.effect(event.effect) else {
            return;
        };
        if let (Some(id), EffectNoteKind::Write { path, .. }) = (note.step, &note.kind) {
            let path = Arc::clone(path);
            self.step(id, |step| {
                step.files.insert(path);
            });
        }
    }

    fn note_action(&mut self, event: &ActionEnded, narrator: &Narrator) {
        let Some(note) = narrator.effect(event.effect) else {
            return;
        };
        if let (
            ActionOutcome::Done { .. },
            Some(id),
            EffectNoteKind::Action { writes: Some(path), .. },
        ) = (&event.outcome, note.step, &note.kind)
        {
            let path = Arc::clone(path);
            self.step(id, |step| {
                step.files.insert(path);
            });
        }
    }

    fn note_checks(&mut self, event: &ChecksEnded) {
        for report in &event.reports {
            let found = count(report.findings.len());
            self.step(report.step, |step| step.findings += found);
        }
    }

    fn note_commit(&mut self, event: &CommitEnded, narrator: &Narrator) {
        let CommitOutcome::Made { id } = &event.outcome else {
            return;
        };
        if let Some((step, subject)) = commit_of(narrator, event.effect) {
            let commit = CommitView { id: id.clone(), subject: subject.to_string() };
            self.step(step, |step| step.commits.push(commit));
        }
    }

    /// Changes the track of a step. The kernel has seen to it that there is one.
    fn step(&mut self, id: StepId, change: impl FnOnce(&mut StepTrack)) {
        if let Some(step) = self.steps.get_mut(id.0 as usize) {
            change(step);
        }
    }
}

fn commit_of(narrator: &Narrator, effect: EffectId) -> Option<(StepId, &Arc<str>)> {
    let note = narrator.effect(effect)?;
    match &note.kind {
        EffectNoteKind::Commit { subject } => Some((note.step?, subject)),
        EffectNoteKind::Workspace
        | EffectNoteKind::Model { .. }
        | EffectNoteKind::Read { .. }
        | EffectNoteKind::Write { .. }
        | EffectNoteKind::Command { .. }
        | EffectNoteKind::Checks { .. }
        | EffectNoteKind::Action { .. } => None,
    }
}

/// A length as views have it.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

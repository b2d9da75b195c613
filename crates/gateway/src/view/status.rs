//! The run's status.

use lao_event::{
    WorkspaceSettings,
    latest::{Definition, RunOutcome, StopReason},
};
use lao_kernel::{PlanPhase, RunPhase, Step};
use lao_protocol::{ParentView, RunStatus, RunStatusCode, RunSummary, StepCounts, StepStatus};

use super::{Live, RunView};
use crate::reason;

/// Exit codes, as the command line documents them.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const CONFIGURATION: u8 = 3;
    pub(super) const FAILED: u8 = 4;
    pub(super) const PARKED: u8 = 5;
    pub(super) const CANCELLED: u8 = 6;
    pub(super) const SERVER: u8 = 7;
    pub(super) const LIMIT: u8 = 9;
    pub(super) const INTERRUPTED: u8 = 130;
}

impl RunView {
    /// The run as it stands; `live` is the process that works on it, where one does.
    pub fn status(&self, live: Option<Live>) -> RunStatus {
        let place = self.place();
        let steps = self.step_views();
        RunStatus {
            summary: self.summary(live),
            stopped_because: self.stopped_because(live),
            exit_code: self.exit_code(),
            workspace: place.workspace,
            branch: place.branch,
            repository: place.repository,
            commits: steps.iter().map(|step| length(step.commits.len())).sum(),
            findings: steps.iter().map(|step| step.findings).sum(),
            steps,
            in_flight: self.in_flight(),
            questions: self.questions(),
            roles: self.tracks.roles.iter().map(|(role, track)| track.totals(*role)).collect(),
            events: self.tracks.last_seq,
            active_ms: self.tracks.active_ms(),
        }
    }

    /// The run as it stood at a moment of its past, when a process was at work on it unless it says
    /// otherwise itself.
    pub fn status_then(&self) -> RunStatus {
        let mut status = self.status(Some(Live { pid: 0 }));
        status.summary.pid = None;
        status
    }

    /// The run on one line.
    pub fn summary(&self, live: Option<Live>) -> RunSummary {
        let definition = self.state.run().map(|run| &run.definition);
        RunSummary {
            run: self.run.as_str().to_owned(),
            kind: kind(definition).to_owned(),
            title: definition.map(|it| it.title().to_owned()).unwrap_or_default(),
            source: definition.map(|it| it.path().to_owned()).unwrap_or_default(),
            status: self.status_code(live),
            started_ms: self.tracks.first_ms,
            last_event_ms: self.tracks.last_ms,
            pid: live.map(|live| live.pid),
            tasks: self.tasks(),
            parent: self.state.run().and_then(|run| run.parent.as_ref()).map(parent),
        }
    }

    /// How the run stands.
    pub fn status_code(&self, live: Option<Live>) -> RunStatusCode {
        let Some(run) = self.state.run() else {
            return match live {
                Some(_) => RunStatusCode::Planning,
                None => RunStatusCode::Interrupted,
            };
        };
        match (&run.phase, live) {
            (RunPhase::Ended(RunOutcome::Succeeded), _) => RunStatusCode::Succeeded,
            (RunPhase::Ended(RunOutcome::Failed), _) => RunStatusCode::Failed,
            (RunPhase::Ended(RunOutcome::Cancelled), _) => RunStatusCode::Cancelled,
            (RunPhase::Stopped(StopReason::Parked), _) => RunStatusCode::Parked,
            (RunPhase::Stopped(_), _) | (RunPhase::Working | RunPhase::Stopping(_), None) => {
                RunStatusCode::Interrupted
            }
            (RunPhase::Stopping(_), Some(_)) => RunStatusCode::Stopping,
            (RunPhase::Working, Some(_)) if run.plan().is_none() => RunStatusCode::Running,
            (RunPhase::Working, Some(_)) => match self.state.plan_phase() {
                PlanPhase::Registered | PlanPhase::Planning => RunStatusCode::Planning,
                PlanPhase::Planned | PlanPhase::Running | PlanPhase::Done | PlanPhase::Failed => {
                    RunStatusCode::Running
                }
            },
        }
    }

    fn stopped_because(&self, live: Option<Live>) -> Option<String> {
        match (&self.state.run()?.phase, live) {
            (RunPhase::Working, None) => Some("its process ended before it could stop".to_owned()),
            (RunPhase::Working | RunPhase::Ended(_), _) => None,
            (RunPhase::Stopping(reason) | RunPhase::Stopped(reason), _) => {
                Some(reason::stop(reason))
            }
        }
    }

    fn exit_code(&self) -> u8 {
        let Some(run) = self.state.run() else {
            return exit::INTERRUPTED;
        };
        match &run.phase {
            RunPhase::Ended(RunOutcome::Succeeded) => exit::DONE,
            RunPhase::Ended(RunOutcome::Failed) => exit::FAILED,
            RunPhase::Ended(RunOutcome::Cancelled) => exit::CANCELLED,
            RunPhase::Working => exit::INTERRUPTED,
            RunPhase::Stopping(reason) | RunPhase::Stopped(reason) => stop_code(reason),
        }
    }

    /// The run's tasks, counted.
    fn tasks(&self) -> StepCounts {
        let mut counts = StepCounts::default();
        let counted = |step: &Step| step.is_task() || step.is_flow();
        for (_, step) in self.steps().filter(|(_, step)| counted(step)) {
            counts.total += 1;
            *slot(&mut counts, self.standing(step)) += 1;
        }
        counts
    }

    fn place(&self) -> Place {
        let settings = self.state.run().map(|run| &run.settings.workspace);
        match settings {
            None => Place::default(),
            Some(WorkspaceSettings::Folder { path }) => {
                Place { workspace: path.clone(), ..Place::default() }
            }
            Some(WorkspaceSettings::Worktree { path, repository, branch }) => Place {
                workspace: path.clone(),
                repository: Some(repository.clone()),
                branch: Some(branch.clone()),
            },
        }
    }
}

/// Where a run works.
#[derive(Default)]
struct Place {
    workspace: String,
    repository: Option<String>,
    branch: Option<String>,
}

/// What a run executes.
fn kind(definition: Option<&Definition>) -> &'static str {
    match definition {
        Some(Definition::Flow(_)) => "workflow",
        Some(Definition::Plan(_)) | None => "plan",
    }
}

const fn stop_code(reason: &StopReason) -> u8 {
    match reason {
        StopReason::Interrupted => exit::INTERRUPTED,
        StopReason::ServerUnreachable { .. } | StopReason::ModelMissing { .. } => exit::SERVER,
        StopReason::Parked => exit::PARKED,
        StopReason::EffectLostTooOften { .. } => exit::LIMIT,
        StopReason::WorkspaceUnusable { .. } => exit::CONFIGURATION,
        StopReason::Cancelled => exit::CANCELLED,
    }
}

fn slot(counts: &mut StepCounts, status: StepStatus) -> &mut u32 {
    match status {
        StepStatus::Pending => &mut counts.pending,
        StepStatus::Running => &mut counts.running,
        StepStatus::Parked => &mut counts.parked,
        StepStatus::Succeeded => &mut counts.succeeded,
        StepStatus::Failed => &mut counts.failed,
        StepStatus::Skipped => &mut counts.skipped,
    }
}

/// A length as views have it.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Where a run was branched off, as clients are told.
fn parent(parent: &lao_kernel::Parent) -> ParentView {
    ParentView { run: parent.run.to_string(), seq: parent.seq }
}

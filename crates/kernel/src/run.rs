//! The run's own life.
//!
//! | from | event | to |
//! | --- | --- | --- |
//! | nothing | `RunStarted` | working |
//! | working | `RunStopping` | stopping |
//! | stopping | `RunStopped` (nothing in flight) | stopped |
//! | working, stopping, stopped, ended | `RunResumed` | working |
//! | working, stopping (cancelled) | `RunEnded` | ended |
//! | any but cancelled | `RunForked` | stopped, as another run |
//!
//! A process that was killed leaves `working` or `stopping` behind; `RunResumed` says that
//! another one took over, and comes with `EffectsLost` for what was in flight.

use lao_event::{
    Content, EffectId, Event, RunId, Settings,
    latest::{
        Definition, EffectsLost, LossCause, NewStep, PlanDefinition, RunEnded, RunOutcome,
        RunResumed, RunStarted, RunStopped, RunStopping, StepDefinition, StepsAdded, StopReason,
        WorkspaceEnded, WorkspaceOutcome, WorkspaceStarted,
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    command::{Rejection, Retry, Start},
    evolve::Inconsistency,
    flow,
    outstanding::waits_for_workspace,
    question,
    state::{InFlight, InFlightKind, State},
    step,
};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its identity.
    pub id: RunId,
    /// The run it was branched off, if it was.
    pub parent: Option<Parent>,
    /// What it executes.
    pub definition: Definition,
    /// With which settings.
    pub settings: Settings,
    /// Source of everything that looks random.
    pub seed: u64,
    /// How it stands.
    pub phase: RunPhase,
    /// Where it works.
    pub workspace: Workspace,
}

/// Where a run was branched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The other run.
    pub run: RunId,
    /// Position of the last event that both have.
    pub seq: u64,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunPhase {
    /// It starts whatever may start.
    Working,
    /// It starts nothing new.
    Stopping(StopReason),
    /// Nothing is in flight; it can be resumed.
    Stopped(StopReason),
    /// It is over.
    Ended(RunOutcome),
}

/// The life of a plan, as its run's steps show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanPhase {
    /// The run exists.
    Registered,
    /// The planner is at work.
    Planning,
    /// There is at least one task, and none has begun.
    Planned,
    /// Tasks are under way.
    Running,
    /// Every task is done.
    Done,
    /// The run ended otherwise.
    Failed,
}

/// The folder a run works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Whether it is ready in this process.
    pub readiness: Readiness,
    /// The commit the run builds on, once known.
    pub base: Option<String>,
    /// What the user had not committed when the run began, once known.
    pub dirty: Option<Vec<String>>,
}

/// Whether the workspace is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    /// It must be made so.
    Due,
    /// It is being made so.
    Preparing,
    /// It is.
    Ready,
}

impl Workspace {
    /// It can be worked in.
    pub fn is_ready(&self) -> bool {
        self.readiness == Readiness::Ready
    }
}

impl Run {
    /// What people call it.
    pub fn title(&self) -> &str {
        self.definition.title()
    }

    /// The plan, if it executes one.
    pub fn plan(&self) -> Option<&PlanDefinition> {
        match &self.definition {
            Definition::Plan(plan) => Some(plan),
            Definition::Flow(_) => None,
        }
    }

    /// Effects may be started.
    pub fn is_working(&self) -> bool {
        matches!(self.phase, RunPhase::Working)
    }
}

impl State {
    /// The life of the plan.
    pub fn plan_phase(&self) -> PlanPhase {
        let Some(run) = &self.run else {
            return PlanPhase::Registered;
        };
        if let RunPhase::Ended(outcome) = run.phase {
            return match outcome {
                RunOutcome::Succeeded => PlanPhase::Done,
                RunOutcome::Failed | RunOutcome::Cancelled => PlanPhase::Failed,
            };
        }
        match self.steps.first() {
            Some(_) if self.index.unplanned == 0 && self.index.begun > 0 => PlanPhase::Running,
            Some(_) if self.index.unplanned == 0 => PlanPhase::Planned,
            Some(first) if first.attempt.0 > 0 => PlanPhase::Planning,
            Some(_) | None => PlanPhase::Registered,
        }
    }
}

pub(crate) fn decide_start(state: &State, start: Start) -> Result<Vec<Event>, Rejection> {
    use lao_event::Role;
    if state.run.is_some() {
        return Err(Rejection::AlreadyStarted);
    }
    let added = match &start.definition {
        Definition::Plan(plan) => {
            for role in [Role::Planner, Role::Coder, Role::Reviewer] {
                if start.settings.role(role).is_none() {
                    return Err(Rejection::RoleMissing(role));
                }
            }
            if plan.chunks.is_empty() {
                return Err(Rejection::NothingToDo);
            }
            vec![StepsAdded { by: None, steps: planning_steps(plan) }.into()]
        }
        Definition::Flow(_) => flow::added_at_start(&start.settings, start.steps)?,
    };
    let settings = settings_content(&start.settings)?;
    let started = RunStarted {
        run: start.run,
        program: start.program,
        definition: start.definition,
        settings,
        seed: start.seed,
    };
    Ok(std::iter::once(started.into()).chain(added).collect())
}

/// One step for each chunk of the plan, each needing the one before.
fn planning_steps(plan: &PlanDefinition) -> Vec<NewStep> {
    let count = plan.chunks.len();
    let step = |index: usize| {
        let number = u32::try_from(index).expect("a plan has fewer than 2^32 chunks");
        let (key, title) = if count == 1 {
            ("plan".to_owned(), "Plan the tasks".to_owned())
        } else {
            (
                format!("plan-{}", index + 1),
                format!("Plan the tasks of part {} of {count}", index + 1),
            )
        };
        NewStep {
            key,
            title,
            needs: number.checked_sub(1).map(lao_event::StepId).into_iter().collect(),
            definition: StepDefinition::Planning { chunk: number },
        }
    };
    (0..count).map(step).collect()
}

/// The most bytes of settings, which are never a blob: a run is folded without its blobs.
const SETTINGS_BYTES_MAX: usize = 256 * 1024;

pub(crate) fn settings_content(settings: &Settings) -> Result<Content, Rejection> {
    let text = serde_json::to_string(settings).expect("settings are plain JSON");
    if text.len() > SETTINGS_BYTES_MAX {
        return Err(Rejection::SettingsTooLarge {
            size_bytes: text.len(),
            size_bytes_max: SETTINGS_BYTES_MAX,
        });
    }
    Ok(Content::Inline(text))
}

pub(crate) fn decide_resume(
    state: &State,
    program: String,
    settings: Option<&Settings>,
    retry: Option<&Retry>,
) -> Result<Vec<Event>, Rejection> {
    let run = state.run.as_ref().ok_or(Rejection::NotStarted)?;
    match run.phase {
        RunPhase::Ended(RunOutcome::Cancelled) => return Err(Rejection::Ended),
        RunPhase::Ended(_) if retry.is_none() => return Err(Rejection::Ended),
        // A crash does not undo that a person cancelled the run: it is brought to its end.
        RunPhase::Stopping(StopReason::Cancelled) if retry.is_none() => {
            return Ok(lost_for_good(state));
        }
        RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Stopped(_) | RunPhase::Ended(_) => {}
    }
    let mut events: Vec<Event> =
        vec![RunResumed { program, settings: settings.map(settings_content).transpose()? }.into()];
    events.extend(lost_with_process(state, settings.unwrap_or(&run.settings)));
    if let Some(retry) = retry {
        events.extend(step::retried_by_resume(state, retry)?);
    }
    Ok(events)
}

/// What was under way when a process ended is lost, and what follows from that. Making the
/// workspace ready simply begins anew.
pub(crate) fn lost_with_process(state: &State, settings: &Settings) -> Vec<Event> {
    let is_workspace =
        |effect: &EffectId| matches!(state.in_flight[effect].kind, InFlightKind::Workspace);
    let under_way = state.index.under_way.iter();
    let effects: Vec<EffectId> =
        under_way.filter(|effect| !is_workspace(effect)).copied().collect();
    if effects.is_empty() {
        return Vec::new();
    }
    let about = question::about_lost(state, &effects, settings.on_unknown);
    let lost = EffectsLost { effects, cause: LossCause::ProcessEnded }.into();
    std::iter::once(lost).chain(about).collect()
}

/// Another process makes the workspace ready for itself.
pub(crate) fn forget_workspace(state: &mut State) -> Result<(), Inconsistency> {
    run_mut(state)?.workspace.readiness = Readiness::Due;
    state.in_flight.retain(|_, flight| !matches!(flight.kind, InFlightKind::Workspace));
    let in_flight = &state.in_flight;
    state.index.under_way.retain(|effect| in_flight.contains_key(effect));
    Ok(())
}

/// What was under way when the process of a cancelled run ended is not done again.
fn lost_for_good(state: &State) -> Vec<Event> {
    let effects: Vec<EffectId> = state.index.under_way.iter().copied().collect();
    let cause = LossCause::ProcessEnded;
    let lost = (!effects.is_empty()).then(|| EffectsLost { effects, cause }.into());
    lost.into_iter().collect()
}

pub(crate) fn decide_stop(state: &State) -> Result<Vec<Event>, Rejection> {
    let run = state.run.as_ref().ok_or(Rejection::NotStarted)?;
    match &run.phase {
        RunPhase::Working => Ok(vec![RunStopping { reason: StopReason::Interrupted }.into()]),
        RunPhase::Stopping(_) | RunPhase::Stopped(_) => Err(Rejection::Stopping),
        RunPhase::Ended(_) => Err(Rejection::Ended),
    }
}

/// A cancelled run is over at once: what is in flight is given up.
pub(crate) fn decide_cancel(state: &State) -> Result<Vec<Event>, Rejection> {
    let run = state.run.as_ref().ok_or(Rejection::NotStarted)?;
    match &run.phase {
        RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Stopped(_) => Ok(vec![
            RunStopping { reason: StopReason::Cancelled }.into(),
            RunEnded { outcome: RunOutcome::Cancelled }.into(),
        ]),
        RunPhase::Ended(_) => Err(Rejection::Ended),
    }
}

pub(crate) fn decide_workspace_ended(
    state: &State,
    effect: EffectId,
    outcome: WorkspaceOutcome,
) -> Result<Vec<Event>, Rejection> {
    match state.in_flight.get(&effect) {
        Some(InFlight { kind: InFlightKind::Workspace, .. }) => {}
        Some(_) | None => return Err(Rejection::UnknownEffect(effect)),
    }
    let stop = match &outcome {
        WorkspaceOutcome::Unusable { message } if state.started().is_working() => {
            Some(StopReason::WorkspaceUnusable { message: message.clone() })
        }
        WorkspaceOutcome::Unusable { .. } | WorkspaceOutcome::Ready { .. } => None,
    };
    let mut events: Vec<Event> = vec![WorkspaceEnded { effect, outcome }.into()];
    events.extend(stop.map(|reason| RunStopping { reason }.into()));
    Ok(events)
}

/// The event that follows when nothing is in flight while the run is stopping.
pub(crate) fn advance_stopping(reason: &StopReason) -> Event {
    match reason {
        StopReason::Cancelled => RunEnded { outcome: RunOutcome::Cancelled }.into(),
        StopReason::Interrupted
        | StopReason::ServerUnreachable { .. }
        | StopReason::ModelMissing { .. }
        | StopReason::Parked
        | StopReason::EffectLostTooOften { .. }
        | StopReason::WorkspaceUnusable { .. } => RunStopped { reason: reason.clone() }.into(),
    }
}

/// The event that follows when nothing is in flight and nothing may start.
pub(crate) fn advance_idle(state: &State) -> Event {
    if state.index.open == 0 {
        let outcome =
            if state.index.red.is_empty() { RunOutcome::Succeeded } else { RunOutcome::Failed };
        return RunEnded { outcome }.into();
    }
    assert!(
        !state.index.parked.is_empty(),
        "a run with open steps has something in flight, due, or parked"
    );
    RunStopping { reason: StopReason::Parked }.into()
}

pub(crate) fn evolve_started(state: &mut State, event: &RunStarted) -> Result<(), Inconsistency> {
    if state.run.is_some() {
        return Err(Inconsistency::new("the run started twice"));
    }
    state.run = Some(Run {
        id: event.run.clone(),
        parent: None,
        definition: event.definition.clone(),
        settings: read_settings(&event.settings)?,
        seed: event.seed,
        phase: RunPhase::Working,
        workspace: Workspace { readiness: Readiness::Due, base: None, dirty: None },
    });
    Ok(())
}

pub(crate) fn read_settings(content: &Content) -> Result<Settings, Inconsistency> {
    let text = content
        .inline()
        .ok_or_else(|| Inconsistency::new("the settings are too large to be in the event"))?;
    serde_json::from_str(text)
        .map_err(|error| Inconsistency::new(format!("the settings cannot be read: {error}")))
}

pub(crate) fn evolve_resumed(state: &mut State, event: &RunResumed) -> Result<(), Inconsistency> {
    let settings = event.settings.as_ref().map(read_settings).transpose()?;
    let run = run_mut(state)?;
    run.phase = RunPhase::Working;
    if let Some(settings) = settings {
        run.settings = settings;
    }
    forget_workspace(state)?;
    let goes_on = |flight: &InFlight| flight.waits_for.is_none();
    state.index.under_way = state
        .in_flight
        .iter()
        .filter(|(_, flight)| goes_on(flight))
        .map(|(effect, _)| *effect)
        .collect();
    step::unpark_failed_commits(state);
    Ok(())
}

pub(crate) fn evolve_stopping(state: &mut State, event: &RunStopping) -> Result<(), Inconsistency> {
    run_mut(state)?.phase = RunPhase::Stopping(event.reason.clone());
    if event.reason == StopReason::Cancelled {
        state.in_flight.clear();
        state.index.under_way.clear();
        state.questions.clear();
        state.index.checking = None;
        state.index.committing = None;
    }
    hold_back(state);
    Ok(())
}

/// What waits for a workspace that is not made ready any more waits for the next resume, and so
/// does what lets time pass in a run that stops.
fn hold_back(state: &mut State) {
    let under_way = &state.index.under_way;
    let working = state.run().is_some_and(Run::is_working);
    let goes_on = |effect: &&EffectId| {
        let held = !working && state.in_flight[*effect].kind.only_waits();
        !held && !waits_for_workspace(state, **effect)
    };
    state.index.under_way = under_way.iter().filter(goes_on).copied().collect();
}

pub(crate) fn evolve_stopped(state: &mut State, event: &RunStopped) -> Result<(), Inconsistency> {
    expect_nothing_under_way(state)?;
    run_mut(state)?.phase = RunPhase::Stopped(event.reason.clone());
    Ok(())
}

pub(crate) fn evolve_ended(state: &mut State, event: &RunEnded) -> Result<(), Inconsistency> {
    expect_nothing_under_way(state)?;
    run_mut(state)?.phase = RunPhase::Ended(event.outcome);
    Ok(())
}

fn expect_nothing_under_way(state: &State) -> Result<(), Inconsistency> {
    if state.index.under_way.is_empty() {
        Ok(())
    } else {
        Err(Inconsistency::new("the run stopped with effects under way"))
    }
}

pub(crate) fn evolve_workspace_started(
    state: &mut State,
    event: &WorkspaceStarted,
) -> Result<(), Inconsistency> {
    state.begin(event.effect, None, InFlightKind::Workspace)?;
    run_mut(state)?.workspace.readiness = Readiness::Preparing;
    Ok(())
}

pub(crate) fn evolve_workspace_ended(
    state: &mut State,
    event: &WorkspaceEnded,
) -> Result<(), Inconsistency> {
    state.end(event.effect)?;
    let workspace = &mut run_mut(state)?.workspace;
    match &event.outcome {
        WorkspaceOutcome::Ready { base, dirty } => {
            workspace.readiness = Readiness::Ready;
            // What the run itself left uncommitted before a crash is not the user's.
            if workspace.dirty.is_none() {
                workspace.base.clone_from(base);
                workspace.dirty = Some(dirty.clone());
            }
        }
        WorkspaceOutcome::Unusable { message: _ } => {
            workspace.readiness = Readiness::Due;
            hold_back(state);
        }
    }
    Ok(())
}

pub(crate) fn run_mut(state: &mut State) -> Result<&mut Run, Inconsistency> {
    state.run.as_mut().ok_or_else(|| Inconsistency::new("the run has not started"))
}

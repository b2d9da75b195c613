//! `lao fork` and `lao rerun`: a new run that begins with another one's events and goes on live.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use lao_cli::{
    CliError, ExitCode,
    args::{ChangeArgs, ForkArgs, GlobalArgs, ModelOverride, RerunArgs, RunSelector},
    render::{self, ForkReport, SettingChange},
};
use lao_event::{Event, Role, RunId, Settings, StepId, WorkspaceSettings, latest::RunOutcome};
use lao_gateway::{LABEL_PARENT, LABEL_SOURCE};
use lao_history::{RunFolder, Stamp};
use lao_journal::{Genesis, Manifest, Reader};
use lao_kernel::{Fork, RunPhase, State};
use lao_port::Clock;
use lao_replay::{ForkError, ForkPoint, NewRun, branch, field_differences, fork_point};

use super::resume::take_up;
use crate::{
    failure::view_failure, fork_place::Site, plan_run, project::Project, screen::Screen, secrets,
    settings_change, world::SystemClock,
};

pub(crate) async fn fork(
    global: &GlobalArgs,
    args: &ForkArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let at = match (args.at, args.run.at) {
        (Some(a), Some(b)) if a != b => {
            let message = format!("RUN@{b} and --at {a} are two positions");
            return Err(CliError::new(ExitCode::Usage, message).hint("give one of them"));
        }
        (at, named) => at.or(named),
    };
    let project = Project::find(global)?;
    let origin = Origin::open(&project, &args.run.run, at)?;
    if let (None, RunPhase::Ended(outcome)) = (at, origin.phase()) {
        let run = &origin.folder.run;
        let over = CliError::new(ExitCode::Usage, format!("run {run} is over: nothing follows"))
            .hint(format!("name an earlier event: `lao log {run}` shows them with their numbers"));
        return Err(match outcome {
            RunOutcome::Cancelled => over,
            RunOutcome::Succeeded | RunOutcome::Failed => {
                over.hint(format!("`lao rerun {run} --from STEP` does one step again"))
            }
        });
    }
    origin.branch_off(global, &project, (Vec::new(), &args.change), screen).await
}

pub(crate) async fn rerun(
    global: &GlobalArgs,
    args: &RerunArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let origin = Origin::open(&project, &args.run, None)?;
    let state = &origin.point.state;
    let step = state.step_by_key(&args.from).ok_or_else(|| {
        let own = state.steps().iter().filter(|step| step.parent.is_none());
        let keys: Vec<&str> = own.map(|step| step.key.as_str()).collect();
        let message = format!("run {} has no step {:?}", origin.folder.run, args.from);
        CliError::new(ExitCode::Usage, message).hint(format!("it has: {}", keys.join(", ")))
    })?;
    origin.branch_off(global, &project, (vec![step], &args.change), screen).await
}

/// A run, and where it is branched off.
struct Origin {
    folder: RunFolder,
    reader: Reader,
    point: ForkPoint,
    asked: Option<u64>,
}

impl Origin {
    fn open(project: &Project, run: &RunSelector, at: Option<u64>) -> Result<Self, CliError> {
        let folder = project.select(run)?;
        let reader = folder.reader().map_err(|error| view_failure(&error.into()))?;
        let point = fork_point(&reader, at).map_err(|error| fork_failure(&error, &folder))?;
        Ok(Self { asked: at.filter(|at| *at != point.seq), folder, reader, point })
    }

    fn phase(&self) -> &RunPhase {
        &self.run().phase
    }

    fn run(&self) -> &lao_kernel::Run {
        self.point.state.run().expect("a journal begins with its run")
    }

    /// Makes the new run's workspace, then its journal; then goes on, unless that is not wanted.
    async fn branch_off(
        self,
        global: &GlobalArgs,
        project: &Project,
        (redo, change): (Vec<StepId>, &ChangeArgs),
        screen: &mut Screen,
    ) -> Result<ExitCode, CliError> {
        let newest = project.list()?.pop().map(|folder| folder.run);
        let (run, _) = plan_run::new_run(newest.as_ref());
        let mut settings = changed_settings(global, project, change, &self.run().settings)?;
        secrets::check(&secrets::redactor(&project.config(global, &[], &[])?)?, &settings)?;
        let mut fork = Fork {
            run: run.clone(),
            parent: self.folder.run.clone(),
            seq: self.point.seq,
            head: self.point.head,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            settings: settings.clone(),
            redo,
        };
        // What may not be done is known before anything is made.
        let redone = redone(&self.point.state, &fork)
            .map_err(|error| fork_failure(&error.into(), &self.folder))?;
        let taken_back = with_inside(&self.point.state, &redone);
        let site = Site::new(project, &self.folder, (&self.reader, &self.point), &taken_back)?;
        let placed = site.make(&run, &settings.git)?;
        settings.workspace = placed.workspace.clone();
        fork.settings = settings;
        let report = self.report(&fork, &redone, placed.files);
        self.write(project, fork)?;
        screen.report(&report, render::fork);
        if change.no_run {
            return Ok(ExitCode::Done);
        }
        let folder = project.runs().run(&run);
        drop(self.reader);
        let config = project.config(global, &change.models, &[])?;
        take_up(global, project, &config, (folder, None), screen).await
    }

    fn write(&self, project: &Project, fork: Fork) -> Result<(), CliError> {
        let folder = project.runs().run(&fork.run);
        let parent = serde_json::json!({
            "run": fork.parent.as_str(),
            "seq": fork.seq,
            "head": fork.head.to_string(),
        });
        let started = serde_json::json!({ "program": fork.program, "parent": parent });
        let genesis = Genesis {
            run: fork.run.as_str().to_owned(),
            started: started.to_string().into_bytes(),
        };
        let clock = SystemClock::new();
        let title = self.run().title().to_owned();
        let mut manifest = Manifest::new(fork.run.to_string(), title, clock.wall_ms());
        manifest.other.insert(LABEL_PARENT.to_owned(), parent);
        let source = self.run().definition.path().to_owned();
        manifest.other.insert(LABEL_SOURCE.to_owned(), source.into());
        let stamp =
            Stamp { wall_ms: clock.wall_ms(), monotonic_ns: clock.monotonic_ns(), noted: true };
        let new = NewRun { folder: &folder.path, genesis: &genesis, manifest: &manifest, stamp };
        branch(&self.reader, &self.point, fork, new)
            .map_err(|error| fork_failure(&error, &self.folder))?;
        Ok(())
    }

    fn report(&self, fork: &Fork, redone: &BTreeSet<StepId>, files: u64) -> ForkReport {
        let (path, branch) = match &fork.settings.workspace {
            WorkspaceSettings::Folder { path } => (path.clone(), None),
            WorkspaceSettings::Worktree { path, repository: _, branch } => {
                (path.clone(), Some(branch.clone()))
            }
        };
        let key = |step: &StepId| {
            let step = self.point.state.step(*step);
            step.map(|step| step.key.clone()).unwrap_or_default()
        };
        ForkReport {
            run: fork.run.to_string(),
            parent: fork.parent.to_string(),
            at: fork.seq,
            asked: self.asked,
            workspace: path,
            branch,
            files,
            redone: redone.iter().map(key).collect(),
            changes: changes(&self.run().settings, &fork.settings),
        }
    }
}

/// Steps, and all that are or ever were inside them: whose files are taken back.
fn with_inside(state: &State, redone: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    let inside = |id: &StepId| state.outer_steps(*id).any(|outer| redone.contains(&outer));
    let ids = (0..).map(StepId).take(state.steps().len());
    redone.iter().copied().chain(ids.filter(inside)).collect()
}

/// The steps that are done again.
fn redone(state: &State, fork: &Fork) -> Result<BTreeSet<StepId>, lao_kernel::Rejection> {
    let decision =
        lao_kernel::note(&mut state.clone(), lao_kernel::Command::Fork(Box::new(fork.clone())))?;
    let redone = decision.events.into_iter().find_map(|event| {
        if let Event::RunForked(forked) = event { Some(forked.redone) } else { None }
    });
    Ok(redone.unwrap_or_default().into_iter().collect())
}

/// The settings of the run, with what the command line says otherwise.
fn changed_settings(
    global: &GlobalArgs,
    project: &Project,
    change: &ChangeArgs,
    base: &Settings,
) -> Result<Settings, CliError> {
    let plain = GlobalArgs { overrides: Vec::new(), ..global.clone() };
    let temperatures: Vec<String> = change
        .temperatures
        .iter()
        .flat_map(|set| {
            let roles: Vec<String> = match &set.role {
                Some(role) => vec![role.clone()],
                None => base.roles.iter().map(|role| role.role.name().to_owned()).collect(),
            };
            let line = |role: String| format!("roles.{role}.temperature={}", set.temperature);
            roles.into_iter().map(line).collect::<Vec<_>>()
        })
        .collect();
    let read = |global: &GlobalArgs, models: &[ModelOverride], flags: &[String]| {
        let config = project.config(global, models, flags)?;
        Ok::<_, CliError>(config.run_settings(base.workspace.clone(), base.tools.clone()))
    };
    let before = read(&plain, &[], &[])?;
    let after = read(global, &change.models, &temperatures)?;
    let mut settings = settings_change::carried_over(base, &before, &after);
    for prompt in &change.prompts {
        let file = prompt.file.display();
        let text = fs::read_to_string(&prompt.file).map_err(|error| {
            CliError::new(ExitCode::Usage, format!("cannot read {file}: {error}"))
        })?;
        let role = role(&settings, &prompt.role)?;
        let settings = settings.roles.iter_mut().filter(|it| it.role == role);
        settings.for_each(|settings| settings.instructions = Some(text.trim_end().to_owned()));
    }
    Ok(settings)
}

fn role(settings: &Settings, name: &str) -> Result<Role, CliError> {
    let roles: BTreeMap<&str, Role> =
        settings.roles.iter().map(|role| (role.role.name(), role.role)).collect();
    roles.get(name).copied().ok_or_else(|| {
        let known: Vec<&str> = roles.keys().copied().collect();
        CliError::new(ExitCode::Usage, format!("the run has no role {name:?}"))
            .hint(format!("it has: {}", known.join(", ")))
    })
}

/// Settings that differ, the workspace left out.
fn changes(before: &Settings, after: &Settings) -> Vec<SettingChange> {
    let (before, after) = (settings_change::by_role(before), settings_change::by_role(after));
    let found = field_differences(&before, &after).into_iter();
    found
        .filter(|it| !it.path.starts_with("workspace"))
        .map(|it| SettingChange {
            setting: it.path,
            before: it.first.unwrap_or_default(),
            after: it.second.unwrap_or_default(),
        })
        .collect()
}

fn fork_failure(error: &ForkError, folder: &RunFolder) -> CliError {
    let run = &folder.run;
    let code = match error {
        ForkError::OutOfRange { .. } | ForkError::Rejected(_) => ExitCode::Usage,
        ForkError::History(_) | ForkError::Restore(_) | ForkError::Chain(_) => {
            ExitCode::JournalUnavailable
        }
    };
    let failure = CliError::from_error(code, error);
    match error {
        ForkError::OutOfRange { .. } => {
            failure.hint(format!("`lao log {run}` shows the events with their numbers"))
        }
        ForkError::Rejected(lao_kernel::Rejection::Ended) => {
            failure.hint("it was cancelled there; name an event before that")
        }
        ForkError::Rejected(lao_kernel::Rejection::NotRedone(_)) => failure
            .hint(format!("`lao resume {run}` ends what is under way"))
            .hint(format!("`lao fork {run}@N` goes back to before the step")),
        ForkError::Rejected(_)
        | ForkError::History(_)
        | ForkError::Restore(_)
        | ForkError::Chain(_) => failure,
    }
}

/// The id of a new run, short, for names of folders and branches.
pub(crate) fn short(run: &RunId) -> &str {
    lao_cli::text::short_run(run.as_str())
}

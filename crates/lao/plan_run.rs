//! From a plan file to a run: found, read, matched with the runs there are, or made ready to start.

use std::{
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
};

use lao_cli::{CliError, ExitCode};
use lao_config::Config;
use lao_event::{
    Content, Hash, Role, RunId, Settings, WorkspaceSettings,
    latest::{Definition, PlanDefinition, RunOutcome},
};
use lao_gateway::{LABEL_PLAN_HASH, LABEL_SOURCE, offline};
use lao_history::RunFolder;
use lao_journal::Manifest;
use lao_kernel::{RunPhase, Start};
use lao_redact::Redactor;
use lao_repo::{Description, GitRepository};
use lao_runtime::outcome_word;
use lao_workflow::plan::{Plan, chunk_room_bytes, chunks, slug};

use crate::{
    failure::io_failure,
    project::{Project, STATE_FOLDER, absolute},
    world::wall_ms,
};

/// A plan file that was read.
pub(crate) struct PlanFile {
    /// Relative to the project where it lies in it.
    pub source: String,
    /// Name of the file without its ending.
    pub stem: String,
    pub plan: Plan,
    pub text: String,
}

impl PlanFile {
    /// Reads a plan.
    pub(crate) fn read(project: &Project, path: &Path) -> Result<Self, CliError> {
        let here = absolute(path)?;
        // What stands under `--project DIR` may be named as it is named there.
        let there = project.root.join(path);
        let whole = if !here.exists() && there.exists() { there } else { here };
        let shown = path.display();
        let bytes = fs::read(&whole).map_err(|error| {
            CliError::new(ExitCode::Usage, format!("cannot read the plan {shown}"))
                .caused_by(&error)
                .hint("`lao run` without a plan runs everything in the plans folder")
        })?;
        let text = String::from_utf8(bytes).map_err(|_| {
            CliError::new(ExitCode::Usage, format!("the plan {shown} is not UTF-8 text"))
        })?;
        let source = whole
            .strip_prefix(&project.root)
            .unwrap_or(&whole)
            .to_string_lossy()
            .replace('\\', "/");
        let plan = Plan::parse(&source, &text)
            .map_err(|error| CliError::new(ExitCode::Usage, error.to_string()))?;
        let stem = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { source, stem, plan, text })
    }
}

/// The plan files of the plans folder, by name; its README is none.
pub(crate) fn plan_files(project: &Project, config: &Config) -> Result<Vec<PathBuf>, CliError> {
    let folder = project.root.join(&config.paths.plans);
    let entries = fs::read_dir(&folder).map_err(|error| {
        CliError::new(ExitCode::Configuration, format!("cannot list {}", folder.display()))
            .caused_by(&error)
            .hint("`lao init` makes the folder; paths.plans in lao.toml names another")
    })?;
    let mut plans = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| io_failure("cannot list the plans", &error))?.path();
        if is_plan(&path) {
            plans.push(path);
        }
    }
    plans.sort();
    Ok(plans)
}

/// A Markdown file that is neither hidden nor a README.
fn is_plan(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let markdown = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md"));
    markdown && !name.starts_with('.') && name != "readme.md" && path.is_file()
}

/// What is known of earlier runs of the same text.
pub(crate) enum Earlier {
    /// There is none.
    None,
    /// It did not come to its end; a process may be at work on it.
    Unfinished(RunFolder),
    /// It ended.
    Ended(RunFolder, RunOutcome),
}

/// The newest run of a plan.
pub(crate) fn earlier_run(project: &Project, plan: &Plan) -> Result<Earlier, CliError> {
    labelled(project, LABEL_PLAN_HASH, &plan.hash)
}

/// The newest run whose manifest has this hash.
pub(crate) fn labelled(project: &Project, label: &str, hash: &Hash) -> Result<Earlier, CliError> {
    let hash = serde_json::Value::String(hash.to_string());
    for folder in project.list()?.into_iter().rev() {
        let Ok(manifest) = folder.manifest() else {
            continue;
        };
        if manifest.other.get(label) == Some(&hash) {
            let Some(outcome) = outcome(&folder) else {
                return Ok(Earlier::Unfinished(folder));
            };
            if manifest.sealed.is_none() {
                seal(&folder, manifest, outcome);
            }
            return Ok(Earlier::Ended(folder, outcome));
        }
    }
    Ok(Earlier::None)
}

/// Seals a run that a crash kept from it. Where that cannot be done, it is done the next time.
fn seal(folder: &RunFolder, mut manifest: Manifest, outcome: RunOutcome) {
    let head = folder.reader().ok().and_then(|reader| reader.head().ok());
    if let Some(head) = head {
        manifest.seal(head, outcome_word(outcome).to_owned());
        drop(manifest.write(&folder.path));
    }
}

/// How a run ended; none where it did not. The journal tells where the manifest has no seal: a
/// crash may have come between the last event and the seal.
pub(crate) fn outcome(folder: &RunFolder) -> Option<RunOutcome> {
    sealed(folder).or_else(|| {
        let view = offline::view(folder).ok()?;
        match view.state().run()?.phase {
            RunPhase::Ended(outcome) => Some(outcome),
            RunPhase::Working | RunPhase::Stopping(_) | RunPhase::Stopped(_) => None,
        }
    })
}

/// How a run ended, as the seal of its manifest says.
pub(crate) fn sealed(folder: &RunFolder) -> Option<RunOutcome> {
    let seal = folder.manifest().ok()?.sealed?;
    Some(match seal.outcome.as_str() {
        "succeeded" => RunOutcome::Succeeded,
        "cancelled" => RunOutcome::Cancelled,
        _ => RunOutcome::Failed,
    })
}

/// Where and how a plan's run works.
pub(crate) struct Placement {
    pub workspace: WorkspaceSettings,
    pub git: bool,
}

/// Decides where a plan's run works: the flag, the front matter, the configuration, else a
/// folder named after the plan.
pub(crate) fn place(
    project: &Project,
    config: &Config,
    plan: &PlanFile,
    flag: Option<&Path>,
) -> Result<Placement, CliError> {
    let git = config.git.enabled;
    let named = match (flag, &plan.plan.front_matter.workspace, &config.paths.workspace) {
        (Some(flag), _, _) => Some(absolute(flag)?),
        (None, Some(named), _) | (None, None, Some(named)) => {
            Some(project.root.join(expand_home(named)))
        }
        (None, None, None) => None,
    };
    let name = slug(&plan.stem);
    let Some(named) = named else {
        let name = if name == config.paths.plans { format!("{name}-work") } else { name };
        let path = project.root.join(name).display().to_string();
        return Ok(Placement { workspace: WorkspaceSettings::Folder { path }, git });
    };
    let path = named.display().to_string();
    if !git {
        return Ok(Placement { workspace: WorkspaceSettings::Folder { path }, git });
    }
    if !named.exists() {
        let message = format!("the workspace {path} does not exist");
        return Err(CliError::new(ExitCode::Configuration, message)
            .hint("name a repository that is there, or leave it out to work in a new folder"));
    }
    let described = GitRepository::new()
        .describe(&named)
        .map_err(|error| CliError::from_error(ExitCode::Configuration, &error))?;
    match described {
        Description::Repository { .. } => {
            let worktree = project.root.join(STATE_FOLDER).join("worktrees").join(&name);
            let workspace = WorkspaceSettings::Worktree {
                path: worktree.display().to_string(),
                repository: path,
                branch: format!("lao/{name}"),
            };
            Ok(Placement { workspace, git })
        }
        Description::NoRepository => Err(CliError::new(
            ExitCode::Configuration,
            format!("the workspace {path} is not the top of a git repository"),
        )
        .hint("make it one with `git init`, or work in the folder as it is with --no-git")),
    }
}

/// A path whose `~` is the user's home.
pub(crate) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        (Some(_) | None, _) => PathBuf::from(path),
    }
}

/// The settings of a run.
pub(crate) fn settings(config: &Config, placement: Placement) -> Settings {
    let tools = lao_tool::specs(config.tools.shell);
    let mut settings = config.run_settings(placement.workspace, tools);
    settings.git.enabled = placement.git;
    settings
}

/// How a plan's run begins, behind the newest there is: its id sorts there, even if the clock went
/// back.
///
/// Secrets are replaced before the text is cut into pieces: a piece of one would not be known.
pub(crate) fn start(
    plan: &PlanFile,
    newest: Option<&RunId>,
    settings: Settings,
    redactor: &Redactor,
) -> Start {
    let (run, random) = new_run(newest);
    Start {
        run,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        steps: Vec::new(),
        definition: Definition::Plan(PlanDefinition {
            title: plan.plan.title.clone(),
            path: plan.source.clone(),
            text: Content::Inline(plan.text.clone()),
            chunks: plan_chunks(&redactor.redact(&plan.plan.body), &settings),
        }),
        settings,
        seed: random,
    }
}

/// The id of a new run behind the newest there is, and a random number.
pub(crate) fn new_run(newest: Option<&RunId>) -> (RunId, u64) {
    let unix_ms = u64::try_from(wall_ms()).unwrap_or(0);
    let random = RandomState::new().hash_one((unix_ms, std::process::id()));
    (RunId::after(newest, unix_ms, tail_bits(unix_ms, random)), random)
}

/// Bits for the last part of a run's id: two digits of milliseconds, so that runs of one second
/// sort as they began, then three that differ.
fn tail_bits(unix_ms: u64, random: u64) -> u32 {
    let ms = unix_ms % 1000;
    let bits = (ms >> 5) | ((ms & 31) << 5) | ((random & 0x7fff) << 10);
    u32::try_from(bits).expect("25 bits")
}

/// The plan in pieces that fit the planner's window.
fn plan_chunks(body: &str, settings: &Settings) -> Vec<Content> {
    let room = settings
        .role(Role::Planner)
        .map_or(usize::MAX, |role| chunk_room_bytes(role.context_tokens, role.output_tokens_max));
    chunks(body, room).into_iter().map(|chunk| Content::Inline(chunk.text.to_owned())).collect()
}

/// What the manifest says of a plan's run, for listings and for finding it again.
pub(crate) fn labels(plan: &PlanFile) -> BTreeMap<String, serde_json::Value> {
    BTreeMap::from([
        (LABEL_PLAN_HASH.to_owned(), plan.plan.hash.to_string().into()),
        (LABEL_SOURCE.to_owned(), plan.source.clone().into()),
    ])
}

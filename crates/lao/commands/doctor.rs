//! `lao doctor`: server, models, git, disk, journal; each line with its cure.

use std::{fs, io, path::Path, time::Instant};

use lao_cli::{
    CliError, ExitCode,
    args::GlobalArgs,
    render::{self, DoctorLine, DoctorState},
};
use lao_config::{Config, ServerKind, Target};
use lao_event::Role;
use lao_model::ProbeError;
use lao_repo::GitRepository;

use super::prune;
use crate::{
    preflight,
    project::{Project, STATE_FOLDER},
    screen::Screen,
};

/// A disk sync that takes longer than this slows every run down.
const SYNC_MS_SLOW: u128 = 50;
/// How often the disk is tried; its best time counts, since others use it too.
const SYNC_TRIES: usize = 3;

pub(crate) async fn run(global: &GlobalArgs, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let config = project.config(global, &[], &[])?;
    let mut lines = vec![line(DoctorState::Ok, "config", "lao.toml is valid")];
    servers(&config, &mut lines).await?;
    roles(&config, &mut lines);
    lines.push(git(&project, &config));
    lines.push(disk(&project));
    lines.extend(journals(&project)?);
    lines.extend(size(&project, &config)?);
    screen.report_all(&lines, render::doctor);
    Ok(DoctorLine::exit_code(&lines))
}

fn line(state: DoctorState, subject: &str, message: impl Into<String>) -> DoctorLine {
    DoctorLine {
        state,
        subject: subject.to_owned(),
        message: message.into(),
        cure: None,
        code: ExitCode::Done,
    }
}

fn problem(subject: &str, message: impl Into<String>, cure: &str, code: ExitCode) -> DoctorLine {
    let cure = Some(cure.to_owned());
    DoctorLine { cure, code, ..line(DoctorState::Problem, subject, message) }
}

async fn servers(config: &Config, lines: &mut Vec<DoctorLine>) -> Result<(), CliError> {
    if config.endpoints.is_empty() {
        lines.push(problem(
            "server",
            "no endpoint is configured",
            "start a model server, remove lao.toml and run `lao init` again; or fill in [endpoints.*]",
            ExitCode::Configuration,
        ));
    }
    for (name, endpoint) in &config.endpoints {
        match &endpoint.target {
            Target::Scripted { script } => {
                let message = format!("{name}: plays the script {script}");
                lines.push(line(DoctorState::Ok, "server", message));
            }
            Target::Whisper => {
                let message = format!("{name}: the engine for speech on this machine");
                lines.push(line(DoctorState::Ok, "server", message));
            }
            Target::Server { kind: ServerKind::WhisperServer, address, .. } => {
                lines.push(match preflight::probe_speech(config, name).await? {
                    Ok(()) => {
                        let message = format!("{name}: whisper-server at {address}");
                        line(DoctorState::Ok, "server", message)
                    }
                    Err(error) => away(name, &error),
                });
            }
            Target::Server { address, .. } => {
                match preflight::probe_endpoint(config, name).await? {
                    Ok(probed) => {
                        let version = probed
                            .version
                            .as_ref()
                            .map_or(String::new(), |version| format!(" {version}"));
                        let models_there = match probed.models.len() {
                            1 => "1 model".to_owned(),
                            count => format!("{count} models"),
                        };
                        let message = format!(
                            "{name}: {}{version} at {address}, {models_there}",
                            probed.kind
                        );
                        lines.push(line(DoctorState::Ok, "server", message));
                        models(config, name, &probed, lines);
                    }
                    Err(error) => lines.push(away(name, &error)),
                }
            }
        }
    }
    Ok(())
}

fn away(endpoint: &str, error: &ProbeError) -> DoctorLine {
    let cure = "start it, or change its url in lao.toml";
    problem("server", format!("{endpoint}: {error}"), cure, ExitCode::ServerUnavailable)
}

/// Each role's model on a server that answers.
fn models(
    config: &Config,
    endpoint: &str,
    probed: &lao_model::Probed,
    lines: &mut Vec<DoctorLine>,
) {
    for settings in config.roles.values().filter(|role| role.endpoint == endpoint) {
        let known =
            probed.models.iter().find(|model| preflight::same_model(&model.name, &settings.model));
        let role = settings.role;
        let model = &settings.model;
        lines.push(match known {
            None => problem(
                "models",
                format!("{role}: {endpoint} does not have {model}"),
                "change the role's model in lao.toml, or add the model to the server",
                ExitCode::ServerUnavailable,
            ),
            Some(known) if known.cloud => problem(
                "models",
                format!("{role}: {model} runs on somebody else's machine"),
                "choose a model that runs locally",
                ExitCode::Configuration,
            ),
            Some(known) if known.context_tokens.is_some_and(|real| real < settings.context_tokens) => {
                DoctorLine {
                    cure: Some(format!(
                        "load the model with a larger window, or set roles.{role}.context_tokens lower"
                    )),
                    ..line(
                        DoctorState::Warning,
                        "models",
                        format!(
                            "{role}: {model} is loaded with a window of {} tokens, configured are {}",
                            known.context_tokens.unwrap_or_default(),
                            settings.context_tokens
                        ),
                    )
                }
            }
            Some(_) => line(DoctorState::Ok, "models", format!("{role}: {model}")),
        });
    }
}

/// The roles of plans. Who gives models to none of them, but to others, has workflows only.
fn roles(config: &Config, lines: &mut Vec<DoctorLine>) {
    let of_plans = [Role::Planner, Role::Coder, Role::Reviewer];
    let has_model = |role: &Role| config.role(*role).is_some();
    if !of_plans.iter().any(has_model) && Role::ALL.iter().any(has_model) {
        lines.push(DoctorLine {
            cure: Some("to run plans, fill in their sections under [roles] in lao.toml".to_owned()),
            ..line(
                DoctorState::Warning,
                "models",
                "planner, coder, reviewer: no model is set, so workflows run and plans do not",
            )
        });
        return;
    }
    for role in of_plans {
        if config.role(role).is_none() {
            lines.push(problem(
                "models",
                format!("{role}: no model is set"),
                "fill in its section under [roles] in lao.toml",
                ExitCode::Configuration,
            ));
        }
    }
}

fn git(project: &Project, config: &Config) -> DoctorLine {
    if !config.git.enabled {
        return line(DoctorState::Warning, "git", "no commits are made (git.enabled = false)");
    }
    match GitRepository::new().identity(&project.root, &config.git) {
        Ok(identity) => line(
            DoctorState::Ok,
            "git",
            format!("commits are made by {} <{}>", identity.name, identity.email),
        ),
        Err(error) => problem(
            "git",
            error.to_string(),
            "do one of these, or make no commits at all: git.enabled = false",
            ExitCode::Configuration,
        ),
    }
}

/// Writes and syncs a small file where the journals lie.
fn disk(project: &Project) -> DoctorLine {
    let folder = project.root.join(STATE_FOLDER);
    match best_sync_ms(&folder) {
        Ok(elapsed_ms) if elapsed_ms > SYNC_MS_SLOW => DoctorLine {
            cure: Some(
                "runs wait for the disk once for every effect; a local disk is faster".to_owned(),
            ),
            ..line(DoctorState::Warning, "disk", format!("a sync took {elapsed_ms} ms"))
        },
        Ok(elapsed_ms) => line(DoctorState::Ok, "disk", format!("a sync took {elapsed_ms} ms")),
        Err(error) => problem(
            "disk",
            format!("cannot write to {}: {error}", folder.display()),
            "make the folder writable and leave room on the disk",
            ExitCode::JournalUnavailable,
        ),
    }
}

fn best_sync_ms(folder: &Path) -> io::Result<u128> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(".doctor");
    let mut best_ms = u128::MAX;
    for _ in 0..SYNC_TRIES {
        let start = Instant::now();
        fs::File::create(&probe)?.sync_all()?;
        fs::remove_file(&probe)?;
        best_ms = best_ms.min(start.elapsed().as_millis());
    }
    Ok(best_ms)
}

/// Runs and blobs, where they have grown larger than the configuration wants.
fn size(project: &Project, config: &Config) -> Result<Option<DoctorLine>, CliError> {
    Ok(prune::too_large(project, &config.journal)?.map(|message| DoctorLine {
        cure: Some(prune::TOO_LARGE_CURE.to_owned()),
        ..line(DoctorState::Warning, "journal", message)
    }))
}

/// The journals that do not open, or whose last records are not proven.
fn journals(project: &Project) -> Result<Vec<DoctorLine>, CliError> {
    let runs = project.list()?;
    let mut lines = Vec::new();
    for run in &runs {
        match run.reader().and_then(|reader| Ok(reader.head()?)) {
            Ok(_) | Err(lao_journal::OpenError::Held { .. }) => {}
            Err(error) => lines.push(problem(
                "journal",
                format!("{}: {error}", run.run),
                "`lao journal check --deep` says what is affected",
                ExitCode::JournalUnavailable,
            )),
        }
    }
    if lines.is_empty() {
        let message = match runs.len() {
            0 => "no runs yet".to_owned(),
            1 => "1 run opens; `lao journal check --deep` reads it whole".to_owned(),
            count => format!("{count} runs open; `lao journal check --deep` reads them whole"),
        };
        lines.push(line(DoctorState::Ok, "journal", message));
    }
    Ok(lines)
}

//! What is looked at before a run begins, so that it does not fail hours later: models and git.

use std::{collections::BTreeMap, path::Path, time::Duration};

use lao_cli::{CliError, ExitCode};
use lao_config::{Config, Target};
use lao_event::{GitSettings, Role, RoleSettings, Settings};
use lao_model::{ProbeError, Probed, probe};
use lao_repo::GitRepository;

use crate::world;

/// How long a server may take to say what it is.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// The roles that a plan's run needs.
pub(crate) const PLAN_ROLES: [Role; 3] = [Role::Planner, Role::Coder, Role::Reviewer];

/// Every role of a plan has a model, and every server they name answers and has it.
pub(crate) async fn check_plan_models(config: &Config) -> Result<(), CliError> {
    check_plan_roles(config)?;
    let settings: Vec<&RoleSettings> = config.roles.values().collect();
    check_servers(config, &PLAN_ROLES, &settings).await
}

/// Every server that is named by the roles as a run has them, which may be other than the
/// configuration says, answers and has their models.
pub(crate) async fn check_settings(
    config: &Config,
    settings: &Settings,
    roles: &[Role],
) -> Result<(), CliError> {
    let settings: Vec<&RoleSettings> = settings.roles.iter().collect();
    check_servers(config, roles, &settings).await
}

/// Servers that play these roles answer and have their models.
pub(crate) async fn check_roles_of(
    config: &Config,
    settings: &[RoleSettings],
) -> Result<(), CliError> {
    let roles: Vec<Role> = settings.iter().map(|settings| settings.role).collect();
    check_servers(config, &roles, &settings.iter().collect::<Vec<_>>()).await
}

async fn check_servers(
    config: &Config,
    roles: &[Role],
    settings: &[&RoleSettings],
) -> Result<(), CliError> {
    let mut wanted: BTreeMap<&str, Vec<(Role, &str)>> = BTreeMap::new();
    for role in settings.iter().filter(|settings| roles.contains(&settings.role)) {
        let speech = role.role == Role::Transcriber;
        let target = config.endpoints.get(&role.endpoint).map(|endpoint| &endpoint.target);
        if matches!(target, Some(Target::Server { .. })) && !speech {
            wanted.entry(&role.endpoint).or_default().push((role.role, &role.model));
        }
    }
    let probes = wanted.keys().map(|name| probe_endpoint(config, name));
    let answers = futures_util::future::join_all(probes).await;
    for ((name, models), answer) in wanted.iter().zip(answers) {
        check_answer(name, models, answer?)?;
    }
    Ok(())
}

/// Every role of a plan has a model.
pub(crate) fn check_plan_roles(config: &Config) -> Result<(), CliError> {
    let missing = PLAN_ROLES.iter().filter(|role| config.role(**role).is_none());
    let missing: Vec<&str> = missing.map(|role| role.name()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("no model is set for: {}", missing.join(", "));
    Err(CliError::new(ExitCode::Configuration, message).hint(
        "start a model server, remove lao.toml and run `lao init` again; or fill in [roles.*]",
    ))
}

/// What answers at an endpoint.
pub(crate) async fn probe_endpoint(
    config: &Config,
    name: &str,
) -> Result<Result<Probed, ProbeError>, CliError> {
    let endpoint = world::server(name, &config.endpoints[name], config)?;
    Ok(probe(&endpoint.base_url, endpoint.api_key.as_deref(), PROBE_LIMIT).await)
}

/// Asks whisper.cpp's server whether it is there.
pub(crate) async fn probe_speech(
    config: &Config,
    name: &str,
) -> Result<Result<(), ProbeError>, CliError> {
    let endpoint = world::server(name, &config.endpoints[name], config)?;
    let key = endpoint.api_key.as_deref();
    Ok(lao_model::probe_whisper_server(&endpoint.base_url, key, PROBE_LIMIT).await)
}

fn check_answer(
    endpoint: &str,
    wanted: &[(Role, &str)],
    answer: Result<Probed, ProbeError>,
) -> Result<(), CliError> {
    let probed = match answer {
        Ok(probed) => probed,
        // It will be waited for: it is there.
        Err(ProbeError::Busy { .. }) => return Ok(()),
        Err(error) => {
            let message = format!("the model server {endpoint:?} cannot be used");
            return Err(CliError::new(ExitCode::ServerUnavailable, message)
                .caused_by(&error)
                .hint(format!("start the server, or change endpoints.{endpoint}.url in lao.toml"))
                .hint("`lao doctor` checks everything; `lao demo` needs no server"));
        }
    };
    for (role, model) in wanted {
        let found = probed.models.iter().find(|known| same_model(&known.name, model));
        match found {
            Some(known) if known.cloud => {
                let message =
                    format!("the model {model:?} of the {role} runs on somebody else's machine");
                return Err(CliError::new(ExitCode::Configuration, message)
                    .hint("choose a model that runs locally: LAO sends data nowhere else"));
            }
            Some(_) => {}
            None if probed.models.is_empty() => {}
            None => {
                let names: Vec<&str> =
                    probed.models.iter().map(|model| model.name.as_str()).collect();
                let message =
                    format!("{endpoint:?} does not have the model {model:?} of the {role}");
                return Err(CliError::new(ExitCode::ServerUnavailable, message)
                    .hint(format!("it has: {}", names.join(", ")))
                    .hint(format!(
                        "change roles.{role}.model in lao.toml, or add the model to the server"
                    )));
            }
        }
    }
    Ok(())
}

/// Ollama leaves `:latest` out where it can.
pub(crate) fn same_model(known: &str, wanted: &str) -> bool {
    let plain = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    plain(known) == plain(wanted)
}

/// Commits can be made: there is a name to make them under.
pub(crate) fn check_git(root: &Path, git: &GitSettings) -> Result<(), CliError> {
    if !git.enabled {
        return Ok(());
    }
    GitRepository::new().identity(root, git).map(drop).map_err(|error| {
        CliError::from_error(ExitCode::Configuration, &error)
            .hint("or make no commits at all: --no-git")
    })
}

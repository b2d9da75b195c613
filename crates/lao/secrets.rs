//! What a project keeps out of its runs: the values of variables, patterns, known shapes.

use lao_cli::{CliError, ExitCode};
use lao_config::Config;
use lao_event::Settings;
use lao_redact::{Redactor, Rules};

/// What replaces the secrets that the configuration names.
pub(crate) fn redactor(config: &Config) -> Result<Redactor, CliError> {
    let rules = Rules {
        known_shapes: config.secrets.known_shapes,
        values: values(config),
        patterns: config.secrets.patterns.clone(),
    };
    Redactor::new(rules).map_err(|error| CliError::from_error(ExitCode::Configuration, &error))
}

/// The values of the variables that the configuration names, by their names.
pub(crate) fn values(config: &Config) -> Vec<(String, String)> {
    config.secret_values(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
}

/// Settings go into the journal as they are, since commands are taken from there again; so there
/// must be no secret among them.
pub(crate) fn check(redactor: &Redactor, settings: &Settings) -> Result<(), CliError> {
    let text = serde_json::to_string(settings).expect("settings are texts and numbers");
    let Some(held) = redactor.held(text.as_bytes()) else {
        return Ok(());
    };
    let token = held.token;
    let message = format!(
        "the settings hold a secret ({token}), and what a run is told stays in its journal"
    );
    Err(CliError::new(ExitCode::Configuration, message)
        .hint("let the command read it from a file, or see [secrets] in docs/configuration.md"))
}

//! Who the commits are by.

use std::path::Path;

use git2::{Config, ErrorCode, Repository, Signature};
use lao_event::GitSettings;

use crate::{
    error::{IdentityError, OpenError},
    open::GlobalConfig,
};

/// Author and committer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Full name.
    pub name: String,
    /// Address.
    pub email: String,
}

impl Identity {
    pub(crate) fn signature(&self) -> Result<Signature<'static>, IdentityError> {
        Signature::now(&self.name, &self.email).map_err(|source| IdentityError::Refused {
            name: self.name.clone(),
            email: self.email.clone(),
            source,
        })
    }
}

/// The identity for a folder, whether it is a repository yet or not.
pub(crate) fn of_folder(
    global: &GlobalConfig,
    path: &Path,
    git: &GitSettings,
) -> Result<Identity, IdentityError> {
    match global.open(path) {
        Ok(repository) => of_repository(&repository, git),
        Err(OpenError::NotFound { .. }) => {
            resolve(&global.global().map_err(IdentityError::Config)?, git)
        }
        Err(error) => Err(error.into()),
    }
}

/// The identity for a repository.
pub(crate) fn of_repository(
    repository: &Repository,
    git: &GitSettings,
) -> Result<Identity, IdentityError> {
    let config = repository
        .config()
        .and_then(|mut config| config.snapshot())
        .map_err(IdentityError::Config)?;
    resolve(&config, git)
}

fn resolve(config: &Config, git: &GitSettings) -> Result<Identity, IdentityError> {
    let name = chosen(git.author_name.as_deref(), config, "user.name")?;
    let email = chosen(git.author_email.as_deref(), config, "user.email")?;
    match (name, email) {
        (Some(name), Some(email)) => Ok(Identity { name, email }),
        (name, email) => Err(IdentityError::Missing {
            missing: match (name, email) {
                (None, None) => "user.name and user.email are",
                (None, Some(_)) => "user.name is",
                (Some(_), _) => "user.email is",
            },
        }),
    }
}

fn chosen(
    setting: Option<&str>,
    config: &Config,
    key: &str,
) -> Result<Option<String>, IdentityError> {
    let filled = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    if let Some(value) = setting.and_then(filled) {
        return Ok(Some(value));
    }
    match config.get_string(key) {
        Ok(value) => Ok(filled(&value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(IdentityError::Config(error)),
    }
}

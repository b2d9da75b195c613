//! The project: its folder, its configuration, its runs.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ModelOverride, RunSelector},
};
use lao_config::{Config, FileLayer, Layers};
use lao_history::{FolderError, RunFolder, RunsFolder};

use crate::failure::io_failure;

/// Name of the configuration file.
pub(crate) const CONFIG_FILE: &str = "lao.toml";
/// Name of the folder with a project's state.
pub(crate) const STATE_FOLDER: &str = ".lao";

/// A folder with `lao.toml`.
pub(crate) struct Project {
    pub root: PathBuf,
    /// Where its workflows work: in its folder, or where a person is who is in no project.
    pub folder: PathBuf,
}

impl Project {
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { folder: root.clone(), root }
    }

    /// The project that is meant, or outside of any the user's own: the user's configuration
    /// folder, where there is a `lao.toml`. What is begun there works in the current folder.
    pub(crate) fn find(global: &GlobalArgs) -> Result<Self, CliError> {
        Self::here(global).or_else(|none| {
            let own = user_config_folder().filter(|root| root.join(CONFIG_FILE).is_file());
            match (own, env::current_dir()) {
                (Some(root), Ok(folder)) if global.project.is_none() => Ok(Self { root, folder }),
                _ => Err(none),
            }
        })
    }

    /// The project that the arguments or the current folder name: the nearest folder upwards
    /// with a `lao.toml`.
    pub(crate) fn here(global: &GlobalArgs) -> Result<Self, CliError> {
        if let Some(folder) = &global.project {
            let root = absolute(folder)?;
            return if root.join(CONFIG_FILE).is_file() {
                Ok(Self::at(root))
            } else {
                Err(no_project(&root))
            };
        }
        let here = env::current_dir()
            .map_err(|error| io_failure("cannot tell the current folder", &error))?;
        here.ancestors()
            .find(|folder| folder.join(CONFIG_FILE).is_file())
            .map(|root| Self::at(root.to_owned()))
            .ok_or_else(|| no_project(&here))
    }

    /// The folder from which files of workflows are named; `None` in no project.
    pub(crate) fn top(&self) -> Option<&Path> {
        (self.folder == self.root).then_some(self.root.as_path())
    }

    /// Its runs and texts.
    pub(crate) fn runs(&self) -> RunsFolder {
        RunsFolder::new(self.root.join(STATE_FOLDER))
    }

    /// Its settings from all layers.
    pub(crate) fn config(
        &self,
        global: &GlobalArgs,
        models: &[ModelOverride],
        more: &[String],
    ) -> Result<Config, CliError> {
        let project = self.root.join(CONFIG_FILE);
        let is_own = user_config_folder().is_some_and(|own| own == self.root);
        let flags = global
            .overrides
            .iter()
            .map(|set| format!("{}={}", set.key, set.value))
            .chain(models.iter().map(|set| format!("roles.{}.model={}", set.role, set.model)))
            .chain(more.iter().cloned())
            .collect();
        let layers = Layers {
            user: user_layer()?,
            project: (!is_own).then(|| file_layer(&project, CONFIG_FILE.to_owned())).transpose()?,
            environment: env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            flags,
        };
        Config::load(&layers)
            .map_err(|error| CliError::new(ExitCode::Configuration, error.to_string()))
    }

    /// The run that is meant, to be looked at: it may lie in a backup.
    pub(crate) fn select_any(&self, selector: &RunSelector) -> Result<RunFolder, CliError> {
        let newest = self.select_all(selector)?.pop();
        Ok(newest.expect("what is selected is at least one run"))
    }

    /// The run of this project that is meant.
    pub(crate) fn select(&self, selector: &RunSelector) -> Result<RunFolder, CliError> {
        if let Some(backup) = backup(selector) {
            let folder = backup.root().display();
            let message = format!("{folder} is a backup: this is done to a run of the project");
            let restore = format!("`cp -r {folder}/. .lao/` restores it");
            return Err(CliError::new(ExitCode::Usage, message).hint(restore));
        }
        let runs = self.list()?;
        let ids: Vec<&str> = runs.iter().map(|run| run.run.as_str()).collect();
        let hint =
            if runs.is_empty() { "`lao run PLAN` starts one" } else { "`lao runs` lists them" };
        let id = selector
            .resolve(&ids)
            .map_err(|error| CliError::from_error(ExitCode::Usage, &error).hint(hint))?;
        Ok(runs.iter().find(|run| run.run.as_str() == id).expect("resolved among them").clone())
    }

    /// The runs that are meant: one, or all of a backup.
    pub(crate) fn select_all(&self, selector: &RunSelector) -> Result<Vec<RunFolder>, CliError> {
        let Some(backup) = backup(selector) else {
            return Ok(vec![self.select(selector)?]);
        };
        let runs = backup.list().map_err(unreadable)?;
        if runs.is_empty() { Err(no_backup(backup.root())) } else { Ok(runs) }
    }

    /// Every run, oldest first.
    pub(crate) fn list(&self) -> Result<Vec<RunFolder>, CliError> {
        self.runs().list().map_err(unreadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn unreadable(error: FolderError) -> CliError {
    CliError::from_error(ExitCode::JournalUnavailable, &error)
}

/// The folder of a backup, where a path is typed in place of a run.
fn backup(selector: &RunSelector) -> Option<RunsFolder> {
    let RunSelector::Named(name) = selector else {
        return None;
    };
    let path = Path::new(name);
    let is_path = name.contains(std::path::MAIN_SEPARATOR) || name.starts_with('.');
    (is_path || path.join("runs").is_dir()).then(|| RunsFolder::new(path))
}

fn no_backup(folder: &Path) -> CliError {
    CliError::new(ExitCode::Usage, format!("there is no run in {}", folder.display()))
        .hint("a backup is a folder that `lao journal backup` made: it holds runs/ and blobs/")
}

/// Where a run's texts are: beside the runs among which it lies.
pub(crate) fn state_of(folder: &RunFolder) -> RunsFolder {
    let root = folder.path.parent().and_then(Path::parent);
    RunsFolder::new(root.expect("a run lies in a folder of runs"))
}

fn no_project(folder: &Path) -> CliError {
    CliError::new(
        ExitCode::Configuration,
        format!("no {CONFIG_FILE} in {} or above it", folder.display()),
    )
    .hint("`lao init` sets a project up here; `lao demo` shows one at work")
}

/// An absolute form of a path that need not exist.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path)
        .map_err(|error| io_failure(&format!("cannot resolve {}", path.display()), &error))
}

fn file_layer(path: &Path, shown: String) -> Result<FileLayer, CliError> {
    let text = fs::read_to_string(path).map_err(|error| {
        CliError::new(ExitCode::Configuration, format!("cannot read {}", path.display()))
            .caused_by(&error)
    })?;
    Ok(FileLayer { path: shown, text })
}

/// `lao.toml` of the user's configuration folder, if there is one.
fn user_layer() -> Result<Option<FileLayer>, CliError> {
    let Some(path) = user_config_folder().map(|folder| folder.join(CONFIG_FILE)) else {
        return Ok(None);
    };
    match path.try_exists() {
        Ok(true) => file_layer(&path, path.display().to_string()).map(Some),
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(io_failure(&format!("cannot look at {}", path.display()), &error)),
    }
}

/// `$XDG_CONFIG_HOME/lao`, else the platform's usual place.
pub(crate) fn user_config_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CONFIG_HOME")
        .or_else(|| set("APPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("lao"))
}

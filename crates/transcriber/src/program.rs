//! Where the worker program is.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::protocol::PROGRAM;

/// What builds the program.
const INSTALL: &str = "build it from LAO's source with `cargo install --path crates/whisper` \
                       (this needs cmake and a C++ compiler)";

/// Why there is no worker program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ProgramError {
    /// It is not where it was said to be.
    #[error("the program for speech to text is not at {}; {INSTALL}", path.display())]
    NotThere {
        /// Where it should be.
        path: PathBuf,
    },
    /// It is nowhere.
    #[error(
        "the program for speech to text, `{PROGRAM}`, is neither beside this one nor in PATH; \
         {INSTALL}"
    )]
    Nowhere,
}

/// The program: where it was said to be, else beside the running one, else in PATH.
pub(crate) fn find_program(configured: Option<&Path>) -> Result<PathBuf, ProgramError> {
    let beside = env::current_exe().ok();
    search(configured, beside.as_deref().and_then(Path::parent), env::var_os("PATH").as_deref())
}

fn search(
    configured: Option<&Path>,
    beside: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, ProgramError> {
    if let Some(configured) = configured {
        return if configured.is_file() {
            Ok(configured.to_owned())
        } else {
            Err(ProgramError::NotThere { path: configured.to_owned() })
        };
    }
    let file = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let beside = beside.map(Path::to_owned);
    // A folder without a root would be looked for in whatever folder this is.
    let in_path = path.into_iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute());
    let candidates = beside.into_iter().chain(in_path).map(|folder| folder.join(&file));
    candidates.into_iter().find(|program| program.is_file()).ok_or(ProgramError::Nowhere)
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::{ProgramError, search};

    #[test]
    fn the_nearest_program_is_found() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [beside, in_path] = folders.each_ref().map(tempfile::TempDir::path);
        let path = env::join_paths([beside.join("absent").as_path(), in_path]).unwrap();
        let find = || search(None, Some(beside), Some(&path));
        assert_eq!(find(), Err(ProgramError::Nowhere));
        let name = format!("lao-whisper{}", env::consts::EXE_SUFFIX);
        for folder in [in_path, beside] {
            fs::write(folder.join(&name), "").unwrap();
            assert_eq!(find(), Ok(folder.join(&name)));
        }
        let configured = in_path.join(&name);
        assert_eq!(search(Some(&configured), Some(beside), None), Ok(configured.clone()));
        fs::remove_file(&configured).unwrap();
        let gone = search(Some(&configured), Some(beside), Some(&path)).unwrap_err();
        assert!(gone.to_string().contains("cargo install --path crates/whisper"), "{gone}");
        assert!(ProgramError::Nowhere.to_string().contains("cmake"));
    }
}

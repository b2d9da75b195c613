//! Where a path of the run really lies: git stores a file under its own name, never through a
//! link, and nothing outside the work tree.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

use crate::error::CommitError;

/// The file that `path` leads to, links followed, relative to `root` (canonical) with `/`;
/// `None` when nothing is there.
pub(crate) fn of_file(root: &Path, path: &str) -> Result<Option<String>, CommitError> {
    let names = check(path)?;
    let failed = |source| CommitError::Io { path: root.join(path), source };
    match links(root, &names) {
        Links::None => Ok(Some(names.join("/"))),
        Links::Missing => Ok(None),
        Links::Some => match fs::canonicalize(root.join(path)) {
            Ok(real) => within(root, &real, path).map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(source) => Err(failed(source)),
        },
        Links::Unknown(source) => Err(failed(source)),
    }
}

/// The name `path` itself (a link there is not followed), relative to `root` (canonical) with
/// `/`; it may be missing, folders above it too.
pub(crate) fn of_name(root: &Path, path: &str) -> Result<String, CommitError> {
    let names = check(path)?;
    let (last, above) = names.split_last().expect("a checked path has a name");
    match links(root, above) {
        Links::None | Links::Missing => Ok(names.join("/")),
        Links::Some => {
            let mut whole = root.to_owned();
            whole.extend(above);
            match fs::canonicalize(&whole) {
                Ok(real) => within(root, &real.join(last), path),
                Err(error) if is_missing(&error) => Err(outside(path)),
                Err(source) => Err(CommitError::Io { path: whole, source }),
            }
        }
        Links::Unknown(source) => Err(CommitError::Io { path: root.join(path), source }),
    }
}

/// What stands in the way from the root to a file.
enum Links {
    /// Folders only.
    None,
    /// Folders, then nothing.
    Missing,
    /// A link.
    Some,
    /// It cannot be looked at.
    Unknown(io::Error),
}

fn links(root: &Path, names: &[&str]) -> Links {
    let mut reached = root.to_owned();
    for name in names {
        reached.push(name);
        match fs::symlink_metadata(&reached) {
            Ok(metadata) if metadata.is_symlink() => return Links::Some,
            Ok(_) => {}
            Err(error) if is_missing(&error) => return Links::Missing,
            Err(error) => return Links::Unknown(error),
        }
    }
    Links::None
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn outside(path: &str) -> CommitError {
    CommitError::Outside { path: path.to_owned() }
}

/// The names in a path, if it is one that stays where it is read.
fn check(path: &str) -> Result<Vec<&str>, CommitError> {
    let names: Option<Vec<&str>> = Path::new(path)
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str().filter(|name| !is_git(name)),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        })
        .collect();
    names.filter(|names| !names.is_empty()).ok_or_else(|| outside(path))
}

fn is_git(name: &str) -> bool {
    name.eq_ignore_ascii_case(".git")
}

fn within(root: &Path, real: &Path, path: &str) -> Result<String, CommitError> {
    let relative = real.strip_prefix(root).map_err(|_| outside(path))?;
    let relative = relative.to_str().ok_or_else(|| outside(path))?;
    Ok(check(relative).map_err(|_| outside(path))?.join("/"))
}

/// The work tree's folder as the system names it, links resolved.
pub(crate) fn root(path: &Path) -> Result<PathBuf, CommitError> {
    fs::canonicalize(path).map_err(|source| CommitError::Io { path: path.to_owned(), source })
}

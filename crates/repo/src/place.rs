//! Where a path of the run really lies: git stores a file under its own name, never through a
//! link, and nothing outside the work tree.

use std::{
    fs,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use crate::error::CommitError;

/// The file that `path` leads to, links followed, relative to `root` (canonical) with `/`;
/// `None` when nothing is there.
pub(crate) fn of_file(root: &Path, path: &str) -> Result<Option<String>, CommitError> {
    check(path)?;
    match fs::canonicalize(root.join(path)) {
        Ok(real) => within(root, &real, path).map(Some),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(CommitError::Io { path: root.join(path), source }),
    }
}

/// The name `path` itself (a link there is not followed), relative to `root` (canonical) with
/// `/`; it may be missing, folders above it too.
pub(crate) fn of_name(root: &Path, path: &str) -> Result<String, CommitError> {
    check(path)?;
    let whole = root.join(path);
    let mut above = whole.parent().unwrap_or(root);
    let mut real = fs::canonicalize(above);
    while let (Err(_), Some(parent)) = (&real, above.parent()) {
        above = parent;
        real = fs::canonicalize(above);
    }
    let real = real.map_err(|source| CommitError::Io { path: above.to_owned(), source })?;
    let rest = whole.strip_prefix(above).expect("a parent is a prefix");
    within(root, &real.join(rest), path)
}

fn outside(path: &str) -> CommitError {
    CommitError::Outside { path: path.to_owned() }
}

fn check(path: &str) -> Result<(), CommitError> {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !path.is_empty() { Ok(()) } else { Err(outside(path)) }
}

fn within(root: &Path, real: &Path, path: &str) -> Result<String, CommitError> {
    let relative = real.strip_prefix(root).map_err(|_| outside(path))?;
    let mut names = Vec::new();
    for part in relative.components() {
        match part.as_os_str().to_str() {
            Some(name) if !name.eq_ignore_ascii_case(".git") => names.push(name),
            Some(_) | None => return Err(outside(path)),
        }
    }
    if names.is_empty() {
        return Err(outside(path));
    }
    Ok(names.join("/"))
}

/// The work tree's folder as the system names it, links resolved.
pub(crate) fn root(path: &Path) -> Result<PathBuf, CommitError> {
    fs::canonicalize(path).map_err(|source| CommitError::Io { path: path.to_owned(), source })
}

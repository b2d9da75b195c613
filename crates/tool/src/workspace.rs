//! The folder a run works in, and paths that are known to stay inside it.
//!
//! ```text
//!   text of a model --Workspace::path--> WorkspacePath --read, replace--> the file itself,
//!                    (links resolved)                  (opened step by step, no link followed)
//! ```
//!
//! `.git` and `.lao` are out of bounds wherever they lie and however they are spelt.

mod path;
mod place;
mod write;

use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

pub use path::{PathError, WorkspacePath};
pub(crate) use path::{is_leftover, is_reserved};
pub use place::PlaceError;
pub use write::TEMP_PREFIX;

use crate::folder::{Entry, Folder};

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A folder that tools may work in.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// `root` with its own links resolved, once it exists.
    real_root: OnceLock<PathBuf>,
    /// Held between looking at a file and renaming over it.
    writing: Mutex<()>,
    /// Folders that were searched for leftovers of a crash since this value was made.
    swept: Mutex<BTreeSet<String>>,
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// A file with its bytes.
    File(Vec<u8>),
    /// A folder.
    Folder,
    /// A pipe, a socket, a device.
    Other,
}

impl Workspace {
    /// A workspace at an absolute path. The folder need not exist yet; it is looked at when a
    /// path is resolved.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            real_root: OnceLock::new(),
            writing: Mutex::new(()),
            swept: Mutex::new(BTreeSet::new()),
        }
    }

    /// The folder as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder with its own links resolved.
    ///
    /// # Errors
    /// `RootMissing` when it does not exist or cannot be reached.
    pub fn real_root(&self) -> Result<&Path, PathError> {
        if let Some(root) = self.real_root.get() {
            return Ok(root);
        }
        let root = self
            .root
            .canonicalize()
            .map_err(|source| PathError::RootMissing { root: self.root.clone(), source })?;
        Ok(self.real_root.get_or_init(|| root))
    }

    /// The folder that holds the path's last part, opened without following links.
    fn parent_of(&self, path: &WorkspacePath) -> io::Result<Folder> {
        let mut folder = self.open_root()?;
        for part in path.parent_parts() {
            folder = folder.enter(part)?;
        }
        Ok(folder)
    }

    fn open_root(&self) -> io::Result<Folder> {
        Folder::open(self.real_root().map_err(io::Error::other)?)
    }

    /// A folder of the workspace; `None` where there is none.
    pub(crate) fn folder(&self, path: &WorkspacePath) -> io::Result<Option<Folder>> {
        let opened = self.parent_of(path).and_then(|parent| match path.name() {
            Some(name) => parent.enter(name),
            None => Ok(parent),
        });
        match opened {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What lies at a path.
    pub(crate) fn entry(&self, path: &WorkspacePath) -> io::Result<Entry> {
        let Some(name) = path.name() else {
            return Ok(Entry::Folder);
        };
        match self.parent_of(path) {
            Ok(folder) => folder.entry(name),
            Err(error) if is_absence(&error) => Ok(Entry::Absent),
            Err(error) => Err(error),
        }
    }

    /// What lies at a path, with a file's bytes.
    pub(crate) fn read(&self, path: &WorkspacePath) -> io::Result<Found> {
        let Some(name) = path.name() else {
            return Ok(Found::Folder);
        };
        let folder = match self.parent_of(path) {
            Ok(folder) => folder,
            Err(error) if is_absence(&error) => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        match folder.entry(name)? {
            Entry::Absent => Ok(Found::Nothing),
            Entry::Folder => Ok(Found::Folder),
            Entry::Other => Ok(Found::Other),
            Entry::Link(_) => Err(io::Error::other("a link appeared in its place")),
            Entry::File => {
                let file = folder.open_file(name)?;
                let size = file.metadata()?.len();
                if size > FILE_BYTES_MAX {
                    return Err(io::Error::other(format!(
                        "it has {size} bytes, more than the {FILE_BYTES_MAX} that tools handle"
                    )));
                }
                let mut bytes = Vec::new();
                file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
                Ok(Found::File(bytes))
            }
        }
    }
}

/// Whether an error means that there is nothing at a path.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use lao_event::latest::FileWriteOutcome;

    use super::{Found, Workspace};

    #[test]
    fn a_link_that_appears_after_the_path_was_checked_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("file"), "secret").unwrap();
        for (victim, target) in
            [("sub", outside.path().to_owned()), ("sub/file", outside.path().join("file"))]
        {
            let place = tempfile::tempdir().unwrap();
            fs::create_dir(place.path().join("sub")).unwrap();
            let workspace = Workspace::new(place.path());
            let path = workspace.path("sub/file").unwrap();
            if victim == "sub" {
                fs::remove_dir(place.path().join("sub")).unwrap();
            }
            symlink(target, place.path().join(victim)).unwrap();

            let read = workspace.read(&path);
            assert!(!matches!(read, Ok(Found::File(_))), "{victim}: {read:?}");
            let outcome = workspace.replace(&path, None, Some("x"));
            assert!(matches!(outcome, FileWriteOutcome::Failed { .. }), "{victim}: {outcome:?}");
        }
        let kept = fs::read_to_string(outside.path().join("file")).unwrap();
        assert_eq!(kept, "secret");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_is_neither_read_nor_replaced() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let workspace = Workspace::new(place.path());
        let path = workspace.path("pipe").unwrap();
        assert_eq!(workspace.read(&path).unwrap(), Found::Other);
        let outcome = workspace.replace(&path, None, Some("x"));
        assert!(matches!(outcome, FileWriteOutcome::Failed { .. }), "{outcome:?}");
    }
}

//! Files put where a journal says: its paths are somebody else's words, and so are checked.

use std::io::{self, Write as _};

use super::{PathError, Workspace, WorkspacePath};

/// A file could not be put into a folder.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The path leads out of the folder, or is reserved.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It is written in another way than paths of a workspace are, or leads through a link.
    #[error("{asked:?} is not a plain path below the folder; it was not written")]
    NotPlain {
        /// The path.
        asked: String,
    },
    /// The system refuses.
    #[error("{path} cannot be written")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl Workspace {
    /// Writes a file below this folder, in place of one that is there; folders on the way are made.
    /// The path must be plain: no `..`, no link on the way, nothing reserved.
    ///
    /// # Errors
    /// A [`PlaceError`]; a file that was there is as it was.
    pub fn place(&self, asked: &str, bytes: &[u8]) -> Result<(), PlaceError> {
        let (path, name) = self.plain(asked)?;
        self.write_placed((&path, &name), bytes)
            .map_err(|source| PlaceError::Io { path: asked.to_owned(), source })
    }

    /// Removes a file below this folder, if there is one. The path must be plain as well.
    pub fn clear(&self, asked: &str) -> Result<(), PlaceError> {
        let (path, name) = self.plain(asked)?;
        match self.parent_of(&path).and_then(|folder| folder.remove_file(&name)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(PlaceError::Io { path: asked.to_owned(), source }),
        }
    }

    /// A path that is written as paths of a workspace are and leads through no link, and its name.
    fn plain(&self, asked: &str) -> Result<(WorkspacePath, String), PlaceError> {
        let path = self.path(asked)?;
        let not_plain = || PlaceError::NotPlain { asked: asked.to_owned() };
        let name = path.name().ok_or_else(not_plain)?.to_owned();
        if path.is_through_link() || path.to_string() != asked {
            return Err(not_plain());
        }
        Ok((path, name))
    }

    fn write_placed(&self, (path, name): (&WorkspacePath, &str), bytes: &[u8]) -> io::Result<()> {
        let mut folder = self.open_root()?;
        for part in path.parent_parts() {
            folder = folder.make(part)?;
        }
        let unfinished = super::write::unfinished_name();
        let written = folder
            .create_file(&unfinished)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| folder.rename(&unfinished, name));
        if written.is_err() {
            // What cannot be removed has a name that nobody reads.
            folder.remove_file(&unfinished).ok();
        }
        written
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{PlaceError, Workspace};

    #[test]
    fn files_are_put_below_the_folder_and_nowhere_else() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("folder");
        fs::create_dir(&folder).unwrap();
        symlink(outer.path(), folder.join("out")).unwrap();
        symlink("sub", folder.join("in")).unwrap();
        let workspace = Workspace::new(&folder);
        workspace.place("sub/deep/a.txt", b"one").unwrap();
        workspace.place("sub/deep/a.txt", &[0, 255]).unwrap();
        assert_eq!(fs::read(folder.join("sub/deep/a.txt")).unwrap(), [0, 255]);
        let absolute = folder.join("b").display().to_string();
        for path in [
            "../b",
            "/tmp/b",
            &absolute,
            "sub/../b",
            "./b",
            "sub\\b",
            "out/b",
            "in/b",
            "b/",
            "",
            ".",
            "..",
            ".git/config",
            "sub/.LAO/x",
            "C:\\b",
            "~/b",
            "a\0b",
        ] {
            workspace.place(path, b"no").expect_err(path);
        }
        // A folder stands in its place.
        assert!(matches!(workspace.place("sub", b"no"), Err(PlaceError::Io { .. })));
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        assert_eq!(
            fs::read_dir(folder.join("sub")).unwrap().count(),
            1,
            "nothing unfinished stays"
        );
    }
}

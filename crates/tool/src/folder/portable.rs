//! Folders as paths: for platforms where a folder cannot be held open by the standard library.
//!
//! A link is looked for right before each step, so a window remains in which one may appear.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::Entry;

/// A folder, by its path.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Opens a folder by its path, following links: meant for the workspace's root only.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Opens a folder in this one; a link is an error.
    pub(crate) fn enter(&self, name: &str) -> io::Result<Self> {
        match self.entry(name)? {
            Entry::Folder => Ok(Self(self.0.join(name))),
            Entry::Absent => Err(io::ErrorKind::NotFound.into()),
            Entry::File | Entry::Link(_) | Entry::Other => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Opens a folder in this one and makes it where there is none; a link is an error.
    pub(crate) fn make(&self, name: &str) -> io::Result<Self> {
        if self.entry(name)? == Entry::Absent {
            fs::create_dir(self.0.join(name))?;
        }
        self.enter(name)
    }

    /// What a name stands for.
    pub(crate) fn entry(&self, name: &str) -> io::Result<Entry> {
        let path = self.0.join(name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entry::Absent),
            Err(error) => return Err(error),
        };
        Ok(if found.is_symlink() {
            Entry::Link(fs::read_link(path)?)
        } else if found.is_dir() {
            Entry::Folder
        } else if found.is_file() {
            Entry::File
        } else {
            Entry::Other
        })
    }

    /// Opens a file for reading; a link or anything that is no regular file is an error.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<File> {
        match self.entry(name)? {
            Entry::File => File::open(self.0.join(name)),
            Entry::Absent => Err(io::ErrorKind::NotFound.into()),
            Entry::Folder | Entry::Link(_) | Entry::Other => {
                Err(io::ErrorKind::InvalidInput.into())
            }
        }
    }

    /// Creates a file for writing; anything already there is an error.
    pub(crate) fn create_file(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
    }

    /// Renames within this folder, over what is there.
    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    /// Removes a file or a link.
    pub(crate) fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// The names in this folder, in no particular order.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// A folder cannot be synced here; the platform's own journal has to do.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same interface as where folders can be synced"
    )]
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

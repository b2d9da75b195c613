//! Folders and files as the system keeps them: syncing a rename, private files, atomic replacement.

#[cfg(test)]
pub(crate) mod trace;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// Makes a folder and what is missing above it, and makes their names durable.
///
/// A folder is only made in one whose own name is durable, so one that is there may lack no more than
/// the sync of its own name: its maker may have died before it.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let parent = match folder.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    if folder.is_dir() {
        return match sync(parent) {
            // A folder that may not be opened cannot be synced, such as the one of all homes above a
            // project that is a home; somebody else made what is in it, long ago.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        };
    }
    make_folder(parent)?;
    make(folder)?;
    sync(parent)
}

fn make(folder: &Path) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::MakeFolder(folder.to_path_buf()))?;
    match fs::create_dir(folder) {
        // Another process was faster.
        Err(_) if folder.is_dir() => Ok(()),
        made => made,
    }
}

/// Writes `bytes` to `folder/name` so that a reader sees the old content or the new, also after a crash.
pub(crate) fn replace_file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)?;
    write(&mut file, bytes)?;
    sync_file(&file)?;
    persist(file, &folder.join(name))?;
    sync(folder)
}

fn write(file: &mut tempfile::NamedTempFile, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::Write(file.path().to_path_buf(), bytes.to_vec()))?;
    file.write_all(bytes)
}

fn sync_file(file: &tempfile::NamedTempFile) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::SyncFile(file.path().to_path_buf()))?;
    file.as_file().sync_all()
}

fn persist(file: tempfile::NamedTempFile, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::Rename(file.path().to_path_buf(), to.to_path_buf()))?;
    file.persist(to).map_err(|refused| refused.error)?;
    Ok(())
}

/// Gives a file another name, in place of what has it; durable when the folder is synced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::Rename(from.to_path_buf(), to.to_path_buf()))?;
    fs::rename(from, to)
}

/// Makes created, renamed and removed names in `folder` durable.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(test)]
    trace::step(|| trace::Step::SyncFolder(folder.to_path_buf()))?;
    platform::sync(folder)
}

/// How unfinished files of this crate begin; a crash may leave them, and nothing ever reads them.
pub(crate) const TEMPORARY_PREFIX: &str = ".new-";

/// Creates a file that only its owner may read; fails if the name is taken.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    platform::make_private(&mut options);
    options.open(path)
}

pub(crate) use platform::identity;

/// What became of a file that nobody should need any more.
pub(crate) enum Leftover {
    /// It is not there, or not any more.
    Gone,
    /// A process works on it.
    Held,
}

/// Removes a file unless a process holds its lock.
pub(crate) fn remove_unless_held(path: &Path) -> io::Result<Leftover> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Leftover::Gone),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Leftover::Held),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    std::fs::remove_file(path)?;
    Ok(Leftover::Gone)
}

#[cfg(unix)]
mod platform {
    //! Unix: a folder is synced like a file; modes are set on creation.

    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    /// Tells a file from every other, whatever its name.
    pub(crate) fn identity(file: &Metadata) -> (u64, u64) {
        (file.dev(), file.ino())
    }

    pub(super) fn sync(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    pub(super) fn make_private(options: &mut OpenOptions) {
        options.mode(0o600);
    }
}

#[cfg(not(unix))]
mod platform {
    //! Elsewhere: names are made durable by the file system's own journal; files inherit access
    //! from their folder.

    use std::fs::{Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    /// Nothing to tell: an open file keeps its name here.
    pub(crate) fn identity(_file: &Metadata) -> (u64, u64) {
        (0, 0)
    }

    /// Nothing to do: a folder cannot be synced here.
    pub(super) fn sync(_folder: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn make_private(_options: &mut OpenOptions) {}
}

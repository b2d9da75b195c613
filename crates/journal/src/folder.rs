//! Folders and files as the system keeps them: syncing a rename, private files, atomic replacement.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `folder/name` so that a reader sees the old content or the new, also after a crash.
pub(crate) fn replace_file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|refused| refused.error)?;
    sync(folder)
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

pub(crate) use platform::sync;

#[cfg(unix)]
mod platform {
    //! Unix: a folder is synced like a file; modes are set on creation.

    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    /// Makes created, renamed and removed names in `folder` durable.
    pub(crate) fn sync(folder: &Path) -> io::Result<()> {
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

    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    /// Nothing to do: a folder cannot be synced here.
    pub(crate) fn sync(_folder: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn make_private(_options: &mut OpenOptions) {}
}

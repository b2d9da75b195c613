//! Writing a file so that it is either as it was or as it should be.

use std::{
    fs::File,
    io::{self, Write},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use lao_event::{Hash, latest::FileWriteOutcome};

use super::{Found, Workspace, WorkspacePath, is_leftover};
use crate::{folder::Folder, process::is_running};

/// How the names of files begin that are being written. They are of no meaning to anybody else,
/// and what a crash leaves of them is removed by the next write to the same folder.
pub const TEMP_PREFIX: &str = ".lao-tmp-";

/// Whether a written file reaches the disk before the write is reported. The journal says
/// "written" for ever, so a power cut must not take the file back.
const SYNC: bool = true;

/// Tells the files apart that this process is writing at the same time.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A name that no other file of this or another process has.
pub(super) fn unfinished_name() -> String {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    format!("{TEMP_PREFIX}{}-{serial}", process::id())
}

/// What is wrong with a write, as far as it is told to a person.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{path} is {what}, not a file")]
    NotAFile { path: String, what: &'static str },
    #[error("{path} is read-only; make it writable if it is meant to change")]
    ReadOnly { path: String },
    #[error("{path} cannot be written: {source}")]
    Io { path: String, source: io::Error },
}

impl Workspace {
    /// Replaces, creates or (with no `after`) deletes a file, provided that it is as `before`
    /// says or already as it should be.
    pub(crate) fn replace(
        &self,
        path: &WorkspacePath,
        before: Option<Hash>,
        after: Option<&str>,
    ) -> FileWriteOutcome {
        self.try_replace(path, before, after)
            .unwrap_or_else(|error| FileWriteOutcome::Failed { message: error.to_string() })
    }

    fn try_replace(
        &self,
        path: &WorkspacePath,
        before: Option<Hash>,
        after: Option<&str>,
    ) -> Result<FileWriteOutcome, WriteError> {
        let io_error = |source| WriteError::Io { path: path.to_string(), source };
        let Some(name) = path.name() else {
            return Err(not_a_file(path, "the workspace itself"));
        };
        // The slow part, the new content's way to the disk, is done before the lock is taken.
        let staged = match after {
            Some(text) if self.hash_of(path)? != Some(Hash::of(text.as_bytes())) => {
                Some(self.stage(path, text).map_err(io_error)?)
            }
            Some(_) | None => None,
        };
        let lock = self.writing.lock().expect("no holder of it panics");
        let found = self.hash_of(path)?;
        if found == after.map(|text| Hash::of(text.as_bytes())) {
            return Ok(FileWriteOutcome::AlreadyWritten);
        }
        if found != before {
            return Ok(FileWriteOutcome::Conflict { found });
        }
        match staged {
            Some(staged) => staged.put_at(path, name)?,
            None => self.remove(path, name).map_err(io_error)?,
        }
        drop(lock);
        Ok(FileWriteOutcome::Written)
    }

    fn hash_of(&self, path: &WorkspacePath) -> Result<Option<Hash>, WriteError> {
        match self.read(path) {
            Ok(Found::Nothing) => Ok(None),
            Ok(Found::File(bytes)) => Ok(Some(Hash::of(&bytes))),
            Ok(Found::Folder) => Err(not_a_file(path, "a folder")),
            Ok(Found::Other) => Err(not_a_file(path, "a pipe, a socket or a device")),
            Err(source) => Err(WriteError::Io { path: path.to_string(), source }),
        }
    }

    /// Writes the text to a file of its own beside the place it is meant for.
    fn stage(&self, path: &WorkspacePath, text: &str) -> io::Result<Staged> {
        let mut folder = self.open_root()?;
        for part in path.parent_parts() {
            folder = folder.make(part)?;
        }
        self.sweep(&folder, path.parent_parts().join("/"))?;
        let name = unfinished_name();
        let file = folder.create_file(&name)?;
        let mut staged = Staged { folder, name, file };
        staged.file.write_all(text.as_bytes())?;
        if SYNC {
            staged.file.sync_data()?;
        }
        Ok(staged)
    }

    /// Removes what a crash left in a folder, once in this value's life: later leftovers would
    /// be our own, and those are removed where they arise. What another process is writing there
    /// at this moment is not left over.
    fn sweep(&self, folder: &Folder, path: String) -> io::Result<()> {
        let mut swept = self.swept.lock().expect("no holder of it panics");
        if !swept.insert(path) {
            return Ok(());
        }
        for name in folder.names()? {
            if let Some(name) = name.to_str().filter(|name| is_leftover(name) && !is_wanted(name)) {
                folder.remove_file(name)?;
            }
        }
        Ok(())
    }

    fn remove(&self, path: &WorkspacePath, name: &str) -> io::Result<()> {
        let folder = self.parent_of(path)?;
        folder.remove_file(name)?;
        if SYNC { folder.sync() } else { Ok(()) }
    }
}

/// Whether the process that writes a file is there to finish it.
fn is_wanted(name: &str) -> bool {
    let writer = name[TEMP_PREFIX.len()..].split('-').next().and_then(|id| id.parse().ok());
    writer.is_some_and(|writer: u32| writer == process::id() || is_running(writer))
}

/// A file that is written and waits for its name. Dropped, it is removed.
struct Staged {
    folder: Folder,
    name: String,
    file: File,
}

impl Staged {
    fn put_at(self, path: &WorkspacePath, name: &str) -> Result<(), WriteError> {
        if let Ok(old) = self.folder.open_file(name) {
            let permissions = old.metadata().map_err(|error| io_at(path, error))?.permissions();
            if permissions.readonly() {
                return Err(WriteError::ReadOnly { path: path.to_string() });
            }
            self.file.set_permissions(permissions).map_err(|error| io_at(path, error))?;
        }
        self.publish(name).map_err(|error| io_at(path, error))
    }

    fn publish(&self, name: &str) -> io::Result<()> {
        self.folder.rename(&self.name, name)?;
        if SYNC { self.folder.sync() } else { Ok(()) }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing left under this name; before it, what cannot be
        // removed now is removed by the next write to the folder.
        self.folder.remove_file(&self.name).ok();
    }
}

fn io_at(path: &WorkspacePath, source: io::Error) -> WriteError {
    WriteError::Io { path: path.to_string(), source }
}

fn not_a_file(path: &WorkspacePath, what: &'static str) -> WriteError {
    WriteError::NotAFile { path: path.to_string(), what }
}

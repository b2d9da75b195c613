//! Removing what nothing names any more: blobs, and whole runs.
//!
//! A blob is removed if no journal names it and its file is older than a grace time. Storing content
//! that is there already makes its file young again ([`Blobs::put`]), so a blob that an event is
//! about to name is never old. It is set aside before it is removed and looked at once more, so
//! that a [`Blobs::put`] at the same moment either keeps it or writes it anew.

#![expect(
    clippy::disallowed_types,
    reason = "a blob's age is its file's; the caller has the clock"
)]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::blobs::{BlobHash, Blobs};
use crate::error::{OpenError, StorageFailure};
use crate::folder::{self, TEMPORARY_PREFIX};
use crate::journal::{CACHE_BYTES_DEFAULT, JOURNAL_FILE};
use crate::manifest::Manifest;
use crate::salvage::names_in;
use crate::store::open_repaired;

/// How the folder of a run begins that is being removed; listings do not show it.
const GONE_PREFIX: &str = ".gone-";

/// A file of the blob store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobFile {
    /// The blob; `None` for an unfinished file that a crash left.
    pub hash: Option<BlobHash>,
    /// The file.
    pub path: PathBuf,
    /// Its length, in bytes.
    pub bytes: u64,
    /// When it was written, or last stored again.
    pub modified: SystemTime,
}

/// Every blob of a store, and what crashes left there. Files that are neither are not shown.
pub fn blob_files(blobs: &Blobs) -> Result<Vec<BlobFile>, StorageFailure> {
    let mut files = Vec::new();
    for shard in children(blobs.folder())? {
        if !shard.is_dir() {
            continue;
        }
        for path in children(&shard)? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let hash: Option<BlobHash> = name.parse().ok();
            let is_place = hash.is_some_and(|hash| blobs.path(hash) == path);
            if !is_place && !name.starts_with(TEMPORARY_PREFIX) {
                continue;
            }
            // One that just went away is no file of the store.
            if let Ok(file) = fs::metadata(&path) {
                let modified =
                    file.modified().map_err(|error| StorageFailure::new(&path, error))?;
                files.push(BlobFile { hash, bytes: file.len(), modified, path });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Of `files`, those that may go: not named, and not written or stored again since `before`.
pub fn collectable(
    files: Vec<BlobFile>,
    named: &BTreeSet<BlobHash>,
    before: SystemTime,
) -> Vec<BlobFile> {
    let is_named = |file: &BlobFile| file.hash.is_some_and(|hash| named.contains(&hash));
    files.into_iter().filter(|file| file.modified < before && !is_named(file)).collect()
}

/// Which of these blobs a journal file that cannot be read may name: all whose hash stands anywhere
/// in its bytes.
pub fn named_in_bytes(
    file: &Path,
    among: &BTreeSet<BlobHash>,
) -> Result<Vec<BlobHash>, StorageFailure> {
    let names: HashSet<[u8; 32]> = among.iter().map(|hash| *hash.as_bytes()).collect();
    let found = fs::File::open(file).and_then(|mut bytes| names_in(&mut bytes, &names));
    let found = found.map_err(|error| StorageFailure::new(file, error))?;
    Ok(found.into_iter().map(BlobHash::from_bytes).collect())
}

/// Removes a blob's file, unless it was stored again since `before`; whether it is gone.
pub fn remove_blob(file: &BlobFile, before: SystemTime) -> Result<bool, StorageFailure> {
    let path = &file.path;
    let failed = |error| StorageFailure::new(path, error);
    let name = path.file_name().expect("a blob's path has its name").to_string_lossy();
    let aside = path.with_file_name(format!("{TEMPORARY_PREFIX}gone-{name}"));
    match fs::rename(path, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    }
    let modified = fs::metadata(&aside).and_then(|file| file.modified()).map_err(failed)?;
    if modified >= before {
        // Whoever stored it meanwhile may have found the name free and written it anew.
        if !path.exists() {
            fs::rename(&aside, path).map_err(failed)?;
            return Ok(false);
        }
    }
    fs::remove_file(&aside).map_err(failed)?;
    Ok(true)
}

/// A run could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// A process works on it.
    #[error("{} is held by another process: a run is removed when nobody works on it", path.display())]
    Held {
        /// The journal file.
        path: PathBuf,
    },
    /// Somebody worked on it, or pinned it, since it was looked at.
    #[error("{} has changed since it was looked at: look again whether it may go", path.display())]
    Changed {
        /// The run's folder.
        path: PathBuf,
    },
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// Removes the run's folder `dir`, provided that its manifest is as it was `seen` when it was decided
/// that the run may go. A crash leaves it whole, or under a name that no listing shows and
/// [`remove_leftovers`] removes.
pub fn remove_run(dir: &Path, seen: Option<&Manifest>) -> Result<(), RemoveError> {
    let gone = set_aside(dir, seen)?;
    fs::remove_dir_all(&gone).map_err(|error| StorageFailure::new(&gone, error))?;
    Ok(())
}

/// Gives the folder of a run its last name, durably.
pub(crate) fn set_aside(dir: &Path, seen: Option<&Manifest>) -> Result<PathBuf, RemoveError> {
    let path = dir.join(JOURNAL_FILE);
    // Held until it has its new name, so that nobody begins to work on it meanwhile.
    let _held = match open_repaired(&path, CACHE_BYTES_DEFAULT) {
        Ok(store) => Some(store),
        Err(OpenError::Held { path }) => return Err(RemoveError::Held { path }),
        Err(
            OpenError::Missing { .. }
            | OpenError::NewerFormat(_)
            | OpenError::Damaged(_)
            | OpenError::Storage(_),
        ) => None,
    };
    if Manifest::read(dir).ok().as_ref() != seen {
        return Err(RemoveError::Changed { path: dir.to_path_buf() });
    }
    let failed = |error| StorageFailure::new(dir, error);
    let (parent, name) = parent_and_name(dir);
    let gone = parent.join(format!("{GONE_PREFIX}{name}"));
    if gone.exists() {
        fs::remove_dir_all(&gone).map_err(failed)?;
    }
    fs::rename(dir, &gone).and_then(|()| folder::sync(parent)).map_err(failed)?;
    Ok(gone)
}

/// Removes what crashes left of runs that were being removed from the folder of runs `dir`; how
/// many there were.
pub fn remove_leftovers(dir: &Path) -> Result<u64, StorageFailure> {
    let mut removed = 0;
    for path in children(dir)? {
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(GONE_PREFIX.as_bytes()) {
            fs::remove_dir_all(&path).map_err(|error| StorageFailure::new(&path, error))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn parent_and_name(dir: &Path) -> (&Path, String) {
    let parent = dir.parent().expect("a run's folder lies in the folder of runs");
    let name = dir.file_name().expect("a run's folder has its name");
    (parent, name.to_string_lossy().into_owned())
}

/// What lies in a folder; nothing where there is none.
fn children(dir: &Path) -> Result<Vec<PathBuf>, StorageFailure> {
    let failed = |error| StorageFailure::new(dir, error);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

//! The index: ours for the length of a commit, changed only where the commit changed files.
//!
//! What the user has staged and not committed stays staged: entries of other paths are not
//! touched, and an entry of a path of ours is replaced only if it showed the commit before, or
//! if the path was not the user's to begin with.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    path::{Path, PathBuf},
};

use git2::{Index, IndexEntry, IndexEntryExtendedFlag, IndexTime, Repository};

use crate::{
    dirty::Dirty,
    error::{CommitError, LockError},
    lock::{LockFile, Turn},
    platform::fill_stat,
    tree::{Difference, Leaf},
};

/// The index under its lock, as a copy that replaces it at the end.
pub(crate) struct HeldIndex {
    lock: LockFile,
    index: Index,
    staged: PathBuf,
    target: PathBuf,
}

/// Whose entries may be replaced.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Replace<'a> {
    /// Those that show the commit before.
    Stale,
    /// Those, and whatever else is not among the user's dirty paths.
    AllBut(&'a Dirty<'a>),
}

impl HeldIndex {
    /// Takes git's lock and opens a copy of the index; fails while another program holds the lock.
    pub(crate) fn take(
        repository: &Repository,
        turn: &Turn,
        intent: &str,
    ) -> Result<Self, CommitError> {
        let target = repository.path().join("index");
        let path = repository.path().join("index.lock");
        let lock = LockFile::take(path, turn.intent(), intent.as_bytes())?;
        let staged = turn.staged_index();
        copy_with_time(&target, &staged)
            .map_err(|source| LockError::Io { path: staged.clone(), source })?;
        let opened = Index::open(&staged).and_then(|mut index| {
            repository.set_index(&mut index)?;
            Ok(index)
        });
        let index = opened.map_err(|source| CommitError::Git {
            action: "read the index",
            path: target.clone(),
            source,
        })?;
        Ok(Self { lock, index, staged, target })
    }

    /// Brings the entries of files that a commit changed to what it made of them.
    pub(crate) fn settle(
        &mut self,
        changed: &[Difference],
        stats: &BTreeMap<String, Metadata>,
        replace: Replace<'_>,
    ) -> Result<(), git2::Error> {
        for Difference { path, old, new } in changed {
            if self.may_replace(path, *old, *new, replace) {
                self.put(path, *new, stats.get(path))?;
            }
        }
        Ok(())
    }

    fn may_replace(
        &self,
        path: &str,
        old: Option<Leaf>,
        new: Option<Leaf>,
        replace: Replace<'_>,
    ) -> bool {
        let current = self.index.get_path(Path::new(path), 0);
        let shown = current.as_ref().map(|entry| Leaf { id: entry.id, mode: entry.mode });
        let intended = current.is_some_and(|entry| {
            IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended).is_intent_to_add()
        });
        let ours = match replace {
            Replace::Stale => false,
            Replace::AllBut(dirty) => !dirty.contains(path),
        };
        shown != new && (shown == old || intended || ours)
    }

    fn put(
        &mut self,
        path: &str,
        leaf: Option<Leaf>,
        stat: Option<&Metadata>,
    ) -> Result<(), git2::Error> {
        let Some(Leaf { id, mode }) = leaf else {
            return self.index.remove(Path::new(path), 0);
        };
        let mut entry = IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id,
            flags: 0,
            flags_extended: 0,
            path: path.as_bytes().to_vec(),
        };
        if let Some(metadata) = stat {
            fill_stat(&mut entry, metadata);
        }
        self.index.add(&entry)
    }

    /// Writes the index and gives the lock back.
    pub(crate) fn finish(mut self) -> Result<(), CommitError> {
        self.index.write().map_err(|source| CommitError::Git {
            action: "write the index",
            path: self.target.clone(),
            source,
        })?;
        let Self { lock, index: _, staged, target } = self;
        fs::rename(&staged, &target)
            .and_then(|()| lock.release())
            .map_err(|source| CommitError::Io { path: target, source })
    }
}

/// The copy keeps the time, by which git tells entries that may have changed unnoticed since.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    crate::lock::remove_if_there(to)?;
    let modified = match fs::metadata(from) {
        Ok(metadata) => metadata.modified()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(modified)
}

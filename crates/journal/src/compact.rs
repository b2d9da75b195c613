//! A journal copied record by record into a new file: for compaction in its place, and for backups
//! elsewhere, also while its writer goes on.
//!
//! redb's file grows by doubling and keeps the pages that later commits replaced. Written anew, a
//! journal is about as long as its records.

use std::path::Path;

use crate::chain::Head;
use crate::error::{OpenError, ReadError, StorageFailure};
use crate::journal::{JOURNAL_FILE, Options};
use crate::reader::Reader;
use crate::rewrite::{Rewrite, RewriteError, Rewritten};

/// A journal could not be compacted. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// It does not open: a process works on it, or it is damaged.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be written anew.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The last record.
    pub head: Head,
    /// Length of the file before, in bytes.
    pub before_bytes: u64,
    /// Length of the file now, in bytes.
    pub after_bytes: u64,
}

/// Compacts the journal in the run's folder `dir`. All of its records are proven on the way; a
/// crash at any moment leaves the journal as it was or the compact one.
///
/// # Errors
///
/// [`OpenError::Held`] while a process works on it.
pub fn compact(dir: &Path) -> Result<Compacted, CompactError> {
    Compaction::prepare(dir)?.install()
}

/// A compaction whose new file is written and has no name yet.
pub(crate) struct Compaction {
    rewritten: Rewritten,
    before_bytes: u64,
    after_bytes: u64,
    /// Keeps writers away until the new file has its name.
    _held: Reader,
}

impl Compaction {
    pub(crate) fn prepare(dir: &Path) -> Result<Self, CompactError> {
        let reader = Reader::open(dir, &Options::default())?;
        let before_bytes = len(reader.path())?;
        let rewritten = rewrite(&reader, dir)?;
        let after_bytes = len(rewritten.path())?;
        Ok(Self { rewritten, before_bytes, after_bytes, _held: reader })
    }

    /// Ends as a dead process does: the file stays.
    #[cfg(test)]
    pub(crate) fn leave(self) {
        self.rewritten.leave();
    }

    pub(crate) fn install(self) -> Result<Compacted, CompactError> {
        let Self { rewritten, before_bytes, after_bytes, _held } = self;
        if after_bytes >= before_bytes {
            let head = rewritten.head;
            return Ok(Compacted { head, before_bytes, after_bytes: before_bytes });
        }
        Ok(Compacted { head: rewritten.install()?, before_bytes, after_bytes })
    }
}

/// Copies a journal into the existing folder `dir`, as it is at this moment, also beside its writer
/// in this process. A copy that is there already is replaced when the new one is whole.
pub fn copy(reader: &Reader, dir: &Path) -> Result<Head, RewriteError> {
    rewrite(reader, dir)?.install()
}

fn rewrite(reader: &Reader, dir: &Path) -> Result<Rewritten, RewriteError> {
    let mut rewrite = Rewrite::begin(dir, reader.genesis().clone())?;
    let last = reader.for_each(1, |record| rewrite.push(&record))?;
    if last.seq == 0 {
        let path = dir.join(JOURNAL_FILE);
        return Err(ReadError::Closed { path }.into());
    }
    rewrite.finish()
}

fn len(path: &Path) -> Result<u64, StorageFailure> {
    let file = std::fs::metadata(path).map_err(|error| StorageFailure::new(path, error))?;
    Ok(file.len())
}

#[cfg(test)]
mod tests {
    //! A writer that opened the file before it lost its name, and locks it after.

    use std::fs::File;

    use super::*;
    use crate::chain::Genesis;
    use crate::journal::Journal;
    use crate::samples::draft;
    use crate::store::open_named;

    #[test]
    fn a_file_that_lost_its_name_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let genesis = Genesis { run: String::from("run-1"), started: Vec::new() };
        let mut journal = Journal::create(dir.path(), genesis, &Options::default()).unwrap();
        journal.append(&[draft(Vec::new())]).unwrap();
        drop(journal);
        let path = dir.path().join(JOURNAL_FILE);
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        assert!(open_named(&path, open(), &Options::default()).is_ok());

        let (before, later) = (open(), open());
        let compacted = compact(dir.path()).unwrap();
        assert!(compacted.after_bytes < compacted.before_bytes);
        let refused = open_named(&path, before, &Options::default());
        assert!(matches!(refused, Err(OpenError::Held { .. })));
        std::fs::remove_file(&path).unwrap();
        let refused = open_named(&path, later, &Options::default());
        assert!(matches!(refused, Err(OpenError::Missing { .. })));
    }
}

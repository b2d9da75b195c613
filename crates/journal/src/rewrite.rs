//! A journal written anew from records that are proven: for repairs, compaction and copies.
//!
//! ```text
//!   proven records ─▶ journal.redb.rewrite ─ compacted, closed, read again, synced ─ rename ─▶ journal.redb
//! ```
//!
//! A crash at any moment leaves the journal that was there, or the new one, whole.

use std::path::{Path, PathBuf};

use redb::ReadableDatabase;

use crate::chain::{Genesis, Head};
use crate::error::{Damaged, Place, ReadError, StorageFailure};
use crate::folder::{self, Leftover};
use crate::journal::{CACHE_BYTES_DEFAULT, JOURNAL_FILE};
use crate::record::{self, RecordRef};
use crate::store::{Closing, EVENTS, META, Meta, Refusal, builder, contained, damaged};
use crate::walk::Snapshot;

/// Name under which a journal is written anew; nothing reads it, and the next rewriting removes it.
const REWRITE_FILE: &str = "journal.redb.rewrite";

/// Bytes of records that share one commit.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// A journal could not be written anew. The one that was there is untouched.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// Another process is writing this journal anew.
    #[error("{} is being written by another process: wait for it to end", path.display())]
    Held {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The source could not be read, or what was written could not be read again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

impl From<Damaged> for RewriteError {
    fn from(damaged: Damaged) -> Self {
        Self::Read(damaged.into())
    }
}

/// A journal being written.
pub(crate) struct Rewrite {
    file: Unfinished,
    db: Closing,
    head: Head,
    waiting: Vec<(u64, Vec<u8>)>,
    waiting_bytes: usize,
}

/// Removed unless it became a journal.
struct Unfinished {
    path: PathBuf,
    is_needed: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_needed {
            // Best effort: what stays is removed by the next rewriting.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Rewrite {
    /// Begins in the existing folder `dir`.
    pub(crate) fn begin(dir: &Path, genesis: Genesis) -> Result<Self, RewriteError> {
        let path = dir.join(REWRITE_FILE);
        remove_leftover(&path)?;
        let created = folder::create_private(&path).map_err(|e| StorageFailure::new(&path, e))?;
        let file = Unfinished { path, is_needed: false };
        let refuse = |refusal: Refusal| refusal.into_read_error(&file.path);
        let db = contained(|| builder(CACHE_BYTES_DEFAULT).create_file(created))
            .map(Closing::new)
            .map_err(refuse)?;
        let meta = Meta::new(genesis);
        let head = Head { seq: 0, hash: meta.genesis_hash };
        contained(|| -> Result<(), redb::Error> {
            let txn = db.begin_write()?;
            meta.write(&mut txn.open_table(META)?)?;
            drop(txn.open_table(EVENTS)?);
            Ok(txn.commit()?)
        })
        .map_err(refuse)?;
        Ok(Self { file, db, head, waiting: Vec::new(), waiting_bytes: 0 })
    }

    /// The last record so far.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Adds a record that was proven by whoever read it.
    pub(crate) fn push(&mut self, record: &RecordRef<'_>) -> Result<(), RewriteError> {
        let mut bytes = Vec::with_capacity(record.payload.len() + record::RECORD_OVERHEAD_BYTES);
        bytes.extend_from_slice(&record.header.encode());
        bytes.extend_from_slice(record.payload);
        bytes.extend_from_slice(record.hash.as_bytes());
        self.push_bytes(bytes)
    }

    /// Adds a stored record; it is proven to follow what was added before.
    pub(crate) fn push_bytes(&mut self, bytes: Vec<u8>) -> Result<(), RewriteError> {
        let hash = record::decode_after(self.head, &bytes)
            .map_err(|damage| damaged(&self.file.path, Place::Record(self.head.seq + 1), damage))?
            .hash;
        self.head = Head { seq: self.head.seq + 1, hash };
        self.waiting_bytes += bytes.len();
        self.waiting.push((self.head.seq, bytes));
        if self.waiting_bytes >= COMMIT_BYTES { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), RewriteError> {
        let (db, waiting) = (&self.db, &self.waiting);
        contained(|| -> Result<(), redb::Error> {
            let txn = db.begin_write()?;
            {
                let mut events = txn.open_table(EVENTS)?;
                for (seq, bytes) in waiting {
                    events.insert(seq, bytes.as_slice())?;
                }
            }
            Ok(txn.commit()?)
        })
        .map_err(|refusal| refusal.into_read_error(&self.file.path))?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Ends the writing: what is there now is complete, small, durable, and was read again.
    pub(crate) fn finish(mut self) -> Result<Rewritten, RewriteError> {
        self.commit()?;
        let Self { file, mut db, head, waiting: _, waiting_bytes: _ } = self;
        let path = file.path.clone();
        let refuse = |refusal: Refusal| refusal.into_read_error(&path);
        contained(|| db.compact()).map_err(refuse)?;
        let txn = contained(|| db.begin_read()).map_err(refuse)?;
        let read = Snapshot::new(&path, &txn)?.verify_tail(u64::MAX)?;
        assert_eq!(read, head, "what was read again is what was written");
        drop(txn);
        drop(db);
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(|error| StorageFailure::new(&path, error))?;
        Ok(Rewritten { file, head })
    }
}

/// A whole journal without its final name.
pub(crate) struct Rewritten {
    file: Unfinished,
    pub(crate) head: Head,
}

impl Rewritten {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Ends as a dead process does: the file stays.
    #[cfg(test)]
    pub(crate) fn leave(mut self) {
        self.file.is_needed = true;
    }

    /// Gives it its final name, durably; what had the name is gone.
    pub(crate) fn install(mut self) -> Result<Head, RewriteError> {
        let from = &self.file.path;
        let dir = from.parent().expect("the path was joined to a folder");
        let path = dir.join(JOURNAL_FILE);
        std::fs::rename(from, &path)
            .and_then(|()| folder::sync(dir))
            .map_err(|error| StorageFailure::new(&path, error))?;
        self.file.is_needed = true;
        Ok(self.head)
    }
}

/// Removes what a crash left; a rewriting under way in another process holds its lock.
fn remove_leftover(path: &Path) -> Result<(), RewriteError> {
    match folder::remove_unless_held(path).map_err(|error| StorageFailure::new(path, error))? {
        Leftover::Gone => Ok(()),
        Leftover::Held => Err(RewriteError::Held { path: path.to_path_buf() }),
    }
}

//! Reading a journal: one at rest, one that a killed writer left, or a live one in this process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use redb::{ReadTransaction, ReadableDatabase};

use crate::ahead::{self, ALONE_RECORDS};
use crate::chain::{Genesis, Head};
use crate::error::{OpenError, ReadError};
use crate::journal::{JOURNAL_FILE, Options};
use crate::record::RecordRef;
use crate::store::{Closing, Reading, contained, open_for_reading};
use crate::walk::{Records, Snapshot, Start};

/// Reads one journal and never writes it.
///
/// A reader of a file holds a shared lock on it until it is dropped: other readers may look at the
/// same time, a writer must wait. So read, then drop.
pub struct Reader {
    path: PathBuf,
    genesis: Genesis,
    source: Source,
}

enum Source {
    File(Reading),
    Live(Weak<Closing>),
}

impl Reader {
    /// Opens the journal in the run's folder `dir`, finished or left by a killed writer.
    ///
    /// After a kill redb repairs before it reads; that happens in memory, so the file stays as it is.
    ///
    /// # Errors
    ///
    /// [`OpenError::Held`] while a writer has it open: ask the writer's process instead.
    pub fn open(dir: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = dir.join(JOURNAL_FILE);
        let source = Source::File(open_for_reading(&path, options.cache_bytes)?);
        Ok(Self::new(path, source)?)
    }

    /// Reads beside the writer, within its process, what is durable so far.
    pub(crate) fn live(path: &Path, genesis: &Genesis, db: &Arc<Closing>) -> Self {
        let source = Source::Live(Arc::downgrade(db));
        Self { path: path.to_path_buf(), genesis: genesis.clone(), source }
    }

    fn new(path: PathBuf, source: Source) -> Result<Self, ReadError> {
        let genesis = Snapshot::new(&path, &source.begin_read(&path)?)?.meta.genesis;
        Ok(Self { path, genesis, source })
    }

    /// What the run started from.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The journal file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last record, proven together with the records just before it
    /// ([`crate::TAIL_RECORDS_VERIFIED`]).
    pub fn head(&self) -> Result<Head, ReadError> {
        self.snapshot()?.verify_tail(crate::TAIL_RECORDS_VERIFIED)
    }

    /// Proves the whole chain and returns its head.
    pub fn verify(&self) -> Result<Head, ReadError> {
        self.snapshot()?.verify_tail(u64::MAX)
    }

    /// Shows every record from `from` on to `visit`; returns the last one proven. All but the first
    /// records of a long journal are read and proven on a thread of their own, ahead of `visit`.
    ///
    /// # Errors
    ///
    /// What `visit` returns, or a [`ReadError`] at the first record that is not proven.
    pub fn for_each<E: From<ReadError>>(
        &self,
        from: impl Into<Start>,
        mut visit: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<Head, E> {
        let snapshot = self.snapshot()?;
        let mut walk = snapshot.walk(from.into())?;
        for _ in 0..ALONE_RECORDS {
            if !walk.step(&mut visit)? {
                return Ok(walk.head());
            }
        }
        ahead::for_each(&snapshot, walk.head(), visit)
    }

    /// The records from `from` on, as they are at this moment, one by one.
    pub fn records_from(&self, from: impl Into<Start>) -> Result<Records, ReadError> {
        Ok(Records::new(self.snapshot()?.walk(from.into())?))
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, ReadError> {
        Snapshot::new(&self.path, &self.source.begin_read(&self.path)?)
    }
}

impl Source {
    fn begin_read(&self, path: &Path) -> Result<ReadTransaction, ReadError> {
        let begun = match self {
            Self::File(Reading::Clean(db)) => contained(|| db.begin_read()),
            Self::File(Reading::Repaired(db)) => contained(|| db.begin_read()),
            Self::Live(db) => {
                let closed = || ReadError::Closed { path: path.to_path_buf() };
                let db = db.upgrade().ok_or_else(closed)?;
                contained(|| db.begin_read())
            }
        };
        begun.map_err(|refusal| refusal.into_read_error(path))
    }
}

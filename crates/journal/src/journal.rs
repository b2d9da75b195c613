//! The writer of one run's journal: creation by rename, append, head.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::ReadableDatabase;

use crate::batch::{Encoder, insert};
use crate::chain::{Genesis, Head};
use crate::error::{AppendError, CreateError, OpenError, ReadError, StorageFailure};
use crate::fault::{Fault, FaultAnswer, FaultPoint};
use crate::faulty::Power;
use crate::folder::{self, Leftover};
use crate::reader::Reader;
use crate::record::{Draft, RecordRef};
use crate::store::{self, META, Meta, Refusal, Writing, contained, damaged};
use crate::walk::{Records, Start};

/// Name of the journal in a run's folder.
pub const JOURNAL_FILE: &str = "journal.redb";

/// Name under which a journal is made; it becomes [`JOURNAL_FILE`] when its first commit is durable.
const UNBORN_FILE: &str = "journal.redb.new";

/// Memory that redb may use for pages, unless told otherwise.
pub const CACHE_BYTES_DEFAULT: usize = 4 * 1024 * 1024;

/// From this size on, every commit says which pages are in use, so that opening after a kill need
/// not read the whole file to find out. Below it that reading takes a tenth of a second, and a
/// commit with one sync instead of two is worth more.
pub const QUICK_REPAIR_BYTES_DEFAULT: u64 = 32 * 1024 * 1024;

/// How many records at the end are proven on every opening.
pub const TAIL_RECORDS_VERIFIED: u64 = 64;

/// How a journal is opened.
#[derive(Clone)]
pub struct Options {
    /// Memory that redb may use for pages, in bytes.
    pub cache_bytes: usize,
    /// From how many bytes of journal on commits are made for opening fast after a kill.
    pub quick_repair_bytes: u64,
    /// For tests: what may crash the writer. `None` costs nothing.
    pub fault: Option<Arc<dyn Fault>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: CACHE_BYTES_DEFAULT,
            quick_repair_bytes: QUICK_REPAIR_BYTES_DEFAULT,
            fault: None,
        }
    }
}

/// What is durable, told to whoever appended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Sequence number of the first record; one after `last_seq` if nothing was appended.
    pub first_seq: u64,
    /// Sequence number of the last record.
    pub last_seq: u64,
    /// The last record, with its hash.
    pub head: Head,
}

/// The one writer of a journal. Usually owned by an [`crate::Appender`].
pub struct Journal {
    path: PathBuf,
    meta: Meta,
    head: Head,
    /// Reused for the bytes of each record.
    record: Vec<u8>,
    /// Set when a commit failed: what is on the disk is not known until the file is read again.
    is_spent: bool,
    writing: Writing,
    /// Set until the first commit. Dropped last, when the file is closed.
    unborn: Option<Unborn>,
}

/// The file of a journal without a first commit; removed if there never is one.
struct Unborn {
    path: PathBuf,
    power: Power,
}

impl Unborn {
    /// Makes the file in the run's folder `dir`.
    fn create(dir: &Path, power: Power) -> Result<(Self, File), CreateError> {
        let path = dir.join(UNBORN_FILE);
        remove_leftover(&path)?;
        let file = folder::create_private(&path).map_err(|e| StorageFailure::new(&path, e))?;
        Ok((Self { path, power }, file))
    }
}

impl Drop for Unborn {
    fn drop(&mut self) {
        // Best effort: a file that stays behind, as after a crash, is recognised by its name at the
        // next creation.
        if !self.power.is_cut() {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Journal {
    /// Makes a journal in the existing folder `dir`. Nothing stands under [`JOURNAL_FILE`] before
    /// the first append is durable.
    ///
    /// # Errors
    ///
    /// [`CreateError::Exists`] if there is a journal already.
    pub fn create(dir: &Path, genesis: Genesis, options: &Options) -> Result<Self, CreateError> {
        let path = dir.join(JOURNAL_FILE);
        let failed = |error| StorageFailure::new(&path, error);
        if path.try_exists().map_err(failed)? {
            return Err(CreateError::Exists { path });
        }
        let power = Power::default();
        let (unborn, file) = Unborn::create(dir, power.clone())?;
        let writing = store::open_for_writing(file, options, power)
            .map_err(|refusal| refusal.into_create_error(&path))?;
        let meta = Meta::new(genesis);
        let head = Head { seq: 0, hash: meta.genesis_hash };
        let (record, unborn) = (Vec::new(), Some(unborn));
        Ok(Self { path, meta, head, record, is_spent: false, writing, unborn })
    }

    /// Opens the journal in the run's folder `dir` for writing, also after a kill, and proves its
    /// last [`TAIL_RECORDS_VERIFIED`] records.
    ///
    /// # Errors
    ///
    /// One variant per cure; see [`OpenError`]. Nothing is written when it fails.
    pub fn open(dir: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = dir.join(JOURNAL_FILE);
        // redb writes as soon as it opens for writing, so what must be refused is refused before.
        Reader::open(dir, options)?.head()?;
        let writing = store::open_existing(&path, options)?;
        let txn = contained(|| writing.db.begin_read())
            .map_err(|refusal| refusal.into_read_error(&path))?;
        let snapshot = crate::walk::Snapshot::new(&path, &txn)?;
        let head = snapshot.verify_tail(TAIL_RECORDS_VERIFIED)?;
        let meta = snapshot.meta;
        Ok(Self { path, meta, head, record: Vec::new(), is_spent: false, writing, unborn: None })
    }

    /// What the run started from.
    pub fn genesis(&self) -> &Genesis {
        &self.meta.genesis
    }

    /// The last durable record.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The journal file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads beside this writer, in this process; sees what is durable.
    pub fn reader(&self) -> Reader {
        Reader::live(&self.path, &self.meta.genesis, &self.writing.db)
    }

    /// Proves the whole chain and returns its head.
    pub fn verify(&self) -> Result<Head, ReadError> {
        self.reader().verify()
    }

    /// Shows every record from `from` on to `visit`; see [`Reader::for_each`].
    pub fn for_each<E: From<ReadError>>(
        &self,
        from: impl Into<Start>,
        visit: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<Head, E> {
        self.reader().for_each(from, visit)
    }

    /// The records from `from` on, one by one.
    pub fn records_from(&self, from: impl Into<Start>) -> Result<Records, ReadError> {
        self.reader().records_from(from)
    }

    /// Appends `drafts` in one commit and returns when they are on the disk.
    ///
    /// # Errors
    ///
    /// A draft that breaks a rule: nothing was appended. Anything else: what is on the disk is not
    /// known, so every later append is refused until the journal is opened again.
    pub fn append(&mut self, drafts: &[Draft]) -> Result<Ack, AppendError> {
        let mut acks = Vec::with_capacity(1);
        self.append_together(std::iter::once(drafts), &mut acks)?;
        Ok(acks.pop().expect("one group gives one acknowledgement"))
    }

    /// Appends several groups in one commit; `acks` gets one entry for each, in order.
    pub(crate) fn append_together<'a>(
        &mut self,
        groups: impl Iterator<Item = &'a [Draft]> + Clone,
        acks: &mut Vec<Ack>,
    ) -> Result<(), AppendError> {
        let first_seq = self.head.seq + 1;
        let last_seq = self.head.seq + groups.clone().map(|group| group.len() as u64).sum::<u64>();
        if last_seq < first_seq {
            acks.extend(groups.map(|_| Ack { first_seq, last_seq, head: self.head }));
            return Ok(());
        }
        let done = self
            .commit_between_faults(groups, (first_seq, last_seq), acks)
            .map_err(|error| self.or_crashed(error));
        self.is_spent = matches!(
            done,
            Err(AppendError::Storage(_)
                | AppendError::Damaged(_)
                | AppendError::Crashed { .. }
                | AppendError::Closed { .. })
        );
        done
    }

    fn commit_between_faults<'a>(
        &mut self,
        groups: impl Iterator<Item = &'a [Draft]>,
        (first_seq, last_seq): (u64, u64),
        acks: &mut Vec<Ack>,
    ) -> Result<(), AppendError> {
        if self.is_spent {
            return Err(AppendError::Closed { path: self.path.clone() });
        }
        self.ask_fault(FaultPoint::BeforeCommit { first_seq, last_seq })?;
        let head = self.commit(groups, last_seq - self.head.seq, acks)?;
        self.settle()?;
        self.head = head;
        self.ask_fault(FaultPoint::AfterCommit { first_seq, last_seq })
    }

    /// One transaction, one sync.
    fn commit<'a>(
        &mut self,
        groups: impl Iterator<Item = &'a [Draft]>,
        records: u64,
        acks: &mut Vec<Ack>,
    ) -> Result<Head, AppendError> {
        let mut encoder = Encoder { head: self.head, record: &mut self.record, bytes: 0, acks };
        let (meta, db) = (self.unborn.as_ref().map(|_| &self.meta), &self.writing.db);
        let is_large = self.writing.is_large();
        let committed = contained(|| -> Result<Result<Head, AppendError>, redb::Error> {
            let mut txn = db.begin_write()?;
            txn.set_quick_repair(is_large);
            if let Some(meta) = meta {
                meta.write(&mut txn.open_table(META)?)?;
            }
            if let Err(refused) = insert(&txn, groups, records, &mut encoder)? {
                return Ok(Err(refused));
            }
            txn.commit()?;
            Ok(Ok(encoder.head))
        });
        self.writing.bytes += encoder.bytes;
        committed.map_err(|refusal| append_error(refusal, &self.path))?
    }

    /// After the first commit the file gets its final name, durably.
    fn settle(&mut self) -> Result<(), AppendError> {
        let Some(unborn) = &self.unborn else {
            return Ok(());
        };
        let failed = |error| StorageFailure::new(&self.path, error);
        folder::rename(&unborn.path, &self.path).map_err(failed)?;
        let dir = self.path.parent().expect("the journal's path was joined to a folder");
        folder::sync(dir).map_err(failed)?;
        self.unborn = None;
        Ok(())
    }

    fn ask_fault(&self, point: FaultPoint) -> Result<(), AppendError> {
        match self.writing.fault.as_ref().map(|fault| fault.at(point)) {
            None | Some(FaultAnswer::Continue) => Ok(()),
            Some(FaultAnswer::Crash) => {
                self.writing.power.cut();
                Err(self.crashed())
            }
        }
    }

    /// A disk without power fails too, but it is no failure that anybody lives to be told.
    fn or_crashed(&self, error: AppendError) -> AppendError {
        if self.writing.power.is_cut() { self.crashed() } else { error }
    }

    fn crashed(&self) -> AppendError {
        AppendError::Crashed { path: self.path.clone() }
    }
}

fn append_error(refusal: Refusal, path: &Path) -> AppendError {
    match refusal {
        Refusal::Closed => AppendError::Closed { path: path.to_path_buf() },
        Refusal::Damaged(damage) => damaged(path, crate::Place::File, damage).into(),
        Refusal::Io(error) => StorageFailure::new(path, error).into(),
        Refusal::Held | Refusal::NeedsRepair => {
            StorageFailure::new(path, io::Error::other("the store refused")).into()
        }
    }
}

/// Removes what an aborted creation left; a creation under way in another process holds its lock.
fn remove_leftover(path: &Path) -> Result<(), CreateError> {
    match folder::remove_unless_held(path).map_err(|error| StorageFailure::new(path, error))? {
        Leftover::Gone => Ok(()),
        Leftover::Held => Err(CreateError::Held { path: path.to_path_buf() }),
    }
}

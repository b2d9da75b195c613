//! redb behind one door: its tables, its ways of opening, its errors and panics in our words.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadOnlyDatabase, TableDefinition};

use crate::chain::{ChainHash, Genesis};
use crate::error::{CreateError, Damage, Damaged, OpenError, Place, ReadError, StorageFailure};
use crate::fault::Fault;
use crate::faulty::{FaultyDisk, Power};
use crate::folder;
use crate::format::FormatVersion;
use crate::journal::Options;
use crate::overlay::Overlay;

/// Sequence number to record bytes.
pub(crate) const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
/// What holds for the whole file.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Meta entry: format version, 2 bytes little-endian.
pub(crate) const META_FORMAT: &str = "format";
/// Meta entry: the run's id, UTF-8.
pub(crate) const META_RUN: &str = "run";
/// Meta entry: how the run was started, opaque bytes.
pub(crate) const META_STARTED: &str = "started";
/// Meta entry: the genesis hash, 32 bytes.
pub(crate) const META_GENESIS: &str = "genesis";

/// Why redb did not do what it was asked, sorted by what it means for a journal.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Another opener holds the file.
    Held,
    /// The file was not closed cleanly and may not be repaired here.
    NeedsRepair,
    /// The database was closed under a reader.
    Closed,
    /// The bytes are not what redb wrote.
    Damaged(Damage),
    /// The system refused.
    Io(io::Error),
}

impl Refusal {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "redb's enum is open: what is not known here contradicts how this crate uses redb, or the file is broken"
    )]
    fn new(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Held,
            redb::Error::RepairAborted => Self::NeedsRepair,
            redb::Error::DatabaseClosed => Self::Closed,
            redb::Error::Io(error) if is_about_content(&error) => {
                Self::Damaged(Damage::NotAJournal { report: error.to_string() })
            }
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::PreviousIo => Self::Io(io::Error::other(error.to_string())),
            redb::Error::TableDoesNotExist(table) => {
                let report = format!("it has no table `{table}`");
                Self::Damaged(Damage::NotAJournal { report })
            }
            other => Self::Damaged(Damage::Store { report: other.to_string() }),
        }
    }

    /// For a file that is open already: no other opener can be in the way.
    pub(crate) fn into_read_error(self, path: &Path) -> ReadError {
        match self {
            Self::Closed => ReadError::Closed { path: path.to_path_buf() },
            Self::Damaged(damage) => damaged(path, Place::File, damage).into(),
            Self::Io(error) => StorageFailure::new(path, error).into(),
            Self::Held | Self::NeedsRepair => {
                StorageFailure::new(path, io::Error::other("the store refused")).into()
            }
        }
    }

    fn into_open_error(self, path: &Path) -> OpenError {
        match self {
            Self::Held => OpenError::Held { path: path.to_path_buf() },
            Self::Damaged(damage) => damaged(path, Place::File, damage).into(),
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                OpenError::Missing { path: path.to_path_buf() }
            }
            Self::Io(error) => StorageFailure::new(path, error).into(),
            Self::NeedsRepair | Self::Closed => {
                StorageFailure::new(path, io::Error::other("the store refused")).into()
            }
        }
    }

    /// For a file being created.
    pub(crate) fn into_create_error(self, path: &Path) -> CreateError {
        match self {
            Self::Held => CreateError::Held { path: path.to_path_buf() },
            Self::Damaged(damage) => damaged(path, Place::File, damage).into(),
            Self::Io(error) => StorageFailure::new(path, error).into(),
            Self::NeedsRepair | Self::Closed => {
                StorageFailure::new(path, io::Error::other("the store refused")).into()
            }
        }
    }
}

/// redb reports a wrong beginning and a missing end of the file as errors of input.
fn is_about_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

pub(crate) fn damaged(path: &Path, place: Place, damage: Damage) -> Damaged {
    Damaged { path: path.to_path_buf(), place, damage }
}

/// Asks redb, and takes a panic for what it is on damaged pages: a report of damage.
pub(crate) fn contained<T, E: Into<redb::Error>>(
    ask: impl FnOnce() -> Result<T, E>,
) -> Result<T, Refusal> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer.map_err(|error| Refusal::new(error.into())),
        Err(panic) => {
            let report = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_else(|| String::from("the store panicked"));
            Err(Refusal::Damaged(Damage::Store { report }))
        }
    }
}

/// The value behind a guard; on a damaged page even that panics.
pub(crate) fn value_of<'a, V: redb::Value>(
    guard: &'a redb::AccessGuard<'_, V>,
) -> Result<V::SelfType<'a>, Refusal> {
    contained(|| Ok::<_, redb::Error>(guard.value()))
}

/// A database that closes without letting a panic out: closing commits once more, and on damaged
/// pages that may fail in any way. What was acknowledged does not depend on it.
pub(crate) struct Closing(Option<Database>);

impl Closing {
    pub(crate) fn new(db: Database) -> Self {
        Self(Some(db))
    }
}

impl std::ops::Deref for Closing {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("the database is there until it is dropped")
    }
}

impl std::ops::DerefMut for Closing {
    fn deref_mut(&mut self) -> &mut Database {
        self.0.as_mut().expect("the database is there until it is dropped")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let db = self.0.take();
        // A file that was not closed cleanly is repaired by whoever opens it next.
        drop(contained(move || {
            drop(db);
            Ok::<_, redb::Error>(())
        }));
    }
}

/// A database open for writing.
pub(crate) struct Writing {
    pub(crate) db: Arc<Closing>,
    /// About what repairing the file would have to read: its length when it was opened, and the
    /// records since. The file itself grows by doubling, so its length now would say less.
    pub(crate) bytes: u64,
    quick_repair_bytes: u64,
    /// For tests: asked before and after each commit.
    pub(crate) fault: Option<Arc<dyn Fault>>,
    /// Cut when a fault ended this writer.
    pub(crate) power: Power,
}

impl Writing {
    /// Whether a repair would take long enough for commits to be made for doing without.
    pub(crate) fn is_large(&self) -> bool {
        self.bytes >= self.quick_repair_bytes
    }
}

/// Makes a database in `file`, which is new and empty or holds one. A fault cuts `power`.
pub(crate) fn open_for_writing(
    file: File,
    options: &Options,
    power: Power,
) -> Result<Writing, Refusal> {
    let bytes = file.metadata().map_err(Refusal::Io)?.len();
    let builder = builder(options.cache_bytes);
    let db = match options.fault.clone() {
        None => contained(|| builder.create_file(file))?,
        Some(fault) => {
            contained(|| builder.create_with_backend(FaultyDisk::new(file, fault, power.clone())?))?
        }
    };
    Ok(Writing {
        db: Arc::new(Closing::new(db)),
        bytes,
        quick_repair_bytes: options.quick_repair_bytes,
        fault: options.fault.clone(),
        power,
    })
}

/// Opens the existing database at `path` for writing.
pub(crate) fn open_existing(path: &Path, options: &Options) -> Result<Writing, OpenError> {
    let refuse = |error: io::Error| Refusal::Io(error).into_open_error(path);
    let file = File::options().read(true).write(true).open(path).map_err(refuse)?;
    open_named(path, file, options)
}

/// Opens the database in `file` for writing, if that is still the file named `path` when it is
/// locked.
pub(crate) fn open_named(path: &Path, file: File, options: &Options) -> Result<Writing, OpenError> {
    let refuse = |error: io::Error| Refusal::Io(error).into_open_error(path);
    check_not_empty(path, &file)?;
    let opened = folder::identity(&file.metadata().map_err(refuse)?);
    let writing = open_for_writing(file, options, Power::default())
        .map_err(|refusal| refusal.into_open_error(path))?;
    // Between opening and locking it, a repair, a compaction or a removal may have taken the name
    // from this file: what would be appended to it nobody would find.
    match std::fs::metadata(path) {
        Ok(named) if folder::identity(&named) == opened => Ok(writing),
        Ok(_) => Err(OpenError::Held { path: path.to_path_buf() }),
        Err(error) => Err(refuse(error)),
    }
}

/// redb would make a new database in an empty file; under its final name a journal is never empty.
fn check_not_empty(path: &Path, file: &File) -> Result<(), OpenError> {
    let len = file.metadata().map_err(|error| StorageFailure::new(path, error))?.len();
    if len == 0 {
        let report = String::from("the file is empty");
        return Err(damaged(path, Place::File, Damage::NotAJournal { report }).into());
    }
    Ok(())
}

/// A database open for reading only.
pub(crate) enum Reading {
    /// Closed cleanly: read as it is.
    Clean(ReadOnlyDatabase),
    /// Left by a killed writer: repaired in memory.
    Repaired(Closing),
}

/// Opens the database at `path` for reading; the file is not written.
pub(crate) fn open_for_reading(path: &Path, cache_bytes: usize) -> Result<Reading, OpenError> {
    match contained(|| builder(cache_bytes).open_read_only(path)) {
        Ok(db) => return Ok(Reading::Clean(db)),
        // Another reader's in-memory repair looks like a writer to redb: try as one of those.
        Err(Refusal::NeedsRepair | Refusal::Held) => {}
        Err(refusal) => return Err(refusal.into_open_error(path)),
    }
    open_repaired(path, cache_bytes).map(Reading::Repaired)
}

/// Opens the database at `path` with every write kept in memory.
pub(crate) fn open_repaired(path: &Path, cache_bytes: usize) -> Result<Closing, OpenError> {
    let refuse = |refusal: Refusal| refusal.into_open_error(path);
    let file = File::open(path).map_err(|error| refuse(Refusal::Io(error)))?;
    check_not_empty(path, &file)?;
    let overlay = contained(|| Overlay::discarding(file)).map_err(refuse)?;
    contained(|| builder(cache_bytes).create_with_backend(overlay))
        .map(Closing::new)
        .map_err(refuse)
}

pub(crate) fn builder(cache_bytes: usize) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes);
    builder
}

/// What the `meta` table says, checked against itself.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) genesis: Genesis,
    pub(crate) genesis_hash: ChainHash,
}

impl Meta {
    /// The meta of a new journal.
    pub(crate) fn new(genesis: Genesis) -> Self {
        let genesis_hash = genesis.hash();
        Self { genesis, genesis_hash }
    }

    /// Writes all entries.
    pub(crate) fn write(
        &self,
        table: &mut redb::Table<'_, &str, &[u8]>,
    ) -> Result<(), redb::Error> {
        let format = FormatVersion::LATEST.get().to_le_bytes();
        table.insert(META_FORMAT, format.as_slice())?;
        table.insert(META_RUN, self.genesis.run.as_bytes())?;
        table.insert(META_STARTED, self.genesis.started.as_slice())?;
        table.insert(META_GENESIS, self.genesis_hash.as_bytes().as_slice())?;
        Ok(())
    }

    /// Reads the entries, the format version first, since a newer one may mean other entries.
    pub(crate) fn read(path: &Path, txn: &redb::ReadTransaction) -> Result<Self, ReadError> {
        let refuse = |refusal: Refusal| refusal.into_read_error(path);
        let table = contained(|| txn.open_table(META)).map_err(refuse)?;
        let entry = |name: &'static str| -> Result<Vec<u8>, ReadError> {
            let value = contained(|| table.get(name)).map_err(refuse)?;
            let value = value.ok_or_else(|| damaged(path, Place::Meta(name), Damage::Missing))?;
            Ok(value_of(&value).map_err(refuse)?.to_vec())
        };
        let unreadable = |name| damaged(path, Place::Meta(name), Damage::Unreadable);

        let format = <[u8; 2]>::try_from(entry(META_FORMAT)?.as_slice())
            .map_err(|_wrong_length| unreadable(META_FORMAT))?;
        FormatVersion::new(u16::from_le_bytes(format)).check_readable()?;
        let run = String::from_utf8(entry(META_RUN)?).map_err(|_not_text| unreadable(META_RUN))?;
        let meta = Self::new(Genesis { run, started: entry(META_STARTED)? });
        if entry(META_GENESIS)? != meta.genesis_hash.as_bytes() {
            return Err(damaged(path, Place::Meta(META_GENESIS), Damage::GenesisMismatch).into());
        }
        Ok(meta)
    }
}

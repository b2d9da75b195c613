//! Repair: a damaged journal is moved aside, and all of it that is proven is written anew.
//!
//! ```text
//!   what the store still shows, proven ─┐
//!   what the bytes still hold, proven ──┴▶ journal.redb.rewrite
//!   journal.redb ─ second name ─▶ journal.redb.damaged-1     (its bytes are never changed)
//!   journal.redb.rewrite ─ rename ─▶ journal.redb
//! ```
//!
//! Each step leaves a folder that the next attempt takes up: the damaged journal under its name, or
//! the new one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use redb::ReadableDatabase;

use crate::chain::{Genesis, Head};
use crate::check::{FindingPlace, check};
use crate::error::{Damage, OpenError, Place, ReadError, StorageFailure};
use crate::folder;
use crate::format::NewerFormat;
use crate::journal::{CACHE_BYTES_DEFAULT, JOURNAL_FILE};
use crate::manifest::{MANIFEST_FILE, Manifest, ManifestError, Seal};
use crate::record;
use crate::rewrite::{Rewrite, RewriteError, Rewritten};
use crate::salvage::Salvage;
use crate::store::{Closing, Meta, contained, open_repaired};
use crate::walk::{Snapshot, Start};

/// Damaged files of one run that are kept apart by their numbers.
const DAMAGED_MAX: u32 = 1000;

/// Bytes that are compared at a time.
const COMPARED_BYTES: usize = 64 * 1024;

/// A journal could not be repaired. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// There is no journal.
    #[error("there is no journal at {}", path.display())]
    Missing {
        /// The journal file looked for.
        path: PathBuf,
    },
    /// A process works on it.
    #[error("{} is held by another process: a journal is repaired when nobody works on it", path.display())]
    Held {
        /// The journal file.
        path: PathBuf,
    },
    /// A newer LAO wrote it.
    #[error(transparent)]
    NewerFormat(#[from] NewerFormat),
    /// Not even its first record is whole.
    #[error("nothing of {} can be kept: not even its first record is whole; restore it from a backup", path.display())]
    NothingLeft {
        /// The journal file.
        path: PathBuf,
    },
    /// There are too many damaged files beside it.
    #[error("{} has {DAMAGED_MAX} damaged ones beside it: remove some", path.display())]
    TooManyAside {
        /// The file.
        path: PathBuf,
    },
    /// The new journal could not be written.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The manifest could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// What was done about the journal; `None` if it is sound.
    pub journal: Option<JournalRepaired>,
    /// What was done about the manifest.
    pub manifest: ManifestRepaired,
}

/// What a repair did about a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRepaired {
    /// The last record that was kept; all before it were kept too.
    pub head: Head,
    /// Where the store stopped showing proven records; `None` if it showed all it had.
    pub stop: Option<Stop>,
    /// Records beyond that, found in the file's bytes and kept.
    pub found: u64,
    /// Records after the last one kept of which it is known that they were there.
    pub lost: u64,
    /// Of the lost ones, those that are whole in themselves: they follow one that is not.
    pub orphans: u64,
    /// The damaged journal's new name.
    pub aside: PathBuf,
}

/// Where a store stopped showing proven records, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Where.
    pub place: Place,
    /// Why.
    pub damage: Damage,
}

/// What a repair did about a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestRepaired {
    /// Nothing.
    Untouched,
    /// Its seal was taken away: the journal does not end there.
    Unsealed,
    /// It could not be read; a new one says what the journal tells.
    Renewed {
        /// The old one's new name; `None` if there was none.
        aside: Option<PathBuf>,
    },
}

/// Repairs the journal and the manifest in the run's folder `dir`; `None` if nothing is wrong.
///
/// # Errors
///
/// Nothing was changed.
pub fn repair(dir: &Path) -> Result<Option<Repaired>, RepairError> {
    let Some(repair) = Repair::prepare(dir)? else {
        return Ok(None);
    };
    repair.keep_aside()?.install()?.finish().map(Some)
}

/// A repair under way; its steps are apart for tests that stop between them.
pub(crate) struct Repair {
    dir: PathBuf,
    journal: Option<(Rewritten, JournalRepaired)>,
    genesis: Genesis,
    created_ms: i64,
    head: Head,
    /// Keeps writers away until all is done.
    held: Option<Closing>,
}

impl Repair {
    /// Writes what can be kept beside the damaged journal and changes nothing else.
    pub(crate) fn prepare(dir: &Path) -> Result<Option<Self>, RepairError> {
        let path = dir.join(JOURNAL_FILE);
        let store = open_store(&path)?;
        let report = check(dir);
        if report.is_sound() {
            return Ok(None);
        }
        let seal = match Manifest::read(dir) {
            Ok(manifest) => manifest.sealed,
            Err(ManifestError::Missing { .. } | ManifestError::Unreadable { .. }) => None,
            Err(error @ (ManifestError::Newer { .. } | ManifestError::Storage(_))) => {
                return Err(error.into());
            }
        };
        let mut gathering = Gathering::new(dir, &store)?;
        gathering.take_what_the_store_shows(&store)?;
        let is_sound = report.findings.iter().all(|it| it.place == FindingPlace::Manifest);
        gathering.take_what_the_bytes_hold(seal.as_ref())?;
        if gathering.rewrite.head().seq == 0 {
            return Err(RepairError::NothingLeft { path });
        }
        let (genesis, created_ms) = (gathering.genesis.clone(), gathering.created_ms);
        let is_needed = !is_sound || gathering.found > 0;
        let head = gathering.rewrite.head();
        let journal = if is_needed { Some(gathering.finish(seal.as_ref())?) } else { None };
        Ok(Some(Self {
            dir: dir.to_path_buf(),
            journal,
            genesis,
            created_ms,
            head,
            held: store.ok(),
        }))
    }

    /// Gives the damaged journal its second name.
    pub(crate) fn keep_aside(mut self) -> Result<Self, RepairError> {
        if let Some((_, report)) = &mut self.journal {
            report.aside = keep_aside(&self.dir, JOURNAL_FILE)?;
        }
        Ok(self)
    }

    /// Gives the new journal the name.
    pub(crate) fn install(self) -> Result<Installed, RepairError> {
        let Self { dir, journal, genesis, created_ms, head, held } = self;
        let journal = match journal {
            Some((rewritten, report)) => {
                rewritten.install()?;
                Some(report)
            }
            None => None,
        };
        Ok(Installed { dir, journal, genesis, created_ms, head, _held: held })
    }
}

/// A repair that lacks the manifest.
pub(crate) struct Installed {
    dir: PathBuf,
    journal: Option<JournalRepaired>,
    genesis: Genesis,
    created_ms: i64,
    head: Head,
    _held: Option<Closing>,
}

impl Installed {
    /// Makes the manifest fit.
    pub(crate) fn finish(self) -> Result<Repaired, RepairError> {
        let manifest = self.mend_manifest()?;
        Ok(Repaired { journal: self.journal, manifest })
    }

    fn mend_manifest(&self) -> Result<ManifestRepaired, RepairError> {
        let dir = &self.dir;
        let renewed = |aside| {
            let run = self.genesis.run.clone();
            Manifest::new(run.clone(), run, self.created_ms).write(dir)?;
            Ok(ManifestRepaired::Renewed { aside })
        };
        let mut manifest = match Manifest::read(dir) {
            Ok(manifest) => manifest,
            Err(ManifestError::Missing { .. }) => return renewed(None),
            Err(ManifestError::Unreadable { .. }) => {
                return renewed(Some(keep_aside(dir, MANIFEST_FILE)?));
            }
            Err(error @ (ManifestError::Newer { .. } | ManifestError::Storage(_))) => {
                return Err(error.into());
            }
        };
        if manifest.run != self.genesis.run {
            return renewed(Some(keep_aside(dir, MANIFEST_FILE)?));
        }
        let fits = |seal: &Seal| (seal.last_seq, seal.head) == (self.head.seq, self.head.hash);
        if manifest.sealed.as_ref().is_none_or(fits) {
            return Ok(ManifestRepaired::Untouched);
        }
        manifest.sealed = None;
        manifest.write(dir)?;
        Ok(ManifestRepaired::Unsealed)
    }
}

/// The store with its writes kept in memory, which holds the file against writers; or why it does
/// not open.
fn open_store(path: &Path) -> Result<Result<Closing, Stop>, RepairError> {
    match open_repaired(path, CACHE_BYTES_DEFAULT) {
        Ok(store) => Ok(Ok(store)),
        Err(OpenError::Held { path }) => Err(RepairError::Held { path }),
        Err(OpenError::Missing { path }) => Err(RepairError::Missing { path }),
        Err(OpenError::NewerFormat(newer)) => Err(newer.into()),
        Err(OpenError::Storage(failure)) => Err(failure.into()),
        Err(OpenError::Damaged(it)) => Ok(Err(Stop { place: it.place, damage: it.damage })),
    }
}

/// Why records are not shown any further, as damage; anything else ends the repair.
fn stop_of(error: ReadError) -> Result<Stop, RepairError> {
    match error {
        ReadError::Damaged(it) => Ok(Stop { place: it.place, damage: it.damage }),
        ReadError::NewerFormat(newer) => Err(newer.into()),
        ReadError::Closed { path } => Err(RepairError::Held { path }),
        ReadError::Storage(failure) => Err(failure.into()),
    }
}

/// Proven records, gathered from the store and from the bytes.
struct Gathering {
    path: PathBuf,
    genesis: Genesis,
    created_ms: i64,
    rewrite: Rewrite,
    salvage: Option<Salvage>,
    stop: Option<Stop>,
    found: u64,
    /// The last position that the store has.
    last_seq: u64,
}

impl Gathering {
    fn new(dir: &Path, store: &Result<Closing, Stop>) -> Result<Self, RepairError> {
        let path = dir.join(JOURNAL_FILE);
        let mut salvage = None;
        let (genesis, stop) = match meta_of(&path, store)? {
            Ok(genesis) => (genesis, None),
            Err(stop) => {
                let failed = |error| StorageFailure::new(&path, error);
                let mut bytes = File::open(&path).and_then(Salvage::new).map_err(failed)?;
                let genesis = bytes.genesis().map_err(failed)?;
                salvage = Some(bytes);
                let nothing = || RepairError::NothingLeft { path: path.clone() };
                (genesis.ok_or_else(nothing)?, Some(stop))
            }
        };
        let rewrite = Rewrite::begin(dir, genesis.clone())?;
        Ok(Self { path, genesis, created_ms: 0, rewrite, salvage, stop, found: 0, last_seq: 0 })
    }

    /// Every record up to the first that is not proven.
    fn take_what_the_store_shows(
        &mut self,
        store: &Result<Closing, Stop>,
    ) -> Result<(), RepairError> {
        let (Ok(store), None) = (store, &self.stop) else {
            return Ok(());
        };
        let snapshot = match snapshot_of(&self.path, store) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.stop = Some(stop_of(error)?);
                return Ok(());
            }
        };
        // Where the end is not to be had, the walk meets the damage too.
        self.last_seq = snapshot.last_seq().unwrap_or(0);
        let (rewrite, created_ms) = (&mut self.rewrite, &mut self.created_ms);
        let walked = snapshot.walk(Start::Seq(1)).map_err(RewriteError::from).and_then(|walk| {
            walk.for_each(|record| {
                if record.header.seq == 1 {
                    *created_ms = record.header.wall_time_ms;
                }
                rewrite.push(&record)
            })
        });
        match walked {
            Ok(head) if head.seq < self.last_seq => {
                let place = Place::Record(head.seq + 1);
                self.stop = Some(Stop { place, damage: Damage::Missing });
            }
            Ok(_) => {}
            Err(RewriteError::Read(error)) => self.stop = Some(stop_of(error)?),
            Err(error @ (RewriteError::Held { .. } | RewriteError::Storage(_))) => {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Records that go on where the store stopped. Where the store showed a sound end, only those
    /// that lead to the seal: others were never acknowledged.
    fn take_what_the_bytes_hold(&mut self, seal: Option<&Seal>) -> Result<(), RepairError> {
        let end = seal.map(|seal| Head { seq: seal.last_seq, hash: seal.head });
        let head = self.rewrite.head();
        if self.stop.is_none() && end.is_none_or(|end| end.seq <= head.seq) {
            return Ok(());
        }
        let path = self.path.clone();
        let failed = |error| StorageFailure::new(&path, error);
        let is_bound = self.stop.is_none();
        let salvage = self.salvage()?;
        let chain = salvage.chain(head, end).map_err(failed)?;
        let mut records = Vec::new();
        for place in chain {
            records.push(salvage.read(place).map_err(failed)?);
        }
        let reached = head.seq + records.len() as u64;
        if is_bound && end.is_some_and(|end| end.seq != reached) {
            return Ok(());
        }
        for bytes in records {
            self.found += 1;
            if self.rewrite.head().seq == 0 {
                self.created_ms = record::wall_time_ms(&bytes);
            }
            self.rewrite.push_bytes(bytes)?;
        }
        Ok(())
    }

    fn salvage(&mut self) -> Result<&mut Salvage, RepairError> {
        if self.salvage.is_none() {
            let bytes = File::open(&self.path).and_then(Salvage::new);
            self.salvage = Some(bytes.map_err(|error| StorageFailure::new(&self.path, error))?);
        }
        Ok(self.salvage.as_mut().expect("it was just made"))
    }

    fn finish(mut self, seal: Option<&Seal>) -> Result<(Rewritten, JournalRepaired), RepairError> {
        let head = self.rewrite.head();
        let path = self.path.clone();
        let whole = self.salvage()?.whole_after(head.seq);
        let whole = whole.map_err(|error| StorageFailure::new(&path, error))?;
        let last = [Some(self.last_seq), seal.map(|it| it.last_seq), whole.last().copied()];
        let last = last.into_iter().flatten().max().unwrap_or(0).max(head.seq);
        let report = JournalRepaired {
            head,
            stop: self.stop,
            found: self.found,
            lost: last - head.seq,
            orphans: whole.len() as u64,
            aside: PathBuf::new(),
        };
        Ok((self.rewrite.finish()?, report))
    }
}

fn snapshot_of(path: &Path, store: &Closing) -> Result<Snapshot, ReadError> {
    let txn = contained(|| store.begin_read()).map_err(|refusal| refusal.into_read_error(path))?;
    Snapshot::new(path, &txn)
}

/// What the run started from, as the store shows it.
fn meta_of(
    path: &Path,
    store: &Result<Closing, Stop>,
) -> Result<Result<Genesis, Stop>, RepairError> {
    let store = match store {
        Ok(store) => store,
        Err(stop) => return Ok(Err(stop.clone())),
    };
    let begun = contained(|| store.begin_read()).map_err(|refusal| refusal.into_read_error(path));
    match begun.and_then(|txn| Meta::read(path, &txn)) {
        Ok(meta) => Ok(Ok(meta.genesis)),
        Err(error) => stop_of(error).map(Err),
    }
}

/// Gives a file a second name that tells that it is damaged. One that an earlier attempt gave is
/// taken up.
fn keep_aside(dir: &Path, name: &str) -> Result<PathBuf, RepairError> {
    let from = dir.join(name);
    for number in 1..=DAMAGED_MAX {
        let aside = dir.join(format!("{name}.damaged-{number}"));
        let failed = |error| StorageFailure::new(&aside, error);
        match std::fs::hard_link(&from, &aside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !are_equal(&from, &aside).map_err(failed)? {
                    continue;
                }
            }
            // Not every file system knows second names.
            Err(_) => copy_aside(&from, dir, &aside).map_err(failed)?,
        }
        folder::sync(dir).map_err(failed)?;
        return Ok(aside);
    }
    Err(RepairError::TooManyAside { path: from })
}

fn copy_aside(from: &Path, dir: &Path, aside: &Path) -> io::Result<()> {
    let copy = tempfile::Builder::new().prefix(folder::TEMPORARY_PREFIX).tempfile_in(dir)?;
    io::copy(&mut File::open(from)?, &mut copy.as_file())?;
    copy.as_file().sync_all()?;
    copy.persist_noclobber(aside).map_err(|refused| refused.error)?;
    Ok(())
}

fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let mut pieces = [vec![0; COMPARED_BYTES], vec![0; COMPARED_BYTES]];
    loop {
        let [first, second] = &mut pieces;
        let read = one.read(first)?;
        other.read_exact(&mut second[..read])?;
        if read == 0 || first[..read] != second[..read] {
            return Ok(read == 0);
        }
    }
}

#[cfg(test)]
mod tests {
    //! A crash between any two steps: the run is as it was or as it should be, and the next attempt
    //! ends it.

    use super::*;
    use crate::collect::{remove_leftovers, set_aside};
    use crate::compact::{Compaction, compact};
    use crate::journal::{Journal, Options};
    use crate::samples::draft;

    /// A sealed run of 40 records.
    fn run() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let genesis = Genesis { run: String::from("run-1"), started: b"so".to_vec() };
        let mut journal = Journal::create(dir.path(), genesis, &Options::default()).unwrap();
        journal
            .append(&(1..=40).map(|number| draft(vec![number; 100])).collect::<Vec<_>>())
            .unwrap();
        let mut manifest = Manifest::new(String::from("run-1"), String::from("title"), 0);
        manifest.seal(journal.head(), String::from("succeeded"));
        drop(journal);
        manifest.write(dir.path()).unwrap();
        dir
    }

    fn damaged() -> tempfile::TempDir {
        let dir = run();
        let path = dir.path().join(JOURNAL_FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> = (0..bytes.len() - 100)
            .filter(|at| bytes[*at..*at + 100].iter().all(|byte| *byte == 30))
            .collect();
        for place in places {
            bytes[place] ^= 1;
        }
        std::fs::write(&path, bytes).unwrap();
        dir
    }

    fn kept(dir: &Path) -> u64 {
        assert_eq!(check(dir).findings, []);
        Journal::open(dir, &Options::default()).unwrap().head().seq
    }

    #[test]
    fn a_repair_that_is_stopped_between_two_steps_is_taken_up() {
        for steps in 0..=2 {
            let dir = damaged();
            let before = std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap();
            let prepared = Repair::prepare(dir.path()).unwrap().unwrap();
            match steps {
                0 => leave(prepared),
                1 => leave(prepared.keep_aside().unwrap()),
                _ => drop(prepared.keep_aside().unwrap().install().unwrap()),
            }
            let now = std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap();
            assert_eq!(now == before, steps < 2, "the old journal or the new one");
            repair(dir.path()).unwrap().unwrap();
            assert_eq!(kept(dir.path()), 29);
            let aside = dir.path().join("journal.redb.damaged-1");
            assert!(std::fs::read(aside).unwrap() == before);
            assert!(!dir.path().join("journal.redb.damaged-2").exists());
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
        }
    }

    /// Ends as a dead process does: its locks are gone, its files stay.
    fn leave(repair: Repair) {
        let Repair { journal, held, .. } = repair;
        drop(held);
        let (rewritten, _) = journal.expect("the journal is damaged");
        rewritten.leave();
    }

    #[test]
    fn a_compaction_that_is_stopped_is_begun_anew() {
        let dir = run();
        let before = std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap();
        Compaction::prepare(dir.path()).unwrap().leave();
        assert!(std::fs::read(dir.path().join(JOURNAL_FILE)).unwrap() == before);
        assert_eq!(kept(dir.path()), 40);
        let compacted = compact(dir.path()).unwrap();
        assert!(compacted.after_bytes < compacted.before_bytes);
        assert_eq!(kept(dir.path()), 40);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_removal_that_is_stopped_leaves_no_run() {
        let runs = tempfile::tempdir().unwrap();
        let dir = runs.path().join("one");
        std::fs::rename(run().path(), &dir).unwrap();
        set_aside(&dir, Manifest::read(&dir).ok().as_ref()).unwrap();
        assert!(!dir.exists());
        assert_eq!(remove_leftovers(runs.path()).unwrap(), 1);
        assert_eq!(std::fs::read_dir(runs.path()).unwrap().count(), 0);
    }
}

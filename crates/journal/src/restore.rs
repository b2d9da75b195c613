//! A run made anew from records that come from elsewhere: it has its name when all of it is proven.
//!
//! ```text
//!   records ─ proven ─▶ runs/.new-<run>/{journal.redb, run.json} ─ rename ─▶ runs/<run>/
//! ```
//!
//! A crash leaves what no listing shows, and the next restoring of the run writes over.

use std::path::{Path, PathBuf};

use crate::chain::{Genesis, Head};
use crate::error::{Damage, StorageFailure};
use crate::folder;
use crate::manifest::{Manifest, ManifestError};
use crate::record::{self, Draft, RecordRef, Unwritable};
use crate::rewrite::{Rewrite, RewriteError};

/// A run could not be restored. Nothing stands under its name.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something has its name.
    #[error("{} is there already: it was left as it is", path.display())]
    Exists {
        /// The run's folder.
        path: PathBuf,
    },
    /// The journal could not be written, or a record does not follow.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The manifest could not be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// A run being restored; dropped, nothing of it stays.
pub struct Restore {
    dir: PathBuf,
    // Fields are dropped in this order: the file is closed before its folder goes.
    rewrite: Rewrite,
    staging: Staging,
}

/// The folder without a name of its own.
struct Staging {
    path: PathBuf,
    is_needed: bool,
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_needed {
            // Best effort: what stays is written over by the next restoring.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

impl Restore {
    /// Begins a run whose folder will be `dir`.
    ///
    /// # Errors
    ///
    /// [`RestoreError::Exists`] if there is one.
    pub fn begin(dir: &Path, genesis: Genesis) -> Result<Self, RestoreError> {
        let failed = |error| StorageFailure::new(dir, error);
        if dir.try_exists().map_err(failed)? {
            return Err(RestoreError::Exists { path: dir.to_path_buf() });
        }
        let (parent, name) = parent_and_name(dir);
        let path = parent.join(format!("{}{name}", folder::TEMPORARY_PREFIX));
        folder::make_folder(&path).map_err(failed)?;
        let rewrite = Rewrite::begin(&path, genesis)?;
        // From here on nobody else works in the folder: the unfinished file is locked.
        let staging = Staging { path, is_needed: false };
        Ok(Self { dir: dir.to_path_buf(), rewrite, staging })
    }

    /// Adds a stored record; it is proven to follow those before.
    pub fn push(&mut self, record: &[u8]) -> Result<(), RestoreError> {
        Ok(self.rewrite.push_bytes(record.to_vec())?)
    }

    /// Gives the run its name, durably, with this manifest.
    pub fn finish(self, manifest: &Manifest) -> Result<Head, RestoreError> {
        let Self { dir, rewrite, mut staging } = self;
        let head = rewrite.finish()?.install()?;
        manifest.write(&staging.path)?;
        let failed = |error| StorageFailure::new(&dir, error);
        if dir.try_exists().map_err(failed)? {
            return Err(RestoreError::Exists { path: dir });
        }
        let (parent, _) = parent_and_name(&dir);
        folder::rename(&staging.path, &dir).and_then(|()| folder::sync(parent)).map_err(failed)?;
        staging.is_needed = true;
        Ok(head)
    }
}

fn parent_and_name(dir: &Path) -> (&Path, String) {
    let parent = dir.parent().expect("a run's folder lies in the folder of runs");
    let name = dir.file_name().expect("a run's folder has its name");
    (parent, name.to_string_lossy().into_owned())
}

/// Reads the stored record that must follow `previous`: its hash is checked before anything of it is
/// believed.
pub fn prove(previous: Head, record: &[u8]) -> Result<RecordRef<'_>, Damage> {
    record::decode_after(previous, record)
}

/// A draft cannot become a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Its payload is longer than a record may have.
    #[error("the payload has {len} bytes, a record has at most {}", crate::PAYLOAD_BYTES_MAX)]
    TooLarge {
        /// Bytes of the payload.
        len: usize,
    },
    /// Its cause is not before it.
    #[error("the cause {cause} is not before the record")]
    CauseAhead {
        /// The stated cause.
        cause: u64,
    },
}

/// The stored form of the record that follows `previous`, in `out` (cleared first), and the new head:
/// for chains that are not (yet) in a journal.
pub fn chain(previous: Head, draft: &Draft, out: &mut Vec<u8>) -> Result<Head, ChainError> {
    record::encode_after(previous, draft, out).map_err(|refused| match refused {
        Unwritable::TooLarge => ChainError::TooLarge { len: draft.payload.len() },
        Unwritable::CauseAhead => ChainError::CauseAhead { cause: draft.cause },
    })
}

#[cfg(test)]
mod tests {
    //! A run is there whole or not at all.

    use super::*;
    use crate::samples::draft;
    use crate::{JOURNAL_FILE, MANIFEST_FILE, Options, Reader};

    fn genesis() -> Genesis {
        Genesis { run: String::from("run-1"), started: b"s".to_vec() }
    }

    fn records(count: u8) -> Vec<Vec<u8>> {
        let mut head = Head { seq: 0, hash: genesis().hash() };
        let mut records = Vec::new();
        for number in 0..count {
            let mut record = Vec::new();
            head = chain(head, &draft(vec![number]), &mut record).unwrap();
            records.push(record);
        }
        records
    }

    #[test]
    fn a_restored_run_has_its_name_when_it_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("runs/run-1");
        let manifest = Manifest::new(String::from("run-1"), String::from("t"), 5);
        for attempt in 0..2 {
            let mut restore = Restore::begin(&dir, genesis()).unwrap();
            for record in records(3) {
                restore.push(&record).unwrap();
            }
            assert!(!dir.exists());
            if attempt == 0 {
                drop(restore);
                assert_eq!(std::fs::read_dir(place.path().join("runs")).unwrap().count(), 0);
            } else {
                assert_eq!(restore.finish(&manifest).unwrap().seq, 3);
            }
        }
        let reader = Reader::open(&dir, &Options::default()).unwrap();
        assert_eq!((reader.verify().unwrap().seq, reader.genesis()), (3, &genesis()));
        assert_eq!(Manifest::read(&dir).unwrap(), manifest);
        assert!(matches!(Restore::begin(&dir, genesis()), Err(RestoreError::Exists { .. })));
    }

    #[test]
    fn what_a_crash_left_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        let staging = place.path().join("runs/.new-run-1");
        std::fs::create_dir_all(&staging).unwrap();
        for name in [JOURNAL_FILE, MANIFEST_FILE, "journal.redb.rewrite"] {
            std::fs::write(staging.join(name), "half").unwrap();
        }
        let dir = place.path().join("runs/run-1");
        let mut restore = Restore::begin(&dir, genesis()).unwrap();
        assert!(matches!(
            Restore::begin(&dir, genesis()),
            Err(RestoreError::Rewrite(RewriteError::Held { .. }))
        ));
        let records = records(2);
        restore.push(&records[0]).unwrap();
        assert!(restore.push(&records[0]).is_err(), "a record that does not follow");
        restore.push(&records[1]).unwrap();
        let manifest = Manifest::new(String::from("run-1"), String::new(), 0);
        restore.finish(&manifest).unwrap();
        assert_eq!(Reader::open(&dir, &Options::default()).unwrap().verify().unwrap().seq, 2);
    }
}

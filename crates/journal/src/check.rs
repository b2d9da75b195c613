//! Looks at everything a run's folder holds of the log and reports what is wrong; writes nothing.

use std::fmt;
use std::path::Path;

use redb::{Database, ReadableDatabase};

use crate::chain::Head;
use crate::error::{OpenError, Place, ReadError};
use crate::journal::{CACHE_BYTES_DEFAULT, JOURNAL_FILE, Options};
use crate::manifest::{MANIFEST_FILE, Manifest, ManifestError};
use crate::reader::Reader;
use crate::record::RecordRef;
use crate::store::{Refusal, contained, open_repaired};
use crate::walk::{Snapshot, Survey};

/// Most findings that a report lists; the records are counted to the end all the same.
pub const FINDINGS_MAX: usize = 100;

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingPlace {
    /// The journal file.
    Journal(Place),
    /// The manifest beside it.
    Manifest,
}

impl fmt::Display for FindingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(place) => write!(f, "{JOURNAL_FILE}, {place}"),
            Self::Manifest => f.write_str(MANIFEST_FILE),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: FindingPlace,
    /// What, and what it means, in words for the user.
    pub meaning: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The run's id, if the journal could tell.
    pub run: Option<String>,
    /// Records that are there, sound or not.
    pub records: u64,
    /// The last record, if the whole chain up to it is sound.
    pub head: Option<Head>,
    /// The first record that is not proven: it and all after it cannot be relied on.
    pub first_damaged: Option<u64>,
    /// Everything that is wrong, at most [`FINDINGS_MAX`]; empty means sound.
    pub findings: Vec<Finding>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, place: FindingPlace, meaning: impl fmt::Display) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { place, meaning: meaning.to_string() });
        }
    }
}

/// Checks the whole journal and the manifest in the run's folder `dir`. Blobs are a store of their
/// own: see [`crate::Blobs::check`].
pub fn check(dir: &Path) -> CheckReport {
    check_beyond(dir, |_| {})
}

/// As [`check`], and shows the records that are whole in themselves and follow damaged ones: what
/// is affected.
pub fn check_beyond(dir: &Path, mut beyond: impl FnMut(RecordRef<'_>)) -> CheckReport {
    let mut report = CheckReport::default();
    let path = dir.join(JOURNAL_FILE);
    match open_repaired(&path, CACHE_BYTES_DEFAULT) {
        Ok(mut db) => {
            check_records(&path, &db, (&mut report, &mut beyond));
            check_store(&mut db, &mut report);
        }
        Err(error) => report.find(FindingPlace::Journal(open_place(&error)), error),
    }
    check_manifest(dir, &mut report);
    report
}

/// Checks what opening a run relies on: the file opens, its last records are proven, and they are
/// those that the manifest's seal names. The records before them are not looked at.
pub fn check_tail(dir: &Path) -> CheckReport {
    let mut report = CheckReport::default();
    let read = Reader::open(dir, &Options::default()).and_then(|reader| {
        let head = reader.head()?;
        Ok((reader.genesis().run.clone(), head))
    });
    match read {
        Ok((run, head)) => {
            report.run = Some(run);
            report.records = head.seq;
            report.head = Some(head);
        }
        Err(OpenError::Damaged(damaged)) => {
            if let Place::Record(seq) = damaged.place {
                report.first_damaged = Some(seq);
            }
            report.find(FindingPlace::Journal(damaged.place), &damaged.damage);
        }
        Err(
            error @ (OpenError::Missing { .. }
            | OpenError::Held { .. }
            | OpenError::NewerFormat(_)
            | OpenError::Storage(_)),
        ) => report.find(FindingPlace::Journal(Place::File), error),
    }
    check_manifest(dir, &mut report);
    report
}

fn open_place(error: &OpenError) -> Place {
    match error {
        OpenError::Damaged(damaged) => damaged.place,
        OpenError::Missing { .. }
        | OpenError::Held { .. }
        | OpenError::NewerFormat(_)
        | OpenError::Storage(_) => Place::File,
    }
}

/// redb's own structure, in memory.
fn check_store(db: &mut Database, report: &mut CheckReport) {
    let place = FindingPlace::Journal(Place::File);
    match contained(|| db.check_integrity()) {
        Ok(true) => {}
        Ok(false) => {
            report
                .find(place, "the store's own bookkeeping is damaged; opening the run repairs it");
        }
        Err(Refusal::Damaged(damage)) => report.find(place, damage),
        Err(Refusal::Io(error)) => report.find(place, error),
        Err(Refusal::Held | Refusal::NeedsRepair | Refusal::Closed) => {
            report.find(place, "the store could not be checked");
        }
    }
}

/// Meta, then every record; after a damaged one the chain goes on from the hash it carries.
fn check_records(
    path: &Path,
    db: &Database,
    (report, beyond): (&mut CheckReport, &mut impl FnMut(RecordRef<'_>)),
) {
    let snapshot = contained(|| db.begin_read())
        .map_err(|refusal| refusal.into_read_error(path))
        .and_then(|txn| Snapshot::new(path, &txn));
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(error) => return find_read_error(&error, report),
    };
    report.run = Some(snapshot.meta.genesis.run.clone());
    let walked = snapshot.survey(|seq, seen| match seen {
        Survey::There => report.records += 1,
        Survey::Beyond(record) => beyond(record),
        Survey::Damaged(damage) => {
            report.first_damaged.get_or_insert(seq);
            report.find(FindingPlace::Journal(Place::Record(seq)), damage);
        }
    });
    match walked {
        Ok(head) => report.head = head,
        Err(error) => find_read_error(&error, report),
    }
}

fn find_read_error(error: &ReadError, report: &mut CheckReport) {
    match error {
        ReadError::Damaged(damaged) => {
            report.find(FindingPlace::Journal(damaged.place), &damaged.damage);
        }
        ReadError::Closed { .. } | ReadError::NewerFormat(_) | ReadError::Storage(_) => {
            report.find(FindingPlace::Journal(Place::File), error);
        }
    }
}

/// The seal must name the head.
fn check_manifest(dir: &Path, report: &mut CheckReport) {
    let place = FindingPlace::Manifest;
    let manifest = match Manifest::read(dir) {
        Ok(manifest) => manifest,
        Err(
            error @ (ManifestError::Missing { .. }
            | ManifestError::Newer { .. }
            | ManifestError::Unreadable { .. }
            | ManifestError::Storage(_)),
        ) => {
            return report.find(place, error);
        }
    };
    if report.run.as_ref().is_some_and(|run| *run != manifest.run) {
        report.find(place, format!("it names run {}, which is not the journal's", manifest.run));
    }
    if let (Some(seal), Some(head)) = (&manifest.sealed, report.head)
        && (seal.last_seq, seal.head) != (head.seq, head.hash)
    {
        let meaning = format!(
            "it was sealed at record {}, the journal ends at record {} with another hash: one of them was changed or cut",
            seal.last_seq, head.seq
        );
        report.find(place, meaning);
    }
}

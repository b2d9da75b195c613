//! A run read from a portable file: everything is checked, and nothing in it says where to write.
//!
//! ```text
//!   sections ─ hashes ─▶ provenance ─▶ runs/.new-<run>/      a checked run id, no path
//!                        blobs ──────▶ blobs/ab/<hash>       the hash of what is there
//!                        records ────▶ chain, payloads, blobs they name ─ all there ─▶ runs/<run>/
//! ```

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use lao_event::{Event, Hash, RunId};
use lao_history::{FolderError, HistoryError, RunFolder, RunsFolder, StoredEvent};
use lao_journal::{
    BlobError, Blobs, Damage, Genesis, Head, Manifest, OpenError, ReadError, Restore, RestoreError,
    prove,
};

use crate::{
    export::blobs_in,
    portable::{LABEL_SOURCE, Position, Provenance, SectionError, SectionKind, SectionReader},
};

/// Label of the manifest of a run that was imported: what the file's provenance says.
pub const LABEL_IMPORTED: &str = "imported_from";

/// A file is no portable run that can be relied on.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// Its sections are not what was written.
    #[error(transparent)]
    Section(#[from] SectionError),
    /// A section stands where another must.
    #[error("{} stands at byte {at}, where {expected} must", found.name())]
    Order {
        /// Where.
        at: u64,
        /// What is there.
        found: SectionKind,
        /// What must be.
        expected: &'static str,
    },
    /// The provenance cannot be read.
    #[error("its provenance cannot be read")]
    Provenance(#[source] serde_json::Error),
    /// The provenance contradicts itself or what follows.
    #[error("its provenance is wrong: {what}")]
    Contradiction {
        /// What does not fit.
        what: &'static str,
    },
    /// A record does not follow from those before.
    #[error("record {seq} cannot be relied on: {source}")]
    Record {
        /// Its number.
        seq: u64,
        /// Why.
        source: Damage,
    },
    /// A record's payload makes no sense.
    #[error(transparent)]
    Payload(#[from] HistoryError),
    /// A blob that an event names is missing.
    #[error("event {seq} names blob {hash}, which is not in the file")]
    BlobMissing {
        /// The event.
        seq: u64,
        /// The blob.
        hash: Hash,
    },
    /// A blob is there that the record after it does not name.
    #[error("blob {hash} is in the file without an event that needs it there")]
    BlobUnnamed {
        /// The blob.
        hash: Hash,
    },
}

/// A part of a portable file that was checked.
pub enum Part<'a> {
    /// Where the run comes from.
    Provenance(&'a Provenance),
    /// The content of a blob, which the next record names.
    Blob(&'a [u8]),
    /// A record, as it is stored, and what it means.
    Record(&'a [u8], &'a StoredEvent),
}

/// Reads a portable file and shows its parts in their order; nothing of a part is shown before it was
/// checked. That the file is whole is known when this returns.
pub fn read_portable<E: From<PortableError>>(
    input: impl Read,
    mut visit: impl FnMut(Part<'_>) -> Result<(), E>,
) -> Result<Provenance, E> {
    let mut sections = SectionReader::new(input).map_err(PortableError::from)?;
    let provenance = read_provenance(&mut sections)?;
    let genesis = checked_genesis(&provenance)?;
    visit(Part::Provenance(&provenance))?;
    let mut checked = Checked {
        head: Head { seq: 0, hash: genesis.hash() },
        run: genesis.run,
        is_named: false,
        blobs: BTreeSet::new(),
        waiting: BTreeSet::new(),
    };
    loop {
        let at = sections.at();
        let (kind, bytes) = sections.next().map_err(PortableError::from)?;
        match kind {
            SectionKind::Blob => {
                checked.blob(&bytes)?;
                visit(Part::Blob(&bytes))?;
            }
            SectionKind::Record => {
                let event = checked.record(&bytes)?;
                visit(Part::Record(&bytes, &event))?;
            }
            SectionKind::End => {
                checked.end(&provenance)?;
                return Ok(provenance);
            }
            SectionKind::Provenance => {
                let expected = "a record";
                return Err(PortableError::Order { at, found: kind, expected }.into());
            }
        }
    }
}

fn read_provenance(sections: &mut SectionReader<impl Read>) -> Result<Provenance, PortableError> {
    let at = sections.at();
    let (kind, bytes) = sections.next()?;
    if kind != SectionKind::Provenance {
        return Err(PortableError::Order { at, found: kind, expected: "the provenance" });
    }
    serde_json::from_slice(&bytes).map_err(PortableError::Provenance)
}

/// The genesis, of a run whose id is one.
fn checked_genesis(provenance: &Provenance) -> Result<Genesis, PortableError> {
    let wrong = |what| PortableError::Contradiction { what };
    provenance.run.parse::<RunId>().map_err(|_| wrong("the run's id is none"))?;
    provenance.genesis().ok_or_else(|| wrong("the genesis is not that of the run"))
}

/// What was read so far.
struct Checked {
    run: String,
    head: Head,
    /// An event said that this is the run: its start, or where it was branched off.
    is_named: bool,
    blobs: BTreeSet<Hash>,
    /// Blobs that the next record must name.
    waiting: BTreeSet<Hash>,
}

impl Checked {
    fn blob(&mut self, content: &[u8]) -> Result<(), PortableError> {
        let hash = Hash::of(content);
        self.waiting.insert(hash);
        if self.blobs.insert(hash) { Ok(()) } else { Err(PortableError::BlobUnnamed { hash }) }
    }

    fn record(&mut self, bytes: &[u8]) -> Result<StoredEvent, PortableError> {
        let seq = self.head.seq + 1;
        let record =
            prove(self.head, bytes).map_err(|source| PortableError::Record { seq, source })?;
        self.head = Head { seq, hash: record.hash };
        let event = StoredEvent::of(&record)?;
        if let StoredEvent::Known(recorded) = &event {
            self.name(&recorded.event);
            for (hash, _) in blobs_in(recorded) {
                if !self.blobs.contains(&hash) {
                    return Err(PortableError::BlobMissing { seq, hash });
                }
                self.waiting.remove(&hash);
            }
        }
        self.nothing_waits()?;
        Ok(event)
    }

    fn name(&mut self, event: &Event) {
        if let Event::RunStarted(started) = event {
            self.is_named |= started.run.as_str() == self.run;
        } else if let Event::RunForked(forked) = event {
            self.is_named |= forked.run.as_str() == self.run;
        }
    }

    fn nothing_waits(&self) -> Result<(), PortableError> {
        match self.waiting.first() {
            Some(hash) => Err(PortableError::BlobUnnamed { hash: *hash }),
            None => Ok(()),
        }
    }

    fn end(&self, provenance: &Provenance) -> Result<(), PortableError> {
        self.nothing_waits()?;
        let wrong = |what| Err(PortableError::Contradiction { what });
        if self.head.seq == 0 {
            return wrong("there is no record");
        }
        if !self.is_named {
            return wrong("no event is the start of the run that it names");
        }
        if Position::of(self.head) != provenance.head {
            return wrong("the last record is not the one it names");
        }
        if self.blobs.len() as u64 != provenance.blobs {
            return wrong("there are not as many blobs as it says");
        }
        Ok(())
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where the run is now.
    pub run: RunId,
    /// What stands at the file's beginning.
    pub provenance: Provenance,
    /// Whether the run was there before, with the same records.
    pub was_there: bool,
}

/// A file was not imported. No run was added; blobs may have been, which no run names and `lao
/// journal gc` removes.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be relied on.
    #[error(transparent)]
    Portable(#[from] PortableError),
    /// A run with this id is there, and it is another.
    #[error("run {run} is here already, with other events: it was left as it is")]
    Different {
        /// The run.
        run: RunId,
    },
    /// A run with this id is there and cannot be compared.
    #[error("run {run} is here already and cannot be compared: it was left as it is")]
    There {
        /// The run.
        run: RunId,
        /// Why.
        source: OpenError,
    },
    /// The run could not be written.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A blob could not be stored.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The project's folders cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Reads a portable file into a project. Blocking.
pub fn import(input: impl Read, runs: &RunsFolder) -> Result<Imported, ImportError> {
    let mut import: Option<Import> = None;
    let provenance = read_portable::<ImportError>(io::BufReader::new(input), |part| {
        match (part, &mut import) {
            (Part::Provenance(provenance), _) => {
                import = Some(Import::begin(provenance, runs)?);
                Ok(())
            }
            (Part::Blob(content), Some(import)) => {
                import.blobs.put(content)?;
                Ok(())
            }
            (Part::Record(bytes, _event), Some(Import { into: Some(restore), .. })) => {
                Ok(restore.push(bytes)?)
            }
            // It is there already; all that is asked is whether the file is whole.
            (Part::Record(..), Some(Import { into: None, .. })) => Ok(()),
            (Part::Blob(_) | Part::Record(..), None) => unreachable!("the provenance comes first"),
        }
    })?;
    let Import { run, into, blobs: _ } = import.expect("the provenance came first");
    let was_there = into.is_none();
    if let Some(restore) = into {
        restore.finish(&manifest(&provenance))?;
    }
    Ok(Imported { run, provenance, was_there })
}

/// An import under way.
struct Import {
    run: RunId,
    blobs: Blobs,
    /// `None` where the run is there already.
    into: Option<Restore>,
}

impl Import {
    fn begin(provenance: &Provenance, runs: &RunsFolder) -> Result<Self, ImportError> {
        let (Ok(run), Some(genesis)) = (provenance.run.parse::<RunId>(), provenance.genesis())
        else {
            unreachable!("the provenance was checked before it was shown")
        };
        let folder = runs.run(&run);
        let into = if folder.path.exists() {
            demand_same(&folder, provenance)?;
            None
        } else {
            Some(Restore::begin(&folder.path, genesis)?)
        };
        let blobs = Blobs::open(&runs.root().join("blobs"))?;
        Ok(Self { run, blobs, into })
    }
}

/// The run that is there must be the one in the file.
fn demand_same(folder: &RunFolder, provenance: &Provenance) -> Result<(), ImportError> {
    let there = |source: OpenError| ImportError::There { run: folder.run.clone(), source };
    let reader = folder.reader().map_err(there)?;
    let head = reader.verify().map_err(|error: ReadError| there(error.into()))?;
    if Position::of(head) == provenance.head {
        Ok(())
    } else {
        Err(ImportError::Different { run: folder.run.clone() })
    }
}

/// The manifest of a run that was imported. It does not say which plan it is of: a plan of this project
/// was not run because somebody else ran it elsewhere.
fn manifest(provenance: &Provenance) -> Manifest {
    let Provenance { run, title, created_ms, source, outcome, .. } = provenance;
    let mut manifest = Manifest::new(run.clone(), title.clone(), *created_ms);
    if let Some(outcome) = outcome
        && let Some(hash) = lao_journal::ChainHash::from_hex(&provenance.head.hash)
    {
        manifest.seal(Head { seq: provenance.head.seq, hash }, outcome.clone());
    }
    manifest.other.insert(LABEL_SOURCE.to_owned(), source.clone().into());
    let label = serde_json::json!({ "lao": provenance.lao, "redacted": provenance.redacted });
    manifest.other.insert(LABEL_IMPORTED.to_owned(), label);
    manifest
}

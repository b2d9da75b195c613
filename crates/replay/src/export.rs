//! A run written as one file, in the form that is described in `docs/portable-runs.md`.
//!
//! The journal is gone through twice: once for the provenance, which stands at the beginning, and
//! once for the records. Nothing is held in memory but the hashes of the blobs that were written,
//! so the run may be of any length; and the same run gives the same bytes.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use lao_event::{Content, Hash};
use lao_history::{Contents, HistoryError, Recorded, StoredEvent};
use lao_journal::{BlobError, Head, Manifest, ReadError, Reader, RecordRef};

use crate::portable::{
    Gathered, Position, Provenance, SectionKind, SectionWriter, source_of, to_hex,
};

/// What is exported.
pub struct ExportSource<'a> {
    /// The run's journal.
    pub reader: &'a Reader,
    /// Its texts.
    pub contents: &'a Contents,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Version of the program.
    pub lao: &'a str,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// What stands at the file's beginning.
    pub provenance: Provenance,
    /// Length of the file.
    pub bytes: u64,
}

/// A run could not be exported. What was written so far is not a whole file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A text that an event names is not to be had.
    #[error("event {seq} names a text that is not there")]
    Blob {
        /// The event.
        seq: u64,
        /// Why.
        source: BlobError,
    },
    /// The file cannot be written.
    #[error("the file cannot be written")]
    Io(#[from] io::Error),
}

impl From<ReadError> for ExportError {
    fn from(error: ReadError) -> Self {
        Self::History(error.into())
    }
}

/// Writes the run as it is.
pub fn export(source: &ExportSource<'_>, out: impl Write) -> Result<Exported, ExportError> {
    let provenance = provenance(source)?;
    let mut writer = SectionWriter::new(out)?;
    let json = serde_json::to_vec(&provenance).map_err(io::Error::from)?;
    writer.write(SectionKind::Provenance, &json)?;
    let mut written = BTreeSet::new();
    let mut bytes = Vec::new();
    source.reader.for_each(1, |record| {
        for blob in blobs_of(&record)? {
            if written.insert(blob.hash()) {
                let seq = record.header.seq;
                let content = source.contents.bytes(&blob);
                let content = content.map_err(|source| ExportError::Blob { seq, source })?;
                writer.write(SectionKind::Blob, &content)?;
            }
        }
        stored(&record, &mut bytes);
        writer.write(SectionKind::Record, &bytes).map_err(ExportError::from)
    })?;
    Ok(Exported { provenance, bytes: writer.finish()? })
}

fn provenance(source: &ExportSource<'_>) -> Result<Provenance, ExportError> {
    let mut gathered = Gathered::default();
    let mut blobs: BTreeSet<Hash> = BTreeSet::new();
    let mut blob_bytes = 0;
    let head = source.reader.for_each::<ExportError>(1, |record| {
        if let StoredEvent::Known(recorded) = StoredEvent::of(&record)? {
            gathered.note(&recorded);
        }
        for blob in blobs_of(&record)? {
            if blobs.insert(blob.hash()) {
                blob_bytes += blob.size_bytes();
            }
        }
        Ok(())
    })?;
    Ok(described(source, (head, gathered), (blobs.len() as u64, blob_bytes)))
}

fn described(
    source: &ExportSource<'_>,
    (head, gathered): (Head, Gathered),
    (blobs, blob_bytes): (u64, u64),
) -> Provenance {
    let genesis = source.reader.genesis();
    let manifest = source.manifest;
    let seal = manifest.sealed.as_ref().filter(|seal| seal.head == head.hash);
    Provenance {
        lao: source.lao.to_owned(),
        run: genesis.run.clone(),
        title: manifest.title.clone(),
        source: source_of(manifest),
        created_ms: manifest.created_ms,
        outcome: seal.map(|seal| seal.outcome.clone()),
        started: to_hex(&genesis.started),
        genesis: genesis.hash().to_hex(),
        head: Position::of(head),
        blobs,
        blob_bytes,
        programs: gathered.programs,
        models: gathered.models,
        redacted: None,
    }
}

/// The blobs that a record names.
fn blobs_of(record: &RecordRef<'_>) -> Result<Vec<Content>, ExportError> {
    Ok(match StoredEvent::of(record)? {
        StoredEvent::Known(recorded) => blobs_in(recorded),
        // What it names is not known; it stays without.
        StoredEvent::Unknown { .. } => Vec::new(),
    })
}

/// The blobs that an event names.
pub(crate) fn blobs_in(mut recorded: Recorded) -> Vec<Content> {
    let mut blobs = Vec::new();
    recorded.event.visit_contents(&mut |content| {
        if let Content::Blob { .. } = content {
            blobs.push(content.clone());
        }
    });
    blobs
}

/// A record as it is stored.
fn stored(record: &RecordRef<'_>, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend_from_slice(&record.header.encode());
    bytes.extend_from_slice(record.payload);
    bytes.extend_from_slice(record.hash.as_bytes());
}

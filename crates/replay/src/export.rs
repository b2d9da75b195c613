//! A run written for elsewhere: as one file that can be imported, or as lines of JSON.
//!
//! ```text
//!   records ─ as they are, or redacted and chained anew ─▶ Outgoing ─▶ sections | lines
//! ```
//!
//! The journal is gone through twice: once for the provenance, which stands at the beginning, and
//! once for the records. What is held in memory grows with the number of blobs, not with their
//! length and not with the run's; and the same run gives the same bytes. The formats are described in
//! `docs/portable-runs.md`.

mod lines;
mod outgoing;
mod redaction;

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use lao_event::{Hash, codec::EncodeError};
use lao_history::{Contents, HistoryError, StoredEvent};
use lao_journal::{BlobError, ChainError, Head, Manifest, ReadError, Reader};
use lao_kernel::Inconsistency;
use lao_redact::Redactor;

pub use lines::{Texts, export_lines};
pub use redaction::SCANNER_PATTERNS;

use crate::portable::{
    Gathered, Position, Provenance, Redaction, RuleCount, SectionKind, SectionWriter, source_of,
    to_hex,
};
pub(crate) use outgoing::blobs_in;
use outgoing::{Outgoing, walk};

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
    /// What replaces secrets, where they are to be replaced.
    pub redactor: Option<&'a Redactor>,
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
    /// An event that this program does not know may hold secrets.
    #[error("event {seq} was written by a newer lao, and what it holds cannot be redacted")]
    Newer {
        /// The event.
        seq: u64,
    },
    /// A rule found something that is no text but has a meaning.
    #[error("event {seq} is not an event any more when it is redacted: a rule finds too much")]
    Meaning {
        /// The event.
        seq: u64,
        /// What it broke.
        source: serde_json::Error,
    },
    /// Redacted, the events do not follow from one another.
    #[error("event {seq} does not follow any more when the run is redacted")]
    Inconsistent {
        /// The event.
        seq: u64,
        /// Why.
        source: Inconsistency,
    },
    /// Redacted, an event has no room in a record.
    #[error("event {seq} is too large when it is redacted")]
    TooLarge {
        /// The event.
        seq: u64,
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

impl ExportError {
    fn unencodable(seq: u64) -> impl Fn(EncodeError) -> Self {
        move |_error| Self::TooLarge { seq }
    }

    fn unchainable(seq: u64) -> impl Fn(ChainError) -> Self {
        move |_error| Self::TooLarge { seq }
    }
}

/// Writes the run as a portable file.
pub fn export(source: &ExportSource<'_>, out: impl Write) -> Result<Exported, ExportError> {
    let provenance = provenance(source)?;
    let mut writer = SectionWriter::new(out)?;
    let json = serde_json::to_vec(&provenance).map_err(io::Error::from)?;
    writer.write(SectionKind::Provenance, &json)?;
    let mut written: BTreeSet<Hash> = BTreeSet::new();
    walk(source, |outgoing| {
        for blob in &outgoing.blobs {
            if written.insert(blob.hash) {
                let content = outgoing.content(source, blob)?;
                writer.write(SectionKind::Blob, &content)?;
            }
        }
        Ok(writer.write(SectionKind::Record, outgoing.bytes)?)
    })?;
    Ok(Exported { provenance, bytes: writer.finish()? })
}

/// What stands at the beginning of an export.
fn provenance(source: &ExportSource<'_>) -> Result<Provenance, ExportError> {
    let mut gathered = Gathered::default();
    let mut blobs: BTreeSet<Hash> = BTreeSet::new();
    let mut blob_bytes = 0;
    let walked = walk(source, |outgoing: Outgoing<'_>| {
        if let StoredEvent::Known(recorded) = outgoing.event {
            gathered.note(recorded);
        }
        for blob in &outgoing.blobs {
            if blobs.insert(blob.hash) {
                blob_bytes += blob.size_bytes;
            }
        }
        Ok(())
    })?;
    let (genesis, manifest) = (source.reader.genesis(), source.manifest);
    let seal = manifest.sealed.as_ref().filter(|seal| seal.head == walked.original.hash);
    let redacted = |text: &str| match source.redactor {
        Some(redactor) => redactor.redact(text).into_owned(),
        None => text.to_owned(),
    };
    let counts = |counts: Vec<(String, u64)>| {
        counts.into_iter().map(|(token, count)| RuleCount { token, count }).collect()
    };
    Ok(Provenance {
        lao: source.lao.to_owned(),
        run: genesis.run.clone(),
        title: redacted(&manifest.title),
        source: redacted(&source_of(manifest)),
        created_ms: manifest.created_ms,
        outcome: seal.map(|seal| seal.outcome.clone()),
        started: to_hex(&genesis.started),
        genesis: genesis.hash().to_hex(),
        head: Position::of(walked.head),
        blobs: blobs.len() as u64,
        blob_bytes,
        programs: gathered.programs,
        models: gathered.models,
        redacted: walked.replaced.map(|replaced| Redaction {
            original: Position::of(walked.original),
            rules: counts(replaced),
        }),
    })
}

/// A run that was gone through.
struct Walked {
    /// The last record, as it goes out.
    head: Head,
    /// The last record of the journal.
    original: Head,
    /// What was replaced, if anything was to be.
    replaced: Option<Vec<(String, u64)>>,
}

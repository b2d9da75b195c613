//! Records on their way out: as they are stored, or redacted and chained anew.

use std::borrow::Cow;

use lao_event::{Content, Hash};
use lao_history::{Recorded, StoredEvent};
use lao_journal::{Head, RecordRef, chain};

use super::{ExportError, ExportSource, Walked, redaction::Redacting};

/// A record as it goes out.
pub(super) struct Outgoing<'a> {
    /// Its position and chain hash.
    pub(super) head: Head,
    /// As it is stored: header, payload, chain hash.
    pub(super) bytes: &'a [u8],
    /// What it means.
    pub(super) event: &'a StoredEvent,
    /// The blobs that it names.
    pub(super) blobs: Vec<OutgoingBlob>,
}

/// A blob that a record names.
pub(super) struct OutgoingBlob {
    pub(super) hash: Hash,
    pub(super) size_bytes: u64,
    pub(super) from: BlobFrom,
}

/// Where the content of a blob comes from.
pub(super) enum BlobFrom {
    /// The store, as it is.
    Store,
    /// The store, where it has this hash before it is redacted.
    Redacted(Hash),
    /// A text that grew too long for its place when it was redacted.
    Made(Vec<u8>),
}

impl Outgoing<'_> {
    /// The content of one of its blobs.
    pub(super) fn content<'b>(
        &self,
        source: &ExportSource<'_>,
        blob: &'b OutgoingBlob,
    ) -> Result<Cow<'b, [u8]>, ExportError> {
        let stored = |hash| {
            let blob = Content::Blob { hash, size_bytes: 0 };
            let content = source.contents.bytes(&blob);
            content.map_err(|source| ExportError::Blob { seq: self.head.seq, source })
        };
        Ok(match (&blob.from, source.redactor) {
            (BlobFrom::Made(bytes), _) => Cow::Borrowed(bytes),
            (BlobFrom::Redacted(original), Some(redactor)) => {
                let redacted = super::redaction::bytes(redactor, stored(*original)?, &mut |_| {});
                Cow::Owned(redacted)
            }
            (BlobFrom::Store | BlobFrom::Redacted(_), _) => Cow::Owned(stored(blob.hash)?),
        })
    }
}

/// Shows every record as it goes out, in order.
pub(super) fn walk(
    source: &ExportSource<'_>,
    mut visit: impl FnMut(Outgoing<'_>) -> Result<(), ExportError>,
) -> Result<Walked, ExportError> {
    let genesis = Head { seq: 0, hash: source.reader.genesis().hash() };
    let mut head = genesis;
    let mut bytes = Vec::new();
    let mut redacting = source.redactor.map(|redactor| Redacting::new(redactor, source.contents));
    let original = source.reader.for_each::<ExportError>(1, |record| {
        let event = StoredEvent::of(&record)?;
        let seq = record.header.seq;
        let (event, blobs) = match (&mut redacting, event) {
            (None, event) => {
                stored(&record, &mut bytes);
                head = Head { seq, hash: record.hash };
                let blobs = blobs_of(&event);
                (event, blobs)
            }
            (Some(_), StoredEvent::Unknown { seq, .. }) => return Err(ExportError::Newer { seq }),
            (Some(redacting), StoredEvent::Known(recorded)) => {
                let (recorded, blobs) = redacting.redact(&recorded)?;
                let draft = recorded.draft().map_err(ExportError::unencodable(seq))?;
                head = chain(head, &draft, &mut bytes).map_err(ExportError::unchainable(seq))?;
                (StoredEvent::Known(recorded), blobs)
            }
        };
        visit(Outgoing { head, bytes: &bytes, event: &event, blobs })
    })?;
    Ok(Walked { head, original, replaced: redacting.map(Redacting::replaced) })
}

/// A record as it is stored.
fn stored(record: &RecordRef<'_>, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend_from_slice(&record.header.encode());
    bytes.extend_from_slice(record.payload);
    bytes.extend_from_slice(record.hash.as_bytes());
}

/// The blobs that an event names. What an unknown one names is not known; it goes without.
fn blobs_of(event: &StoredEvent) -> Vec<OutgoingBlob> {
    let StoredEvent::Known(recorded) = event else {
        return Vec::new();
    };
    let stored = |(hash, size_bytes)| OutgoingBlob { hash, size_bytes, from: BlobFrom::Store };
    blobs_in(recorded).into_iter().map(stored).collect()
}

/// Hashes and sizes of the blobs that an event names.
pub(crate) fn blobs_in(recorded: &Recorded) -> Vec<(Hash, u64)> {
    let mut blobs = Vec::new();
    recorded.event.clone().visit_contents(&mut |content| {
        if let Content::Blob { hash, size_bytes } = content {
            blobs.push((*hash, *size_bytes));
        }
    });
    blobs
}

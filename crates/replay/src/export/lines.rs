//! A run as lines of JSON, for other programs: `docs/portable-events.schema.json` describes them.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use lao_event::{Event, Hash};
use lao_history::StoredEvent;
use lao_journal::Head;
use serde::Serialize;

use super::{ExportError, ExportSource, Exported, outgoing::Outgoing, provenance};
use crate::portable::{PORTABLE_FORMAT, Provenance, to_hex};

/// Whether large texts are written too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// Events only, which name them by their hashes.
    Named,
    /// Each on a line before the first event that names it.
    Written,
}

/// A line.
#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line<'a> {
    /// The first: where the run comes from.
    Run {
        format: u16,
        #[serde(flatten)]
        provenance: &'a Provenance,
    },
    /// An event.
    Event {
        seq: u64,
        time_ms: i64,
        monotonic_ns: u64,
        cause: u64,
        noted: bool,
        hash: String,
        event: &'a str,
        data: &'a Event,
    },
    /// An event of a newer program.
    Unknown {
        seq: u64,
        time_ms: i64,
        event_type: u16,
        schema_version: u16,
        hash: String,
        record_hex: String,
    },
    /// A large text.
    Blob {
        hash: Hash,
        size_bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes_hex: Option<String>,
    },
    /// The last: nothing is missing before it.
    End { events: u64, blobs: u64 },
}

/// Writes the run as lines of JSON.
pub fn export_lines(
    source: &ExportSource<'_>,
    texts: Texts,
    out: impl Write,
) -> Result<Exported, ExportError> {
    let provenance = provenance(source)?;
    let mut lines = Lines { out, bytes: 0 };
    lines.write(&Line::Run { format: PORTABLE_FORMAT, provenance: &provenance })?;
    let mut written: BTreeSet<Hash> = BTreeSet::new();
    let walked = super::walk(source, |outgoing| {
        if texts == Texts::Written {
            for blob in &outgoing.blobs {
                if written.insert(blob.hash) {
                    let content = outgoing.content(source, blob)?;
                    lines.write(&blob_line(blob.hash, &content))?;
                }
            }
        }
        Ok(lines.write(&event_line(&outgoing))?)
    })?;
    lines.write(&Line::End { events: walked.head.seq, blobs: written.len() as u64 })?;
    lines.out.flush()?;
    Ok(Exported { provenance, bytes: lines.bytes })
}

fn event_line<'a>(outgoing: &'a Outgoing<'a>) -> Line<'a> {
    let Head { seq, hash } = outgoing.head;
    match outgoing.event {
        StoredEvent::Known(recorded) => Line::Event {
            seq,
            time_ms: recorded.wall_ms,
            monotonic_ns: recorded.monotonic_ns,
            cause: recorded.cause,
            noted: recorded.noted,
            hash: hash.to_hex(),
            event: recorded.event.name(),
            data: &recorded.event,
        },
        StoredEvent::Unknown { seq, wall_ms, event_type, schema_version } => Line::Unknown {
            seq: *seq,
            time_ms: *wall_ms,
            event_type: *event_type,
            schema_version: *schema_version,
            hash: hash.to_hex(),
            record_hex: to_hex(outgoing.bytes),
        },
    }
}

fn blob_line(hash: Hash, content: &[u8]) -> Line<'_> {
    let text = std::str::from_utf8(content).ok();
    let bytes_hex = text.is_none().then(|| to_hex(content));
    Line::Blob { hash, size_bytes: content.len() as u64, text, bytes_hex }
}

struct Lines<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut json = serde_json::to_vec(line)?;
        json.push(b'\n');
        self.bytes += json.len() as u64;
        self.out.write_all(&json)
    }
}

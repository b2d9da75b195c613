//! What a journal consists of, counted.

use std::collections::BTreeMap;

use crate::chain::Head;
use crate::error::ReadError;
use crate::reader::Reader;
use crate::record::{RECORD_OVERHEAD_BYTES, RecordRef};

/// The records of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeStats {
    /// How many there are.
    pub records: u64,
    /// Their bytes, headers and hashes included.
    pub bytes: u64,
}

/// A journal, counted. All of it was proven on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The last record.
    pub head: Head,
    /// By event type.
    pub types: BTreeMap<u16, TypeStats>,
    /// Bytes of all records, headers and hashes included.
    pub encoded_bytes: u64,
    /// Length of the file, in bytes.
    pub file_bytes: u64,
    /// When the first record was written, milliseconds since the Unix epoch; none without records.
    pub first_ms: Option<i64>,
    /// When the last one was.
    pub last_ms: Option<i64>,
}

impl Stats {
    /// Counts a journal, and shows every record of it to `visit`, in order.
    pub fn with<E: From<ReadError>>(
        reader: &Reader,
        mut visit: impl FnMut(&RecordRef<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut types: BTreeMap<u16, TypeStats> = BTreeMap::new();
        let (mut encoded_bytes, mut first_ms, mut last_ms) = (0, None, None);
        let head = reader.for_each(1, |record| {
            let bytes = (record.payload.len() + RECORD_OVERHEAD_BYTES) as u64;
            let of_type = types.entry(record.header.event_type).or_default();
            of_type.records += 1;
            of_type.bytes += bytes;
            encoded_bytes += bytes;
            first_ms.get_or_insert(record.header.wall_time_ms);
            last_ms = Some(record.header.wall_time_ms);
            visit(&record)
        })?;
        // A file that cannot be asked for its length was read all the same.
        let file_bytes = std::fs::metadata(reader.path()).map_or(0, |file| file.len());
        Ok(Self { head, types, encoded_bytes, file_bytes, first_ms, last_ms })
    }
}

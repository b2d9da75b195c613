//! One record: a fixed header, a payload, a chain hash; written and read by hand, little-endian.
//!
//! The layout is described byte by byte in `docs/journal.md`; the tests hold it against frozen bytes.

use crate::chain::{ChainHash, Head};
use crate::error::Damage;
use crate::format::{Codec, FormatVersion};

/// Length of the fixed header.
pub const HEADER_BYTES: usize = 44;

/// What a record costs beyond its payload.
pub const RECORD_OVERHEAD_BYTES: usize = HEADER_BYTES + ChainHash::BYTES;

/// Longest payload; larger content belongs in a blob.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// A record to be: what the caller knows; the log adds sequence, length and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What kind of event the payload is; a number is never used twice.
    pub event_type: u16,
    /// Version of that event's payload.
    pub schema_version: u16,
    /// Bits for the writer of payloads; the log keeps them and does not interpret them.
    pub flags: u8,
    /// Wall clock, milliseconds since the Unix epoch; may jump.
    pub wall_time_ms: i64,
    /// Nanoseconds since the writing process opened the run; never jumps, starts again on reopening.
    pub monotonic_ns: u64,
    /// Sequence number of the event this one follows from; 0 for none. Always before this record.
    pub cause: u64,
    /// The encoded event, at most [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: Vec<u8>,
}

/// The fixed header of a stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Layout of this record.
    pub format_version: FormatVersion,
    /// Encoding of the payload.
    pub codec: Codec,
    /// Bits for the writer of payloads.
    pub flags: u8,
    /// What kind of event the payload is.
    pub event_type: u16,
    /// Version of that event's payload.
    pub schema_version: u16,
    /// Position in the run, from 1, without gaps.
    pub seq: u64,
    /// Wall clock, milliseconds since the Unix epoch.
    pub wall_time_ms: i64,
    /// Nanoseconds since the writing process opened the run.
    pub monotonic_ns: u64,
    /// Sequence number of the event this one follows from; 0 for none.
    pub cause: u64,
    /// Length of the payload in bytes.
    pub payload_len: u32,
}

impl Header {
    /// The stored form.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..2].copy_from_slice(&self.format_version.get().to_le_bytes());
        bytes[2] = self.codec.get();
        bytes[3] = self.flags;
        bytes[4..6].copy_from_slice(&self.event_type.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.schema_version.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.wall_time_ms.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.monotonic_ns.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.cause.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes
    }

    /// Reads the stored form; any bytes are a header, what they mean is checked by the caller.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        Self {
            format_version: FormatVersion::new(u16::from_le_bytes(array(bytes, 0))),
            codec: Codec::new(bytes[2]),
            flags: bytes[3],
            event_type: u16::from_le_bytes(array(bytes, 4)),
            schema_version: u16::from_le_bytes(array(bytes, 6)),
            seq: u64::from_le_bytes(array(bytes, 8)),
            wall_time_ms: i64::from_le_bytes(array(bytes, 16)),
            monotonic_ns: u64::from_le_bytes(array(bytes, 24)),
            cause: u64::from_le_bytes(array(bytes, 32)),
            payload_len: u32::from_le_bytes(array(bytes, 40)),
        }
    }
}

/// `LEN` bytes of the header from `offset`; both are constants at every call.
fn array<const LEN: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; LEN] {
    let mut out = [0; LEN];
    out.copy_from_slice(&bytes[offset..offset + LEN]);
    out
}

/// A stored record whose hash was checked, borrowed from the page it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// The fixed header.
    pub header: Header,
    /// The encoded event.
    pub payload: &'a [u8],
    /// The chain hash.
    pub hash: ChainHash,
}

impl RecordRef<'_> {
    /// A copy that owns its payload.
    pub fn to_record(&self) -> Record {
        Record {
            header: self.header,
            payload: self.payload.to_vec(),
            hash: self.hash,
        }
    }
}

/// A stored record whose hash was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The fixed header.
    pub header: Header,
    /// The encoded event.
    pub payload: Vec<u8>,
    /// The chain hash.
    pub hash: ChainHash,
}

/// Why a draft cannot become a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritable {
    /// The payload is longer than [`PAYLOAD_BYTES_MAX`].
    TooLarge,
    /// The cause is not before the record.
    CauseAhead,
}

/// Writes the record after `previous` into `out` (cleared first) and returns the new head.
pub(crate) fn encode_after(
    previous: Head,
    draft: &Draft,
    out: &mut Vec<u8>,
) -> Result<Head, Unwritable> {
    let seq = previous.seq + 1;
    if draft.payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Unwritable::TooLarge);
    }
    if draft.cause >= seq {
        return Err(Unwritable::CauseAhead);
    }
    let payload_len =
        u32::try_from(draft.payload.len()).expect("the payload limit fits in 32 bits");
    let header = Header {
        format_version: FormatVersion::LATEST,
        codec: Codec::BINCODE_2,
        flags: draft.flags,
        event_type: draft.event_type,
        schema_version: draft.schema_version,
        seq,
        wall_time_ms: draft.wall_time_ms,
        monotonic_ns: draft.monotonic_ns,
        cause: draft.cause,
        payload_len,
    };
    out.clear();
    out.extend_from_slice(&header.encode());
    out.extend_from_slice(&draft.payload);
    let hash = previous.hash.next(out);
    out.extend_from_slice(hash.as_bytes());
    Ok(Head { seq, hash })
}

/// Splits stored bytes into what is hashed and the hash they carry.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], ChainHash), Damage> {
    if bytes.len() < RECORD_OVERHEAD_BYTES {
        return Err(Damage::TooShort { len: bytes.len() });
    }
    let (hashed, hash) = bytes
        .split_last_chunk()
        .expect("the length was checked to hold a hash");
    Ok((hashed, ChainHash::from_bytes(*hash)))
}

/// Reads the record that must follow `previous`; the hash is checked before anything is believed.
pub(crate) fn decode_after(previous: Head, bytes: &[u8]) -> Result<RecordRef<'_>, Damage> {
    let (hashed, hash) = split(bytes)?;
    if previous.hash.next(hashed) != hash {
        return Err(Damage::HashMismatch);
    }
    let (header, payload) = hashed
        .split_first_chunk()
        .expect("the length was checked to hold a header");
    let header = Header::decode(header);
    header
        .format_version
        .check_readable()
        .map_err(Damage::NewerFormat)?;
    if payload.len() != header.payload_len as usize {
        return Err(Damage::LengthMismatch {
            stated: header.payload_len,
            found: payload.len(),
        });
    }
    if header.seq != previous.seq + 1 {
        return Err(Damage::WrongSeq { stated: header.seq });
    }
    if header.cause >= header.seq {
        return Err(Damage::CauseAhead {
            cause: header.cause,
        });
    }
    Ok(RecordRef {
        header,
        payload,
        hash,
    })
}

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
        Record { header: self.header, payload: self.payload.to_vec(), hash: self.hash }
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

/// Wall time of a stored record that was proven.
pub(crate) fn wall_time_ms(bytes: &[u8]) -> i64 {
    let header = bytes.first_chunk().expect("a proven record has a header");
    Header::decode(header).wall_time_ms
}

/// Splits stored bytes into what is hashed and the hash they carry.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], ChainHash), Damage> {
    if bytes.len() < RECORD_OVERHEAD_BYTES {
        return Err(Damage::TooShort { len: bytes.len() });
    }
    let (hashed, hash) = bytes.split_last_chunk().expect("the length was checked to hold a hash");
    Ok((hashed, ChainHash::from_bytes(*hash)))
}

/// Reads the record that must follow `previous`; the hash is checked before anything is believed.
pub(crate) fn decode_after(previous: Head, bytes: &[u8]) -> Result<RecordRef<'_>, Damage> {
    let (hashed, hash) = split(bytes)?;
    if previous.hash.next(hashed) != hash {
        return Err(Damage::HashMismatch);
    }
    let (header, payload) =
        hashed.split_first_chunk().expect("the length was checked to hold a header");
    let header = Header::decode(header);
    header.format_version.check_readable().map_err(Damage::NewerFormat)?;
    if payload.len() != header.payload_len as usize {
        return Err(Damage::LengthMismatch { stated: header.payload_len, found: payload.len() });
    }
    if header.seq != previous.seq.saturating_add(1) {
        return Err(Damage::WrongSeq { stated: header.seq });
    }
    if header.cause >= header.seq {
        return Err(Damage::CauseAhead { cause: header.cause });
    }
    Ok(RecordRef { header, payload, hash })
}

#[cfg(test)]
mod tests {
    //! The layout against frozen bytes, and against every single flipped bit.

    use proptest::prelude::*;

    use super::*;
    use crate::chain::Genesis;

    fn golden_head() -> Head {
        let genesis = Genesis { run: String::from("01J-golden"), started: vec![1, 2, 3] };
        Head { seq: 0, hash: genesis.hash() }
    }

    fn golden_drafts() -> [Draft; 3] {
        let draft = |event_type, cause, payload: &[u8]| Draft {
            event_type,
            schema_version: 0x0201,
            flags: 0x80,
            wall_time_ms: -2,
            monotonic_ns: 0x0102_0304_0506_0708,
            cause,
            payload: payload.to_vec(),
        };
        [draft(0x1234, 0, b"first"), draft(7, 1, b""), draft(0xFFFF, 2, &[0, 0xFF])]
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    #[test]
    fn the_bytes_of_a_header_are_frozen() {
        let header = Header {
            format_version: FormatVersion::LATEST,
            codec: Codec::BINCODE_2,
            flags: 0x80,
            event_type: 0x1234,
            schema_version: 0x0201,
            seq: 0x1112_1314_1516_1718,
            wall_time_ms: -2,
            monotonic_ns: 0x0102_0304_0506_0708,
            cause: 0x2122_2324_2526_2728,
            payload_len: 0x3132_3334,
        };
        assert_eq!(hex(&header.encode()), GOLDEN_HEADER);
    }

    #[test]
    fn the_bytes_of_a_chain_are_frozen() {
        let mut head = golden_head();
        assert_eq!(head.hash.to_hex(), GOLDEN_GENESIS);
        let mut record = Vec::new();
        for (draft, golden) in golden_drafts().iter().zip(GOLDEN_CHAIN) {
            head = encode_after(head, draft, &mut record).unwrap();
            assert_eq!(hex(&record), golden);
        }
    }

    const GOLDEN_HEADER: &str =
        "01000180341201021817161514131211feffffffffffffff0807060504030201282726252423222134333231";
    // Computed by a second implementation, from the description in docs/journal.md alone.
    const GOLDEN_GENESIS: &str = "7795f4c89846d732d54aaad4cba3860ce0f734ed1938a565d1a50e6bc20fdffa";
    const GOLDEN_CHAIN: [&str; 3] = [
        "01000180341201020100000000000000feffffffffffffff08070605040302010000000000000000050000006669727374a58addb1a4ed96f8ffbd0d0da5a4f19cc1c48ff697bd19b55900fc9b34b3cb87",
        "01000180070001020200000000000000feffffffffffffff0807060504030201010000000000000000000000781d1956a2a7657c5f9d2861fa9048d672d8517ecefe16eca53c5a99fc72fc54",
        "01000180ffff01020300000000000000feffffffffffffff080706050403020102000000000000000200000000ffa5d1567c62557cbe38d2b996be613745146d89df73a47330ab4929f036efb914",
    ];

    fn any_draft() -> impl Strategy<Value = Draft> {
        let numbers = any::<(u16, u16, u8, i64, u64)>();
        (numbers, proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(numbers, payload)| {
            let (event_type, schema_version, flags, wall_time_ms, monotonic_ns) = numbers;
            Draft {
                event_type,
                schema_version,
                flags,
                wall_time_ms,
                monotonic_ns,
                cause: 0,
                payload,
            }
        })
    }

    fn any_head() -> impl Strategy<Value = Head> {
        (0..u64::MAX - 1, any::<[u8; 32]>())
            .prop_map(|(seq, hash)| Head { seq, hash: ChainHash::from_bytes(hash) })
    }

    proptest! {
        #[test]
        fn a_header_survives(bytes: [u8; 11], fields: (u16, u16, u64, i64, u64, u64, u32)) {
            let (event_type, schema_version, seq, wall_time_ms, monotonic_ns, cause, payload_len) = fields;
            let header = Header {
                format_version: FormatVersion::new(u16::from_le_bytes([bytes[0], bytes[1]])),
                codec: Codec::new(bytes[2]),
                flags: bytes[3],
                event_type, schema_version, seq, wall_time_ms, monotonic_ns, cause, payload_len,
            };
            prop_assert_eq!(Header::decode(&header.encode()), header);
        }

        #[test]
        fn a_record_survives(previous in any_head(), mut draft in any_draft(), cause: u64) {
            draft.cause = cause % (previous.seq + 1);
            let mut bytes = Vec::new();
            let head = encode_after(previous, &draft, &mut bytes).unwrap();
            prop_assert_eq!(bytes.len(), draft.payload.len() + RECORD_OVERHEAD_BYTES);
            let record = decode_after(previous, &bytes).unwrap();
            prop_assert_eq!(record.hash, head.hash);
            prop_assert_eq!(record.payload, &draft.payload[..]);
            let Header { format_version, codec, flags, event_type, schema_version, seq, wall_time_ms, monotonic_ns, cause, payload_len } = record.header;
            prop_assert_eq!(format_version, FormatVersion::LATEST);
            prop_assert_eq!(codec, Codec::BINCODE_2);
            prop_assert_eq!(seq, previous.seq + 1);
            prop_assert_eq!(payload_len as usize, draft.payload.len());
            let read = Draft { event_type, schema_version, flags, wall_time_ms, monotonic_ns, cause, payload: record.payload.to_vec() };
            prop_assert_eq!(read, draft);
        }

        #[test]
        fn any_bytes_are_refused(previous in any_head(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode_after(previous, &bytes).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_detected() {
        let mut bytes = Vec::new();
        encode_after(golden_head(), &golden_drafts()[0], &mut bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_after(golden_head(), &bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(decode_after(golden_head(), &bytes).is_ok());
    }

    #[test]
    fn every_flipped_bit_of_the_previous_hash_is_detected() {
        let mut bytes = Vec::new();
        encode_after(golden_head(), &golden_drafts()[0], &mut bytes).unwrap();
        for bit in 0..ChainHash::BYTES * 8 {
            let mut hash = *golden_head().hash.as_bytes();
            hash[bit / 8] ^= 1 << (bit % 8);
            let other = Head { seq: 0, hash: ChainHash::from_bytes(hash) };
            assert_eq!(decode_after(other, &bytes), Err(Damage::HashMismatch));
        }
    }

    /// A record with a true hash and a changed header, as only a program writes it.
    fn forged(change: impl FnOnce(&mut Header)) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_after(golden_head(), &golden_drafts()[0], &mut bytes).unwrap();
        let mut header = Header::decode(bytes.first_chunk().unwrap());
        change(&mut header);
        bytes.truncate(bytes.len() - ChainHash::BYTES);
        bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        let hash = golden_head().hash.next(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        bytes
    }

    #[test]
    fn a_header_that_contradicts_its_place_is_refused() {
        let refused = |bytes: &[u8]| decode_after(golden_head(), bytes).unwrap_err();
        let bytes = forged(|header| header.payload_len = u32::MAX);
        assert_eq!(refused(&bytes), Damage::LengthMismatch { stated: u32::MAX, found: 5 });
        let bytes = forged(|header| header.seq = 2);
        assert_eq!(refused(&bytes), Damage::WrongSeq { stated: 2 });
        let bytes = forged(|header| header.cause = 1);
        assert_eq!(refused(&bytes), Damage::CauseAhead { cause: 1 });
        let bytes = forged(|header| header.format_version = FormatVersion::new(2));
        assert!(matches!(refused(&bytes), Damage::NewerFormat(_)));
    }

    #[test]
    fn an_unknown_codec_stays_readable_as_bytes() {
        let bytes = forged(|header| header.codec = Codec::new(9));
        let record = decode_after(golden_head(), &bytes).unwrap();
        assert_eq!((record.header.codec, record.payload), (Codec::new(9), &b"first"[..]));
    }

    #[test]
    fn the_genesis_binds_the_run_and_how_it_was_started() {
        let genesis = |run: &str, started: &[u8]| {
            Genesis { run: run.to_string(), started: started.to_vec() }.hash()
        };
        let hashes =
            [genesis("a", b"bc"), genesis("ab", b"c"), genesis("a", b"bd"), genesis("abc", b"")];
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash));
        }
    }
}

//! Events to bytes and back: the only place that knows bincode.
//!
//! bincode 2.0.1, standard configuration (little-endian, variable-length integers), with a
//! limit on decoding and full consumption demanded. The chain hash of a record must have been
//! verified before its payload comes here.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};

use crate::{Event, latest::TriggerEvent};

/// The largest payload that is written or read, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// The codec's number in the record header.
pub const CODEC: u8 = 1;

const CONFIG: Configuration<LittleEndian, Varint, Limit<PAYLOAD_BYTES_MAX>> =
    bincode::config::standard().with_limit::<PAYLOAD_BYTES_MAX>();

/// An event as bytes, with what the record header says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The event's type number.
    pub event_type: u16,
    /// The version of its payload.
    pub schema_version: u16,
    /// bincode.
    pub payload: Vec<u8>,
}

/// An event that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Too large.
    #[error("{event} is {size_bytes} bytes, more than the {PAYLOAD_BYTES_MAX} a record may have")]
    TooLarge {
        /// The event's name.
        event: &'static str,
        /// Its size.
        size_bytes: usize,
    },
    /// Not encodable.
    #[error("{event} cannot be encoded")]
    Payload {
        /// The event's name.
        event: &'static str,
        /// Why.
        source: bincode::error::EncodeError,
    },
}

/// A stored event that this program cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer program.
    #[error("event type {event_type} version {schema_version} is not known to this version of lao")]
    Unknown {
        /// The type number.
        event_type: u16,
        /// The version.
        schema_version: u16,
    },
    /// The hash was right and the bytes still make no sense.
    #[error("the payload of event type {event_type} cannot be read")]
    Payload {
        /// The type number.
        event_type: u16,
        /// Why.
        source: PayloadError,
    },
}

/// Bytes that are no payload of the expected type.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// bincode refuses.
    #[error("not a bincode payload of this type")]
    Bincode(#[from] bincode::error::DecodeError),
    /// Something is left over.
    #[error("{left_bytes} bytes are left over")]
    Trailing {
        /// How much.
        left_bytes: usize,
    },
}

/// What a record header says of an event.
pub(crate) struct EventHead {
    pub(crate) name: &'static str,
    pub(crate) event_type: u16,
    pub(crate) schema_version: u16,
}

/// The events of one kind of journal.
pub(crate) trait Events: Sized {
    /// What the record header says.
    fn head(&self) -> EventHead;

    /// The payload alone.
    fn encode_payload(&self) -> Result<Vec<u8>, bincode::error::EncodeError>;

    /// Reads a payload; `None` for a type that is not among them.
    fn decode_payload(type_number: u16, payload: &[u8]) -> Option<Result<Self, PayloadError>>;
}

/// Encodes an event of a run.
pub fn encode(event: &Event) -> Result<Encoded, EncodeError> {
    encode_any(event)
}

/// Decodes an event of a run and raises it to the newest version.
pub fn decode(event_type: u16, schema_version: u16, payload: &[u8]) -> Result<Event, DecodeError> {
    decode_any(event_type, schema_version, payload)
}

/// Encodes an event of a workflow's triggers.
pub fn encode_trigger(event: &TriggerEvent) -> Result<Encoded, EncodeError> {
    encode_any(event)
}

/// Decodes an event of a workflow's triggers and raises it to the newest version.
pub fn decode_trigger(
    event_type: u16,
    schema_version: u16,
    payload: &[u8],
) -> Result<TriggerEvent, DecodeError> {
    decode_any(event_type, schema_version, payload)
}

fn encode_any<E: Events>(event: &E) -> Result<Encoded, EncodeError> {
    let EventHead { name, event_type, schema_version } = event.head();
    let payload =
        event.encode_payload().map_err(|source| EncodeError::Payload { event: name, source })?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(EncodeError::TooLarge { event: name, size_bytes: payload.len() });
    }
    Ok(Encoded { event_type, schema_version, payload })
}

fn decode_any<E: Events>(
    event_type: u16,
    schema_version: u16,
    payload: &[u8],
) -> Result<E, DecodeError> {
    let unknown = DecodeError::Unknown { event_type, schema_version };
    if schema_version != 1 {
        return Err(unknown);
    }
    E::decode_payload(event_type, payload)
        .ok_or(unknown)?
        .map_err(|source| DecodeError::Payload { event_type, source })
}

pub(crate) fn to_bytes<T: bincode::Encode>(
    value: &T,
) -> Result<Vec<u8>, bincode::error::EncodeError> {
    bincode::encode_to_vec(value, CONFIG)
}

pub(crate) fn from_bytes<T: bincode::Decode<()>>(payload: &[u8]) -> Result<T, PayloadError> {
    let (value, used) = bincode::decode_from_slice(payload, CONFIG)?;
    match payload.len() - used {
        0 => Ok(value),
        left_bytes => Err(PayloadError::Trailing { left_bytes }),
    }
}

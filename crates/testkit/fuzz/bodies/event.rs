//! Payloads of events: whatever the bytes are, a value or an error; a value is written and read
//! back as the same.

use lao_event::codec;

/// Two bytes are the event's type number, the rest is its payload.
pub(crate) fn event(data: &[u8]) {
    let Some((number, payload)) = data.split_first_chunk::<2>() else { return };
    let Ok(event) = codec::decode(u16::from_le_bytes(*number), 1, payload) else { return };
    let encoded = codec::encode(&event).expect("what fitted a record still does");
    let again = codec::decode(encoded.event_type, encoded.schema_version, &encoded.payload);
    assert_eq!(again.expect("it was just written"), event);
}

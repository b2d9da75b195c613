//! Events to records and back: where the codec and the journal meet.

use lao_event::{Event, codec};
use lao_journal::{Draft, ReadError, Reader, RecordRef};
use lao_kernel::{Inconsistency, State, evolve};

use crate::notice::Published;

/// When a batch of events happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub wall_ms: i64,
    pub monotonic_ns: u64,
}

/// An event as a record to be appended.
pub(crate) fn draft(event: &Event, stamp: Stamp, cause: u64) -> Result<Draft, codec::EncodeError> {
    let encoded = codec::encode(event)?;
    Ok(Draft {
        event_type: encoded.event_type,
        schema_version: encoded.schema_version,
        flags: 0,
        wall_time_ms: stamp.wall_ms,
        monotonic_ns: stamp.monotonic_ns,
        cause,
        payload: encoded.payload,
    })
}

/// A record as it is shown: decoded, or kept as bytes when this program does not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every event is known, and a box for each would slow folding down"
)]
pub enum StoredEvent {
    /// An event of a known type and version.
    Known(Published),
    /// Written by a newer program.
    Unknown {
        /// Position.
        seq: u64,
        /// Wall clock.
        wall_ms: i64,
        /// Its type number.
        event_type: u16,
        /// Its version.
        schema_version: u16,
    },
}

/// A journal could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event was written by a newer program.
    #[error(
        "event {seq} has a type or version this lao does not know: upgrade lao to resume the run"
    )]
    Unknown {
        /// Position.
        seq: u64,
    },
    /// An event's hash is right and its bytes make no sense.
    #[error("event {seq} cannot be decoded")]
    Payload {
        /// Position.
        seq: u64,
        /// Why.
        source: codec::DecodeError,
    },
    /// An event cannot follow those before it.
    #[error("event {seq} does not follow from those before it: {source}")]
    Inconsistent {
        /// Position.
        seq: u64,
        /// Why.
        source: Inconsistency,
    },
}

fn stored(record: &RecordRef<'_>) -> Result<StoredEvent, ReplayError> {
    let header = &record.header;
    match codec::decode(header.event_type, header.schema_version, record.payload) {
        Ok(event) => Ok(StoredEvent::Known(Published {
            seq: header.seq,
            wall_ms: header.wall_time_ms,
            monotonic_ns: header.monotonic_ns,
            cause: header.cause,
            event,
        })),
        Err(codec::DecodeError::Unknown { event_type, schema_version }) => {
            Ok(StoredEvent::Unknown {
                seq: header.seq,
                wall_ms: header.wall_time_ms,
                event_type,
                schema_version,
            })
        }
        Err(source @ codec::DecodeError::Payload { .. }) => {
            Err(ReplayError::Payload { seq: header.seq, source })
        }
    }
}

/// Shows every stored event from a position on to `visit`, in order.
pub fn for_each_event<E: From<ReplayError>>(
    reader: &Reader,
    from: u64,
    mut visit: impl FnMut(StoredEvent) -> Result<(), E>,
) -> Result<(), E> {
    enum Stop<E> {
        Read(ReadError),
        Visit(E),
    }
    impl<E> From<ReadError> for Stop<E> {
        fn from(error: ReadError) -> Self {
            Self::Read(error)
        }
    }
    let walked = reader.for_each(from, |record| {
        let event = stored(&record).map_err(|error| Stop::Visit(E::from(error)))?;
        visit(event).map_err(Stop::Visit)
    });
    match walked {
        Ok(_head) => Ok(()),
        Err(Stop::Read(error)) => Err(ReplayError::Read(error).into()),
        Err(Stop::Visit(error)) => Err(error),
    }
}

/// Folds a journal from its beginning; `visit` sees every event after it was folded.
pub fn fold(reader: &Reader, visit: impl FnMut(&State, &Published)) -> Result<State, ReplayError> {
    fold_after((0, State::new()), reader, visit)
}

/// Folds the events after a position on top of the state that those up to it make.
pub fn fold_after(
    (seq, mut state): (u64, State),
    reader: &Reader,
    mut visit: impl FnMut(&State, &Published),
) -> Result<State, ReplayError> {
    let mut last_seq = seq;
    for_each_event(reader, seq + 1, |stored| match stored {
        StoredEvent::Known(published) => {
            last_seq = published.seq;
            evolve(&mut state, &published.event)
                .map_err(|source| ReplayError::Inconsistent { seq: published.seq, source })?;
            visit(&state, &published);
            Ok(())
        }
        StoredEvent::Unknown { seq, .. } => Err(ReplayError::Unknown { seq }),
    })?;
    let checked = state.check_prompts();
    checked.map_err(|source| ReplayError::Inconsistent { seq: last_seq, source })?;
    Ok(state)
}

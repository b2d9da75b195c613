//! Events to records and back: where the codec and the journal meet.

use lao_event::{Event, codec};
use lao_journal::{Draft, ReadError, Reader, RecordRef};
use lao_kernel::{Inconsistency, State, evolve};

/// Flag of a record: see [`Recorded::noted`].
const FLAG_NOTED: u8 = 1;

/// A durable event with what its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Position in the journal, from 1.
    pub seq: u64,
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: i64,
    /// Steady clock of the process that wrote it, in nanoseconds since some moment: for spans
    /// between events of one process, whatever the wall clock does.
    pub monotonic_ns: u64,
    /// Position of the event that caused it; 0 for none. The events of one decision name the first
    /// of them.
    pub cause: u64,
    /// It was noted while no process worked on the run: nothing follows from its decision before the
    /// run is resumed.
    pub noted: bool,
    /// The event.
    pub event: Event,
}

impl Recorded {
    /// As a record to be appended; its position is the journal's to give.
    pub fn draft(&self) -> Result<Draft, codec::EncodeError> {
        let encoded = codec::encode(&self.event)?;
        Ok(Draft {
            event_type: encoded.event_type,
            schema_version: encoded.schema_version,
            flags: if self.noted { FLAG_NOTED } else { 0 },
            wall_time_ms: self.wall_ms,
            monotonic_ns: self.monotonic_ns,
            cause: self.cause,
            payload: encoded.payload,
        })
    }
}

/// When a decision was made, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: i64,
    /// Steady clock, in nanoseconds.
    pub monotonic_ns: u64,
    /// See [`Recorded::noted`].
    pub noted: bool,
}

/// The events of one decision, as they follow the event at `last_seq`; `cause` is the position of
/// what led to the decision, 0 for none.
pub fn recorded(
    events: Vec<Event>,
    stamp: Stamp,
    (last_seq, cause): (u64, u64),
) -> impl Iterator<Item = Recorded> {
    let Stamp { wall_ms, monotonic_ns, noted } = stamp;
    let first_seq = last_seq + 1;
    (first_seq..).zip(events).map(move |(seq, event)| {
        let cause = if seq == first_seq { cause } else { first_seq };
        Recorded { seq, wall_ms, monotonic_ns, cause, noted, event }
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
    Known(Recorded),
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
pub enum HistoryError {
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

impl StoredEvent {
    /// A record as it is shown.
    pub fn of(record: &RecordRef<'_>) -> Result<Self, HistoryError> {
        let header = &record.header;
        match codec::decode(header.event_type, header.schema_version, record.payload) {
            Ok(event) => Ok(Self::Known(Recorded {
                seq: header.seq,
                wall_ms: header.wall_time_ms,
                monotonic_ns: header.monotonic_ns,
                cause: header.cause,
                noted: header.flags & FLAG_NOTED != 0,
                event,
            })),
            Err(codec::DecodeError::Unknown { event_type, schema_version }) => Ok(Self::Unknown {
                seq: header.seq,
                wall_ms: header.wall_time_ms,
                event_type,
                schema_version,
            }),
            Err(source @ codec::DecodeError::Payload { .. }) => {
                Err(HistoryError::Payload { seq: header.seq, source })
            }
        }
    }
}

/// Shows every stored event from a position on to `visit`, in order.
pub fn for_each_event<E: From<HistoryError>>(
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
        let event = StoredEvent::of(&record).map_err(|error| Stop::Visit(E::from(error)))?;
        visit(event).map_err(Stop::Visit)
    });
    match walked {
        Ok(_head) => Ok(()),
        Err(Stop::Read(error)) => Err(HistoryError::Read(error).into()),
        Err(Stop::Visit(error)) => Err(error),
    }
}

/// Shows the stored events up to a position to `visit`, in order, and reads no further. Fewer are
/// shown where the journal has fewer.
pub fn for_each_event_to<E: From<HistoryError>>(
    reader: &Reader,
    to: u64,
    mut visit: impl FnMut(StoredEvent) -> Result<(), E>,
) -> Result<(), E> {
    enum Stop<E> {
        There,
        Visit(E),
    }
    impl<E: From<HistoryError>> From<HistoryError> for Stop<E> {
        fn from(error: HistoryError) -> Self {
            Self::Visit(error.into())
        }
    }
    let mut shown = 0;
    let walked = for_each_event(reader, 1, |stored| {
        if shown == to {
            return Err(Stop::There);
        }
        shown += 1;
        visit(stored).map_err(Stop::Visit)
    });
    match walked {
        Ok(()) | Err(Stop::There) => Ok(()),
        Err(Stop::Visit(error)) => Err(error),
    }
}

/// Folds a journal from its beginning; `visit` sees every event after it was folded.
pub fn fold(reader: &Reader, visit: impl FnMut(&State, &Recorded)) -> Result<State, HistoryError> {
    fold_after((0, State::new()), reader, visit)
}

/// Folds the events after a position on top of the state that those up to it make.
pub fn fold_after(
    (seq, mut state): (u64, State),
    reader: &Reader,
    mut visit: impl FnMut(&State, &Recorded),
) -> Result<State, HistoryError> {
    let mut last_seq = seq;
    for_each_event(reader, seq + 1, |stored| match stored {
        StoredEvent::Known(published) => {
            last_seq = published.seq;
            evolve(&mut state, &published.event)
                .map_err(|source| HistoryError::Inconsistent { seq: published.seq, source })?;
            visit(&state, &published);
            Ok(())
        }
        StoredEvent::Unknown { seq, .. } => Err(HistoryError::Unknown { seq }),
    })?;
    let checked = state.check_prompts();
    checked.map_err(|source| HistoryError::Inconsistent { seq: last_seq, source })?;
    Ok(state)
}

//! An event of any kind of journal: of a run, or of a workflow's triggers.

use lao_event::{
    Event,
    codec::{self, DecodeError, EncodeError, Encoded},
    latest::TriggerEvent,
};
use serde::Serialize;

/// An event of any kind of journal.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum AnyEvent {
    /// Of a run.
    Run(Event),
    /// Of a workflow's triggers.
    Trigger(TriggerEvent),
}

impl AnyEvent {
    /// Every event's type number and name, in ascending order.
    pub(crate) fn types() -> impl Iterator<Item = &'static (u16, &'static str)> {
        Event::TYPES.iter().chain(TriggerEvent::TYPES)
    }

    /// Whether a run can have an event of this type.
    pub(crate) fn is_of_a_run(number: u16) -> bool {
        Event::TYPES.iter().any(|(of_run, _)| *of_run == number)
    }

    /// The type number in the journal.
    pub(crate) fn type_number(&self) -> u16 {
        match self {
            Self::Run(event) => event.type_number(),
            Self::Trigger(event) => event.type_number(),
        }
    }

    /// The event's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Run(event) => event.name(),
            Self::Trigger(event) => event.name(),
        }
    }

    /// The schema version this program writes for the event.
    pub(crate) fn schema_version(&self) -> u16 {
        match self {
            Self::Run(event) => event.schema_version(),
            Self::Trigger(event) => event.schema_version(),
        }
    }

    /// The event as bytes.
    pub(crate) fn encode(&self) -> Result<Encoded, EncodeError> {
        match self {
            Self::Run(event) => codec::encode(event),
            Self::Trigger(event) => codec::encode_trigger(event),
        }
    }

    /// Bytes as an event of the kind of journal that has this type.
    pub(crate) fn decode(number: u16, version: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        if TriggerEvent::TYPES.iter().any(|(of_trigger, _)| *of_trigger == number) {
            return codec::decode_trigger(number, version, payload).map(Self::Trigger);
        }
        codec::decode(number, version, payload).map(Self::Run)
    }
}

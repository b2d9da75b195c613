//! Decisions: the events that one command led to, told apart in a journal by what caused them.

use lao_history::{HistoryError, Recorded, StoredEvent, for_each_event};
use lao_journal::Reader;

/// The events of one decision, in order; at least one.
///
/// The first names what led to the decision as its cause, the others name the first. They were
/// appended together, so a journal never ends in the middle of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    events: Vec<Recorded>,
}

impl Decision {
    /// Its events.
    pub fn events(&self) -> &[Recorded] {
        &self.events
    }

    /// Position of its first event.
    pub fn first_seq(&self) -> u64 {
        self.first().seq
    }

    /// Position of its last event.
    pub fn last_seq(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    pub(crate) fn first(&self) -> &Recorded {
        &self.events[0]
    }

    fn goes_on_with(&self, event: &Recorded) -> bool {
        event.cause == self.first_seq()
    }
}

/// Shows every decision of a journal to `visit`, in order.
///
/// # Errors
///
/// What `visit` returns; [`HistoryError::Unknown`] at an event of a newer program.
pub fn for_each_decision<E: From<HistoryError>>(
    reader: &Reader,
    mut visit: impl FnMut(&Decision) -> Result<(), E>,
) -> Result<(), E> {
    let mut open: Option<Decision> = None;
    for_each_event(reader, 1, |stored| {
        let event = match stored {
            StoredEvent::Known(event) => event,
            StoredEvent::Unknown { seq, .. } => return Err(HistoryError::Unknown { seq }.into()),
        };
        match &mut open {
            Some(decision) if decision.goes_on_with(&event) => decision.events.push(event),
            Some(decision) => {
                visit(decision)?;
                decision.events.clear();
                decision.events.push(event);
            }
            None => open = Some(Decision { events: vec![event] }),
        }
        Ok::<(), E>(())
    })?;
    open.as_ref().map_or(Ok(()), visit)
}

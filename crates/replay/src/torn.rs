//! A decision that breaks off: what a repair leaves where the damage was within one.
//!
//! A run goes on from the end of a decision. What is missing of the last one follows from its
//! beginning, so it is derived again; where it does not (a call was allowed, and what it was to do
//! is lost), the kernel goes on by itself.

use lao_event::Blob;
use lao_history::{Contents, HistoryError, Recorded};
use lao_journal::Reader;
use lao_kernel::{Command, State, decide, evolve};

use crate::{
    command::commands,
    decision::{Decision, for_each_decision},
    rederive::{ReplayError, same},
};

/// What is missing of a journal's last decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingEnd {
    /// The events, in order; none where the decision is whole, or does not follow from its beginning.
    pub events: Vec<Recorded>,
    /// The blobs that they name.
    pub blobs: Vec<Blob>,
}

/// What is missing at the end of a journal, as it follows from what is there.
pub fn missing_end(reader: &Reader, contents: &Contents) -> Result<MissingEnd, ReplayError> {
    let mut state = State::new();
    let mut last: Option<Decision> = None;
    for_each_decision::<HistoryError>(reader, |decision| {
        if let Some(before) = last.replace(decision.clone()) {
            fold(&mut state, &before)?;
        }
        Ok(())
    })?;
    let Some(last) = last else {
        return Ok(MissingEnd::default());
    };
    let seq = last.first_seq();
    let commands =
        commands(&state, &last, contents).map_err(|source| ReplayError::Content { seq, source })?;
    let ends = commands.into_iter().filter_map(|command| rest(state.clone(), command, &last));
    Ok(ends.min_by_key(|end| end.events.len()).unwrap_or_default())
}

fn fold(state: &mut State, decision: &Decision) -> Result<(), HistoryError> {
    for recorded in decision.events() {
        let seq = recorded.seq;
        evolve(state, &recorded.event)
            .map_err(|source| HistoryError::Inconsistent { seq, source })?;
    }
    Ok(())
}

/// What a command leads to beyond the recorded events; `None` if it does not lead to those.
fn rest(mut state: State, command: Command, decision: &Decision) -> Option<MissingEnd> {
    let mut recorded = decision.events().iter();
    let first = decision.first();
    let mut seq = decision.first_seq();
    let mut missing = MissingEnd::default();
    let mut next = decide(&state, command).ok()?;
    while !next.is_empty() {
        for mut event in next {
            let blobs = event.split_blobs();
            evolve(&mut state, &event).ok()?;
            match recorded.next() {
                Some(recorded) if same(&recorded.event, &event) => {}
                Some(_) => return None,
                None => {
                    missing.blobs.extend(blobs);
                    missing.events.push(Recorded {
                        seq,
                        wall_ms: first.wall_ms,
                        monotonic_ns: first.monotonic_ns,
                        cause: decision.first_seq(),
                        noted: first.noted,
                        event,
                    });
                }
            }
            seq += 1;
        }
        next = if first.noted { Vec::new() } else { decide(&state, Command::Advance).ok()? };
    }
    recorded.next().is_none().then_some(missing)
}

//! The records of one commit: drafts become bytes one at a time, in one buffer, at the table's end.

use std::ops::Bound;

use crate::chain::Head;
use crate::error::AppendError;
use crate::journal::Ack;
use crate::record::{self, Draft, Unwritable};
use crate::store::EVENTS;

/// From this many records on, redb's cursor is faster than single inserts; below, it is slower.
const CURSOR_RECORDS_MIN: u64 = 16;

/// Puts the records at the end of the table, or tells which of them breaks a rule.
pub(crate) fn insert<'a>(
    txn: &redb::WriteTransaction,
    groups: impl Iterator<Item = &'a [Draft]>,
    records: u64,
    encoder: &mut Encoder<'_>,
) -> Result<Result<(), AppendError>, redb::Error> {
    let mut events = txn.open_table(EVENTS)?;
    if records < CURSOR_RECORDS_MIN {
        return encoder.encode(groups, |seq, record| {
            events.insert(seq, record)?;
            Ok(())
        });
    }
    let mut end = events.upper_bound_mut(Bound::<u64>::Unbounded)?;
    let outcome = encoder.encode(groups, |seq, record| Ok(end.insert_before(seq, record)?))?;
    end.close()?;
    Ok(outcome)
}

/// Turns drafts into records, one at a time in one buffer.
pub(crate) struct Encoder<'a> {
    /// The last record so far.
    pub(crate) head: Head,
    /// Reused for the bytes of each record.
    pub(crate) record: &'a mut Vec<u8>,
    /// Bytes of all records so far.
    pub(crate) bytes: u64,
    /// One for each group.
    pub(crate) acks: &'a mut Vec<Ack>,
}

impl Encoder<'_> {
    /// Hands every record to `put`, and notes for each group what it became.
    fn encode<'a>(
        &mut self,
        groups: impl Iterator<Item = &'a [Draft]>,
        mut put: impl FnMut(u64, &[u8]) -> Result<(), redb::Error>,
    ) -> Result<Result<(), AppendError>, redb::Error> {
        for group in groups {
            let first_seq = self.head.seq + 1;
            for draft in group {
                match record::encode_after(self.head, draft, self.record) {
                    Ok(next) => self.head = next,
                    Err(unwritable) => {
                        return Ok(Err(unwritable_error(unwritable, self.head.seq + 1, draft)));
                    }
                }
                self.bytes += self.record.len() as u64;
                put(self.head.seq, self.record)?;
            }
            self.acks.push(Ack { first_seq, last_seq: self.head.seq, head: self.head });
        }
        Ok(Ok(()))
    }
}

fn unwritable_error(unwritable: Unwritable, seq: u64, draft: &Draft) -> AppendError {
    match unwritable {
        Unwritable::TooLarge => AppendError::TooLarge { seq, len: draft.payload.len() },
        Unwritable::CauseAhead => AppendError::CauseAhead { seq, cause: draft.cause },
    }
}

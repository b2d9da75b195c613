//! Reading records in order: the hash of each is checked before its payload is handed out.

use std::path::{Path, PathBuf};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use crate::chain::Head;
use crate::error::{Damage, OpenError, Place, ReadError};
use crate::record::{self, Record, RecordRef};
use crate::store::{EVENTS, Meta, Refusal, contained, damaged, value_of};

/// Where reading starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the record with this sequence number (0 and 1 are the same). From 1 the whole chain is
    /// proven from the genesis. From further on each record is proven against the hash stored with
    /// its predecessor: damage is found, a rewritten beginning is not.
    Seq(u64),
    /// After a record known from elsewhere (a snapshot, an acknowledgement): what follows is proven
    /// to continue exactly that chain.
    After(Head),
}

impl From<u64> for Start {
    fn from(seq: u64) -> Self {
        Self::Seq(seq)
    }
}

/// One moment of a journal, with its meta checked.
pub(crate) struct Snapshot {
    path: PathBuf,
    pub(crate) meta: Meta,
    events: ReadOnlyTable<u64, &'static [u8]>,
}

impl Snapshot {
    /// The moment `txn` sees.
    pub(crate) fn new(path: &Path, txn: &ReadTransaction) -> Result<Self, ReadError> {
        let meta = Meta::read(path, txn)?;
        let events = contained(|| txn.open_table(EVENTS))
            .map_err(|refusal| refusal.into_read_error(path))?;
        Ok(Self { path: path.to_path_buf(), meta, events })
    }

    fn genesis_head(&self) -> Head {
        Head { seq: 0, hash: self.meta.genesis_hash }
    }

    fn refuse(&self, refusal: Refusal) -> ReadError {
        refusal.into_read_error(&self.path)
    }

    /// Sequence number of the last record; 0 when there is none.
    pub(crate) fn last_seq(&self) -> Result<u64, ReadError> {
        let last = contained(|| self.events.last()).map_err(|refusal| self.refuse(refusal))?;
        last.map_or(Ok(0), |(seq, _)| value_of(&seq)).map_err(|refusal| self.refuse(refusal))
    }

    /// The hash stored with record `seq`, as the point to check the next one against.
    fn stored_head(&self, seq: u64) -> Result<Head, ReadError> {
        if seq == 0 {
            return Ok(self.genesis_head());
        }
        let bytes = contained(|| self.events.get(seq)).map_err(|refusal| self.refuse(refusal))?;
        let damaged = |damage| damaged(&self.path, Place::Record(seq), damage);
        let bytes = bytes.ok_or_else(|| damaged(Damage::Missing))?;
        let bytes = value_of(&bytes).map_err(|refusal| self.refuse(refusal))?;
        let (_, hash) = record::split(bytes).map_err(damaged)?;
        Ok(Head { seq, hash })
    }

    /// Proves the last `records` records against each other and returns the head.
    pub(crate) fn verify_tail(&self, records: u64) -> Result<Head, ReadError> {
        let last = self.last_seq()?;
        let head = self.walk(Start::Seq(last.saturating_sub(records) + 1))?.finish()?;
        // The walk ends at a gap's far side only if nothing follows: then the table is longer.
        if head.seq != last {
            return Err(damaged(&self.path, Place::Record(head.seq + 1), Damage::Missing).into());
        }
        Ok(head)
    }

    /// Starts reading.
    pub(crate) fn walk(&self, start: Start) -> Result<Walk, ReadError> {
        let previous = match start {
            Start::Seq(seq) if seq <= 1 => self.genesis_head(),
            // Beyond the end there is nothing to read and nothing to check against.
            Start::Seq(seq) => self.stored_head((seq - 1).min(self.last_seq()?))?,
            Start::After(head) => head,
        };
        let range = contained(|| self.events.range(previous.seq.saturating_add(1)..))
            .map_err(|refusal| self.refuse(refusal))?;
        let first = match start {
            Start::Seq(seq) => seq,
            Start::After(head) => head.seq.saturating_add(1),
        };
        Ok(Walk { path: self.path.clone(), range, previous, first })
    }
}

impl Snapshot {
    /// Shows every record and every damage, and goes on after it from the hash the damaged record
    /// carries; returns the head if all of it is sound.
    pub(crate) fn survey(
        &self,
        mut found: impl FnMut(u64, Survey<'_>),
    ) -> Result<Option<Head>, ReadError> {
        let mut walk = self.walk(Start::Seq(1))?;
        let mut is_sound = true;
        while let Some((seq, bytes)) = walk.next_entry()? {
            let seq = value_of(&seq).map_err(|refusal| self.refuse(refusal))?;
            let bytes = value_of(&bytes).map_err(|refusal| self.refuse(refusal))?;
            for missing in walk.previous.seq.saturating_add(1)..seq {
                is_sound = false;
                found(missing, Survey::Damaged(Damage::Missing));
                if missing - walk.previous.seq >= GAP_RECORDS_SHOWN_MAX {
                    break;
                }
            }
            walk.previous.seq = seq.saturating_sub(1);
            found(seq, Survey::There);
            let damage = match record::decode_after(walk.previous, bytes) {
                Ok(record) => {
                    walk.previous = Head { seq, hash: record.hash };
                    if !is_sound {
                        found(seq, Survey::Beyond(record));
                    }
                    continue;
                }
                Err(damage) => damage,
            };
            is_sound = false;
            found(seq, Survey::Damaged(damage));
            walk.previous.seq = seq;
            if let Ok((_, hash)) = record::split(bytes) {
                walk.previous.hash = hash;
            }
        }
        Ok(is_sound.then_some(walk.previous))
    }
}

/// What a survey shows about one sequence number.
pub(crate) enum Survey<'a> {
    /// A record is there.
    There,
    /// It is whole in itself, and follows one that is not.
    Beyond(RecordRef<'a>),
    /// It is damaged or missing.
    Damaged(Damage),
}

/// How many records of one gap are shown; a damaged key can make a gap of any size.
const GAP_RECORDS_SHOWN_MAX: u64 = 3;

/// Reading under way.
pub(crate) struct Walk {
    path: PathBuf,
    range: redb::Range<'static, u64, &'static [u8]>,
    previous: Head,
    first: u64,
}

impl Walk {
    /// The next stored pair, not looked at.
    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let range = &mut self.range;
        contained(|| range.next().transpose())
            .map_err(|refusal| refusal.into_read_error(&self.path))
    }

    /// Checks one stored pair and moves on.
    fn check<'a>(&mut self, (seq, bytes): &'a Entry) -> Result<RecordRef<'a>, ReadError> {
        let refuse = |refusal: Refusal| refusal.into_read_error(&self.path);
        let seq = value_of(seq).map_err(refuse)?;
        let bytes = value_of(bytes).map_err(refuse)?;
        let expected = self.previous.seq.saturating_add(1);
        if seq != expected {
            return Err(damaged(&self.path, Place::Record(expected), Damage::Missing).into());
        }
        match record::decode_after(self.previous, bytes) {
            Ok(record) => {
                self.previous = Head { seq, hash: record.hash };
                Ok(record)
            }
            Err(Damage::NewerFormat(newer)) => Err(newer.into()),
            Err(damage) => Err(damaged(&self.path, Place::Record(seq), damage).into()),
        }
    }

    /// Shows every record from the start to `visit`; returns the last one proven.
    pub(crate) fn for_each<E: From<ReadError>>(
        mut self,
        mut visit: impl FnMut(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<Head, E> {
        while self.step(&mut visit)? {}
        Ok(self.previous)
    }

    /// Proves the next record and shows it to `visit`; false at the end.
    pub(crate) fn step<E: From<ReadError>>(
        &mut self,
        visit: impl FnOnce(RecordRef<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(entry) = self.next_entry()? else {
            return Ok(false);
        };
        let record = self.check(&entry)?;
        if record.header.seq >= self.first {
            visit(record)?;
        }
        Ok(true)
    }

    /// The last record that was proven.
    pub(crate) fn head(&self) -> Head {
        self.previous
    }

    /// Proves everything to the end.
    pub(crate) fn finish(self) -> Result<Head, ReadError> {
        self.for_each(|_| Ok(()))
    }
}

type Entry = (redb::AccessGuard<'static, u64>, redb::AccessGuard<'static, &'static [u8]>);

/// Records in order, each proven before it is yielded; ends after the first error.
pub struct Records {
    walk: Walk,
    is_over: bool,
}

impl Records {
    pub(crate) fn new(walk: Walk) -> Self {
        Self { walk, is_over: false }
    }

    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        let Some(entry) = self.walk.next_entry()? else {
            return Ok(None);
        };
        self.walk.check(&entry).map(|record| Some(record.to_record()))
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed { path } => Self::Held { path },
            ReadError::NewerFormat(newer) => Self::NewerFormat(newer),
            ReadError::Damaged(damaged) => Self::Damaged(damaged),
            ReadError::Storage(failure) => Self::Storage(failure),
        }
    }
}

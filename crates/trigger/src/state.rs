//! The fold of a workflow's stream: what was seen, what is open, how far each schedule is.
//!
//! | event | allowed when | then |
//! | --- | --- | --- |
//! | `TriggerOpened` | always, and first | its schedules are the ones that are followed |
//! | `TriggerFired` | its number is the next; its content is new, its moment later than the last | it is open |
//! | `TriggerEnded` | the firing is open | it is not |
//! | `ScheduleMissed` | its moments are later than the last | the schedule is that much further |
//! | `FilesPassedOver` | always | its files are known by their stamps |

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Hash, RunId,
    latest::{
        FilesPassedOver, OpenedSchedule, ScheduleMissed, TriggerCause, TriggerEnded, TriggerEvent,
        TriggerFired, TriggerOpened,
    },
};

use crate::hashes::Hashes;

/// The stamp of a file: its path as the workflow has it, its size and when it was last written
/// (milliseconds since 1970). Tells a file that was looked at before without reading it.
pub fn stamp(path: &str, size_bytes: u64, modified_ms: i64) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(path.as_bytes());
    hasher.update(&[0]);
    hasher.update(&size_bytes.to_le_bytes());
    hasher.update(&modified_ms.to_le_bytes());
    Hash(*hasher.finalize().as_bytes())
}

/// An event that cannot follow those before it: the journal is damaged, or the program is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TriggerInconsistency {
    /// Something happened before the stream was opened.
    #[error("a stream of triggers begins with TriggerOpened")]
    NotOpened,
    /// A firing out of order.
    #[error("firing {number} cannot come now: the next one is {next}")]
    Number {
        /// The one that came.
        number: u64,
        /// The one that had to.
        next: u64,
    },
    /// A content that set the workflow off before.
    #[error("firing {number} is about a content that was seen before: {hash}")]
    Seen {
        /// The firing.
        number: u64,
        /// The content.
        hash: Hash,
    },
    /// The end of a firing that is not open.
    #[error("firing {number} cannot end: it is not open")]
    NotOpen {
        /// The firing.
        number: u64,
    },
    /// A schedule that the workflow has not.
    #[error("there is no schedule {schedule}")]
    NoSchedule {
        /// Which one.
        schedule: u32,
    },
    /// A moment that was answered for before, or an interval that ends before it begins.
    #[error("schedule {schedule} is beyond {ms} already")]
    Moment {
        /// The schedule.
        schedule: u32,
        /// The moment.
        ms: i64,
    },
}

/// How far a schedule is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Followed {
    cron: String,
    zone: Option<String>,
    /// Every moment up to this one was fired or noted as missed.
    covered_ms: i64,
    /// Its open firings, by their numbers, also those from before the workflow's text changed.
    open: BTreeSet<u64>,
}

/// What a workflow's stream says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TriggerState {
    opened: Option<(String, Hash)>,
    last_number: u64,
    newest_run: Option<RunId>,
    open: BTreeMap<u64, TriggerFired>,
    contents: Hashes,
    stamps: Hashes,
    passed_over: BTreeSet<(String, bool)>,
    schedules: Vec<Followed>,
}

impl TriggerState {
    /// Before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The workflow's file and the hash of its text, as of the last opening.
    pub fn opened(&self) -> Option<(&str, Hash)> {
        self.opened.as_ref().map(|(workflow, text)| (workflow.as_str(), *text))
    }

    /// Firings whose runs have not ended, in the order of their numbers.
    pub fn open(&self) -> impl ExactSizeIterator<Item = &TriggerFired> {
        self.open.values()
    }

    /// The number that the next firing has.
    pub fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    /// The newest run that was fired, in the order of ids.
    pub fn newest_run(&self) -> Option<&RunId> {
        self.newest_run.as_ref()
    }

    /// Whether a content has set the workflow off.
    pub fn has_seen(&self, content: &Hash) -> bool {
        self.contents.contains(content)
    }

    /// Files that need not be read, since they were fired or passed over as they are; see [`stamp`].
    pub fn stamps(&self) -> &Hashes {
        &self.stamps
    }

    /// Whether it was noted which files were in a folder before it was watched.
    pub fn has_passed_over(&self, folder: &str, recursive: bool) -> bool {
        self.passed_over.contains(&(folder.to_owned(), recursive))
    }

    /// Up to which moment a schedule is answered for, in milliseconds since 1970.
    pub fn covered_ms(&self, schedule: usize) -> Option<i64> {
        self.schedules.get(schedule).map(|followed| followed.covered_ms)
    }

    /// How many firings of a schedule are open.
    pub(crate) fn open_of_schedule(&self, schedule: usize) -> usize {
        self.schedules.get(schedule).map_or(0, |followed| followed.open.len())
    }

    /// How many firings of a watch are open.
    pub(crate) fn open_of_watch(&self, watch: u32) -> usize {
        let is_of_it = |fired: &&TriggerFired| match &fired.cause {
            TriggerCause::File { watch: of, .. } => *of == watch,
            TriggerCause::Schedule { .. } | TriggerCause::Manual => false,
        };
        self.open.values().filter(is_of_it).count()
    }

    /// Up to when a schedule of this text was followed before; each is taken once.
    pub(crate) fn followed(
        &self,
        taken: &mut BTreeSet<usize>,
        (cron, zone): (&str, Option<&str>),
    ) -> Option<i64> {
        let mut all = self.schedules.iter().enumerate();
        let (index, followed) = all.find(|(index, followed)| {
            followed.cron == cron && followed.zone.as_deref() == zone && !taken.contains(index)
        })?;
        taken.insert(index);
        Some(followed.covered_ms)
    }

    /// The fold. Changes nothing where it gives an error.
    pub fn evolve(&mut self, event: &TriggerEvent) -> Result<(), TriggerInconsistency> {
        if self.opened.is_none() && !matches!(event, TriggerEvent::TriggerOpened(_)) {
            return Err(TriggerInconsistency::NotOpened);
        }
        match event {
            TriggerEvent::TriggerOpened(opened) => self.take_up(opened),
            TriggerEvent::TriggerFired(fired) => self.fire(fired)?,
            TriggerEvent::TriggerEnded(TriggerEnded { number, outcome: _ }) => {
                self.open
                    .remove(number)
                    .ok_or(TriggerInconsistency::NotOpen { number: *number })?;
                for followed in &mut self.schedules {
                    followed.open.remove(number);
                }
            }
            TriggerEvent::ScheduleMissed(missed) => {
                let ScheduleMissed { schedule, from_ms, until_ms, count: _ } = *missed;
                if until_ms < from_ms {
                    return Err(TriggerInconsistency::Moment { schedule, ms: until_ms });
                }
                self.at_moment(schedule, from_ms)?.covered_ms = until_ms;
            }
            TriggerEvent::FilesPassedOver(FilesPassedOver { folder, recursive, stamps }) => {
                self.passed_over.insert((folder.clone(), *recursive));
                self.stamps.extend(stamps.iter().copied());
            }
        }
        Ok(())
    }

    /// Schedules of the same text keep their open firings.
    fn take_up(&mut self, opened: &TriggerOpened) {
        let TriggerOpened { workflow, text, program: _, schedules } = opened;
        let mut before = std::mem::take(&mut self.schedules);
        self.schedules = schedules
            .iter()
            .map(|OpenedSchedule { cron, zone, from_ms }| {
                let same = before.iter().position(|it| it.cron == *cron && it.zone == *zone);
                let open = same.map(|index| before.remove(index).open).unwrap_or_default();
                Followed { cron: cron.clone(), zone: zone.clone(), covered_ms: *from_ms, open }
            })
            .collect();
        self.opened = Some((workflow.clone(), *text));
    }

    fn fire(&mut self, fired: &TriggerFired) -> Result<(), TriggerInconsistency> {
        let TriggerFired { number, cause, run } = fired;
        let (number, next) = (*number, self.next_number());
        if number != next {
            return Err(TriggerInconsistency::Number { number, next });
        }
        match cause {
            TriggerCause::File { watch: _, path, hash, size_bytes, modified_ms } => {
                if !self.contents.insert(*hash) {
                    return Err(TriggerInconsistency::Seen { number, hash: *hash });
                }
                self.stamps.insert(stamp(path, *size_bytes, *modified_ms));
            }
            TriggerCause::Schedule { schedule, due_ms, late: _ } => {
                let followed = self.at_moment(*schedule, *due_ms)?;
                followed.covered_ms = *due_ms;
                followed.open.insert(number);
            }
            TriggerCause::Manual => {}
        }
        self.last_number = number;
        if self.newest_run.as_ref().is_none_or(|newest| run > newest) {
            self.newest_run = Some(run.clone());
        }
        self.open.insert(number, fired.clone());
        Ok(())
    }

    /// A schedule that may go on to a moment.
    fn at_moment(&mut self, schedule: u32, ms: i64) -> Result<&mut Followed, TriggerInconsistency> {
        let followed = self
            .schedules
            .get_mut(schedule as usize)
            .ok_or(TriggerInconsistency::NoSchedule { schedule })?;
        if ms <= followed.covered_ms {
            return Err(TriggerInconsistency::Moment { schedule, ms });
        }
        Ok(followed)
    }
}

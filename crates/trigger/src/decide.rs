//! What follows from a file, a moment or the end of a run. Pure: time comes in.
//!
//! **Files.** A content sets a workflow off once. No more firings of a watch are open than its
//! `concurrency`; other files wait in the order they came. Who waits is not in the journal: after a
//! restart the files are found again, because their contents have not been seen.
//!
//! **Schedules.** Every moment is answered for exactly once, in order: it is fired, or noted as
//! missed. Without `overlap` a schedule has one open firing at most, with it
//! [`OVERLAP_OPEN_MAX`](crate::OVERLAP_OPEN_MAX). A moment that finds no place is *skipped* under
//! [`Missed::Skip`]; under [`Missed::Once`] and [`Missed::All`] it stays due until an earlier run has
//! ended, and is then one of those that are made up for.

use std::collections::{BTreeSet, VecDeque};

use lao_event::{
    Hash,
    latest::{OpenedSchedule, ScheduleMissed, TriggerCause, TriggerEvent, TriggerOpened},
};

use crate::{
    rules::{LATE_MS_MAX, MOMENTS_MAX, Missed, Rules, ScheduleRule},
    state::{TriggerInconsistency, TriggerState},
};

/// A clock that stood this far ahead when a schedule was last followed was wrong, and the schedule
/// begins anew: a day.
const AHEAD_MS_MAX: i64 = 24 * 3_600_000;

/// A file that stopped growing, as the journal will have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Which watch of the workflow, from 0.
    pub watch: u32,
    /// The file, its folder as the workflow names it.
    pub path: String,
    /// The hash of its content.
    pub hash: Hash,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl From<FoundFile> for TriggerCause {
    fn from(file: FoundFile) -> Self {
        let FoundFile { watch, path, hash, size_bytes, modified_ms } = file;
        Self::File { watch, path, hash, size_bytes, modified_ms }
    }
}

/// What a schedule asks for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A run.
    Fire(TriggerCause),
    /// A note that there will be none.
    Miss(ScheduleMissed),
}

/// The triggers of a workflow: what the stream says, what the workflow asks for, and which files wait.
///
/// What it answers must be put into the stream, and back with [`Triggers::evolve`], before it is asked
/// again; [`crate::TriggerStream`] does both.
#[derive(Debug, Clone)]
pub struct Triggers {
    state: TriggerState,
    rules: Rules,
    waiting: VecDeque<FoundFile>,
    waiting_contents: BTreeSet<Hash>,
}

impl Triggers {
    /// The triggers as a stream has them. They must be opened next; see [`Triggers::opening`].
    pub fn new(state: TriggerState, rules: Rules) -> Self {
        Self { state, rules, waiting: VecDeque::new(), waiting_contents: BTreeSet::new() }
    }

    /// What the stream says.
    pub fn state(&self) -> &TriggerState {
        &self.state
    }

    /// Files that wait for a place, in the order they came.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &FoundFile> {
        self.waiting.iter()
    }

    /// Takes other rules on, as of a text that changed. They must be opened next.
    pub fn change(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// The event that takes the triggers up: schedules that were followed before go on where they
    /// were, new ones begin now.
    pub fn opening(
        &self,
        workflow: String,
        text: Hash,
        program: String,
        now_ms: i64,
    ) -> TriggerOpened {
        let mut taken = BTreeSet::new();
        let schedules = self.rules.schedules.iter().map(|rule| {
            let text = (rule.spec.expression.as_str(), rule.spec.zone.as_deref());
            let before = self.state.followed(&mut taken, text);
            let is_right = |ms: &i64| *ms <= now_ms.saturating_add(AHEAD_MS_MAX);
            let from_ms = before.filter(is_right).unwrap_or(now_ms);
            OpenedSchedule {
                cron: rule.spec.expression.clone(),
                zone: rule.spec.zone.clone(),
                from_ms,
            }
        });
        TriggerOpened { workflow, text, program, schedules: schedules.collect() }
    }

    /// Takes an event of the stream in.
    pub fn evolve(&mut self, event: &TriggerEvent) -> Result<(), TriggerInconsistency> {
        self.state.evolve(event)
    }

    /// A file stopped growing. The cause of a firing, or `None` where its content has been seen or
    /// waits already, or it has to wait for a place.
    pub fn file_settled(&mut self, file: FoundFile) -> Option<TriggerCause> {
        if self.state.has_seen(&file.hash) || self.waiting_contents.contains(&file.hash) {
            return None;
        }
        // What waited under its name is gone.
        self.forget(file.watch, &file.path);
        let has_earlier = self.waiting.iter().any(|earlier| earlier.watch == file.watch);
        if !has_earlier && self.has_place(file.watch) {
            return Some(file.into());
        }
        self.waiting_contents.insert(file.hash);
        self.waiting.push_back(file);
        None
    }

    /// The cause of the next firing among the files that wait, if there is a place for one.
    pub fn next_waiting(&mut self) -> Option<TriggerCause> {
        let index = self.waiting.iter().position(|file| self.has_place(file.watch))?;
        let file = self.waiting.remove(index)?;
        self.waiting_contents.remove(&file.hash);
        Some(file.into())
    }

    fn forget(&mut self, watch: u32, path: &str) {
        let same = |file: &FoundFile| file.watch == watch && file.path == path;
        if let Some(index) = self.waiting.iter().position(same)
            && let Some(gone) = self.waiting.remove(index)
        {
            self.waiting_contents.remove(&gone.hash);
        }
    }

    fn has_place(&self, watch: u32) -> bool {
        let rule = self.rules.watches.get(watch as usize);
        let places = rule.map_or(1, |rule| rule.concurrency.max(1)) as usize;
        self.state.open_of_watch(watch) < places
    }

    /// What the schedules ask for at `now_ms`, in the order in which it must be put into the stream.
    pub fn due(&self, now_ms: i64) -> Vec<Due> {
        let all = self.rules.schedules.iter().zip(0_u32..);
        all.flat_map(|(rule, schedule)| self.due_of(rule, schedule, now_ms)).collect()
    }

    /// When [`Triggers::due`] has something to say next, in milliseconds since 1970, which may have
    /// passed already. `None` for never, as long as no run ends.
    pub fn next_due_ms(&self) -> Option<i64> {
        let each = self.rules.schedules.iter().enumerate().filter_map(|(index, rule)| {
            let stays_due = matches!(rule.spec.missed, Missed::Once | Missed::All);
            if stays_due && self.state.open_of_schedule(index) >= rule.open_max() {
                return None;
            }
            rule.cron.next_after(self.state.covered_ms(index)?)
        });
        each.min()
    }

    fn due_of(&self, rule: &ScheduleRule, schedule: u32, now_ms: i64) -> Vec<Due> {
        let index = schedule as usize;
        let Some(covered_ms) = self.state.covered_ms(index) else { return Vec::new() };
        let places = rule.open_max().saturating_sub(self.state.open_of_schedule(index));
        let limit = match rule.spec.missed {
            Missed::Skip => MOMENTS_MAX,
            Missed::Once if places > 0 => MOMENTS_MAX,
            Missed::All => places,
            Missed::Once => 0,
        };
        let moments = std::iter::successors(rule.cron.next_after(covered_ms), |moment| {
            rule.cron.next_after(*moment)
        });
        let moments: Vec<i64> =
            moments.take_while(|moment| *moment <= now_ms).take(limit).collect();
        let is_late = |moment: i64| now_ms.saturating_sub(moment) > LATE_MS_MAX;
        let late = moments.partition_point(|moment| is_late(*moment));
        // Those before `first` are missed, and of the others as many as there are places are fired.
        let first = match rule.spec.missed {
            Missed::All => 0,
            // Only when the newest of all is known is it known which one is made up for.
            Missed::Once if late == moments.len() && late < MOMENTS_MAX => late.saturating_sub(1),
            Missed::Skip | Missed::Once => late,
        };
        let (missed, left) = moments.split_at(first);
        let (fired, unplaced) = left.split_at(places.min(left.len()));
        let mut due: Vec<Due> = miss(schedule, missed).into_iter().collect();
        due.extend(fired.iter().map(|due_ms| {
            let (due_ms, late) = (*due_ms, is_late(*due_ms));
            Due::Fire(TriggerCause::Schedule { schedule, due_ms, late })
        }));
        match rule.spec.missed {
            Missed::Skip => due.extend(miss(schedule, unplaced)),
            Missed::Once | Missed::All => {}
        }
        due
    }
}

fn miss(schedule: u32, moments: &[i64]) -> Option<Due> {
    let (from_ms, until_ms) = (*moments.first()?, *moments.last()?);
    Some(Due::Miss(ScheduleMissed { schedule, from_ms, until_ms, count: moments.len() as u64 }))
}

//! What a workflow asks of its triggers, checked.

use crate::cron::{Cron, CronError};

/// How long after its moment a schedule is still on time, in milliseconds: a minute.
pub(crate) const LATE_MS_MAX: i64 = 60_000;

/// The most runs of one schedule that are open at the same time where `overlap` is asked for.
pub const OVERLAP_OPEN_MAX: usize = 16;

/// How many missed moments are looked at before they are noted; more are noted in several events.
pub(crate) const MOMENTS_MAX: usize = 100_000;

/// What happens about moments that passed while no run could be started for them: LAO was not
/// running, the machine slept, or an earlier run of the schedule was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// Nothing. They are noted as missed.
    Skip,
    /// One run for all of them: the newest. The others are noted as missed.
    Once,
    /// One run for each, in order.
    All,
}

/// What a workflow asks for.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Its watches, in the order of the text.
    pub watches: Vec<WatchRule>,
    /// Its schedules, in the order of the text.
    pub schedules: Vec<ScheduleRule>,
}

/// What is asked of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchRule {
    /// The most firings that are open at the same time; 0 is taken as 1.
    pub concurrency: u32,
}

/// A schedule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSpec {
    /// See [`Cron::read`].
    pub expression: String,
    /// The time zone's name; the machine's where missing.
    pub zone: Option<String>,
    /// What happens about moments at which no run could be started.
    pub missed: Missed,
    /// Runs are started while earlier ones of this schedule are open.
    pub overlap: bool,
}

/// What is asked of a schedule.
#[derive(Debug, Clone)]
pub struct ScheduleRule {
    pub(crate) spec: ScheduleSpec,
    pub(crate) cron: Cron,
}

impl ScheduleRule {
    /// Checks a schedule.
    pub fn read(spec: ScheduleSpec) -> Result<Self, CronError> {
        let cron = Cron::read(&spec.expression, spec.zone.as_deref())?;
        Ok(Self { spec, cron })
    }

    /// The most firings that are open at the same time.
    pub(crate) fn open_max(&self) -> usize {
        if self.spec.overlap { OVERLAP_OPEN_MAX } else { 1 }
    }
}

//! What starts runs by itself: the stream of one workflow's triggers. No run has these events.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{events, without_contents};
use crate::{Hash, RunId};

events! {
    /// A fact about what starts a workflow. The number before each is its type in the journal,
    /// never reused, and not one of [`super::Event`]'s either.
    enum TriggerEvent {
        /// A process took the workflow's triggers up.
        200 TriggerOpened,
        /// A run is about to be started.
        201 TriggerFired,
        /// That run is over.
        202 TriggerEnded,
        /// Moments of a schedule passed, and no run will be started for them.
        203 ScheduleMissed,
        /// Files were there before the folder was watched for the first time.
        204 FilesPassedOver,
    }
}

impl TriggerEvent {
    /// The schema version this program writes for the event.
    pub const fn schema_version(&self) -> u16 {
        1
    }
}

/// A process took the workflow's triggers up. Always the first event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TriggerOpened {
    /// The workflow's file, relative to the project.
    pub workflow: String,
    /// The hash of its text.
    pub text: Hash,
    /// The program and its version.
    pub program: String,
    /// Its schedules, in the order of the text. Those of earlier openings are not followed any more.
    pub schedules: Vec<OpenedSchedule>,
}

/// A schedule, and from when on its moments count.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct OpenedSchedule {
    /// The cron expression as it is written.
    pub cron: String,
    /// The time zone's name; `None` for the machine's.
    pub zone: Option<String>,
    /// Moments after this one count, in milliseconds since 1970. A schedule that was followed before
    /// goes on where it was, whatever has passed since.
    pub from_ms: i64,
}

/// A run is about to be started. Durable before anything of the run is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TriggerFired {
    /// Counts the firings of the workflow, from 1.
    pub number: u64,
    /// What set it off.
    pub cause: TriggerCause,
    /// The run's identity: whoever finds the firing open starts or resumes this one and no other.
    pub run: RunId,
}

/// What sets a workflow off.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerCause {
    /// A file that stopped growing.
    File {
        /// Which watch of the workflow, from 0.
        watch: u32,
        /// The file, its folder as the workflow names it.
        path: String,
        /// The hash of its content: no content sets a workflow off twice.
        hash: Hash,
        /// Its size.
        size_bytes: u64,
        /// When it was last written, in milliseconds since 1970.
        modified_ms: i64,
    },
    /// A moment of a schedule.
    Schedule {
        /// Which schedule of the workflow, from 0.
        schedule: u32,
        /// The moment, in milliseconds since 1970.
        due_ms: i64,
        /// It was made up for, after more than a minute.
        late: bool,
    },
    /// A person.
    Manual,
}

/// The run of a firing is over. A run that was parked or stopped is not.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct TriggerEnded {
    /// The firing.
    pub number: u64,
    /// How its run ended.
    pub outcome: TriggerOutcome,
}

/// How the run of a firing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerOutcome {
    /// Every step succeeded.
    Succeeded,
    /// Steps failed, or the run could not be started at all.
    Failed,
    /// A person ended it.
    Cancelled,
}

/// Moments of a schedule passed, and no run will be started for them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ScheduleMissed {
    /// Which schedule of the workflow, from 0.
    pub schedule: u32,
    /// The first of them, in milliseconds since 1970.
    pub from_ms: i64,
    /// The last of them, in milliseconds since 1970.
    pub until_ms: i64,
    /// How many; more than 100,000 are noted in several events.
    pub count: u64,
}

/// Files were there before the folder was watched for the first time, and set nothing off.
///
/// A folder with many files has several of these events, all in one commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct FilesPassedOver {
    /// The folder as the workflow names it.
    pub folder: String,
    /// The folders inside were looked at too.
    pub recursive: bool,
    /// The stamp of each file: the BLAKE3 hash of its path (as `TriggerFired` has it), a zero byte, its
    /// size and the moment it was last written (milliseconds since 1970), both as eight bytes,
    /// little-endian.
    pub stamps: Vec<Hash>,
}

without_contents!(TriggerOpened, TriggerFired, TriggerEnded, ScheduleMissed, FilesPassedOver);

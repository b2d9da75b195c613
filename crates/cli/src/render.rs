//! Values of the protocol as text: pure functions of a value and a [`Style`].
//!
//! Every function returns whole lines. Text that comes from models, servers and files is made
//! visible before it is laid out.

mod config;
mod diff;
mod doctor;
mod flow;
mod fork;
pub mod graph;
mod init;
mod journal;
pub mod json;
mod log;
mod models;
mod moment;
mod next;
mod page;
mod portable;
mod prune;
mod reask;
mod replay;
mod resume;
mod runs;
mod scenario;
mod show;
mod status;
mod step;
mod steps;
mod summary;
mod travel;
mod upkeep;
mod watch;
pub(crate) mod words;

pub use config::{ConfigLine, config};
pub use diff::{diff, diff_html};
pub use doctor::{DoctorLine, DoctorState, doctor};
pub use flow::{FlowProblemLine, ValidLine, flow_plan, valid};
pub use fork::{ForkReport, SettingChange, fork};
pub use init::{FileOutcome, InitFile, InitReport, InitRole, InitServer, init};
pub use journal::{Affected, AffectedEvents, JournalProblem, JournalReport, journal};
pub use log::log_line;
pub(crate) use log::tone as event_tone;
pub use models::{ModelLine, models};
pub use moment::moment;
pub use portable::{ExportReport, ImportModel, ImportReport, Replaced, export, import};
pub use prune::{GcReport, KeptRun, PruneReport, PrunedRun, ResultsReport, gc, prune};
pub use reask::{AgreementWord, ReaskCall, ReaskReport, reask, reask_call};
pub use replay::{FieldLine, ReplayDifference, ReplayReport, replay};
pub use resume::resume;
pub use runs::{RunsOrder, runs};
pub use scenario::{junit, scenario, scenarios};
pub use show::show;
pub use status::status;
pub use step::step;
pub use steps::{StepLine, steps};
pub use summary::summary;
pub use travel::{
    BlameAuthor, BlameLine, BlameMessage, BlameOrigin, BlameReport, CheckoutFile, CheckoutReport,
    blame, checkout,
};
pub use upkeep::{
    BackupReport, CompactReport, ManifestMended, PinReport, RepairReport, StatsReport, TypeLine,
    backup, compact, pin, repair, stats,
};
pub use watch::{WatchEvent, WatchLine, watch_line};

#[cfg(doc)]
use crate::Style;

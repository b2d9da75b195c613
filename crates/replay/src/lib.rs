//! Runs looked at afterwards: a run is data that can be derived again, compared and branched.
//!
//! ```text
//!   Reader --for_each_decision--> Decision --commands--> Command --decide, evolve--> events
//!                                     '---------------- the same? -------------------'
//! ```
//!
//! Deliberately absent: actors, models, tools, the clock, and any write to a run that exists.

mod blame;
mod command;
mod decision;
pub mod diff;
mod export;
mod field;
mod files;
mod fork;
mod import;
mod portable;
mod reask;
mod rederive;
mod torn;

pub use blame::{
    Author, Blame, BlameError, BlamedLine, ModelAuthor, Origin, OriginError, blame, origin,
};
pub use decision::{Decision, for_each_decision};
pub use export::{
    ExportError, ExportSource, Exported, SCANNER_PATTERNS, Texts, export, export_lines,
};
pub use field::{FieldDifference, field_differences};
pub use files::{CallWrite, FileAt, FilesAt, FilesError, WrittenBy, files_at, files_without};
pub use fork::{ForkError, ForkPoint, NewRun, branch, fork_point};
pub use import::{
    ImportError, Imported, LABEL_IMPORTED, Part, PortableError, import, read_portable,
};
pub use portable::{
    ModelIdentity, PORTABLE_FORMAT, Position, Provenance, Redaction, RuleCount, SectionError,
    SectionKind,
};
pub use reask::{Agreement, Call, for_each_call};
pub use rederive::{Derived, Difference, Replay, ReplayError, Replayed, replay};
pub use torn::{MissingEnd, missing_end};

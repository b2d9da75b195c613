//! The actors that drive a run: journal first, then act.
//!
//! ```text
//!   Supervisor            restarts a Run that panicked, from its journal
//!   `-- Run               owns the state; mailbox -> handle -> append; durable -> act, publish
//!       |-- JournalWriter blobs, then the group commit thread; DiskWatch says when it is slow
//!       `-- Worker*       one for each effect in flight; asks the world, reports, ends
//! ```
//!
//! Nothing leaves a run, no effect and no notice, before the events it follows from are durable.
//! Workers own nothing that the journal does not have: one that panics is lost, and what becomes
//! of its effect is decided by the kernel, like after a crash.
//!
//! Deliberately absent: HTTP, processes, rendering, and any decision about what a run does next.

mod action;
mod disk_watch;
mod job;
mod journal_writer;
mod model_call;
mod notice;
mod permits;
mod run;
mod secrets;
mod supervisor;
mod transcript;
mod worker;

pub use model_call::{RetryPolicy, answer_event, chat_under_way};
pub use notice::Notice;
pub use permits::Permits;
pub use run::{Begin, BeginError, Finish, RunHandle, RunSpec, note, outcome_word};
pub use supervisor::Supervisor;

//! Serves the protocol over the run's local socket; the only place that converts events to updates.
//!
//! ```text
//!   events --> RunView --> RunStatus, StepView, EventView       a projection, live or of a journal
//!                ^
//!   RunHandle --notices--> LiveRun --> Updates                  one view a run, kept by one task
//!                            ^            |
//!                            '-- serve ---+-- socket -- Client  one task a client
//! ```
//!
//! A client never holds a run up: who is slow misses notices, and reads the events it missed from
//! the journal. Control characters in texts are kept; whoever shows them escapes them.
//!
//! Deliberately absent: rendering, colours, and any file that a client would have to clean up
//! besides the socket.

pub mod client;
mod diff;
mod freezer;
mod line;
mod live;
mod narrator;
pub mod offline;
mod reason;
pub mod server;
pub mod socket;
mod travel;
mod units;
pub mod view;

pub use client::{Client, ClientError, Follow, live};
pub use diff::diff;
pub use live::{LiveReadError, LiveRun, Updates};
pub use narrator::Narrator;
pub use offline::{
    LABEL_FLOW_HASH, LABEL_PARENT, LABEL_PLAN_HASH, LABEL_SOURCE, ViewError, remember,
};
pub use server::{ServerGuard, serve};
pub use socket::{SocketError, runtime_folder, socket_path};
pub use travel::{Travel, TravelError};
pub use view::{Live, RunView};

//! Arguments, rendering, exit codes and hints: the face of `lao` in a terminal.
//!
//! ```text
//!   arguments --args--> Cli ----> the binary does the work
//!   protocol values --render--> text --Output--> stdout, stderr
//!   updates --progress--> bars | dated lines | JSON lines
//! ```
//!
//! Rendering is pure: a renderer takes values of the protocol and a [`Style`] (width, colour,
//! time zone, present time) and returns text. Whatever comes from a model or a server is made
//! harmless on the way: control characters are shown, never sent.

pub mod args;
pub mod error;
pub mod exit;
pub mod keys;
pub mod output;
pub mod progress;
pub mod render;
pub mod style;
mod table;
pub mod text;
pub mod units;

pub use args::{Cli, Command};
pub use error::CliError;
pub use exit::ExitCode;
pub use output::Output;
pub use progress::LiveView;

pub use style::Style;

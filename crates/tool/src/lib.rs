//! Built-in tools, trust gate, sandboxed paths and deterministic checks.

mod arguments;
mod blocking;
mod catalogue;
mod excerpt;
mod folder;
mod lenient;
mod patch;
mod process;
mod toolbox;
mod verifier;
mod walk;
mod workspace;

pub use catalogue::specs;
pub use process::{Ended, Job, LocalPrograms, Programs};
pub use toolbox::{LocalToolbox, ToolLimits};
pub use verifier::LocalVerifier;
pub use workspace::{PathError, PlaceError, TEMP_PREFIX, Workspace, WorkspacePath};

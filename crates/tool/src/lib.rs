//! Built-in tools, trust gate, sandboxed paths, deterministic checks and the files and commands of
//! workflows.

mod actions;
mod arguments;
mod blocking;
mod catalogue;
mod excerpt;
mod folder;
mod home;
mod json;
mod lenient;
mod patch;
mod process;
mod toolbox;
mod verifier;
mod walk;
mod workspace;

pub use actions::LocalActions;
pub use catalogue::specs;
pub use home::expand_home;
pub use process::{Ended, Job, LocalPrograms, Piped, Programs};
pub use toolbox::{LocalToolbox, ToolLimits};
pub use verifier::LocalVerifier;
pub use workspace::{PathError, PlaceError, TEMP_PREFIX, Workspace, WorkspacePath};

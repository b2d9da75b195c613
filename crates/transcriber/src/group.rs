//! The worker's process group, which ends as one, and how a process ended, in words.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Group, ending, lead_a_group};
#[cfg(unix)]
pub(crate) use unix::{Group, ending, lead_a_group};

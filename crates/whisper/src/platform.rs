//! What a process can do about itself: its memory, its standard output, its end.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{end_at_once, limit_memory, take_stdout};
#[cfg(unix)]
pub(crate) use unix::{end_at_once, limit_memory, take_stdout};

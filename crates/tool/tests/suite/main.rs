//! The tools and checks as the runtime uses them: through the ports, on real folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(unix)]
mod actions;
mod checks;
#[cfg(unix)]
mod commands;
mod files;
mod fuzz;
#[cfg(unix)]
mod paths;
mod place;
#[cfg(unix)]
mod programs;
mod search;
#[cfg(unix)]
mod wait;

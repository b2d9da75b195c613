//! The tools and checks as the runtime uses them: through the ports, on real folders.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod checks;
#[cfg(unix)]
mod commands;
mod files;
mod fuzz;
#[cfg(unix)]
mod paths;
mod place;
mod search;

//! Models that come in, and workers that do everything wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod model_files;
mod store;
mod support;
#[cfg(unix)]
mod workers;

//! The real worker with a tiny model, from the outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alone;
mod supervised;
mod support;

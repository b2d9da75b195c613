//! Runs with a fake world, looked at through views, feeds and sockets.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a helper that fails is a test that fails, and looks for what it names"
)]

mod detail;
mod feed;
mod glossary;
mod offline;
mod snapshots;
mod socket;
mod view;
mod words;
mod world;

//! The recorder against real repositories in temporary folders, with a configuration of their own.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: a failure here is a failed test, and skipping is said aloud"
)]

mod commits;
mod crashes;
mod desk;
mod folders;
mod users;
mod worktrees;

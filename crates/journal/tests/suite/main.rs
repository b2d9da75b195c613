//! The journal's promises, tested through its public face; one program, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world fails")]

mod blobs;
mod collect;
mod compact;
mod damage;
mod failing_disk;
mod fuzz;
mod group_commit;
mod load;
mod manifest;
mod open_and_read;
mod process;
mod repair;
mod support;

//! Runs as the runtime drives them, in a world that costs nothing: many at once, much at once, and
//! on a disk that stalls. One program, so that it links once.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its world fails")]

mod disk;
mod load;
mod stage;
mod world;

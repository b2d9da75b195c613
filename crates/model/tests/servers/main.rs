//! The client against a server on a real socket: every dialect, every deviation, every failure.

mod answers;
mod embeddings;
mod failures;
mod fuzz;
mod identity;
mod limits;
mod support;
mod transcribe;

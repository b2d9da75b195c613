//! Speech to text by a worker program under watch, and its model files; links no engine.
//!
//! ```text
//!   LocalTranscriber --verify--> ModelStore (size, hash)
//!          |
//!          '--spawn--> lao-whisper --> checks the model again, decodes, transcribes in pieces
//!               frames over pipes (protocol), limits on silence, time and memory
//! ```
//!
//! The engine is native code that a bad file can crash, so it lives in a process of its own, one
//! for each attempt. Whatever happens to that process is the failure of that attempt and of
//! nothing else. One call is one try.

mod group;
mod last_words;
mod local;
pub mod model_file;
mod program;
pub mod protocol;
mod published;
mod store;

pub use local::{LocalTranscriber, WorkerLimits};
pub use store::{Description, ModelStore, StoreError, StoredModel, suggested_name};

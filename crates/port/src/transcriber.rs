//! Speech to text: one attempt at one file.

use crate::BoxFuture;

/// A file to transcribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscribeRequest {
    /// The endpoint's name in the configuration.
    pub endpoint: String,
    /// The model's key on that endpoint.
    pub model: String,
    /// Absolute path of the audio file.
    pub file: String,
    /// The language spoken, as a two-letter code; `None` to have it found out.
    pub language: Option<String>,
    /// Translate into English.
    pub translate: bool,
    /// Words that the speaker is likely to use.
    pub prompt: Option<String>,
    /// Threads to use; `None` leaves it to the engine.
    pub threads: Option<u32>,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The language, as a two-letter code, where the engine tells.
    pub language: Option<String>,
    /// Length of the audio, in milliseconds.
    pub duration_ms: u64,
    /// What was said, in order.
    pub segments: Vec<Segment>,
    /// The model as the engine names it.
    pub model: String,
}

/// A passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// Where it ends, in milliseconds.
    pub end_ms: u64,
    /// The words, without space around them.
    pub text: String,
}

/// How far a transcription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TranscribeProgress {
    /// Thousandths of the audio that are done.
    pub done_milli: u32,
}

/// Called while a file is transcribed; must return at once.
pub type OnTranscribed<'a> = &'a (dyn Fn(TranscribeProgress) + Send + Sync);

/// Why there is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TranscribeError {
    /// The kind of failure.
    pub kind: TranscribeErrorKind,
    /// In words, with the file, the place and the cure.
    pub message: String,
}

/// Kinds of failure of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscribeErrorKind {
    /// The file is not there, or is no audio that can be read.
    Audio,
    /// The model or the engine's program is not on this machine.
    ModelMissing,
    /// The server does not answer.
    Unreachable,
    /// The engine crashed, hung, took too much memory, talked rubbish or failed otherwise.
    Engine,
    /// A time limit passed.
    TimedOut,
}

/// Engines that turn speech into text.
pub trait Transcriber: Send + Sync {
    /// Transcribes a file. Dropping the future ends the work.
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>>;
}

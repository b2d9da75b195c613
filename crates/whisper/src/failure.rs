//! Why there is no transcript, with what is to blame.

use lao_transcriber::protocol::FailureKind;
use thiserror::Error;

/// A failure that is reported.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What is to blame.
    pub(crate) kind: FailureKind,
    /// In words.
    pub(crate) message: String,
}

impl Failure {
    /// The audio file is to blame.
    pub(crate) fn audio(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Audio, message: message.into() }
    }

    /// The model file is to blame.
    pub(crate) fn model(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Model, message: message.into() }
    }

    /// The engine is to blame, or what it was asked.
    pub(crate) fn engine(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Engine, message: message.into() }
    }
}

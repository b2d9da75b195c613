//! Transcription by the worker program: one process for each attempt, and nothing it does matters
//! beyond that attempt.

mod talk;
mod worker;

use std::{path::PathBuf, sync::Arc, time::Duration};

use lao_port::{
    BoxFuture, OnTranscribed, TranscribeError, TranscribeErrorKind, TranscribeRequest, Transcriber,
    Transcript,
};
use tokio::{task, time::timeout};

use self::{talk::Talk, worker::Worker};
use crate::{
    program::find_program,
    protocol::{FailureKind, ModelFile, Work},
    store::ModelStore,
};

/// What an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLimits {
    /// The most bytes of address space of the worker.
    pub memory_bytes_max: u64,
    /// Milliseconds without a word after which the worker hangs.
    pub idle_timeout_ms: u64,
    /// Milliseconds of the whole attempt; without a limit where absent.
    pub total_timeout_ms: Option<u64>,
    /// Milliseconds of audio that the worker holds and transcribes at a time.
    pub piece_ms: u64,
}

impl Default for WorkerLimits {
    /// Eight GiB, ten minutes of silence, as long as it takes, five minutes of audio at a time.
    fn default() -> Self {
        Self {
            memory_bytes_max: 8 * 1024 * 1024 * 1024,
            idle_timeout_ms: 600_000,
            total_timeout_ms: None,
            piece_ms: 300_000,
        }
    }
}

/// Transcribes on this machine, with the models of a store.
///
/// A request's model is the name of one in the store; its endpoint is not looked at. Attempts
/// share nothing, so any number may be under way, each with the memory of its own.
#[derive(Debug)]
pub struct LocalTranscriber {
    store: Arc<ModelStore>,
    program: Option<PathBuf>,
    limits: WorkerLimits,
}

impl LocalTranscriber {
    /// A transcriber that finds the worker program by itself, unless it is told where it is.
    pub fn new(store: Arc<ModelStore>, program: Option<PathBuf>, limits: WorkerLimits) -> Self {
        Self { store, program, limits }
    }

    async fn attempt(
        &self,
        request: &TranscribeRequest,
        on_progress: OnTranscribed<'_>,
    ) -> Result<Transcript, TranscribeError> {
        let missing = |error: &dyn std::fmt::Display| TranscribeError {
            kind: TranscribeErrorKind::ModelMissing,
            message: error.to_string(),
        };
        let program = find_program(self.program.as_deref()).map_err(|error| missing(&error))?;
        let model = self.verified_model(&request.model).await?;
        let work = self.work(request, model);
        let worker = Worker::spawn(&program, &self.limits).map_err(|error| {
            missing(&format!("{} could not be started: {error}", program.display()))
        })?;
        let mut talk = Talk::new(worker, &self.limits, on_progress);
        match talk.run(&work).await {
            Ok(transcript) => Ok(transcript),
            Err(fault) => Err(talk.explain(fault).await),
        }
    }

    /// Reading a large model takes a while, so another thread does it.
    async fn verified_model(&self, name: &str) -> Result<ModelFile, TranscribeError> {
        let (store, name) = (Arc::clone(&self.store), name.to_owned());
        let verified = task::spawn_blocking(move || store.verify(&name)).await;
        verified.expect("it does not panic, and nobody aborts it").map_err(|error| {
            TranscribeError { kind: TranscribeErrorKind::ModelMissing, message: error.to_string() }
        })
    }

    fn work(&self, request: &TranscribeRequest, model: ModelFile) -> Work {
        let TranscribeRequest { endpoint: _, model: _, file, language, translate, prompt, threads } =
            request;
        Work {
            model,
            audio: file.clone(),
            language: language.clone(),
            translate: *translate,
            prompt: prompt.clone(),
            threads: *threads,
            piece_ms: self.limits.piece_ms,
        }
    }
}

impl Transcriber for LocalTranscriber {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        Box::pin(async move {
            let attempt = self.attempt(request, on_progress);
            let Some(total_ms) = self.limits.total_timeout_ms else { return attempt.await };
            timeout(Duration::from_millis(total_ms), attempt).await.unwrap_or_else(|_| {
                let file = &request.file;
                Err(TranscribeError {
                    kind: TranscribeErrorKind::TimedOut,
                    message: format!("transcribing {file} took longer than {total_ms} ms"),
                })
            })
        })
    }
}

impl From<FailureKind> for TranscribeErrorKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Audio => Self::Audio,
            FailureKind::Model => Self::ModelMissing,
            FailureKind::Engine => Self::Engine,
        }
    }
}

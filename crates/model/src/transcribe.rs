//! The client of servers that turn speech into text: whisper.cpp's, and those with OpenAI's route.
//!
//! ```text
//!   transcribe --form--> one POST, the file streamed from the disk
//!              --answer--> segments, or an error that says where, what and what to do
//! ```

mod answer;
mod form;
mod language;

use std::{io, path::Path, time::Duration};

use lao_port::{
    BoxFuture, ChatErrorKind, OnTranscribed, TranscribeError, TranscribeErrorKind,
    TranscribeProgress, TranscribeRequest, Transcriber, Transcript,
};
use tokio::{fs::File, time::Instant};

use self::form::Form;
use crate::{
    accumulate::excerpt,
    cloud::is_named_cloud,
    endpoint::{Endpoint, ServerKind},
    fault,
    transport::{Reply, Transport, TransportError, fetch},
};

/// Words by which servers say that the file is to blame.
const AUDIO_WORDS: [&str; 6] =
    ["audio", "ffmpeg", "invalid file", "file format", "could not decode", "wav"];

/// How a server is asked to turn speech into text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpeechRoute {
    /// `POST /inference`, of whisper.cpp's whisper-server.
    WhisperServer,
    /// `POST /v1/audio/transcriptions`, of many.
    OpenAi,
}

/// A server that turns speech into text; a request's endpoint is not looked at.
///
/// The whole answer must be there within the endpoint's `total_timeout_ms`, or, where it has
/// none, within its `first_token_timeout_ms`: these servers say nothing before they are done. A
/// dropped call closes its connection.
#[derive(Debug)]
pub struct HttpTranscriber {
    endpoint: Endpoint,
    route: SpeechRoute,
    transport: Transport,
}

impl HttpTranscriber {
    /// A client of this endpoint; no connection is made yet.
    pub fn new(endpoint: Endpoint, route: SpeechRoute) -> Self {
        let connect_timeout = Duration::from_millis(endpoint.connect_timeout_ms);
        let transport =
            Transport::new(&endpoint.base_url, endpoint.api_key.as_deref(), connect_timeout);
        Self { endpoint, route, transport }
    }
}

impl Transcriber for HttpTranscriber {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        Box::pin(async move {
            let transcript =
                self.ask(request).await.map_err(|failure| self.explain(failure, request))?;
            on_progress(TranscribeProgress { done_milli: 1000 });
            Ok(transcript)
        })
    }
}

/// Why a try gave no transcript, before it is put in words.
#[derive(Debug)]
enum Failure {
    /// The file cannot be opened.
    File(io::Error),
    /// The model would run on somebody else's machine.
    Cloud,
    /// There is no whole reply.
    Transport(TransportError),
    /// The reply is an error.
    Status(Reply),
    /// The reply is no transcript.
    Unreadable {
        /// Why.
        cause: String,
        /// Its beginning.
        excerpt: String,
    },
}

impl HttpTranscriber {
    async fn ask(&self, request: &TranscribeRequest) -> Result<Transcript, Failure> {
        // Ollama runs such models elsewhere, and the recording would leave this machine.
        if is_named_cloud(&request.model) {
            return Err(Failure::Cloud);
        }
        let file = File::open(&request.file).await.map_err(Failure::File)?;
        let metadata = file.metadata().await.map_err(Failure::File)?;
        if !metadata.is_file() {
            return Err(Failure::File(io::Error::other("it is no file")));
        }
        let name = Path::new(&request.file).file_name().unwrap_or_default().to_string_lossy();
        let form = self.form(request).with_file(&name, file, metadata.len());
        let post = self.transport.post_form(
            self.path(request),
            &form.content_type,
            form.size_bytes,
            form.body,
        );
        let deadline = Instant::now() + Duration::from_millis(self.limit_ms());
        let reply = fetch(post, deadline).await.map_err(Failure::Transport)?;
        if reply.status != 200 {
            return Err(Failure::Status(reply));
        }
        answer::read(&reply.body, &request.model).map_err(|cause| Failure::Unreadable {
            cause,
            excerpt: excerpt(reply.body.trim_ascii()),
        })
    }

    const fn path(&self, request: &TranscribeRequest) -> &'static str {
        match (self.route, request.translate) {
            (SpeechRoute::WhisperServer, _) => "/inference",
            (SpeechRoute::OpenAi, false) => "/v1/audio/transcriptions",
            (SpeechRoute::OpenAi, true) => "/v1/audio/translations",
        }
    }

    fn limit_ms(&self) -> u64 {
        self.endpoint.total_timeout_ms.unwrap_or(self.endpoint.first_token_timeout_ms)
    }

    fn form(&self, request: &TranscribeRequest) -> Form {
        let TranscribeRequest {
            endpoint: _,
            model,
            file: _,
            language,
            translate,
            prompt,
            // How many threads is the server's business.
            threads: _,
        } = request;
        let mut form = Form::new();
        match self.route {
            SpeechRoute::WhisperServer => {
                // The server takes English where it is not told.
                form.field("language", language.as_deref().unwrap_or("auto"));
                form.field("translate", if *translate { "true" } else { "false" });
                form.field("response_format", "verbose_json");
                // They take as long as the transcript.
                form.field("no_language_probabilities", "true");
            }
            SpeechRoute::OpenAi => {
                form.field("model", model);
                match language {
                    Some(language) if !translate => form.field("language", language),
                    Some(_) | None => {}
                }
                form.field("response_format", self.response_format());
                form.field("temperature", "0");
            }
        }
        if let Some(prompt) = prompt {
            form.field("prompt", prompt);
        }
        form
    }

    /// llama-server refuses the form that has the times.
    const fn response_format(&self) -> &'static str {
        match self.endpoint.kind {
            ServerKind::LlamaCpp => "json",
            ServerKind::Auto
            | ServerKind::OpenAi
            | ServerKind::Ollama
            | ServerKind::LmStudio
            | ServerKind::Vllm => "verbose_json",
        }
    }

    fn explain(&self, failure: Failure, request: &TranscribeRequest) -> TranscribeError {
        let (kind, what) = match failure {
            Failure::File(error) => {
                let message = format!("{}: {error}", request.file);
                return TranscribeError { kind: TranscribeErrorKind::Audio, message };
            }
            Failure::Cloud => (
                TranscribeErrorKind::Engine,
                format!(
                    "the model `{}` does not run on this machine, so no recording was sent; \
                     choose a local model",
                    request.model
                ),
            ),
            Failure::Transport(error) => self.explain_transport(&error, &request.file),
            Failure::Status(reply) => self.explain_status(&reply, request),
            Failure::Unreadable { cause, excerpt } => (
                TranscribeErrorKind::Engine,
                format!(
                    "the reply is no transcript ({cause}): {excerpt}; set base_url to a server \
                     that turns speech into text"
                ),
            ),
        };
        let Endpoint { name, base_url, .. } = &self.endpoint;
        TranscribeError { kind, message: format!("endpoint `{name}` at {base_url}: {what}") }
    }

    fn explain_transport(
        &self,
        error: &TransportError,
        file: &str,
    ) -> (TranscribeErrorKind, String) {
        match error {
            TransportError::Unreachable(cause) => (
                TranscribeErrorKind::Unreachable,
                format!("nobody answers ({cause}); start the server, or mend base_url"),
            ),
            TransportError::Unsent(cause) => (
                TranscribeErrorKind::Audio,
                format!("{file} could not be sent ({cause}); try again when nothing writes to it"),
            ),
            TransportError::TimedOut => (
                TranscribeErrorKind::TimedOut,
                format!(
                    "there was no transcript within {} ms; if the server is only slow, raise \
                     total_timeout_s",
                    self.limit_ms()
                ),
            ),
            TransportError::Broken(cause) => (
                TranscribeErrorKind::Engine,
                format!("the answer broke off ({cause}); the server's log may say why"),
            ),
        }
    }

    fn explain_status(
        &self,
        Reply { status, body }: &Reply,
        request: &TranscribeRequest,
    ) -> (TranscribeErrorKind, String) {
        let fault = fault::of_reply(*status, body);
        let words = fault.message.to_lowercase();
        let blames_audio = AUDIO_WORDS.iter().any(|word| words.contains(word));
        let (kind, cure) = match (fault.kind, *status) {
            (ChatErrorKind::ModelMissing, _) => (
                TranscribeErrorKind::ModelMissing,
                format!("the server does not have the model `{}`: load it there", request.model),
            ),
            (ChatErrorKind::Busy, _) => (
                TranscribeErrorKind::Unreachable,
                "the server is loading a model or has no room: wait".to_owned(),
            ),
            (_, 300..=399) => (
                TranscribeErrorKind::Engine,
                "redirects are not followed: set base_url to the address itself".to_owned(),
            ),
            (_, 401 | 403) => (
                TranscribeErrorKind::Engine,
                "the server wants a key: name the variable that holds it in api_key_env".to_owned(),
            ),
            (_, 404 | 405) => (
                TranscribeErrorKind::Engine,
                format!(
                    "nothing answers at {}: set base_url to a server that turns speech into text",
                    self.endpoint.base_url.at(self.path(request))
                ),
            ),
            (_, 400..=499) if blames_audio => (TranscribeErrorKind::Audio, self.cure_audio()),
            (_, 500..) if words.contains("ffmpeg") => {
                (TranscribeErrorKind::Audio, self.cure_audio())
            }
            _ => (TranscribeErrorKind::Engine, "the server's log may say more".to_owned()),
        };
        let said = if fault.message.is_empty() {
            format!("HTTP {status}")
        } else {
            format!("HTTP {status}: {}", fault.message)
        };
        (kind, format!("{said}; {cure}"))
    }

    fn cure_audio(&self) -> String {
        match self.route {
            SpeechRoute::WhisperServer => "whisper-server reads WAV files of 16 kHz, and others \
                                           only if it was started with --convert"
                .to_owned(),
            SpeechRoute::OpenAi => "convert the file to WAV".to_owned(),
        }
    }
}

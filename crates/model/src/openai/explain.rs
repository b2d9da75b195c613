//! Failures in words: where, what, what the server itself says, and the cure.

use std::time::Duration;

use lao_port::{ChatError, ChatErrorKind};
use tokio::time::Instant;

use super::{
    Server,
    exchange::{Failure, Wait},
};
use crate::{
    accumulate::StreamFault,
    endpoint::ServerKind,
    fault::{self, Fault},
    probe,
};

/// How long listing the models of a server may take for the sake of a message.
const LIST_LIMIT: Duration = Duration::from_secs(2);

/// The most models a message names.
const MODELS_NAMED_MAX: usize = 12;

/// What was asked: the model, and the path of the route.
type Asked<'a> = (&'a str, &'static str);

impl Server {
    /// Puts a failure in words.
    pub(super) async fn explain(&self, failure: Failure, asked: Asked<'_>) -> ChatError {
        let (kind, what) = match reported(&failure) {
            Some((fault, status)) => self.explain_fault(fault, status, asked).await,
            None => explain_own(&failure, asked.0),
        };
        let endpoint = &self.endpoint;
        ChatError {
            kind,
            message: format!("endpoint `{}` at {}: {what}", endpoint.name, endpoint.base_url),
            retry_after_ms: retry_after_ms(&failure),
        }
    }

    async fn explain_fault(
        &self,
        fault: Fault,
        status: Option<u16>,
        asked: Asked<'_>,
    ) -> (ChatErrorKind, String) {
        let how = status.map_or_else(
            || "an error in the middle of the answer".to_owned(),
            |status| format!("HTTP {status}"),
        );
        let models = match (fault.kind, status) {
            (ChatErrorKind::ModelMissing, _) | (_, Some(404)) => self.models().await,
            _ => None,
        };
        // A bare 404 may be about the path or about the model: the list tells.
        let lacks_model = |models: &Vec<String>| !models.iter().any(|model| model == asked.0);
        let kind = if status == Some(404)
            && fault.kind == ChatErrorKind::Refused
            && models.as_ref().is_some_and(lacks_model)
        {
            ChatErrorKind::ModelMissing
        } else {
            fault.kind
        };
        let said = if fault.message.is_empty() { how } else { format!("{how}: {}", fault.message) };
        let cure = self.cure((kind, status), asked, models.as_deref());
        (kind, format!("{said}; {cure}"))
    }

    fn cure(
        &self,
        (kind, status): (ChatErrorKind, Option<u16>),
        (model, path): Asked<'_>,
        models: Option<&[String]>,
    ) -> String {
        match kind {
            ChatErrorKind::ModelMissing => self.cure_missing(model, models),
            ChatErrorKind::WindowExceeded => format!(
                "the prompt does not fit the window of `{model}`: load the model with a longer \
                 context, or set its real length in context_tokens"
            ),
            ChatErrorKind::Busy => {
                "the server is loading a model or has no room: wait, or lower `permits`".to_owned()
            }
            ChatErrorKind::Refused => match status {
                Some(401 | 403) => {
                    "the server wants a key: name the variable that holds it in api_key_env"
                        .to_owned()
                }
                Some(404 | 405) => format!(
                    "nothing answers at {}: set base_url to a server with the OpenAI protocol",
                    self.endpoint.base_url.at(path)
                ),
                _ => "the server does not take this request: its log may say more".to_owned(),
            },
            ChatErrorKind::Unreachable
            | ChatErrorKind::ServerFailed
            | ChatErrorKind::Cut
            | ChatErrorKind::Malformed
            | ChatErrorKind::TimedOut
            | ChatErrorKind::ScriptMismatch => "the server's log may say more".to_owned(),
        }
    }

    fn cure_missing(&self, model: &str, models: Option<&[String]>) -> String {
        let install = match self.endpoint.kind {
            ServerKind::Ollama => format!("`ollama pull {model}`"),
            ServerKind::LmStudio => format!("`lms load {model}`"),
            ServerKind::Auto | ServerKind::OpenAi | ServerKind::LlamaCpp | ServerKind::Vllm => {
                "load it there".to_owned()
            }
        };
        match models {
            None => format!("the server does not have the model `{model}`: {install}"),
            Some([]) => format!("the server has no model at all: {install}"),
            Some(models) => {
                let named: Vec<_> = models.iter().take(MODELS_NAMED_MAX).cloned().collect();
                let more = models.len() - named.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!(
                    "the server does not have the model `{model}`: {install}, or choose one it has: {}{more}",
                    named.join(", ")
                )
            }
        }
    }

    async fn models(&self) -> Option<Vec<String>> {
        probe::model_names(&self.transport, Instant::now() + LIST_LIMIT).await
    }
}

/// What the server itself reported, with the HTTP status if it was not inside the stream.
fn reported(failure: &Failure) -> Option<(Fault, Option<u16>)> {
    if let Failure::Status { status, body, .. } = failure {
        return Some((fault::of_reply(*status, body), Some(*status)));
    }
    if let Failure::Stream(StreamFault::Server { body }) = failure {
        return Some((fault::of_stream(body), None));
    }
    None
}

fn retry_after_ms(failure: &Failure) -> Option<u64> {
    if let Failure::Status { retry_after_ms, .. } = failure {
        return *retry_after_ms;
    }
    None
}

/// Failures that the server did not report.
fn explain_own(failure: &Failure, model: &str) -> (ChatErrorKind, String) {
    match failure {
        Failure::Request(cause) => (ChatErrorKind::Refused, cause.clone()),
        Failure::Unreachable(cause) => (
            ChatErrorKind::Unreachable,
            format!("nobody answers ({cause}); start the server, or mend base_url"),
        ),
        Failure::TimedOut { wait, limit_ms } => {
            (ChatErrorKind::TimedOut, too_late(*wait, *limit_ms))
        }
        Failure::Redirect { target } => (
            ChatErrorKind::Refused,
            format!(
                "the server redirects to {target}; redirects are not followed, since they may \
                 lead off this machine: set base_url to the address itself"
            ),
        ),
        Failure::NotProtocol { content_type, excerpt } => (
            ChatErrorKind::Malformed,
            format!(
                "the reply is neither an event stream nor a JSON answer ({content_type}): \
                 {excerpt}; set base_url to a server with the OpenAI protocol"
            ),
        ),
        Failure::Broken { bytes, cause } => (
            ChatErrorKind::Cut,
            format!(
                "the connection broke after {bytes} bytes of the answer ({cause}); the server's \
                 log may say why"
            ),
        ),
        Failure::Window { prompt_bytes, context_tokens } => (
            ChatErrorKind::WindowExceeded,
            format!(
                "the prompt of {prompt_bytes} bytes does not fit the {context_tokens} tokens that \
                 Ollama gives `{model}`, and Ollama would silently drop its beginning: set \
                 OLLAMA_CONTEXT_LENGTH for the server, or num_ctx for the model"
            ),
        ),
        Failure::Cloud { evidence } => (
            ChatErrorKind::Refused,
            format!(
                "the model `{model}` does not run on this machine ({evidence}), so no prompt was \
                 sent; choose a local model"
            ),
        ),
        Failure::Vectors(problem) => (
            ChatErrorKind::Malformed,
            format!(
                "{problem}; is `{model}` a model for embeddings? The server's log may say more"
            ),
        ),
        Failure::Stream(fault) => (fault.kind(), format!("{fault}; the server's log may say more")),
        Failure::Status { status, body, .. } => {
            let fault = fault::of_reply(*status, body);
            (fault.kind, fault.message)
        }
    }
}

fn too_late(wait: Wait, limit_ms: u64) -> String {
    let (what, key) = match wait {
        Wait::FirstToken => ("no token came", "first_token_timeout_s"),
        Wait::NextToken => ("the answer stood still", "idle_timeout_s"),
        Wait::Vectors => ("the vectors did not come", "first_token_timeout_s"),
        Wait::Whole => ("the answer was not whole", "total_timeout_s"),
    };
    format!("{what} within {limit_ms} ms; if the server is only slow, raise {key}")
}

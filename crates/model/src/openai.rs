//! The client of OpenAI-compatible servers.
//!
//! ```text
//!   chat --identity (once)--> which server, is the model local
//!        --exchange---------> answer or failure, within the limits
//!        --explain----------> an error that says where, what and what to do
//! ```

mod embed;
mod exchange;
mod explain;
mod identity;
mod window;

use std::{collections::BTreeMap, time::Duration};

use lao_event::latest::Timing;
use lao_port::{BoxFuture, Chat, ChatAnswer, ChatError, ChatErrorKind, Embed, Model, OnProgress};
use tokio::time::{Instant, timeout_at};

use self::{
    exchange::{Exchange, Failure, Wait},
    identity::Identity,
    window::Window,
};
use crate::{
    answer,
    endpoint::{Endpoint, ServerKind},
    request::{self, prompt_bytes},
    transport::Transport,
};

/// Model servers, asked by the OpenAI protocol; endpoints by name.
///
/// Answers are streamed, and connections kept. A dropped call closes its connection, which
/// makes every known server stop computing.
#[derive(Debug)]
pub struct OpenAiModel {
    servers: BTreeMap<String, Server>,
}

/// Where chats go.
const CHAT_PATH: &str = "/v1/chat/completions";

/// One endpoint and what has been learnt about it.
#[derive(Debug)]
struct Server {
    endpoint: Endpoint,
    transport: Transport,
    identity: Identity,
}

impl OpenAiModel {
    /// A client of these endpoints; no connection is made yet.
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let servers = endpoints.into_iter().map(|endpoint| {
            let connect_timeout = Duration::from_millis(endpoint.connect_timeout_ms);
            let transport =
                Transport::new(&endpoint.base_url, endpoint.api_key.as_deref(), connect_timeout);
            let server = Server { transport, identity: Identity::default(), endpoint };
            (server.endpoint.name.clone(), server)
        });
        Self { servers: servers.collect() }
    }

    /// The endpoints' names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.servers.keys().map(String::as_str)
    }

    fn server(&self, name: &str) -> Result<&Server, ChatError> {
        self.servers.get(name).ok_or_else(|| unknown_endpoint(name, self.names()))
    }
}

impl Model for OpenAiModel {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        Box::pin(async move {
            let server = self.server(&chat.endpoint)?;
            match server.ask(chat, on_progress).await {
                Ok(answer) => Ok(answer),
                Err(failure) => Err(server.explain(failure, (&chat.model, CHAT_PATH)).await),
            }
        })
    }

    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        Box::pin(async move {
            let server = self.server(&embed.endpoint)?;
            match server.embed(embed).await {
                Ok(vectors) => Ok(vectors),
                Err(failure) => Err(server.explain(failure, (&embed.model, embed::PATH)).await),
            }
        })
    }
}

/// The error for a name that no endpoint has.
pub(crate) fn unknown_endpoint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> ChatError {
    let known: Vec<_> = known.collect();
    ChatError {
        kind: ChatErrorKind::Refused,
        message: format!(
            "no endpoint is named `{name}`; the configuration has: {}",
            known.join(", ")
        ),
        retry_after_ms: None,
    }
}

impl Server {
    /// Asks once, within the limit on the whole if there is one.
    async fn ask(&self, chat: &Chat, on_progress: OnProgress<'_>) -> Result<ChatAnswer, Failure> {
        let started = Instant::now();
        let Some(total_ms) = self.endpoint.total_timeout_ms else {
            return self.ask_from(started, chat, on_progress).await;
        };
        let deadline = started + Duration::from_millis(total_ms);
        timeout_at(deadline, self.ask_from(started, chat, on_progress))
            .await
            .unwrap_or(Err(Failure::TimedOut { wait: Wait::Whole, limit_ms: total_ms }))
    }

    async fn ask_from(
        &self,
        started: Instant,
        chat: &Chat,
        on_progress: OnProgress<'_>,
    ) -> Result<ChatAnswer, Failure> {
        let kind = self.check_identity(&chat.model).await?;
        let prompt_bytes = prompt_bytes(&chat.messages);
        let window = if kind == ServerKind::Ollama {
            self.check_window(&chat.model, prompt_bytes).await?
        } else {
            Window::MayFit
        };
        let body = request::body(chat, kind, self.endpoint.delivery)
            .map_err(|error| Failure::Request(error.to_string()))?;
        let mut exchange = Exchange::new(&self.endpoint, started, on_progress);
        let request = self.transport.post(CHAT_PATH, body);
        let collected = exchange.run(request).await?;
        if window == Window::Unknown {
            // The call has loaded the model: now the window is known, and what was lost with it.
            self.check_window(&chat.model, prompt_bytes).await?;
        }
        let timing = Timing {
            first_token_ms: exchange.first_token_ms(),
            total_ms: millis(started.elapsed()),
        };
        Ok(answer::complete(collected, chat, timing))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! Asks an address what it is and which models it has.
//!
//! Servers are told apart by routes that only they have, in the order of [`find`]. An answer at
//! `/v1/models` proves nothing: llama-server puts an Ollama-like list into it.

mod models;
mod shapes;

use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::Instant;

use self::shapes::{Health, LlamaProps, LmStudioV0, LmStudioV1, ModelList, Version};
use crate::{
    endpoint::{LocalUrl, ServerKind},
    fault,
    transport::{Reply, Transport, TransportError, fetch},
};

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The server.
    pub kind: ServerKind,
    /// Its version or build, where it tells.
    pub version: Option<String>,
    /// Its models, in its own order.
    pub models: Vec<ProbedModel>,
}

/// One model of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedModel {
    /// Its key.
    pub name: String,
    /// Tokens its window really has, where it is loaded and the server tells.
    pub context_tokens: Option<u32>,
    /// Tokens it could have at most.
    pub context_tokens_max: Option<u32>,
    /// It turns text into vectors and cannot chat.
    pub embedding: bool,
    /// It was made to call tools, where the server tells.
    pub tools: Option<bool>,
    /// It is in memory, where the server tells.
    pub loaded: Option<bool>,
    /// It runs on somebody else's machine.
    pub cloud: bool,
}

/// Why an address gives no models.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// Nobody listens.
    #[error("nobody answers at {url} ({cause})")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        cause: String,
    },
    /// Somebody listens and does not answer in time.
    #[error("{url} does not answer within {limit_ms} ms")]
    TimedOut {
        /// The address.
        url: String,
        /// The limit.
        limit_ms: u64,
    },
    /// A server that is loading its model.
    #[error("the server at {url} is not ready ({message})")]
    Busy {
        /// The address.
        url: String,
        /// What it says.
        message: String,
    },
    /// A server that wants a key.
    #[error(
        "the server at {url} wants a key ({message}); name the variable that holds it in api_key_env"
    )]
    KeyWanted {
        /// The address.
        url: String,
        /// What it says.
        message: String,
    },
    /// It is another server than it should be.
    #[error("what answers at {url} is not {wanted} but {found}, kind = {:?}", found.name())]
    Another {
        /// The address.
        url: String,
        /// What was meant.
        wanted: &'static str,
        /// What is there.
        found: ServerKind,
    },
    /// What answers is no model server.
    #[error("what answers at {url} is not a model server (tried {})", tried.join(", "))]
    NotAModelServer {
        /// The address.
        url: String,
        /// What was asked and what came.
        tried: Vec<String>,
    },
}

/// The ports on which model servers listen by default.
pub const fn default_ports() -> [(ServerKind, u16); 4] {
    [
        (ServerKind::Ollama, 11434),
        (ServerKind::LmStudio, 1234),
        (ServerKind::LlamaCpp, 8080),
        (ServerKind::Vllm, 8000),
    ]
}

/// Asks the server at `url`, for at most `limit`.
pub async fn probe(
    url: &LocalUrl,
    api_key: Option<&str>,
    limit: Duration,
) -> Result<Probed, ProbeError> {
    let transport = Transport::new(url, api_key, limit);
    let asking = Asking::within(limit, &transport);
    let found = find(&asking).await?;
    models::list(found, &asking).await
}

/// Whether whisper.cpp's server answers at `url`, asked for at most `limit`: it has one model, and
/// tells no name of it.
pub async fn probe_whisper_server(
    url: &LocalUrl,
    api_key: Option<&str>,
    limit: Duration,
) -> Result<(), ProbeError> {
    let transport = Transport::new(url, api_key, limit);
    let asking = Asking::within(limit, &transport);
    // Others say that they are well in the same words.
    let mut tried = match find(&asking).await {
        Ok(found) => {
            let (url, found) = (url.to_string(), found.kind());
            return Err(ProbeError::Another { url, wanted: "whisper-server", found });
        }
        Err(ProbeError::NotAModelServer { url: _, tried }) => tried,
        Err(error) => return Err(error),
    };
    match asking.get("/health", Health::is_ready).await? {
        Ok(_) => Ok(()),
        Err(said) => {
            tried.push(said);
            Err(ProbeError::NotAModelServer { url: url.to_string(), tried })
        }
    }
}

/// What a first look at a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Glance {
    /// It is this.
    Kind(ServerKind),
    /// It is loading and says nothing else.
    Busy,
    /// It says nothing that is known.
    Unknown,
    /// It does not answer in time.
    Silent,
    /// Nobody answers, and why.
    Away(String),
}

/// Which server it is.
pub(crate) async fn identify(transport: &Transport, deadline: Instant) -> Glance {
    let asking = Asking { transport, deadline, limit_ms: 0 };
    match find(&asking).await {
        Ok(found) => Glance::Kind(found.kind()),
        Err(error) => Glance::from(error),
    }
}

/// Whether it is Ollama.
pub(crate) async fn identify_ollama(transport: &Transport, deadline: Instant) -> Glance {
    let asking = Asking { transport, deadline, limit_ms: 0 };
    match asking.get("/api/version", Version::is_ollama).await {
        Ok(Ok(_)) => Glance::Kind(ServerKind::Ollama),
        Ok(Err(_)) => Glance::Unknown,
        Err(error) => Glance::from(error),
    }
}

/// The keys of a server's models, if it tells them in time.
pub(crate) async fn model_names(transport: &Transport, deadline: Instant) -> Option<Vec<String>> {
    let asking = Asking { transport, deadline, limit_ms: 0 };
    let list = asking.get("/v1/models", ModelList::is_list).await.ok()?;
    Some(list.ok()?.names())
}

impl Glance {
    /// What the configuration says counts where the server says nothing else.
    pub(crate) fn or_known_as(self, told: ServerKind) -> Self {
        if self == Self::Unknown { Self::Kind(told) } else { self }
    }
}

impl From<ProbeError> for Glance {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Unreachable { url: _, cause } => Self::Away(cause),
            ProbeError::Busy { .. } => Self::Busy,
            ProbeError::TimedOut { .. } => Self::Silent,
            ProbeError::KeyWanted { .. }
            | ProbeError::Another { .. }
            | ProbeError::NotAModelServer { .. } => Self::Unknown,
        }
    }
}

/// A server that was told apart, with what told it apart.
#[derive(Debug)]
enum Found {
    Ollama(Version),
    LmStudioV1(LmStudioV1),
    LmStudioV0(LmStudioV0),
    LlamaServer(Box<LlamaProps>),
    Vllm(Version, ModelList),
    OpenAi(ModelList),
}

impl Found {
    const fn kind(&self) -> ServerKind {
        match self {
            Self::Ollama(_) => ServerKind::Ollama,
            Self::LmStudioV1(_) | Self::LmStudioV0(_) => ServerKind::LmStudio,
            Self::LlamaServer(_) => ServerKind::LlamaCpp,
            Self::Vllm(..) => ServerKind::Vllm,
            Self::OpenAi(_) => ServerKind::OpenAi,
        }
    }
}

async fn find(asking: &Asking<'_>) -> Result<Found, ProbeError> {
    let mut tried = Vec::new();
    match asking.get("/api/version", Version::is_ollama).await? {
        Ok(version) => return Ok(Found::Ollama(version)),
        Err(said) => tried.push(said),
    }
    match asking.get("/api/v1/models", LmStudioV1::is_lm_studio).await? {
        Ok(models) => return Ok(Found::LmStudioV1(models)),
        Err(said) => tried.push(said),
    }
    match asking.get("/api/v0/models", LmStudioV0::is_lm_studio).await? {
        Ok(models) => return Ok(Found::LmStudioV0(models)),
        Err(said) => tried.push(said),
    }
    match asking.get("/props", LlamaProps::is_llama_server).await? {
        Ok(props) => return Ok(Found::LlamaServer(Box::new(props))),
        Err(said) => tried.push(said),
    }
    let list = match asking.get("/v1/models", ModelList::is_list).await? {
        Ok(list) => list,
        Err(said) => {
            tried.push(said);
            let url = asking.transport.url().to_string();
            return Err(ProbeError::NotAModelServer { url, tried });
        }
    };
    if list.is_vllm() {
        let version = asking.get("/version", |_: &Version| true).await?;
        return Ok(Found::Vllm(version.unwrap_or_default(), list));
    }
    Ok(Found::OpenAi(list))
}

/// A probe under way.
struct Asking<'a> {
    transport: &'a Transport,
    deadline: Instant,
    limit_ms: u64,
}

impl<'a> Asking<'a> {
    fn within(limit: Duration, transport: &'a Transport) -> Self {
        Self {
            transport,
            deadline: Instant::now() + limit,
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Gets `path`; the inner error is a word on why the reply is not of the shape asked for.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        fits: impl FnOnce(&T) -> bool,
    ) -> Result<Result<T, String>, ProbeError> {
        let reply = fetch(self.transport.get(path), self.deadline).await;
        let Reply { status, body } = reply.map_err(|error| self.no_reply(error))?;
        let message = || fault::message(&body);
        let url = || self.transport.url().to_string();
        match status {
            200 => Ok(serde_json::from_slice(&body)
                .ok()
                .filter(fits)
                .ok_or_else(|| format!("{path}: not its form"))),
            503 => Err(ProbeError::Busy { url: url(), message: message() }),
            // Only where every server may ask for a key is it the reason of the silence.
            401 | 403 if path == "/v1/models" => {
                Err(ProbeError::KeyWanted { url: url(), message: message() })
            }
            other => Ok(Err(format!("{path}: HTTP {other}"))),
        }
    }

    /// Asks Ollama about one model.
    async fn post<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Option<T> {
        let request = self.transport.post(path, body.to_string().into_bytes());
        let reply = fetch(request, self.deadline).await.ok()?;
        serde_json::from_slice(&reply.body).ok()
    }

    fn no_reply(&self, error: TransportError) -> ProbeError {
        let url = self.transport.url().to_string();
        match error {
            TransportError::Unreachable(cause)
            | TransportError::Unsent(cause)
            | TransportError::Broken(cause) => ProbeError::Unreachable { url, cause },
            TransportError::TimedOut => ProbeError::TimedOut { url, limit_ms: self.limit_ms },
        }
    }
}

//! Which server it is and whether the model runs on it: asked once, before the first prompt
//! leaves.
//!
//! Ollama serves models through the local port that run on somebody else's machine. So whatever
//! the configuration calls the server, it is asked whether it is Ollama, and Ollama is asked
//! where the model runs.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::{sync::OnceCell, time::Instant};

use super::{Server, exchange::Failure};
use crate::{
    cloud::is_named_cloud,
    endpoint::ServerKind,
    probe::{self, Glance},
    transport::{TransportError, fetch},
};

/// How long finding out may take; a server that is busy may not answer at all.
pub(super) const IDENTIFY_LIMIT: Duration = Duration::from_secs(5);

/// What has been learnt about a server.
#[derive(Debug, Default)]
pub(super) struct Identity {
    kind: OnceCell<ServerKind>,
    /// Models of an Ollama that are known to run on it.
    local_models: Mutex<HashSet<String>>,
}

impl Server {
    /// The server's kind; fails where the model is not local.
    pub(super) async fn check_identity(&self, model: &str) -> Result<ServerKind, Failure> {
        let kind = match self.identity.kind.get() {
            Some(kind) => *kind,
            None => self.identify().await?,
        };
        if kind == ServerKind::Ollama {
            self.check_runs_here(model).await?;
        }
        Ok(kind)
    }

    async fn identify(&self) -> Result<ServerKind, Failure> {
        let deadline = Instant::now() + IDENTIFY_LIMIT;
        let glance = match self.endpoint.kind {
            ServerKind::Auto => probe::identify(&self.transport, deadline).await,
            ServerKind::Ollama => Glance::Kind(ServerKind::Ollama),
            told @ (ServerKind::OpenAi
            | ServerKind::LmStudio
            | ServerKind::LlamaCpp
            | ServerKind::Vllm) => {
                probe::identify_ollama(&self.transport, deadline).await.or_known_as(told)
            }
        };
        match glance {
            Glance::Kind(kind) => {
                // Another call may have been faster, with the same result.
                self.identity.kind.set(kind).ok();
                Ok(kind)
            }
            // It may say more about itself later; for now it is asked as any other.
            Glance::Unknown | Glance::Busy => Ok(ServerKind::OpenAi),
            // Before it is known where the model runs, no prompt leaves.
            Glance::Silent => {
                Err(Failure::Unreachable("it takes the connection and says nothing".to_owned()))
            }
            Glance::Away(cause) => Err(Failure::Unreachable(cause)),
        }
    }

    async fn check_runs_here(&self, model: &str) -> Result<(), Failure> {
        if is_named_cloud(model) {
            return Err(Failure::Cloud { evidence: "its name ends with `cloud`".to_owned() });
        }
        let known = &self.identity.local_models;
        if known.lock().unwrap_or_else(PoisonError::into_inner).contains(model) {
            return Ok(());
        }
        if let Some(host) = self.remote_host(model).await? {
            return Err(Failure::Cloud { evidence: format!("Ollama says that it runs on {host}") });
        }
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(model.to_owned());
        Ok(())
    }

    /// The host that Ollama forwards the model's prompts to, if it does.
    async fn remote_host(&self, model: &str) -> Result<Option<String>, Failure> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(default)]
            remote_host: String,
            #[serde(default)]
            remote_model: String,
        }
        let body = serde_json::json!({ "model": model }).to_string().into_bytes();
        let deadline = Instant::now() + IDENTIFY_LIMIT;
        let reply =
            fetch(self.transport.post("/api/show", body), deadline).await.map_err(|error| {
                match error {
                    TransportError::Unreachable(cause)
                    | TransportError::Unsent(cause)
                    | TransportError::Broken(cause) => Failure::Unreachable(cause),
                    TransportError::TimedOut => Failure::Unreachable(
                        "the server does not say where the model runs".to_owned(),
                    ),
                }
            })?;
        if reply.status != 200 {
            return Err(Failure::Status {
                status: reply.status,
                body: reply.body,
                retry_after_ms: None,
            });
        }
        let shown: Shown =
            serde_json::from_slice(&reply.body).map_err(|cause| Failure::NotProtocol {
                content_type: format!("answer of /api/show, {cause}"),
                excerpt: crate::accumulate::excerpt(&reply.body),
            })?;
        let remote = [shown.remote_host, shown.remote_model];
        Ok(remote.into_iter().find(|host| !host.is_empty()))
    }
}

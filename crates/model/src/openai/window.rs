//! Whether Ollama would silently drop the beginning of the prompt.
//!
//! Its OpenAI route has no way to ask for an error instead, and the window it gives a model by
//! default is small. So it is asked how large the window is, and a prompt that cannot fit by any
//! count of tokens is an error here.

use serde::Deserialize;
use tokio::time::Instant;

use super::{Server, exchange::Failure, identity::IDENTIFY_LIMIT};
use crate::transport::fetch;

/// No tokenizer in use makes fewer tokens of ordinary text than a sixth of its bytes.
const BYTES_PER_TOKEN_MAX: usize = 6;

/// What is known about a prompt and the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// It may fit.
    MayFit,
    /// The model is not loaded, so it has no window yet, or the server does not tell.
    Unknown,
}

/// `/api/ps`.
#[derive(Deserialize)]
struct Loaded {
    #[serde(default)]
    models: Vec<LoadedModel>,
}

#[derive(Deserialize)]
struct LoadedModel {
    name: String,
    #[serde(default)]
    context_length: Option<u64>,
}

impl Server {
    /// Fails where the prompt cannot fit the window that Ollama gave the model.
    pub(super) async fn check_window(
        &self,
        model: &str,
        prompt_bytes: usize,
    ) -> Result<Window, Failure> {
        let Some(context_tokens) = self.context_tokens(model).await else {
            return Ok(Window::Unknown);
        };
        let least_tokens = u64::try_from(prompt_bytes / BYTES_PER_TOKEN_MAX).unwrap_or(u64::MAX);
        if least_tokens > context_tokens {
            return Err(Failure::Window { prompt_bytes, context_tokens });
        }
        Ok(Window::MayFit)
    }

    /// The window of a loaded model; none where that cannot be known.
    async fn context_tokens(&self, model: &str) -> Option<u64> {
        let deadline = Instant::now() + IDENTIFY_LIMIT;
        let reply = fetch(self.transport.get("/api/ps"), deadline).await.ok()?;
        let loaded: Loaded = serde_json::from_slice(&reply.body).ok()?;
        let name = model.trim_end_matches(":latest");
        let mut models = loaded.models.into_iter();
        models.find(|model| model.name.trim_end_matches(":latest") == name)?.context_length
    }
}

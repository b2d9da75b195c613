//! Texts to vectors: `POST /v1/embeddings`, some texts at a time.

use std::time::Duration;

use lao_port::Embed;
use reqwest::{Response, StatusCode};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use super::{
    Server,
    exchange::{Failure, Wait, content_type, read_error, unsent},
    window::Window,
};
use crate::{
    accumulate::{StreamFault, excerpt},
    endpoint::ServerKind,
    transport::{TransportError, read_body, redirect_target},
    vectors::{self, VectorsFault},
};

/// The route.
pub(super) const PATH: &str = "/v1/embeddings";

/// The most texts of a request.
const TEXTS_MAX: usize = 256;

/// The most bytes of texts in a request that has several.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// The most bytes of a reply: the texts of a request, at vectors of ten thousand numbers.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
}

impl Server {
    /// Turns texts into vectors; each request has the limits of a call.
    pub(super) async fn embed(&self, embed: &Embed) -> Result<Vec<Vec<f32>>, Failure> {
        let kind = self.check_identity(&embed.model).await?;
        let longest = embed.texts.iter().map(String::len).max().unwrap_or_default();
        let window = if kind == ServerKind::Ollama {
            self.check_window(&embed.model, longest).await?
        } else {
            Window::MayFit
        };
        let mut vectors = Vec::with_capacity(embed.texts.len());
        for texts in batches(&embed.texts) {
            vectors.extend(self.embed_batch(&embed.model, texts).await?);
        }
        if window == Window::Unknown {
            // The call has loaded the model: now the window is known, and what was lost with it.
            self.check_window(&embed.model, longest).await?;
        }
        vectors::check_lengths(&vectors).map_err(Failure::Vectors)?;
        Ok(vectors)
    }

    async fn embed_batch(&self, model: &str, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let body = serde_json::to_vec(&Body { model, input: texts, encoding_format: "float" })
            .map_err(|error| Failure::Request(error.to_string()))?;
        let (wait, limit_ms) = match self.endpoint.total_timeout_ms {
            Some(ms) if ms < self.endpoint.first_token_timeout_ms => (Wait::Whole, ms),
            Some(_) | None => (Wait::Vectors, self.endpoint.first_token_timeout_ms),
        };
        let late = |_| Failure::TimedOut { wait, limit_ms };
        let deadline = Instant::now() + Duration::from_millis(limit_ms);
        let mut response = timeout_at(deadline, self.transport.post(PATH, body).send())
            .await
            .map_err(late)?
            .map_err(|error| unsent(&error))?;
        if let Some(target) = redirect_target(&response) {
            return Err(Failure::Redirect { target });
        }
        if response.status() != StatusCode::OK {
            return Err(read_error(&mut response, deadline).await);
        }
        let reply = timeout_at(deadline, read_body(&mut response, REPLY_BYTES_MAX))
            .await
            .map_err(late)?
            .map_err(|error| broken(&error))?;
        vectors::read(&reply, texts.len()).map_err(|fault| unusable(fault, &response, &reply))
    }
}

fn broken(error: &TransportError) -> Failure {
    Failure::Broken { bytes: 0, cause: error.to_string() }
}

fn unusable(fault: VectorsFault, response: &Response, reply: &[u8]) -> Failure {
    match fault {
        VectorsFault::NotProtocol => Failure::NotProtocol {
            content_type: content_type(response).to_owned(),
            excerpt: excerpt(reply),
        },
        VectorsFault::Server(body) => Failure::Stream(StreamFault::Server { body }),
        VectorsFault::Malformed(problem) => Failure::Vectors(problem),
    }
}

/// Texts in groups that a server takes at once; a text is never divided.
fn batches(texts: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(TEXTS_MAX).take_while(|text| {
            bytes += text.len();
            bytes <= TEXT_BYTES_MAX
        });
        let count = fits.count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::{TEXT_BYTES_MAX, TEXTS_MAX, batches};

    #[test]
    fn texts_are_grouped_by_number_and_by_size() {
        let sizes = |texts: &[String]| batches(texts).map(<[String]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&vec!["x".to_owned(); TEXTS_MAX]), [TEXTS_MAX]);
        assert_eq!(sizes(&vec!["x".to_owned(); 2 * TEXTS_MAX + 1]), [TEXTS_MAX, TEXTS_MAX, 1]);
        let half = "x".repeat(TEXT_BYTES_MAX / 2);
        assert_eq!(sizes(&vec![half.clone(); 5]), [2, 2, 1]);
        let large = "x".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(sizes(&[large.clone(), half.clone(), half, large]), [1, 2, 1]);
    }
}

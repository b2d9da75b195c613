//! The only place where connections are made: plain http, to a local address, nowhere else.

use std::{
    error::Error as _,
    io, iter,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Body, Client, RequestBuilder, Response,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::endpoint::LocalUrl;

/// Idle connections are given up before servers close theirs (uvicorn does after five seconds).
const POOL_IDLE: Duration = Duration::from_secs(4);

/// The most bytes a reply that is no answer may have.
const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A client for one server.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: Client,
    url: LocalUrl,
    api_key: Option<String>,
}

/// A whole reply of a server.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Why there is no reply.
#[derive(Debug, Error)]
pub(crate) enum TransportError {
    /// Nobody listens, or the connection broke before a reply.
    #[error("{0}")]
    Unreachable(String),
    /// What was to be sent could not be read to its end.
    #[error("{0}")]
    Unsent(String),
    /// The connection was made, the reply did not come.
    #[error("no reply in time")]
    TimedOut,
    /// The reply broke off or is too large.
    #[error("{0}")]
    Broken(String),
}

/// What is to be sent cannot be read. It is known by this type among the causes of an error: the
/// connection fails with an [`io::Error`] too.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) struct BodyError(pub(crate) io::Error);

impl Transport {
    /// A client without proxies, redirects and encryption.
    pub(crate) fn new(url: &LocalUrl, api_key: Option<&str>, connect_timeout: Duration) -> Self {
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .http1_only()
            .referer(false)
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(POOL_IDLE);
        if url.is_localhost_name() {
            // The name is not left to the resolver, which may be told anything.
            let addresses = [
                SocketAddr::from((Ipv4Addr::LOCALHOST, url.port())),
                SocketAddr::from((Ipv6Addr::LOCALHOST, url.port())),
            ];
            builder = builder.resolve_to_addrs("localhost", &addresses);
        }
        Self {
            client: builder
                .build()
                .expect("without encryption and proxies there is nothing to fail"),
            url: url.clone(),
            api_key: api_key.map(str::to_owned),
        }
    }

    /// Where the server is.
    pub(crate) const fn url(&self) -> &LocalUrl {
        &self.url
    }

    /// A GET request.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.get(self.url.at(path)))
    }

    /// A POST request with a body of JSON.
    pub(crate) fn post(&self, path: &str, json: Vec<u8>) -> RequestBuilder {
        self.with_key(self.client.post(self.url.at(path)))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream, application/json")
            .body(json)
    }

    /// A POST request with a form, whose size is told before.
    pub(crate) fn post_form(
        &self,
        path: &str,
        content_type: &str,
        size_bytes: u64,
        form: Body,
    ) -> RequestBuilder {
        self.with_key(self.client.post(self.url.at(path)))
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, size_bytes)
            .header(ACCEPT, "application/json")
            .body(form)
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

/// Sends a request and reads its whole reply.
pub(crate) async fn fetch(
    request: RequestBuilder,
    deadline: Instant,
) -> Result<Reply, TransportError> {
    timeout_at(deadline, async {
        let mut response = request.send().await.map_err(|error| no_reply(&error))?;
        let status = response.status().as_u16();
        let body = read_body(&mut response, REPLY_BYTES_MAX).await?;
        Ok(Reply { status, body })
    })
    .await
    .map_err(|_| TransportError::TimedOut)?
}

fn no_reply(error: &reqwest::Error) -> TransportError {
    let mut causes = iter::successors(error.source(), |&cause| cause.source());
    match causes.find_map(|cause| cause.downcast_ref::<BodyError>()) {
        Some(unread) => TransportError::Unsent(unread.to_string()),
        None => TransportError::Unreachable(cause_of(error)),
    }
}

/// Reads what is left of a response.
pub(crate) async fn read_body(
    response: &mut Response,
    bytes_max: usize,
) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| TransportError::Broken(cause_of(&error)))?
    {
        if body.len() + piece.len() > bytes_max {
            let text = format!("the reply is larger than {bytes_max} bytes");
            return Err(TransportError::Broken(text));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Where a redirect leads.
pub(crate) fn redirect_target(response: &Response) -> Option<String> {
    let target = response.headers().get(LOCATION)?;
    response
        .status()
        .is_redirection()
        .then(|| String::from_utf8_lossy(target.as_bytes()).into_owned())
}

/// The innermost cause: reqwest's own words say only at what point it happened.
pub(crate) fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

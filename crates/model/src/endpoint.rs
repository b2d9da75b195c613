//! Where a model server is and how long to wait for it.

use std::{fmt, net::IpAddr};

use thiserror::Error;
use url::{Host, Url};

/// One model server.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is.
    pub base_url: LocalUrl,
    /// What it is.
    pub kind: ServerKind,
    /// Sent as a bearer token where given.
    pub api_key: Option<String>,
    /// How answers are asked for.
    pub delivery: Delivery,
    /// Milliseconds to wait for a connection.
    pub connect_timeout_ms: u64,
    /// Milliseconds from the request to the first token; loading the model is part of it.
    pub first_token_timeout_ms: u64,
    /// Milliseconds of silence between tokens.
    pub idle_timeout_ms: u64,
    /// Milliseconds the whole call may take; without a limit where absent.
    pub total_timeout_ms: Option<u64>,
}

impl Endpoint {
    /// An endpoint of a kind still to be found out, without a key, with generous limits: five
    /// seconds to connect, ten minutes to the first token, three minutes of silence.
    pub fn new(name: impl Into<String>, base_url: LocalUrl) -> Self {
        Self {
            name: name.into(),
            base_url,
            kind: ServerKind::Auto,
            api_key: None,
            delivery: Delivery::Streamed,
            connect_timeout_ms: 5_000,
            first_token_timeout_ms: 600_000,
            idle_timeout_ms: 180_000,
            total_timeout_ms: None,
        }
    }
}

/// Everything but the key.
impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            base_url,
            kind,
            api_key,
            delivery,
            connect_timeout_ms,
            first_token_timeout_ms,
            idle_timeout_ms,
            total_timeout_ms,
        } = self;
        formatter
            .debug_struct("Endpoint")
            .field("name", name)
            .field("base_url", base_url)
            .field("kind", kind)
            .field("api_key", &api_key.as_ref().map(|_| "(hidden)"))
            .field("delivery", delivery)
            .field("connect_timeout_ms", connect_timeout_ms)
            .field("first_token_timeout_ms", first_token_timeout_ms)
            .field("idle_timeout_ms", idle_timeout_ms)
            .field("total_timeout_ms", total_timeout_ms)
            .finish()
    }
}

/// How answers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Token by token, so that limits and progress follow the answer.
    Streamed,
    /// In one piece; the limit for the first token is then that for the whole answer.
    Whole,
}

/// What kind of server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// To be found out by asking it.
    Auto,
    /// Any OpenAI-compatible server.
    OpenAi,
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// llama.cpp's llama-server.
    LlamaCpp,
    /// vLLM.
    Vllm,
}

impl ServerKind {
    /// The kind's name in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
            Self::LmStudio => "lmstudio",
            Self::LlamaCpp => "llamacpp",
            Self::Vllm => "vllm",
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "unknown server",
            Self::OpenAi => "OpenAI-compatible server",
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
            Self::LlamaCpp => "llama-server",
            Self::Vllm => "vLLM",
        })
    }
}

/// Address of a model server that is this machine, or a host the user listed.
///
/// There is no other way to make one than [`LocalUrl::parse`]. It names the server's root:
/// a `/v1` at the end of what is parsed is taken off, since every server has other paths too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalUrl {
    root: String,
    host: String,
    port: u16,
}

/// Why a text is no address of a local server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LocalUrlError {
    /// It is no URL.
    #[error("`{url}` is not a URL ({cause}); write it like http://127.0.0.1:11434")]
    NotAUrl {
        /// What was given.
        url: String,
        /// What the URL parser says.
        cause: url::ParseError,
    },
    /// It has a scheme other than http.
    #[error("`{scheme}` is not supported; model servers are asked by http://")]
    NotHttp {
        /// The scheme.
        scheme: String,
    },
    /// It holds a user name, a password, a query or a fragment.
    #[error("the address must be scheme, host, port and path only")]
    NotPlain,
    /// Its host is neither this machine nor listed.
    #[error("`{host}` is neither this machine nor a listed host; add it to network.allowed_hosts")]
    NotLocal {
        /// The host.
        host: String,
    },
}

impl LocalUrl {
    /// Reads an address; its host must be loopback or in `allowed_hosts` (bare names or addresses).
    pub fn parse(url: &str, allowed_hosts: &[String]) -> Result<Self, LocalUrlError> {
        let parsed = Url::parse(url)
            .map_err(|cause| LocalUrlError::NotAUrl { url: url.to_owned(), cause })?;
        if parsed.scheme() != "http" {
            return Err(LocalUrlError::NotHttp { scheme: parsed.scheme().to_owned() });
        }
        let plain = parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.query().is_none()
            && parsed.fragment().is_none();
        if !plain {
            return Err(LocalUrlError::NotPlain);
        }
        let host = parsed.host().expect("an http URL has a host");
        if !is_loopback(&host) && !is_listed(&host, allowed_hosts) {
            return Err(LocalUrlError::NotLocal { host: host.to_string() });
        }
        let root = parsed.as_str().trim_end_matches('/');
        Ok(Self {
            root: root.strip_suffix("/v1").unwrap_or(root).to_owned(),
            host: host.to_string(),
            port: parsed.port_or_known_default().expect("http has a known port"),
        })
    }

    /// The server's root without a slash at its end, such as `http://127.0.0.1:1234`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The name `localhost`, which must not be left to name resolution.
    pub(crate) fn is_localhost_name(&self) -> bool {
        self.host == "localhost"
    }

    /// The address of one of the server's routes; `path` begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }
}

impl fmt::Display for LocalUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.root)
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Addresses are compared as addresses, so that `::1` and `0:0::1` are the same.
fn is_listed(host: &Host<&str>, allowed_hosts: &[String]) -> bool {
    allowed_hosts.iter().any(|allowed| match host {
        Host::Domain(name) => name.eq_ignore_ascii_case(allowed),
        Host::Ipv4(address) => allowed.parse() == Ok(IpAddr::V4(*address)),
        Host::Ipv6(address) => allowed.trim_matches(['[', ']']).parse() == Ok(IpAddr::V6(*address)),
    })
}

#[cfg(test)]
mod tests {
    use super::{LocalUrl, LocalUrlError};

    #[test]
    fn loopback_and_listed_hosts_are_accepted() {
        let listed = ["gpu-box.lan".to_owned(), "fd00::7".to_owned()];
        for (url, root, port) in [
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434", 11434),
            ("http://127.8.9.1:1/v1/", "http://127.8.9.1:1", 1),
            ("http://[::1]:8080/v1", "http://[::1]:8080", 8080),
            ("http://localhost/", "http://localhost", 80),
            ("http://GPU-box.lan:99/x/v1", "http://gpu-box.lan:99/x", 99),
            ("http://[fd00:0::7]:9", "http://[fd00::7]:9", 9),
        ] {
            let parsed = LocalUrl::parse(url, &listed).unwrap();
            assert_eq!((parsed.root(), parsed.port()), (root, port), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let listed = ["gpu-box.lan".to_owned()];
        for url in [
            "http://example.org",
            "http://gpu-box.lan.example.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://0.0.0.0:1",
            "http://10.0.0.1",
            "http://[::]:1",
            "http://[::ffff:8.8.8.8]:1",
        ] {
            let refused = LocalUrl::parse(url, &listed);
            assert!(matches!(refused, Err(LocalUrlError::NotLocal { .. })), "{url}: {refused:?}");
        }
        for url in ["https://localhost", "ftp://localhost", "unix:/x"] {
            let refused = LocalUrl::parse(url, &[]);
            assert!(matches!(refused, Err(LocalUrlError::NotHttp { .. })), "{url}");
        }
        for url in ["http://me@localhost", "http://localhost/?a=b", "http://localhost/#a"] {
            assert_eq!(LocalUrl::parse(url, &[]), Err(LocalUrlError::NotPlain), "{url}");
        }
        assert!(LocalUrl::parse("localhost", &[]).is_err());
    }
}

//! `LocalEndpoint`: an address of a model server that cannot be anything but local or listed.
//!
//! The URL is read by the same crate the HTTP client uses, so there is no second opinion
//! about which part of the text is the host.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

/// Why a text is not a local endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// The text is no URL.
    #[error("not a URL ({cause}); write it like http://127.0.0.1:11434/v1")]
    NotAUrl {
        /// What the URL parser says.
        cause: url::ParseError,
    },
    /// Encrypted connections are not supported.
    #[error("https is not supported yet; use http://{rest}, on this machine or on a listed host")]
    Https {
        /// The URL without its scheme.
        rest: String,
    },
    /// The scheme is no web scheme.
    #[error("the scheme `{scheme}` is not supported; use http://")]
    Scheme {
        /// The scheme as given.
        scheme: String,
    },
    /// A user name or password stands in the URL.
    #[error("a URL must not hold a user name or password; name a variable in api_key_env instead")]
    UserInfo,
    /// A query or fragment stands in the URL.
    #[error("a base URL has no `?` and no `#` part; end it with its path, such as /v1")]
    QueryOrFragment,
    /// The host is neither this machine nor listed.
    #[error(
        "the host `{host}` is neither this machine nor listed; \
         if data may go there, add it to network.allowed_hosts"
    )]
    HostNotAllowed {
        /// The URL's host.
        host: String,
    },
    /// `0.0.0.0` and `::` are for listening.
    #[error("`{host}` is an address to listen on; to connect, use 127.0.0.1")]
    Unspecified {
        /// The URL's host.
        host: String,
    },
    /// An entry of the list of hosts is no bare host.
    #[error("`{entry}` is not a bare host name or address; leave out scheme, port and path")]
    NotAHost {
        /// The entry as given.
        entry: String,
    },
}

/// A host the user listed besides loopback, in normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AllowedHost(String);

impl AllowedHost {
    /// Reads a bare host name or address.
    ///
    /// # Errors
    /// [`EndpointError::NotAHost`] for a URL, a port, a path, a pattern or an empty text.
    pub fn parse(entry: &str) -> Result<Self, EndpointError> {
        let bare = Self::parse_host(entry).filter(|host| *host != Host::Domain(String::new()));
        bare.map(|host| Self(host.to_string()))
            .ok_or_else(|| EndpointError::NotAHost { entry: entry.to_owned() })
    }

    /// An IPv6 address may stand with or without its brackets.
    fn parse_host(entry: &str) -> Option<Host<String>> {
        if let Ok(address) = entry.parse() {
            return Some(Host::Ipv6(address));
        }
        if entry.contains('*') {
            return None;
        }
        Host::parse(entry).ok()
    }

    /// The host as it stands in a normalized URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The base URL of a model server on this machine or on a host the user listed.
/// There is no other way to make one than [`LocalEndpoint::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalEndpoint {
    base_url: String,
    host: String,
    port: u16,
}

impl LocalEndpoint {
    /// Reads a base URL such as `http://127.0.0.1:11434/v1`.
    ///
    /// # Errors
    /// Every reason why the URL is not accepted is a variant of [`EndpointError`].
    pub fn parse(url: &str, allowed: &[AllowedHost]) -> Result<Self, EndpointError> {
        let parsed = Url::parse(url).map_err(|cause| EndpointError::NotAUrl { cause })?;
        check_shape(&parsed)?;
        let host = parsed.host().expect("an http URL has a host");
        check_host(&host, allowed)?;
        Ok(Self {
            base_url: parsed.as_str().trim_end_matches('/').to_owned(),
            host: host.to_string(),
            port: parsed.port_or_known_default().expect("http has a known port"),
        })
    }

    /// The normalized URL without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The host name or address; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80 where the URL names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for LocalEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base_url)
    }
}

fn check_shape(url: &Url) -> Result<(), EndpointError> {
    // The password comes first: no message may repeat it.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::UserInfo);
    }
    match url.scheme() {
        "http" => {}
        "https" => {
            let rest = url.as_str().trim_start_matches("https://").to_owned();
            return Err(EndpointError::Https { rest });
        }
        other => {
            return Err(EndpointError::Scheme { scheme: other.to_owned() });
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::QueryOrFragment);
    }
    Ok(())
}

fn check_host(host: &Host<&str>, allowed: &[AllowedHost]) -> Result<(), EndpointError> {
    let (loopback, unspecified) = match host {
        Host::Domain(name) => (*name == "localhost", false),
        Host::Ipv4(address) => (address.is_loopback(), address.is_unspecified()),
        Host::Ipv6(address) => {
            (address.to_canonical().is_loopback(), address.to_canonical().is_unspecified())
        }
    };
    let text = host.to_string();
    if unspecified {
        return Err(EndpointError::Unspecified { host: text });
    }
    if loopback || allowed.iter().any(|allowed| allowed.as_str() == text) {
        return Ok(());
    }
    Err(EndpointError::HostNotAllowed { host: text })
}

#[cfg(test)]
mod tests {
    use super::{AllowedHost, EndpointError, LocalEndpoint};
    use proptest::prelude::*;

    fn parse(url: &str) -> Result<LocalEndpoint, EndpointError> {
        LocalEndpoint::parse(url, &[])
    }

    #[test]
    fn loopback_is_local_in_every_spelling() {
        for (url, base, host, port) in [
            ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1", "127.0.0.1", 11434),
            ("http://127.9.9.9:1/v1/", "http://127.9.9.9:1/v1", "127.9.9.9", 1),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]", 8080),
            ("HTTP://LocalHost:1234/v1", "http://localhost:1234/v1", "localhost", 1234),
            ("http://localhost", "http://localhost", "localhost", 80),
            ("http://2130706433:99", "http://127.0.0.1:99", "127.0.0.1", 99),
        ] {
            let endpoint = parse(url).expect(url);
            assert_eq!(endpoint.base_url(), base);
            assert_eq!(endpoint.host(), host);
            assert_eq!(endpoint.port(), port);
        }
    }

    #[test]
    fn what_only_looks_local_is_refused() {
        for url in [
            "http://example.org/v1",
            "http://127.0.0.1.example.org/v1",
            "http://localhost.example.org",
            "http://127.0.0.1@example.org/",
            "http://example.org#@127.0.0.1/",
            "http://example.org\\@127.0.0.1/",
            "http://192.168.1.5:11434",
            "http://0.0.0.0:11434",
            "http://[::]:11434",
            "https://127.0.0.1/v1",
            "ftp://127.0.0.1/",
            "file:///v1",
            "http:///v1",
            "127.0.0.1:11434",
            "http://127.0.0.1/v1?key=1",
            "",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_listed_host_is_accepted_and_only_that() {
        let allowed = [
            AllowedHost::parse("Gpu-Box.lan").expect("a name"),
            AllowedHost::parse("192.168.1.5").expect("an address"),
            AllowedHost::parse("fd00::5").expect("an address"),
        ];
        for url in ["http://gpu-box.lan:8000/v1", "http://192.168.1.5", "http://[fd00::5]:1"] {
            assert!(LocalEndpoint::parse(url, &allowed).is_ok(), "{url}");
        }
        let error = LocalEndpoint::parse("http://evil.gpu-box.lan", &allowed);
        assert!(matches!(error, Err(EndpointError::HostNotAllowed { .. })));
    }

    #[test]
    fn a_listed_host_is_bare() {
        for entry in ["", "http://a", "a:80", "a/b", "*.lan", "a b", "u@a"] {
            assert!(AllowedHost::parse(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        for url in [
            "http://me:hunter2@127.0.0.1/",
            "https://me:hunter2@x/",
            "ftp://me:hunter2@x",
            "http://me:hunter2@:x/",
        ] {
            let text = parse(url).expect_err(url).to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_accepted_text_is_loopback(url in "(http://)?[a-z0-9.@:/#?\\[\\]%\\\\-]{0,40}") {
            if let Ok(endpoint) = parse(&url) {
                let host = endpoint.host();
                prop_assert!(
                    host == "localhost" || host.starts_with("127.") || host.starts_with('['),
                    "{}", host
                );
            }
        }
    }
}

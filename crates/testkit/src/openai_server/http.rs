//! As much of HTTP/1.1 as a model server needs: requests with a length, replies whole or in
//! chunks, connections that stay open.

use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// The most bytes of a request's body.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method, such as `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Received {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&header.1)
    }
}

/// A connection that serves one request after another.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The next request; none where the client is done.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Received>> {
        let mut first = String::new();
        if self.stream.read_line(&mut first).await? == 0 {
            return Ok(None);
        }
        let mut words = first.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Err(io::Error::other("not a request line"));
        };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut received = Received { method, path, headers, body: String::new() };
        let length = received.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(io::Error::other)?;
        if length > BODY_BYTES_MAX {
            return Err(io::Error::other("the body is too long"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        received.body = String::from_utf8(body).map_err(io::Error::other)?;
        Ok(Some(received))
    }

    /// A whole reply.
    pub(super) async fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Reply\r\n", reply.status);
        head.push_str(&format_headers(&reply.headers));
        let length = reply.body.len();
        let whole = format!("{head}content-length: {length}\r\n\r\n{}", reply.body);
        self.write(whole.as_bytes()).await
    }

    /// Begins a reply that comes in pieces.
    pub(super) async fn begin_pieces(&mut self, content_type: &str) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        self.write(head.as_bytes()).await
    }

    /// One piece of it.
    pub(super) async fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
        piece.extend_from_slice(bytes);
        piece.extend_from_slice(b"\r\n");
        self.write(&piece).await
    }

    /// Its end.
    pub(super) async fn end_pieces(&mut self) -> io::Result<()> {
        self.write(b"0\r\n\r\n").await
    }

    /// Waits until the client closes the connection.
    pub(super) async fn closed(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.map(drop)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await?;
        self.stream.get_mut().flush().await
    }
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Reply {
    /// A reply with a body of JSON.
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
        }
    }

    /// A reply with a body of text.
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/html".to_owned())],
            body: body.to_owned(),
        }
    }
}

fn format_headers(headers: &[(&'static str, String)]) -> String {
    let lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    lines.concat()
}

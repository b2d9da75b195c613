//! One request and its answer, piece by piece, within the limits.

use std::time::Duration;

use bytes::Bytes;
use lao_port::{OnProgress, Progress};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use tokio::time::{Instant, timeout_at};

use super::millis;
use crate::{
    accumulate::{ANSWER_BYTES_MAX, Accumulator, Collected, StreamFault, excerpt},
    endpoint::Endpoint,
    sse::SseParser,
    transport::{cause_of, read_body, redirect_target},
};

/// How long to wait, after the finish reason, for the usage and the end mark.
const TRAILER_WAIT: Duration = Duration::from_secs(2);

/// How long to wait, after the end mark, for the connection to become free for the next call.
const CLOSING_WAIT: Duration = Duration::from_millis(100);

/// The most bytes of an error body that are read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Why a try gave no answer, before it is put in words.
#[derive(Debug)]
pub(super) enum Failure {
    /// The call cannot be put as a request.
    Request(String),
    /// No connection, or one that broke before the reply began.
    Unreachable(String),
    /// A limit passed.
    TimedOut {
        /// What was waited for.
        wait: Wait,
        /// The limit.
        limit_ms: u64,
    },
    /// The reply is an error.
    Status {
        /// HTTP status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
        /// How long the server asks to wait.
        retry_after_ms: Option<u64>,
    },
    /// The reply is a redirect.
    Redirect {
        /// Where to.
        target: String,
    },
    /// The reply is neither a stream of events nor JSON.
    NotProtocol {
        /// Its content type.
        content_type: String,
        /// Its beginning.
        excerpt: String,
    },
    /// The reply has no vectors that could be used.
    Vectors(String),
    /// The stream broke off or gave no answer.
    Stream(StreamFault),
    /// The connection broke in the middle of the answer.
    Broken {
        /// Bytes of the answer so far.
        bytes: usize,
        /// Why.
        cause: String,
    },
    /// The server would silently drop the beginning of the prompt.
    Window {
        /// Bytes of the prompt.
        prompt_bytes: usize,
        /// Tokens of the window.
        context_tokens: u64,
    },
    /// The model would run on somebody else's machine.
    Cloud {
        /// How it is known.
        evidence: String,
    },
}

/// What a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The first token.
    FirstToken,
    /// The next token.
    NextToken,
    /// The vectors of some texts.
    Vectors,
    /// The whole answer.
    Whole,
}

/// One request under way.
pub(super) struct Exchange<'a> {
    endpoint: &'a Endpoint,
    started: Instant,
    /// When the next token, or after the finish the end of the stream, must be there.
    deadline: Instant,
    first_token: Option<Instant>,
    on_progress: OnProgress<'a>,
    collected: Accumulator,
}

impl<'a> Exchange<'a> {
    /// An exchange whose first token is due `first_token_timeout_ms` after now.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        started: Instant,
        on_progress: OnProgress<'a>,
    ) -> Self {
        Self {
            endpoint,
            started,
            deadline: Instant::now() + Duration::from_millis(endpoint.first_token_timeout_ms),
            first_token: None,
            on_progress,
            collected: Accumulator::new(),
        }
    }

    /// Milliseconds until the first token; until now where there was none.
    pub(super) fn first_token_ms(&self) -> u64 {
        let at = self.first_token.unwrap_or_else(Instant::now);
        millis(at.saturating_duration_since(self.started))
    }

    /// Sends the request and collects the answer.
    pub(super) async fn run(&mut self, request: RequestBuilder) -> Result<Collected, Failure> {
        let mut response = timeout_at(self.deadline, request.send())
            .await
            .map_err(|_| self.timed_out())?
            .map_err(|error| unsent(&error))?;
        if let Some(target) = redirect_target(&response) {
            return Err(Failure::Redirect { target });
        }
        if response.status() != StatusCode::OK {
            return Err(read_error(&mut response, self.deadline).await);
        }
        if content_type(&response).starts_with("application/json") {
            self.read_whole(&mut response).await?;
        } else {
            self.read_stream(&mut response).await?;
        }
        std::mem::take(&mut self.collected).finish().map_err(Failure::Stream)
    }

    /// A whole answer, although a stream was asked for.
    async fn read_whole(&mut self, response: &mut Response) -> Result<(), Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.next_piece(response).await? {
            if body.len() + piece.len() > 2 * ANSWER_BYTES_MAX {
                return Err(Failure::Stream(StreamFault::TooLarge));
            }
            body.extend_from_slice(&piece);
            self.token_came();
        }
        self.collected.take_json(&body).map_err(Failure::Stream)?;
        if !self.collected.take_end_of_whole() {
            return Err(Failure::NotProtocol {
                content_type: content_type(response).to_owned(),
                excerpt: excerpt(&body),
            });
        }
        self.report_pieces(0);
        Ok(())
    }

    async fn read_stream(&mut self, response: &mut Response) -> Result<(), Failure> {
        let mut parser = SseParser::new();
        let mut head = Vec::new();
        let mut frames = 0u64;
        while let Some(piece) = self.next_piece(response).await? {
            if frames == 0 && head.len() < 800 {
                head.extend_from_slice(&piece[..piece.len().min(800)]);
            }
            self.take_piece(&piece, &mut parser, &mut frames)?;
        }
        let mut last = Ok(());
        let ended = parser.finish(&mut |frame| {
            frames += 1;
            last = self.collected.take(frame);
        });
        ended.map_err(|_| Failure::Stream(StreamFault::TooLarge))?;
        match last {
            // An event that lacks its end is a broken connection, not a broken protocol.
            Err(StreamFault::Unreadable { .. }) => {
                Err(Failure::Stream(StreamFault::Cut { bytes: self.collected.bytes() }))
            }
            Err(fault) => Err(Failure::Stream(fault)),
            Ok(()) if frames == 0 && !head.trim_ascii().is_empty() => Err(Failure::NotProtocol {
                content_type: content_type(response).to_owned(),
                excerpt: excerpt(&head),
            }),
            Ok(()) => Ok(()),
        }
    }

    fn take_piece(
        &mut self,
        piece: &[u8],
        parser: &mut SseParser,
        frames: &mut u64,
    ) -> Result<(), Failure> {
        let pieces_before = self.collected.pieces();
        let frames_before = *frames;
        let was_finished = self.collected.is_finished();
        let mut taken = Ok(());
        parser
            .push(piece, &mut |frame| {
                *frames += 1;
                if taken.is_ok() {
                    taken = self.collected.take(frame);
                }
            })
            .map_err(|_| Failure::Stream(StreamFault::TooLarge))?;
        taken.map_err(Failure::Stream)?;
        // A role alone, which some servers send before they begin to compute, is no token.
        if self.collected.pieces() > 0 && !was_finished && *frames > frames_before {
            self.token_came();
        }
        self.shorten_deadline(was_finished);
        self.report_pieces(pieces_before);
        Ok(())
    }

    /// Once the answer is whole, nothing that may follow is worth a long wait.
    fn shorten_deadline(&mut self, was_finished: bool) {
        let now = Instant::now();
        if self.collected.is_done() {
            self.deadline = self.deadline.min(now + CLOSING_WAIT);
        } else if self.collected.is_finished() && !was_finished {
            self.deadline = now + TRAILER_WAIT;
        }
    }

    /// The next bytes, in time; none at the end of the stream.
    async fn next_piece(&mut self, response: &mut Response) -> Result<Option<Bytes>, Failure> {
        let finished = self.collected.is_finished();
        match timeout_at(self.deadline, response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            // The answer is whole: how the connection ends does not matter.
            Ok(Err(_)) | Err(_) if finished => Ok(None),
            Ok(Err(error)) => {
                Err(Failure::Broken { bytes: self.collected.bytes(), cause: cause_of(&error) })
            }
            Err(_) => Err(self.timed_out()),
        }
    }

    fn token_came(&mut self) {
        let now = Instant::now();
        if self.first_token.is_none() {
            self.first_token = Some(now);
            (self.on_progress)(Progress::Began);
        }
        self.deadline = now + Duration::from_millis(self.endpoint.idle_timeout_ms);
    }

    fn report_pieces(&self, before: u64) {
        let pieces = self.collected.pieces();
        if pieces > before {
            (self.on_progress)(Progress::Pieces(pieces));
        }
    }

    fn timed_out(&self) -> Failure {
        let (wait, limit_ms) = match self.first_token {
            None => (Wait::FirstToken, self.endpoint.first_token_timeout_ms),
            Some(_) => (Wait::NextToken, self.endpoint.idle_timeout_ms),
        };
        Failure::TimedOut { wait, limit_ms }
    }
}

/// Reads a reply that is an error.
pub(super) async fn read_error(response: &mut Response, deadline: Instant) -> Failure {
    let status = response.status().as_u16();
    let retry_after_ms = retry_after_ms(response);
    let body = timeout_at(deadline, read_body(response, ERROR_BYTES_MAX)).await;
    Failure::Status {
        status,
        // An error without its text is still that error.
        body: body.ok().and_then(Result::ok).unwrap_or_default(),
        retry_after_ms,
    }
}

/// A request that got no reply at all.
pub(super) fn unsent(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::Request(cause_of(error));
    }
    let cause = if error.is_connect() && error.is_timeout() {
        "no connection in time".to_owned()
    } else {
        cause_of(error)
    };
    Failure::Unreachable(cause)
}

/// What a reply says it is.
pub(super) fn content_type(response: &Response) -> &str {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// `Retry-After` in seconds; its other form, a date, is of no use without a common clock.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    seconds.checked_mul(1000)
}

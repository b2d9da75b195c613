//! Bytes as a server might send them, read as those of a real one are.

use lao_event::latest::Timing;
use lao_port::{Chat, ChatAnswer, ChatError, ChatErrorKind};
use serde::Deserialize;

use crate::{
    accumulate::{Accumulator, Collected, StreamFault, excerpt},
    answer, fault,
    sse::SseParser,
};

/// What a server sends, piece by piece, before it closes the connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRaw {
    send: Vec<Piece>,
    pub(super) times: Option<u32>,
}

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Bytes(Vec<u8>),
}

impl TurnRaw {
    /// What the model's client makes of it.
    pub(super) fn answer(&self, chat: &Chat, delay_ms: u64) -> Result<ChatAnswer, ChatError> {
        let timing = Timing { first_token_ms: delay_ms, total_ms: delay_ms };
        self.collect().map(|collected| answer::complete(collected, chat, timing)).map_err(
            |(kind, what)| ChatError {
                kind,
                message: format!("the script's server: {what}"),
                retry_after_ms: None,
            },
        )
    }

    fn collect(&self) -> Result<Collected, (ChatErrorKind, String)> {
        let bytes: Vec<u8> = self.send.iter().flat_map(Piece::bytes).copied().collect();
        let whole = bytes.trim_ascii();
        let mut collected = Accumulator::new();
        if whole.starts_with(b"{") {
            collected.take_json(whole).map_err(told)?;
            if !collected.take_end_of_whole() {
                return Err(not_protocol(whole));
            }
            return collected.finish().map_err(told);
        }
        let (mut frames, mut taken) = (0_u32, Ok(()));
        let mut parser = SseParser::new();
        let mut take = |frame: crate::sse::Frame<'_>| {
            frames += 1;
            if taken.is_ok() {
                taken = collected.take(frame);
            }
        };
        for piece in &self.send {
            parser.push(piece.bytes(), &mut take).map_err(|_| told(StreamFault::TooLarge))?;
        }
        parser.finish(&mut take).map_err(|_| told(StreamFault::TooLarge))?;
        taken.map_err(told)?;
        if frames == 0 && !whole.is_empty() {
            return Err(not_protocol(whole));
        }
        collected.finish().map_err(told)
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

fn told(stream: StreamFault) -> (ChatErrorKind, String) {
    match stream {
        StreamFault::Server { body } => {
            let reported = fault::of_stream(&body);
            let words = format!("an error in the middle of the answer: {}", reported.message);
            (reported.kind, words)
        }
        own
        @ (StreamFault::Unreadable { .. } | StreamFault::TooLarge | StreamFault::Cut { .. }) => {
            (own.kind(), own.to_string())
        }
    }
}

fn not_protocol(bytes: &[u8]) -> (ChatErrorKind, String) {
    let words = "the reply is neither an event stream nor a JSON answer";
    (ChatErrorKind::Malformed, format!("{words}: {}", excerpt(bytes)))
}

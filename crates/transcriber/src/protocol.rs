//! What the worker program and its supervisor say to each other.
//!
//! ```text
//!   worker                                   supervisor
//!     Hello {program, version}        --->   refuses another version
//!                                    <---    Work {model, audio, ...}; stdin stays open
//!     Progress | Segment ...          --->
//!     Done | Failed                   --->   ends the worker
//! ```
//!
//! A frame is its length as four bytes, little-endian, and as many bytes of JSON. One worker does
//! one piece of work. When its standard input ends, nobody waits for it any more.

use std::io::{self, ErrorKind, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// What the worker program calls itself.
pub const PROGRAM: &str = "lao-whisper";

/// The version of what is said; both sides must have the same.
pub const VERSION: u32 = 1;

/// The most bytes of JSON in a frame.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a frame before its JSON.
pub const PREFIX_BYTES: usize = 4;

/// The argument of the worker program before the number of bytes it may take.
pub const MEMORY_ARGUMENT: &str = "--memory-bytes";

/// What the supervisor asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// The model to use.
    pub model: ModelFile,
    /// Absolute path of the audio file.
    pub audio: String,
    /// The language spoken, as a two-letter code; `None` to have it found out.
    pub language: Option<String>,
    /// Translate into English.
    pub translate: bool,
    /// Words that the speaker is likely to use.
    pub prompt: Option<String>,
    /// Threads to use; `None` leaves it to the worker.
    pub threads: Option<u32>,
    /// Milliseconds of audio that are held and transcribed at a time.
    pub piece_ms: u64,
}

/// A model file, and what must be in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the store.
    pub name: String,
    /// Its absolute path.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its BLAKE3 hash, in hexadecimal digits.
    pub blake3: String,
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// It has begun.
    Hello {
        /// What it calls itself.
        program: String,
        /// The version of the protocol that it speaks.
        version: u32,
    },
    /// It is alive, and so far.
    Progress {
        /// Thousandths of the audio that are done.
        done_milli: u32,
    },
    /// A passage; they come in order.
    Segment {
        /// Where it begins, in milliseconds.
        start_ms: u64,
        /// Where it ends, in milliseconds.
        end_ms: u64,
        /// The words, without space around them.
        text: String,
    },
    /// Everything is said.
    Done {
        /// The language, as a two-letter code.
        language: Option<String>,
        /// Length of the audio, in milliseconds.
        duration_ms: u64,
        /// The model as the engine names it.
        model: String,
    },
    /// There is no transcript.
    Failed {
        /// What is to blame.
        kind: FailureKind,
        /// In words.
        message: String,
    },
}

/// What is to blame for a failure that the worker could report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The audio file.
    Audio,
    /// The model file.
    Model,
    /// The engine.
    Engine,
}

/// Why a frame cannot be read or written.
#[derive(Debug, Error)]
pub enum FrameError {
    /// Its length is over the limit.
    #[error("a frame of {bytes} bytes, at most {FRAME_BYTES_MAX}")]
    TooLarge {
        /// The length.
        bytes: usize,
    },
    /// It is not what is said in this protocol.
    #[error("a frame that cannot be read: {cause}")]
    Unreadable {
        /// Why.
        cause: String,
    },
    /// It ends in the middle.
    #[error("half a frame")]
    Cut,
    /// The pipe failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The bytes of a frame.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, FrameError> {
    let json = serde_json::to_vec(value)
        .map_err(|error| FrameError::Unreadable { cause: error.to_string() })?;
    let length = u32::try_from(json.len()).ok().filter(|_| json.len() <= FRAME_BYTES_MAX);
    let length = length.ok_or(FrameError::TooLarge { bytes: json.len() })?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(json);
    Ok(frame)
}

/// How many bytes of JSON follow a prefix.
pub fn body_bytes(prefix: [u8; PREFIX_BYTES]) -> Result<usize, FrameError> {
    let bytes = usize::try_from(u32::from_le_bytes(prefix)).unwrap_or(usize::MAX);
    if bytes > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge { bytes });
    }
    Ok(bytes)
}

/// What the JSON of a frame says.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body)
        .map_err(|error| FrameError::Unreadable { cause: error.to_string() })
}

/// Writes a frame.
pub fn write_frame<T: Serialize>(writer: &mut impl Write, value: &T) -> Result<(), FrameError> {
    writer.write_all(&encode(value)?)?;
    Ok(writer.flush()?)
}

/// Reads a frame.
pub fn read_frame<T: DeserializeOwned>(reader: &mut impl Read) -> Result<T, FrameError> {
    let mut prefix = [0; PREFIX_BYTES];
    read_whole(reader, &mut prefix)?;
    let mut body = vec![0; body_bytes(prefix)?];
    read_whole(reader, &mut body)?;
    decode(&body)
}

fn read_whole(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), FrameError> {
    reader.read_exact(bytes).map_err(|error| {
        if error.kind() == ErrorKind::UnexpectedEof { FrameError::Cut } else { error.into() }
    })
}

#[cfg(test)]
mod tests {
    use super::{FRAME_BYTES_MAX, FrameError, Reply, body_bytes, encode, read_frame, write_frame};

    #[test]
    fn frames_survive_the_pipe() {
        let replies = [
            Reply::Hello { program: "lao-whisper".to_owned(), version: 1 },
            Reply::Segment { start_ms: 0, end_ms: 7, text: "Grüße\n".to_owned() },
        ];
        let mut pipe = Vec::new();
        for reply in &replies {
            write_frame(&mut pipe, reply).unwrap();
        }
        let mut reader = pipe.as_slice();
        for reply in &replies {
            assert_eq!(read_frame::<Reply>(&mut reader).unwrap(), *reply);
        }
        assert!(matches!(read_frame::<Reply>(&mut reader), Err(FrameError::Cut)));
    }

    #[test]
    fn what_is_too_large_cut_or_foreign_is_refused() {
        let large = Reply::Segment { start_ms: 0, end_ms: 0, text: "x".repeat(FRAME_BYTES_MAX) };
        assert!(matches!(encode(&large), Err(FrameError::TooLarge { .. })));
        assert!(body_bytes(*b"whis").is_err() && body_bytes([0, 0, 16, 0]).is_ok());
        let whole = encode(&Reply::Progress { done_milli: 5 }).unwrap();
        for cut in 0..whole.len() {
            assert!(matches!(read_frame::<Reply>(&mut &whole[..cut]), Err(FrameError::Cut)));
        }
        let foreign = encode(&serde_json::json!({"progress": {"done_milli": 1, "x": 2}})).unwrap();
        let refused = read_frame::<Reply>(&mut foreign.as_slice());
        assert!(matches!(refused, Err(FrameError::Unreadable { .. })), "{refused:?}");
    }
}

//! Texts inside events: small ones in place, large ones by hash.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::Hash;

/// The largest text that is stored inside an event, in bytes; larger ones are blobs.
pub const INLINE_BYTES_MAX: usize = 16 * 1024;

/// A text: prompts, answers, file contents, tool output.
///
/// Code that composes events may put a text of any size `Inline`; before an event is folded or
/// stored, [`crate::Event::split_blobs`] turns what exceeds [`INLINE_BYTES_MAX`] into a `Blob`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The text itself.
    Inline(String),
    /// The bytes lie in the blob store under this hash.
    Blob {
        /// BLAKE3 of the bytes.
        hash: Hash,
        /// Their number.
        size_bytes: u64,
    },
}

/// Bytes that must be in the blob store before an event that names them is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// BLAKE3 of `bytes`.
    pub hash: Hash,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Content {
    /// No text at all.
    pub const fn empty() -> Self {
        Self::Inline(String::new())
    }

    /// BLAKE3 of the text.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Inline(text) => Hash::of(text.as_bytes()),
            Self::Blob { hash, .. } => *hash,
        }
    }

    /// Length in bytes.
    pub fn size_bytes(&self) -> u64 {
        match self {
            Self::Inline(text) => text.len() as u64,
            Self::Blob { size_bytes, .. } => *size_bytes,
        }
    }

    /// The text where it is in place; `None` for a blob.
    pub fn inline(&self) -> Option<&str> {
        match self {
            Self::Inline(text) => Some(text),
            Self::Blob { .. } => None,
        }
    }

    /// Turns a text of more than `inline_bytes_max` into a blob and returns its bytes.
    pub(crate) fn split(&mut self, inline_bytes_max: usize) -> Option<Blob> {
        let Self::Inline(text) = self else {
            return None;
        };
        if text.len() <= inline_bytes_max {
            return None;
        }
        let bytes = std::mem::take(text).into_bytes();
        let hash = Hash::of(&bytes);
        *self = Self::Blob { hash, size_bytes: bytes.len() as u64 };
        Some(Blob { hash, bytes })
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Inline(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Inline(text.to_owned())
    }
}

//! Contents: texts in place, or in the project's blob store; and what none of them may hold.

use std::sync::Arc;

use lao_event::{Blob, Content, Hash, INLINE_BYTES_MAX};
use lao_journal::{BlobError, BlobHash, Blobs};
use lao_redact::Redactor;

/// The project's texts, cheap to clone.
#[derive(Clone)]
pub struct Contents {
    blobs: Arc<Blobs>,
    redactor: Redactor,
}

/// A text is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The blob store refuses.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The blob is there and no text.
    #[error("blob {0} is not UTF-8 text")]
    NotText(Hash),
}

impl Contents {
    /// Texts with blobs in this store, whatever they hold.
    pub fn new(blobs: Blobs) -> Self {
        Self { blobs: Arc::new(blobs), redactor: Redactor::none() }
    }

    /// The same, where what comes from the world has its secrets replaced before it is kept.
    #[must_use]
    pub fn redacted_by(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// What replaces secrets.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The whole text.
    pub fn text(&self, content: &Content) -> Result<String, ContentError> {
        match content {
            Content::Inline(text) => Ok(text.clone()),
            Content::Blob { hash, size_bytes: _ } => {
                let bytes = self.blobs.get(blob_hash(*hash))?;
                String::from_utf8(bytes).map_err(|_| ContentError::NotText(*hash))
            }
        }
    }

    /// What it holds, text or not.
    pub fn bytes(&self, content: &Content) -> Result<Vec<u8>, BlobError> {
        match content {
            Content::Inline(text) => Ok(text.clone().into_bytes()),
            Content::Blob { hash, size_bytes: _ } => self.blobs.get(blob_hash(*hash)),
        }
    }

    /// Bytes as a content: in place when they are a short text, else a blob that is durable when
    /// this returns.
    pub fn keep(&self, bytes: Vec<u8>) -> Result<Content, ContentError> {
        if bytes.len() <= INLINE_BYTES_MAX {
            match String::from_utf8(bytes) {
                Ok(text) => Ok(Content::Inline(text)),
                Err(error) => self.put(&error.into_bytes()),
            }
        } else {
            self.put(&bytes)
        }
    }

    fn put(&self, bytes: &[u8]) -> Result<Content, ContentError> {
        self.blobs.put(bytes)?;
        Ok(Content::Blob { hash: Hash::of(bytes), size_bytes: bytes.len() as u64 })
    }

    /// Makes blobs durable.
    pub fn put_all(&self, blobs: &[Blob]) -> Result<(), BlobError> {
        for blob in blobs {
            self.blobs.put(&blob.bytes)?;
        }
        Ok(())
    }
}

fn blob_hash(hash: Hash) -> BlobHash {
    BlobHash::from_bytes(hash.0)
}

//! The hash chain: what a run starts from, and how each record is bound to all before it.

use std::fmt;

use crate::format::FormatVersion;

/// Separates the first hash of a chain from every other use of BLAKE3. Part of the format.
const GENESIS_CONTEXT: &str = "LAO journal, format 1: genesis of a run's hash chain";

/// What a run starts from: bound into the first hash, so that no record can be moved to another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The run's id.
    pub run: String,
    /// How the run was started, in the caller's own encoding.
    pub started: Vec<u8>,
}

impl Genesis {
    /// The hash before the first record.
    pub fn hash(&self) -> ChainHash {
        let mut hasher = blake3::Hasher::new_derive_key(GENESIS_CONTEXT);
        hasher.update(&FormatVersion::LATEST.get().to_le_bytes());
        for part in [self.run.as_bytes(), &self.started] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        ChainHash(*hasher.finalize().as_bytes())
    }
}

/// A link of the chain: it vouches for one record and for everything before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; Self::BYTES]);

impl ChainHash {
    /// Length in a record.
    pub const BYTES: usize = 32;

    /// A hash as stored.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The stored form.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The next link: BLAKE3 in keyed mode, this hash as the key, over header and payload.
    ///
    /// Keyed mode takes the previous hash in without a copy and without an extra block, and is
    /// separated by BLAKE3 itself from plain hashes (blobs) and derived ones (the genesis).
    #[must_use]
    pub fn next(&self, header_and_payload: &[u8]) -> Self {
        Self(*blake3::keyed_hash(&self.0, header_and_payload).as_bytes())
    }

    /// Lowercase hexadecimal, as in the manifest's seal.
    pub fn to_hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// Reads what [`ChainHash::to_hex`] wrote.
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// The last record of a journal, or a verified point within it; `seq` 0 is the genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence number of the record.
    pub seq: u64,
    /// Its chain hash.
    pub hash: ChainHash,
}

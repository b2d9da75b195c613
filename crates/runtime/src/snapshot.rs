//! Snapshots: a folded state kept beside the journal, so that opening a run does not read all of it.
//!
//! ```text
//!   magic │ BLAKE3 of the rest │ program │ seq │ chain hash │ length of the state │ state │ view
//! ```
//!
//! A cache. One is used only if it is whole, was written by this very program, and its position in
//! the journal has its hash; else the run is folded from the start, with the same result. It is not
//! synced: what a crash leaves of it fails its own hash.

use std::{fs, io, path::Path, sync::OnceLock, time::UNIX_EPOCH};

use lao_journal::{ReadError, Reader};
use lao_kernel::State;

use crate::folder::RunFolder;

/// Name of the snapshot in a run's folder.
pub const SNAPSHOT_FILE: &str = "snapshot";

/// Name under which one is written.
const UNFINISHED_FILE: &str = "snapshot.new";

const MAGIC: &[u8; 8] = b"LAOsnap1";
const HASH_BYTES: usize = 32;
/// Program, position, chain hash and length of the state.
const HEAD_BYTES: usize = HASH_BYTES + 8 + HASH_BYTES + 8;

/// A run as it was at some position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The position of the last event in it; the first is 1.
    pub seq: u64,
    /// The fold of all events up to it.
    pub state: State,
    /// What whoever shows the run folded from the same events, in an encoding of its own.
    pub view: Vec<u8>,
}

/// A snapshot was not written. Nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The journal cannot be read, or does not have the position.
    #[error("the snapshot's position {seq} cannot be read from the journal")]
    Position {
        /// The position.
        seq: u64,
        /// Why, if the journal says so.
        source: Option<ReadError>,
    },
    /// The file cannot be written.
    #[error("the snapshot cannot be written")]
    Io(#[from] io::Error),
}

impl Snapshot {
    /// The snapshot in a run's folder, if it can be relied on.
    pub fn read(folder: &RunFolder, reader: &Reader) -> Option<Self> {
        let file = fs::read(folder.path.join(SNAPSHOT_FILE)).ok()?;
        let rest = file.strip_prefix(MAGIC)?;
        let (hash, rest) = rest.split_at_checked(HASH_BYTES)?;
        if blake3::hash(rest).as_bytes() != hash {
            return None;
        }
        let (head, rest) = rest.split_at_checked(HEAD_BYTES)?;
        let (program_then, head) = head.split_at(HASH_BYTES);
        if Some(program_then) != program().as_ref().map(<[u8; HASH_BYTES]>::as_slice) {
            return None;
        }
        let (seq, head) = split_number(head)?;
        let (chain, head) = head.split_at(HASH_BYTES);
        if chain_hash(reader, seq).ok()?.as_slice() != chain {
            return None;
        }
        let (state_bytes, _) = split_number(head)?;
        let (state, view) = rest.split_at_checked(usize::try_from(state_bytes).ok()?)?;
        let state = serde_json::from_slice(state).ok()?;
        Some(Self { seq, state, view: view.to_vec() })
    }

    /// Keeps the snapshot in the run's folder in place of the one before; its size in bytes, 0 if
    /// this program keeps none. Blocking.
    ///
    /// # Errors
    ///
    /// The one before is still there; the journal is not touched.
    pub fn write(&self, folder: &RunFolder, reader: &Reader) -> Result<u64, SnapshotError> {
        let Some(program) = program() else {
            return Ok(0);
        };
        let chain = chain_hash(reader, self.seq)?;
        let state = serde_json::to_vec(&self.state).expect("the state has no key JSON refuses");
        let mut rest = Vec::with_capacity(HEAD_BYTES + state.len() + self.view.len());
        rest.extend_from_slice(&program);
        rest.extend_from_slice(&self.seq.to_le_bytes());
        rest.extend_from_slice(&chain);
        rest.extend_from_slice(&(state.len() as u64).to_le_bytes());
        rest.extend_from_slice(&state);
        rest.extend_from_slice(&self.view);
        let hash = blake3::hash(&rest);
        replace(&folder.path, &[MAGIC, hash.as_bytes(), &rest])?;
        Ok(rest.len() as u64)
    }
}

/// The file is either the old one or the new one for whoever reads it meanwhile.
fn replace(folder: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED_FILE);
    fs::write(&unfinished, parts.concat())?;
    fs::rename(unfinished, folder.join(SNAPSHOT_FILE))
}

fn chain_hash(reader: &Reader, seq: u64) -> Result<[u8; HASH_BYTES], SnapshotError> {
    let unreadable = |source| SnapshotError::Position { seq, source: Some(source) };
    let mut records = reader.records_from(seq).map_err(unreadable)?;
    match records.next().transpose().map_err(unreadable)? {
        Some(record) if record.header.seq == seq => Ok(*record.hash.as_bytes()),
        Some(_) | None => Err(SnapshotError::Position { seq, source: None }),
    }
}

fn split_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

/// What tells this program from every other build: a state is laid out as its code says. `None`
/// when the system does not show the program's file, or it was replaced.
fn program() -> Option<[u8; HASH_BYTES]> {
    static PROGRAM: OnceLock<Option<[u8; HASH_BYTES]>> = OnceLock::new();
    *PROGRAM.get_or_init(|| {
        let path = std::env::current_exe().ok()?;
        let file = fs::metadata(&path).ok()?;
        let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(&file.len().to_le_bytes());
        hasher.update(&changed.as_nanos().to_le_bytes());
        Some(*hasher.finalize().as_bytes())
    })
}

//! Snapshots: a folded state kept beside the journal, so that opening a run does not read all of it.
//!
//! ```text
//!   magic │ BLAKE3 of the rest │ program │ seq │ chain hash │ length of the view │ view │ state
//! ```
//!
//! The state is `MessagePack`: by place and not by name, since only the program that wrote it reads it.
//!
//! A cache. One is used only if it is whole, was written by this very program, and its position in
//! the journal has its hash; else the run is folded from the start, with the same result. It is not
//! synced: what a crash leaves of it fails its own hash.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    sync::OnceLock,
    time::UNIX_EPOCH,
};

use lao_journal::{ReadError, Reader};
use lao_kernel::State;

use crate::folder::RunFolder;

/// Name of the snapshot in a run's folder.
pub const SNAPSHOT_FILE: &str = "snapshot";

/// Name under which one is written.
const UNFINISHED_FILE: &str = "snapshot.new";

const MAGIC: &[u8; 8] = b"LAOsnap1";
const HASH_BYTES: usize = 32;
/// Program, position, chain hash and length of the view.
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
        let (view_bytes, _) = split_number(head)?;
        let (view, state) = rest.split_at_checked(usize::try_from(view_bytes).ok()?)?;
        let state = rmp_serde::from_slice(state).ok()?;
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
        let unfinished = folder.path.join(UNFINISHED_FILE);
        let mut file = BufWriter::new(File::create(&unfinished)?);
        file.write_all(MAGIC)?;
        file.write_all(&[0; HASH_BYTES])?;
        let mut rest = Hashed { file, hasher: blake3::Hasher::new(), bytes: 0 };
        rest.write_all(&program)?;
        rest.write_all(&self.seq.to_le_bytes())?;
        rest.write_all(&chain)?;
        rest.write_all(&(self.view.len() as u64).to_le_bytes())?;
        rest.write_all(&self.view)?;
        rmp_serde::encode::write(&mut rest, &self.state).map_err(io::Error::other)?;
        let Hashed { mut file, hasher, bytes } = rest;
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        file.write_all(hasher.finalize().as_bytes())?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(unfinished, folder.path.join(SNAPSHOT_FILE))?;
        Ok(bytes)
    }
}

/// Writes to a file, and hashes what it writes.
struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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

//! Large content, stored once under its BLAKE3 hash, durable before `put` returns.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::StorageFailure;
use crate::folder;

/// Longest content of one blob, in bytes; also what a damaged one may unpack to at most.
pub const BLOB_BYTES_MAX: usize = 256 * 1024 * 1024;

/// zstd's default: text shrinks to a third or less at hundreds of megabytes a second.
const ZSTD_LEVEL: i32 = 3;

/// The name of a blob: BLAKE3 of its content, not of its compressed form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash([u8; 32]);

impl BlobHash {
    /// The name that `content` has or would have.
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }

    /// A hash as stored in an event.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The stored form.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobHash({self})")
    }
}

/// A text is not the name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob's hash has 64 hexadecimal digits")]
pub struct BlobHashUnreadable;

impl FromStr for BlobHash {
    type Err = BlobHashUnreadable;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        let hash = blake3::Hash::from_hex(hex).map_err(|_not_hex| BlobHashUnreadable)?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// A blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not in the store.
    #[error("blob {hash} is not in {}: it was removed, or the store belongs to another project", folder.display())]
    Missing {
        /// The blob.
        hash: BlobHash,
        /// The store.
        folder: PathBuf,
    },
    /// What is stored is not what was put.
    #[error("blob {hash} is damaged in {}: restore the file from a copy", path.display())]
    Damaged {
        /// The blob.
        hash: BlobHash,
        /// Its file.
        path: PathBuf,
    },
    /// The content is longer than [`BLOB_BYTES_MAX`].
    #[error("content of {len} bytes is too large for a blob, the limit is {BLOB_BYTES_MAX}")]
    TooLarge {
        /// Its length.
        len: usize,
    },
    /// The disk or the system refused.
    #[error(transparent)]
    Storage(#[from] StorageFailure),
}

/// A store of blobs: `<folder>/<first two digits>/<64 digits>`, each one zstd frame.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Opens the store in `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, BlobError> {
        folder::make_folder(folder).map_err(|error| StorageFailure::new(folder, error))?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// The store's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a blob, whether or not it is there.
    pub fn path(&self, hash: BlobHash) -> PathBuf {
        let hex = hash.to_string();
        self.folder.join(&hex[..2]).join(hex)
    }

    /// Stores `content`; when this returns, an event may name it. Content that is there already is
    /// proven, and stored anew if it was damaged.
    pub fn put(&self, content: &[u8]) -> Result<BlobHash, BlobError> {
        if content.len() > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge { len: content.len() });
        }
        let hash = BlobHash::of(content);
        let path = self.path(hash);
        let shard = path.parent().expect("a blob's path has its shard's folder");
        match self.verify(hash) {
            // Whoever wrote it may have died between its rename and the sync of the folder.
            Ok(()) if touch(&path) => self.sync(shard)?,
            Ok(()) | Err(BlobError::Missing { .. } | BlobError::Damaged { .. }) => {
                folder::make_folder(shard).map_err(|error| self.failed(error))?;
                self.write(shard, hash, content)?;
            }
            Err(error @ (BlobError::TooLarge { .. } | BlobError::Storage(_))) => return Err(error),
        }
        Ok(hash)
    }

    fn write(&self, shard: &Path, hash: BlobHash, content: &[u8]) -> Result<(), BlobError> {
        let compressed =
            zstd::bulk::compress(content, ZSTD_LEVEL).map_err(|error| self.failed(error))?;
        folder::replace_file(shard, &hash.to_string(), &compressed)
            .map_err(|error| self.failed(error))
    }

    fn sync(&self, shard: &Path) -> Result<(), BlobError> {
        folder::sync(shard).and_then(|()| folder::sync(&self.folder)).map_err(|e| self.failed(e))
    }

    /// Reads the content of a blob; its hash is checked.
    ///
    /// # Errors
    ///
    /// [`BlobError::Missing`] and [`BlobError::Damaged`] are told apart.
    pub fn get(&self, hash: BlobHash) -> Result<Vec<u8>, BlobError> {
        let mut content = Vec::new();
        self.unpack(hash, |piece| content.extend_from_slice(piece))?;
        Ok(content)
    }

    /// Proves a blob without keeping it in memory.
    pub fn verify(&self, hash: BlobHash) -> Result<(), BlobError> {
        self.unpack(hash, |_| {})
    }

    /// Whether there is a file for this blob; says nothing about what is in it.
    pub fn contains(&self, hash: BlobHash) -> bool {
        self.path(hash).is_file()
    }

    /// Proves every blob of the store; shows each that fails, and each file that is none.
    pub fn check(&self, mut found: impl FnMut(&Path, Option<BlobError>)) -> Result<u64, BlobError> {
        let mut blobs = 0;
        for shard in self.entries(&self.folder)? {
            if !shard.is_dir() {
                found(&shard, None);
                continue;
            }
            for file in self.entries(&shard)? {
                match self.named(&file) {
                    Some(hash) => {
                        blobs += 1;
                        if let Err(error) = self.verify(hash) {
                            found(&file, Some(error));
                        }
                    }
                    None => found(&file, None),
                }
            }
        }
        Ok(blobs)
    }

    /// The blob whose place `file` is.
    fn named(&self, file: &Path) -> Option<BlobHash> {
        let hash: BlobHash = file.file_name()?.to_str()?.parse().ok()?;
        (self.path(hash) == file).then_some(hash)
    }

    /// Names in `folder`, sorted, without unfinished files.
    fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, BlobError> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| self.failed(error))? {
            let entry = entry.map_err(|error| self.failed(error))?;
            if !entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(folder::TEMPORARY_PREFIX.as_bytes())
            {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn unpack(&self, hash: BlobHash, mut take: impl FnMut(&[u8])) -> Result<(), BlobError> {
        let path = self.path(hash);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlobError::Missing { hash, folder: self.folder.clone() });
            }
            Err(error) => return Err(self.failed(error)),
        };
        let hashed = unpack_and_hash(file, BLOB_BYTES_MAX, &mut take);
        match hashed {
            Ok(found) if found == hash => Ok(()),
            // A frame that does not unpack and content that does not match are the same to the reader.
            Ok(_) | Err(_) => Err(BlobError::Damaged { hash, path }),
        }
    }

    fn failed(&self, error: io::Error) -> BlobError {
        StorageFailure::new(&self.folder, error).into()
    }
}

/// Unpacks piece by piece, and hashes; more than `limit` bytes are as wrong as a broken frame.
fn unpack_and_hash(
    file: impl Read,
    limit: usize,
    take: &mut impl FnMut(&[u8]),
) -> io::Result<BlobHash> {
    let mut content = zstd::stream::read::Decoder::new(file)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 64 * 1024];
    let mut rest = limit;
    loop {
        let count = content.read(&mut piece)?;
        if count == 0 {
            return Ok(BlobHash(*hasher.finalize().as_bytes()));
        }
        rest = rest.checked_sub(count).ok_or(io::ErrorKind::FileTooLarge)?;
        hasher.update(&piece[..count]);
        take(&piece[..count]);
    }
}

/// Makes a file young, so that collecting passes it over; whether it is still there. Where the
/// time may not be set nothing may be removed either.
#[expect(clippy::disallowed_types, reason = "a blob's age is its file's, no event's")]
fn touch(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => {
            drop(file.set_modified(std::time::SystemTime::now()));
            path.exists()
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    //! Unpacking is bounded, whatever a file claims.

    use super::*;

    #[test]
    fn a_frame_that_unpacks_to_more_than_the_limit_is_refused_before_it_is_all_there() {
        let bomb = zstd::bulk::compress(&vec![0; 4 * 1024 * 1024], ZSTD_LEVEL).unwrap();
        let mut taken = 0;
        let unpacked = unpack_and_hash(&bomb[..], 1024 * 1024, &mut |piece| taken += piece.len());
        assert!(unpacked.is_err());
        assert!(taken <= 1024 * 1024);
        let unpacked = unpack_and_hash(&bomb[..], 4 * 1024 * 1024, &mut |_| {});
        assert_eq!(unpacked.unwrap(), BlobHash::of(&vec![0; 4 * 1024 * 1024]));
    }
}

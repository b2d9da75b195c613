//! Reading a file that stood still: its hash, unless it changes meanwhile. Blocking.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use lao_event::Hash;

use super::{
    scan::{self, Shared},
    settle::Facts,
};

/// How much is read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// What reading came to.
pub(super) enum Hashed {
    /// The file was the same from beginning to end.
    Whole { path: PathBuf, facts: Facts, hash: Hash },
    /// It is another one now, or none.
    Changed { path: PathBuf, facts: Option<Facts> },
    /// It cannot be read.
    Unreadable { path: PathBuf, source: io::Error },
}

/// Reads the file, which is like `facts`, unless the watch is stopped.
pub(super) fn hash(shared: &Shared, path: PathBuf, facts: Facts) -> Hashed {
    match read(shared, &path).and_then(|hash| Ok((hash, scan::facts(&path)?))) {
        Ok((hash, Some(after))) if after == facts => Hashed::Whole { path, facts, hash },
        Ok((_, after)) => Hashed::Changed { path, facts: after },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Hashed::Changed { path, facts: None }
        }
        Err(source) => Hashed::Unreadable { path, source },
    }
}

fn read(shared: &Shared, path: &Path) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        if shared.is_stopped() {
            return Err(io::Error::other("the watch was stopped"));
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Hash(*hasher.finalize().as_bytes())),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
}

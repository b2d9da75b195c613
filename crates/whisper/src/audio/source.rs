//! A file that tells how far it was read.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use symphonia::core::io::MediaSource;

/// The file.
pub(super) struct Source {
    file: File,
    size_bytes: u64,
    at: Arc<AtomicU64>,
}

/// How far it was read.
pub(super) struct Position {
    size_bytes: u64,
    at: Arc<AtomicU64>,
}

impl Source {
    /// A file at its beginning.
    pub(super) fn new(file: File, size_bytes: u64) -> (Self, Position) {
        let at = Arc::new(AtomicU64::new(0));
        (Self { file, size_bytes, at: Arc::clone(&at) }, Position { size_bytes, at })
    }
}

impl Position {
    /// Thousandths of the file before the place where it was read last.
    pub(super) fn milli(&self) -> u32 {
        let at = self.at.load(Ordering::Relaxed).min(self.size_bytes);
        u32::try_from(at.saturating_mul(1000) / self.size_bytes.max(1)).unwrap_or(1000)
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        self.at.fetch_add(u64::try_from(read).unwrap_or_default(), Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.file.seek(to)?;
        self.at.store(at, Ordering::Relaxed);
        Ok(at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.size_bytes)
    }
}

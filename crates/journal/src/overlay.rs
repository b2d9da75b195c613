//! A storage backend that keeps what is written in memory, over a file that it only reads.
//!
//! This is how a journal is read whose writer was killed: redb must repair before it reads, and here
//! the repair happens in memory, so the file is not touched, may lie on a read-only disk, and any
//! number of readers can look at once. Only pages that redb asks for are read, only pages that it
//! writes are held.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// Granularity of the kept writes; redb's own page size, so that a page is rarely read first.
const PAGE_BYTES: u64 = 4096;

/// The backend; see the module.
#[derive(Debug)]
pub(crate) struct Overlay {
    file: FileBackend,
    kept: Mutex<Kept>,
}

/// What differs from the file.
#[derive(Debug)]
struct Kept {
    /// Length as redb sees it.
    len: u64,
    /// Up to here the file's own bytes are valid; beyond it unwritten bytes are zero.
    file_len: u64,
    /// Written pages by page number.
    pages: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    /// Never writes `file`, which may be open for reading only; locks it as a reader does.
    pub(crate) fn discarding(file: File) -> Result<Self, redb::DatabaseError> {
        let file = FileBackend::new(file)?;
        let len = file.len()?;
        let kept = Kept { len, file_len: len, pages: BTreeMap::new() };
        Ok(Self { file, kept: Mutex::new(kept) })
    }

    /// The file below.
    pub(crate) fn file(&self) -> &FileBackend {
        &self.file
    }

    /// Drops what is kept, since somebody wrote it into the file.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept();
        kept.pages.clear();
        kept.file_len = kept.len;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic of redb between two calls leaves this state whole: every change is one call.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of page `number` without kept writes.
    fn page_of_file(&self, file_len: u64, number: u64) -> io::Result<Box<[u8]>> {
        let start = number * PAGE_BYTES;
        let mut page = vec![0; as_len(PAGE_BYTES)].into_boxed_slice();
        let valid = file_len.saturating_sub(start).min(PAGE_BYTES);
        if valid > 0 {
            self.file.read(start, &mut page[..as_len(valid)])?;
        }
        Ok(page)
    }
}

/// The pages that `len` bytes from `offset` touch: page number, first byte within it, and how many.
fn spans(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + len as u64;
    let mut at = offset;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let number = at / PAGE_BYTES;
        let within = at % PAGE_BYTES;
        let count = (PAGE_BYTES - within).min(end - at);
        at += count;
        Some((number, as_len(within), as_len(count)))
    })
}

/// At most a page: fits.
fn as_len(bytes: u64) -> usize {
    usize::try_from(bytes).expect("no more than a page")
}

fn check_range(kept: &Kept, offset: u64, len: usize) -> io::Result<()> {
    match offset.checked_add(len as u64) {
        Some(end) if end <= kept.len => Ok(()),
        Some(_) | None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.kept().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let kept = self.kept();
        check_range(&kept, offset, out.len())?;
        let mut rest = out;
        for (number, within, count) in spans(offset, rest.len()) {
            let (piece, later) = rest.split_at_mut(count);
            rest = later;
            if let Some(page) = kept.pages.get(&number) {
                piece.copy_from_slice(&page[within..within + count]);
            } else {
                let page = self.page_of_file(kept.file_len, number)?;
                piece.copy_from_slice(&page[within..within + count]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut kept = self.kept();
        if len < kept.len {
            kept.pages.split_off(&len.div_ceil(PAGE_BYTES));
            if let Some(last) = kept.pages.get_mut(&(len / PAGE_BYTES)) {
                last[as_len(len % PAGE_BYTES)..].fill(0);
            }
            kept.file_len = kept.file_len.min(len);
        }
        kept.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut kept = self.kept();
        check_range(&kept, offset, data.len())?;
        let mut rest = data;
        for (number, within, count) in spans(offset, data.len()) {
            let (piece, later) = rest.split_at(count);
            rest = later;
            let file_len = kept.file_len;
            let page = match kept.pages.entry(number) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(self.page_of_file(file_len, number)?)
                }
            };
            page[within..within + count].copy_from_slice(piece);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

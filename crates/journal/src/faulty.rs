//! A storage backend for tests: a disk that fails, or loses its power, when a [`Fault`] says so.
//!
//! What is written stays in memory until a sync, as in a system's cache; then it is in the file.
//! When the power goes, the file gets what the disk may have kept of the rest. When nothing happens
//! the file gets all of it at the end, since a system writes what a process left.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

use crate::fault::{DiskAnswer, DiskCall, Fault, Kept};
use crate::overlay::Overlay;

/// Bytes of the file's first page, with redb's header.
const HEADER_BYTES: u64 = 4096;

/// The switch that ends a writer as if its process had died: it writes and removes nothing more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Power {
    is_cut: Arc<AtomicBool>,
}

impl Power {
    /// What was not synced is lost.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    fn check(&self) -> io::Result<()> {
        if self.is_cut() {
            return Err(io::Error::other("the power was cut by a fault"));
        }
        Ok(())
    }
}

/// What was asked for and is not durable.
#[derive(Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Resize(u64),
}

/// The backend; see the module.
pub(crate) struct FaultyDisk {
    cache: Overlay,
    unsynced: Mutex<Vec<Change>>,
    fault: Arc<dyn Fault>,
    power: Power,
}

impl std::fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyDisk").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl FaultyDisk {
    pub(crate) fn new(
        file: File,
        fault: Arc<dyn Fault>,
        power: Power,
    ) -> Result<Self, redb::DatabaseError> {
        let cache = Overlay::discarding(file)?;
        Ok(Self { cache, unsynced: Mutex::default(), fault, power })
    }

    fn unsynced(&self) -> MutexGuard<'_, Vec<Change>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, call: DiskCall) -> io::Result<()> {
        self.power.check()?;
        match self.fault.at_disk(call) {
            DiskAnswer::Continue => Ok(()),
            DiskAnswer::Fail(error) => Err(error),
            DiskAnswer::CutPower(kept) => {
                self.power.cut();
                self.store(&self.unsynced(), kept)?;
                self.power.check()
            }
        }
    }

    /// Writes into the file what is kept of `changes`.
    fn store(&self, changes: &[Change], kept: Kept) -> io::Result<()> {
        let file = self.cache.file();
        let count = changes.len() as u64;
        for (number, change) in (0..).zip(changes) {
            match change {
                Change::Resize(len) => {
                    if kept.keeps_resize(Turn { number, count }) {
                        file.set_len(*len)?;
                    }
                }
                Change::Write { offset, data } => {
                    // What a lost resize leaves beyond the end is lost with it.
                    let end = file.len()?;
                    for (offset, piece) in pieces(*offset, data, kept.sector_bytes()) {
                        let room = end.saturating_sub(offset).min(piece.len() as u64);
                        if kept.keeps_write(Turn { number, count }, offset) {
                            let room = usize::try_from(room).expect("no more than the piece");
                            file.write(offset, &piece[..room])?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// `data` cut at multiples of `sector_bytes` of the file.
fn pieces(offset: u64, data: &[u8], sector_bytes: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = (offset, data);
    std::iter::from_fn(move || {
        let (offset, data) = rest;
        let len = (sector_bytes - offset % sector_bytes).min(data.len() as u64);
        let (piece, after) = data.split_at(usize::try_from(len).expect("no more than the data"));
        rest = (offset + len, after);
        (!piece.is_empty()).then_some((offset, piece))
    })
}

/// Which of how many changes.
#[derive(Clone, Copy)]
struct Turn {
    number: u64,
    count: u64,
}

impl Kept {
    fn sector_bytes(self) -> u64 {
        match self {
            Self::Torn { sector_bytes, .. } => sector_bytes,
            Self::Nothing
            | Self::Everything
            | Self::Some { .. }
            | Self::Prefix { .. }
            | Self::Header
            | Self::AllButHeader => u64::MAX,
        }
    }

    fn keeps_resize(self, turn: Turn) -> bool {
        match self {
            Self::Nothing | Self::Header => false,
            Self::Everything | Self::AllButHeader => true,
            Self::Some { seed } | Self::Torn { seed, .. } => is_lucky(seed, turn.number, 0),
            Self::Prefix { seed } => turn.number < mixed(seed) % (turn.count + 1),
        }
    }

    fn keeps_write(self, turn: Turn, offset: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some { seed } => is_lucky(seed, turn.number, 0),
            Self::Torn { seed, .. } => is_lucky(seed, turn.number, offset),
            Self::Prefix { seed } => turn.number < mixed(seed) % (turn.count + 1),
            Self::Header => offset < HEADER_BYTES,
            Self::AllButHeader => offset >= HEADER_BYTES,
        }
    }
}

fn is_lucky(seed: u64, number: u64, offset: u64) -> bool {
    mixed(mixed(mixed(seed) ^ number) ^ offset) & 1 == 1
}

/// The finisher of splitmix64: every bit of the result depends on every bit of the input.
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        self.cache.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.ask(DiskCall::Read)?;
        self.cache.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.ask(DiskCall::Resize)?;
        self.cache.set_len(len)?;
        self.unsynced().push(Change::Resize(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.ask(DiskCall::Sync)?;
        let mut unsynced = self.unsynced();
        self.store(&unsynced, Kept::Everything)?;
        unsynced.clear();
        self.cache.forget();
        self.cache.file().sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.ask(DiskCall::Write)?;
        self.cache.write(offset, data)?;
        self.unsynced().push(Change::Write { offset, data: data.to_vec() });
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        if !self.power.is_cut() {
            self.store(&self.unsynced(), Kept::Everything)?;
        }
        self.cache.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.cache.file().try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.cache.file().try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.cache.file().lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.cache.file().lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.cache.file().unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.cache.file().query_lock_range(start, end)
    }
}

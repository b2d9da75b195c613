//! A journal that dies at a commit, as the process that writes it would, or whose disk loses its
//! power or fails.
//!
//! ```text
//!   crash_at --> Fault, asked by the journal's thread --struck--> CrashWatch --> whoever ends
//!   the process; released when the last of it is gone, so that the next life may open the file
//! ```

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use lao_journal::{DiskAnswer, DiskCall, Fault, FaultAnswer, FaultPoint, Kept};
use tokio::sync::Notify;

/// How long the remains of a crashed journal may take to be dropped.
const RELEASE_MAX: Duration = Duration::from_secs(20);

/// On which side of a commit the writer dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The events are lost.
    BeforeCommit,
    /// The events are durable, and nobody was told.
    AfterCommit,
}

impl Moment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::BeforeCommit, Self::AfterCommit];
}

/// Where the writer dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crash {
    /// Number of the commit within this opening of the journal, from 1.
    pub commit: u64,
    /// Before or after it.
    pub moment: Moment,
}

/// What befalls the journal's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskMishap {
    /// The power goes instead of a sync, and the writer dies.
    PowerCut {
        /// Number of the sync within this opening of the journal, from 1.
        sync: u64,
        /// What the disk keeps of what was to be synced.
        kept: Kept,
    },
    /// A call that changes the disk is refused, since the disk is full.
    Full {
        /// Number of the call within this opening of the journal, from 1.
        call: u64,
    },
}

/// A fault that crashes there, or only counts commits, and the watch over it.
pub fn crash_at(crash: Option<Crash>) -> (Arc<dyn Fault>, CrashWatch) {
    watched(crash, None)
}

/// A fault of the disk, and the watch over it.
pub fn disk_mishap(mishap: DiskMishap) -> (Arc<dyn Fault>, CrashWatch) {
    watched(None, Some(mishap))
}

fn watched(crash: Option<Crash>, mishap: Option<DiskMishap>) -> (Arc<dyn Fault>, CrashWatch) {
    let seen = Arc::new(Seen::default());
    let (alive, gone) = channel();
    let fault = CrashFault { crash, mishap, seen: Arc::clone(&seen), _alive: Mutex::new(alive) };
    (Arc::new(fault), CrashWatch { seen, gone })
}

#[derive(Default)]
struct Seen {
    struck: Notify,
    commits: AtomicU64,
    syncs: AtomicU64,
    disk_calls: AtomicU64,
}

struct CrashFault {
    crash: Option<Crash>,
    mishap: Option<DiskMishap>,
    seen: Arc<Seen>,
    /// Dropped with the fault, which the journal holds for as long as it holds its file.
    _alive: Mutex<Sender<Infallible>>,
}

impl Fault for CrashFault {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        let (commit, moment) = match point {
            FaultPoint::BeforeCommit { .. } => {
                (self.seen.commits.fetch_add(1, Ordering::SeqCst) + 1, Moment::BeforeCommit)
            }
            FaultPoint::AfterCommit { .. } => {
                (self.seen.commits.load(Ordering::SeqCst), Moment::AfterCommit)
            }
        };
        if self.crash == Some(Crash { commit, moment }) {
            self.seen.struck.notify_one();
            FaultAnswer::Crash
        } else {
            FaultAnswer::Continue
        }
    }

    fn at_disk(&self, call: DiskCall) -> DiskAnswer {
        if call == DiskCall::Read {
            return DiskAnswer::Continue;
        }
        let calls = self.seen.disk_calls.fetch_add(1, Ordering::SeqCst) + 1;
        let is_sync = call == DiskCall::Sync;
        let syncs = self.seen.syncs.fetch_add(u64::from(is_sync), Ordering::SeqCst) + 1;
        match self.mishap {
            Some(DiskMishap::PowerCut { sync, kept }) if is_sync && syncs == sync => {
                self.seen.struck.notify_one();
                DiskAnswer::CutPower(kept)
            }
            Some(DiskMishap::Full { call }) if calls == call => {
                DiskAnswer::Fail(io::ErrorKind::StorageFull.into())
            }
            None | Some(DiskMishap::PowerCut { .. } | DiskMishap::Full { .. }) => {
                DiskAnswer::Continue
            }
        }
    }
}

/// Tells when the writer died, and when the last of it is gone.
pub struct CrashWatch {
    seen: Arc<Seen>,
    gone: Receiver<Infallible>,
}

impl CrashWatch {
    /// Waits until the writer died.
    pub async fn struck(&self) {
        self.seen.struck.notified().await;
    }

    /// Commits that were begun, the one that died included.
    pub fn commits(&self) -> u64 {
        self.seen.commits.load(Ordering::SeqCst)
    }

    /// Syncs of the journal's disk that were asked for.
    pub fn syncs(&self) -> u64 {
        self.seen.syncs.load(Ordering::SeqCst)
    }

    /// Calls that change the journal's disk.
    pub fn disk_calls(&self) -> u64 {
        self.seen.disk_calls.load(Ordering::SeqCst)
    }

    /// Waits until the journal's file is closed and nothing holds the fault any more.
    ///
    /// # Panics
    ///
    /// If something does for longer than a dying process could.
    pub fn wait_until_gone(self) {
        match self.gone.recv_timeout(RELEASE_MAX) {
            Ok(never) => match never {},
            Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => panic!("something still holds the crashed journal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: FaultPoint = FaultPoint::BeforeCommit { first_seq: 1, last_seq: 1 };
    const AFTER: FaultPoint = FaultPoint::AfterCommit { first_seq: 1, last_seq: 1 };

    #[test]
    fn it_strikes_once_at_its_place() {
        let crash = Crash { commit: 2, moment: Moment::BeforeCommit };
        let (fault, watch) = crash_at(Some(crash));
        let answers = [BEFORE, AFTER, BEFORE, AFTER].map(|point| fault.at(point));
        let [go, die] = [FaultAnswer::Continue, FaultAnswer::Crash];
        assert_eq!(answers, [go, go, die, go]);
        assert_eq!(watch.commits(), 2);
        drop(fault);
        watch.wait_until_gone();
    }

    #[test]
    fn the_power_goes_at_its_sync_only() {
        let kept = Kept::Nothing;
        let (fault, watch) = disk_mishap(DiskMishap::PowerCut { sync: 2, kept });
        let calls = [DiskCall::Sync, DiskCall::Write, DiskCall::Sync, DiskCall::Sync];
        let cut = calls.map(|call| matches!(fault.at_disk(call), DiskAnswer::CutPower(_)));
        assert_eq!(cut, [false, false, true, false]);
        assert_eq!((watch.syncs(), watch.disk_calls()), (3, 4));
    }

    #[test]
    fn a_disk_is_full_once() {
        let (fault, watch) = disk_mishap(DiskMishap::Full { call: 2 });
        let calls = [DiskCall::Write, DiskCall::Read, DiskCall::Resize, DiskCall::Write];
        let full = calls.map(|call| matches!(fault.at_disk(call), DiskAnswer::Fail(_)));
        assert_eq!(full, [false, false, true, false]);
        assert_eq!(watch.disk_calls(), 3);
    }

    #[test]
    fn without_a_place_it_only_counts() {
        let (fault, watch) = crash_at(None);
        for _ in 0..3 {
            assert_eq!(fault.at(BEFORE), FaultAnswer::Continue);
            assert_eq!(fault.at(AFTER), FaultAnswer::Continue);
        }
        assert_eq!(watch.commits(), 3);
    }
}

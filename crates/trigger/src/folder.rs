//! A folder that is watched: every file that appears in it and has stopped growing, with its hash.
//!
//! ```text
//!   the system ──notices──▶ noticed ─▶ look ─▶ Settling ─▶ look again ─▶ hash ─▶ SettledFile
//!   scan, at first, now and then, and where notices were lost ──┘
//! ```
//!
//! What is seen is looked at, and taken once size and time have stood still for the settling time; an
//! empty file only after ten times that. Looking, scanning and reading happen on threads that may
//! block, one look and one file at a time, so that a thousand files at once are no more work at once.
//! Hidden and temporary files, and whatever lies behind a symbolic link, are never taken.

mod filter;
mod read;
mod scan;
mod settle;

use std::{
    collections::{BTreeSet, VecDeque},
    future::pending,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lao_event::Hash;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::{Notify, mpsc},
    task::{JoinError, JoinHandle, spawn_blocking},
    time::Instant,
};

use self::{
    filter::Filter,
    read::Hashed,
    scan::{Looked, Scan, Shared},
    settle::{Facts, Settling},
};
use crate::hashes::Hashes;

/// Notices that may wait to be looked at; where more come, the folder is scanned instead.
const NOTICES_MAX: usize = 4096;

/// How many files are looked at in one go.
const LOOK_FILES_MAX: usize = 512;

/// How many files may be settling; the others are found by a scan once these are taken.
const SETTLING_MAX: usize = 65_536;

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct WatchSpec {
    /// The folder, which must be there.
    pub folder: PathBuf,
    /// The folder as events name it: joined with what is inside, it must lead to the same files.
    pub name: String,
    /// Patterns of file names, or of paths within the folder where they have a `/`; all files where
    /// empty. Upper and lower case are the same.
    pub patterns: Vec<String>,
    /// Folders inside are watched too.
    pub recursive: bool,
    /// How long a file must stand still before it is taken.
    pub settle: Duration,
    /// How often the folder is scanned where the system does not say what changes.
    pub poll: Duration,
    /// How often it is scanned in any case, since a file system across a network says little.
    pub rescan: Duration,
}

/// A file that stopped growing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledFile {
    /// Where it is.
    pub path: PathBuf,
    /// The same as events have it: the folder's name and what is inside it, joined with `/`.
    pub name: String,
    /// The hash of its content.
    pub hash: Hash,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// What a watched folder has to say.
#[derive(Debug)]
pub enum Noticed {
    /// A file stopped growing.
    Settled(SettledFile),
    /// Something could not be done; it is tried again at the next scan.
    Trouble(WatchTrouble),
}

/// What could not be done while a folder was watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchTrouble {
    /// The system does not say what changes.
    #[error("{} cannot be watched, so it is looked at every {poll:?}", folder.display())]
    Polling {
        /// The folder.
        folder: PathBuf,
        /// How often.
        poll: Duration,
        /// Why.
        source: notify::Error,
    },
    /// A folder cannot be read, or is gone.
    #[error("the folder {} cannot be read", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has a name that no event can hold.
    #[error("the name of {} is not UTF-8: rename it", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
}

/// A folder cannot be watched at all.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A pattern is wrong.
    #[error("`{pattern}` is no pattern of file names; `*.mp3` and `*.{{jpg,png}}` are")]
    Pattern {
        /// As it is written.
        pattern: String,
        /// Why.
        source: globset::Error,
    },
    /// There is no such folder.
    #[error("the folder {} cannot be watched: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The stamps of all files in a folder, whatever the patterns, without reading one: what was there
/// before it is watched for the first time. Blocking.
pub fn file_stamps(spec: &WatchSpec) -> Result<Vec<Hash>, WatchError> {
    let all = WatchSpec { patterns: Vec::new(), ..spec.clone() };
    let shared = Shared::new(&all, Hashes::default())?;
    let Scan { found, troubles, is_whole: _ } = scan::scan(&shared, &shared.root, usize::MAX);
    match troubles.into_iter().next() {
        Some(WatchTrouble::Folder { folder, source }) => Err(WatchError::Folder { folder, source }),
        Some(
            WatchTrouble::Polling { .. } | WatchTrouble::File { .. } | WatchTrouble::Name { .. },
        )
        | None => Ok(found.iter().map(|(path, facts)| shared.stamp(path, *facts)).collect()),
    }
}

/// Notices of the system, as long as its watcher is kept.
struct Notices {
    paths: mpsc::Receiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

/// A folder that is watched.
pub struct FolderWatch {
    spec: WatchSpec,
    shared: Arc<Shared>,
    /// `None` where the system does not say what changes.
    notices: Option<Notices>,
    /// Told where notices were lost.
    lost: Arc<Notify>,
    noticed: BTreeSet<PathBuf>,
    settling: Settling,
    /// Stood still, and waits to be read.
    ready: VecDeque<(PathBuf, Facts)>,
    looking: Option<JoinHandle<Looked>>,
    reading: Option<JoinHandle<Hashed>>,
    out: VecDeque<Noticed>,
    begun: Instant,
    next_scan: Instant,
    is_scan_wanted: bool,
    /// The last scan could not read the folder.
    is_gone: bool,
    /// The folder may be another one under the same name, of which the system would say nothing.
    is_deaf: bool,
}

impl FolderWatch {
    /// Watches from now on, and finds what is there. `known` are the stamps of files that are passed
    /// by unread; see [`crate::TriggerState::stamps`]. Must be called within a runtime.
    pub fn start(spec: WatchSpec, known: Hashes) -> Result<Self, WatchError> {
        let shared = Arc::new(Shared::new(&spec, known)?);
        let begun = Instant::now();
        let mut watch = Self {
            settling: Settling::new(spec.settle),
            spec,
            shared,
            notices: None,
            lost: Arc::new(Notify::new()),
            noticed: BTreeSet::new(),
            ready: VecDeque::new(),
            looking: None,
            reading: None,
            out: VecDeque::new(),
            begun,
            next_scan: begun,
            is_scan_wanted: true,
            is_gone: false,
            is_deaf: false,
        };
        watch.listen();
        Ok(watch)
    }

    /// The next file, or trouble. Nothing is lost where it is dropped before it is ready.
    pub async fn next(&mut self) -> Noticed {
        loop {
            if let Some(noticed) = self.out.pop_front() {
                return noticed;
            }
            self.begin_work();
            let wake = self.wake();
            let has_room = self.noticed.len() < NOTICES_MAX;
            tokio::select! {
                path = next_path(self.notices.as_mut().filter(|_| has_room)) => self.notice(path),
                () = self.lost.notified() => self.is_scan_wanted = true,
                looked = done(&mut self.looking) => self.looked(looked),
                hashed = done(&mut self.reading) => self.hashed(hashed),
                () = tokio::time::sleep_until(wake), if self.looking.is_none() => {}
            }
        }
    }

    /// Asks the system for notices; where it refuses, the folder is scanned again and again.
    fn listen(&mut self) {
        match notices(&self.shared.root, self.spec.recursive, Arc::clone(&self.lost)) {
            Ok(notices) => self.notices = Some(notices),
            // It went after it was scanned; the next scan says so.
            Err(_) if !self.shared.root.exists() => {
                self.notices = None;
                (self.is_deaf, self.is_scan_wanted) = (true, true);
            }
            Err(source) => {
                self.notices = None;
                let (folder, poll) = (self.spec.folder.clone(), self.spec.poll);
                self.out.push_back(Noticed::Trouble(WatchTrouble::Polling {
                    folder,
                    poll,
                    source,
                }));
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When there is something to do without any notice.
    fn wake(&self) -> Instant {
        let due = self.settling.next_due().map(|due| self.begun + due);
        due.map_or(self.next_scan, |due| due.min(self.next_scan))
    }

    /// Starts what is to be done where nothing of the kind is under way.
    fn begin_work(&mut self) {
        if self.reading.is_none()
            && let Some((path, facts)) = self.ready.pop_front()
        {
            let shared = Arc::clone(&self.shared);
            self.reading = Some(spawn_blocking(move || read::hash(&shared, path, facts)));
        }
        if self.looking.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        if self.is_scan_wanted || self.next_scan <= Instant::now() {
            self.is_scan_wanted = false;
            let is_told = self.notices.is_some();
            self.next_scan =
                Instant::now() + if is_told { self.spec.rescan } else { self.spec.poll };
            let room = SETTLING_MAX.saturating_sub(self.settling.len() + self.ready.len());
            self.looking = Some(spawn_blocking(move || {
                Looked::Everywhere(scan::scan(&shared, &shared.root, room))
            }));
            return;
        }
        let mut paths = self.settling.take_due(self.now(), LOOK_FILES_MAX);
        while paths.len() < LOOK_FILES_MAX
            && let Some(path) = self.noticed.pop_first()
        {
            paths.push(path);
        }
        if !paths.is_empty() {
            self.looking = Some(spawn_blocking(move || scan::look(&shared, paths)));
        }
    }

    fn notice(&mut self, path: Option<PathBuf>) {
        match path {
            // The folder itself came or went.
            Some(path) if path == self.shared.root => {
                self.is_deaf = true;
                self.is_scan_wanted = true;
            }
            Some(path) => {
                self.noticed.insert(path);
            }
            // The system's watcher has ended.
            None => self.listen(),
        }
    }

    fn looked(&mut self, looked: Result<Looked, JoinError>) {
        let now = self.now();
        match looked {
            Ok(Looked::Everywhere(scan)) => self.scanned(scan, now),
            Ok(Looked::At(files, troubles)) => {
                self.out.extend(troubles.into_iter().map(Noticed::Trouble));
                for (path, facts) in files {
                    self.settle(path, facts, now);
                }
            }
            // It panicked: what it looked at is found again.
            Err(_) => self.is_scan_wanted = true,
        }
    }

    fn scanned(&mut self, scan: Scan, now: Duration) {
        let Scan { found, troubles, is_whole } = scan;
        let was_gone = self.is_gone;
        self.is_gone = troubles.iter().any(|trouble| self.is_about_root(trouble));
        if !(was_gone && self.is_gone) {
            self.out.extend(troubles.into_iter().map(Noticed::Trouble));
        }
        if (was_gone || self.is_deaf) && !self.is_gone {
            self.is_deaf = false;
            self.listen();
            // For what came between this scan and listening.
            self.is_scan_wanted = true;
        }
        let again = match (self.is_gone, is_whole) {
            (true, _) => self.spec.poll,
            // The rest is found when these are through.
            (false, false) => self.spec.settle * 2,
            (false, true) => self.spec.rescan,
        };
        self.next_scan = self.next_scan.min(Instant::now() + again);
        for (path, facts) in found {
            self.settle(path, Some(facts), now);
        }
    }

    fn is_about_root(&self, trouble: &WatchTrouble) -> bool {
        match trouble {
            WatchTrouble::Folder { folder, source: _ } => *folder == self.shared.root,
            WatchTrouble::Polling { .. }
            | WatchTrouble::File { .. }
            | WatchTrouble::Name { .. } => false,
        }
    }

    fn settle(&mut self, path: PathBuf, facts: Option<Facts>, now: Duration) {
        if let Some(settled) = self.settling.look(&path, facts, now) {
            self.ready.push_back((path, settled));
        }
    }

    fn hashed(&mut self, hashed: Result<Hashed, JoinError>) {
        match hashed {
            Ok(Hashed::Whole { path, facts, hash }) => {
                self.shared.know(self.shared.stamp(&path, facts));
                let inside = self.shared.inside(&path);
                let Facts { size_bytes, modified_ms } = facts;
                let name = self.shared.name(&path);
                let path = self.spec.folder.join(inside);
                let file = SettledFile { path, name, hash, size_bytes, modified_ms };
                self.out.push_back(Noticed::Settled(file));
            }
            Ok(Hashed::Changed { path, facts }) => self.settle(path, facts, self.now()),
            Ok(Hashed::Unreadable { path, source }) => {
                self.out.push_back(Noticed::Trouble(WatchTrouble::File { path, source }));
            }
            Err(_) => self.is_scan_wanted = true,
        }
    }
}

impl Drop for FolderWatch {
    /// Whoever waits for the threads, as a runtime does at its end, need not wait for a large file.
    fn drop(&mut self) {
        self.shared.stop();
    }
}

fn notices(root: &Path, recursive: bool, lost: Arc<Notify>) -> notify::Result<Notices> {
    let (sender, paths) = mpsc::channel(NOTICES_MAX);
    let tell = move |event: notify::Result<notify::Event>| match event {
        Ok(event) if event.kind.is_access() => {}
        Ok(event) if !event.need_rescan() => {
            for path in event.paths {
                if sender.try_send(path).is_err() {
                    lost.notify_one();
                }
            }
        }
        Ok(_) | Err(_) => lost.notify_one(),
    };
    let mut watcher = notify::recommended_watcher(tell)?;
    let mode = if recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(root, mode)?;
    Ok(Notices { paths, _watcher: watcher })
}

async fn next_path(notices: Option<&mut Notices>) -> Option<PathBuf> {
    match notices {
        Some(notices) => notices.paths.recv().await,
        None => pending().await,
    }
}

/// What a thread came to, which is none any more then.
async fn done<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    let result = match work {
        Some(running) => running.await,
        None => pending().await,
    };
    *work = None;
    result
}

//! Looking at files without reading them: one by one, or a folder from end to end. Blocking.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::UNIX_EPOCH,
};

use lao_event::Hash;

use super::{Filter, WatchError, WatchSpec, WatchTrouble, settle::Facts};
use crate::{hashes::Hashes, state::stamp};

/// What looking needs to know of the watch.
pub(super) struct Shared {
    /// The folder, without symbolic links in its path.
    pub(super) root: PathBuf,
    name: String,
    filter: Filter,
    /// Stamps of files that are passed by.
    known: Mutex<Hashes>,
    /// Nobody waits for what is looked at or read.
    stopped: AtomicBool,
}

impl Shared {
    pub(super) fn new(spec: &WatchSpec, known: Hashes) -> Result<Self, WatchError> {
        let filter = Filter::new(&spec.patterns, spec.recursive)?;
        let folder = |source| WatchError::Folder { folder: spec.folder.clone(), source };
        let root = spec.folder.canonicalize().map_err(folder)?;
        // Whether it can be read, and is a folder.
        drop(fs::read_dir(&root).map_err(folder)?);
        let name = spec.name.trim_end_matches('/').to_owned();
        Ok(Self { root, name, filter, known: Mutex::new(known), stopped: AtomicBool::new(false) })
    }

    /// Ends what is under way as soon as may be.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The path of a file within the folder.
    pub(super) fn inside<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The file as events have it.
    pub(super) fn name(&self, path: &Path) -> String {
        let parts = self.inside(path).iter().map(|part| part.to_string_lossy());
        parts.fold(self.name.clone(), |name, part| format!("{name}/{part}"))
    }

    pub(super) fn stamp(&self, path: &Path, facts: Facts) -> Hash {
        stamp(&self.name(path), facts.size_bytes, facts.modified_ms)
    }

    /// From now on the file is passed by as long as it is the same.
    pub(super) fn know(&self, stamp: Hash) {
        self.known.lock().expect("nothing panics while it is held").insert(stamp);
    }

    fn is_known(&self, path: &Path, facts: Facts) -> bool {
        let stamp = self.stamp(path, facts);
        self.known.lock().expect("nothing panics while it is held").contains(&stamp)
    }
}

/// Files that were found and are not known.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) found: Vec<(PathBuf, Facts)>,
    pub(super) troubles: Vec<WatchTrouble>,
    /// False if there were more than were asked for.
    pub(super) is_whole: bool,
}

/// What looking came to.
pub(super) enum Looked {
    /// At the whole folder.
    Everywhere(Scan),
    /// At some files: how each is, `None` where it is not there, not taken or known.
    At(Vec<(PathBuf, Option<Facts>)>, Vec<WatchTrouble>),
}

/// How a file is; `None` where it is not there, or no plain file.
pub(super) fn facts(path: &Path) -> io::Result<Option<Facts>> {
    plain(fs::symlink_metadata(path))
}

fn plain(looked_up: io::Result<Metadata>) -> io::Result<Option<Facts>> {
    match looked_up {
        Ok(metadata) => Ok(metadata.is_file().then(|| facts_of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn facts_of(metadata: &Metadata) -> Facts {
    // A file system without times, or with one before 1970, still has sizes.
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ms =
        modified.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Facts { size_bytes: metadata.len(), modified_ms }
}

/// Looks at files that were noticed or are settling; what is in a folder is looked at too.
pub(super) fn look(shared: &Shared, paths: Vec<PathBuf>) -> Looked {
    let (mut looked, mut troubles) = (Vec::new(), Vec::new());
    for path in paths {
        let looked_up = fs::symlink_metadata(&path);
        let inside = shared.inside(&path);
        if looked_up.as_ref().is_ok_and(Metadata::is_dir) {
            if path.starts_with(&shared.root) && shared.filter.enters(inside) {
                let scan = scan(shared, &path, super::SETTLING_MAX);
                looked.extend(scan.found.into_iter().map(|(path, facts)| (path, Some(facts))));
                troubles.extend(scan.troubles);
            }
            looked.push((path, None));
            continue;
        }
        let is_taken = path.starts_with(&shared.root)
            && shared.filter.takes(inside)
            && is_behind_no_link(shared, &path);
        let found = if is_taken { plain(looked_up) } else { Ok(None) };
        match found {
            Ok(facts) => {
                let facts = facts.filter(|_| is_named(&path, &mut troubles));
                let facts = facts.filter(|facts| !shared.is_known(&path, *facts));
                looked.push((path, facts));
            }
            Err(source) => {
                troubles.push(WatchTrouble::File { path: path.clone(), source });
                looked.push((path, None));
            }
        }
    }
    Looked::At(looked, troubles)
}

/// No folder on the way to the file is a symbolic link.
fn is_behind_no_link(shared: &Shared, path: &Path) -> bool {
    path.parent().is_some_and(|parent| {
        parent == shared.root || parent.canonicalize().is_ok_and(|real| real == parent)
    })
}

/// Scans a folder, at most `files_max` files that are not known; those that were written first come
/// first.
pub(super) fn scan(shared: &Shared, folder: &Path, files_max: usize) -> Scan {
    let mut scan = Scan { is_whole: true, ..Scan::default() };
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Gone since it was seen; the watched one must be there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != shared.root => {
                continue;
            }
            Err(source) => {
                scan.troubles.push(WatchTrouble::Folder { folder, source });
                continue;
            }
        };
        for entry in entries {
            if scan.found.len() >= files_max || shared.is_stopped() {
                scan.is_whole = false;
                folders.clear();
                break;
            }
            match entry {
                Ok(entry) => scan_one(shared, entry.path(), &mut scan, &mut folders),
                Err(source) => {
                    scan.troubles.push(WatchTrouble::Folder { folder: folder.clone(), source });
                    break;
                }
            }
        }
    }
    scan.found.sort_by(|(path, facts), (other, its)| {
        (facts.modified_ms, path).cmp(&(its.modified_ms, other))
    });
    scan
}

fn scan_one(shared: &Shared, path: PathBuf, scan: &mut Scan, folders: &mut Vec<PathBuf>) {
    // What is gone again is no trouble, and neither is what cannot be looked at: it is not readable.
    let Ok(metadata) = fs::symlink_metadata(&path) else { return };
    if metadata.is_dir() {
        if shared.filter.enters(shared.inside(&path)) {
            folders.push(path);
        }
        return;
    }
    if !metadata.is_file() || !shared.filter.takes(shared.inside(&path)) {
        return;
    }
    let facts = facts_of(&metadata);
    if is_named(&path, &mut scan.troubles) && !shared.is_known(&path, facts) {
        scan.found.push((path, facts));
    }
}

fn is_named(path: &Path, troubles: &mut Vec<WatchTrouble>) -> bool {
    let is_text = path.to_str().is_some();
    if !is_text {
        troubles.push(WatchTrouble::Name { path: path.to_path_buf() });
    }
    is_text
}

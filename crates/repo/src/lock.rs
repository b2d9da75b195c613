//! Locks: one recorder at a time per work tree, and git's own lock files, whose owner is provable.
//!
//! ```text
//!   <git folder>/lao/turn     locked by the operating system; a dead process gives it back
//!   <git folder>/lao/intent   written before git's locks are taken, removed after they are released
//!   <git folder>/index.lock   a hard link to lao/intent: the same bytes from its first instant on
//!   <ref>.lock                a hard link to lao/ref: the commit's id, as git would write it
//! ```
//!
//! A lock file that is found is ours exactly when it is that file or has its bytes (a power cut
//! may have taken the bytes of both), and stale exactly when nobody else has the turn. Any other lock belongs to another
//! program and is left alone.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use lao_event::{EffectId, RunId};

use crate::{error::LockError, platform::same_file};

/// How long another recorder's turn is waited for.
const TURN_WAIT: Duration = Duration::from_secs(10);
/// How often it is asked for meanwhile.
const TURN_POLL: Duration = Duration::from_millis(5);

/// First words of the file that says what is being recorded.
const INTENT_HEADER: &str = "held by lao while it records a commit";

/// The right to record in one work tree; given back when dropped, or when the process dies.
#[derive(Debug)]
pub(crate) struct Turn {
    own: PathBuf,
    _file: File,
}

impl Turn {
    /// Waits for the turn, then clears what a recorder that died left behind.
    /// `head_lock` is the lock of what `HEAD` points to, should the intent not say.
    pub(crate) fn take(own: &Path, git_folder: &Path, head_lock: &Path) -> Result<Self, LockError> {
        let path = own.join("turn");
        let refused = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(refused)?;
        let asked = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if asked.elapsed() < TURN_WAIT => {
                    thread::sleep(TURN_POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Busy {
                        path: path.clone(),
                        waited_s: TURN_WAIT.as_secs(),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(refused(source)),
            }
        }
        let turn = Self { own: own.to_owned(), _file: file };
        turn.clear_stale(git_folder, head_lock).map_err(refused)?;
        Ok(turn)
    }

    /// The file that the index lock is linked from.
    pub(crate) fn intent(&self) -> PathBuf {
        self.own.join("intent")
    }

    /// The file that a ref's lock is linked from.
    pub(crate) fn staged_ref(&self) -> PathBuf {
        self.own.join("ref")
    }

    /// Where the next index is written before it replaces the current one.
    pub(crate) fn staged_index(&self) -> PathBuf {
        self.own.join("index")
    }

    /// Nothing is left behind exactly when there is no intent, so that the usual case costs one
    /// look.
    fn clear_stale(&self, git_folder: &Path, head_lock: &Path) -> io::Result<()> {
        let intent = self.intent();
        let Some(text) = read_if_there(&intent)? else {
            return Ok(());
        };
        remove_if_same(&git_folder.join("index.lock"), &intent)?;
        let staged_ref = self.staged_ref();
        for lock in ref_lock_in(&text).into_iter().chain([head_lock.to_owned()]) {
            remove_if_same(&lock, &staged_ref)?;
        }
        remove_if_there(&staged_ref)?;
        remove_if_there(&self.staged_index())?;
        remove_if_there(&self.staged_index().with_extension("lock"))?;
        remove_if_there(&intent)
    }
}

/// What the intent says: for whom, and which ref's lock may be left behind.
pub(crate) fn intent_text(run: &RunId, effect: EffectId, ref_lock: &Path) -> String {
    format!(
        "{INTENT_HEADER}\nprocess {}\nrun {run}\neffect {}\nref-lock {}\n",
        std::process::id(),
        effect.0,
        ref_lock.display()
    )
}

fn ref_lock_in(intent: &[u8]) -> Option<PathBuf> {
    let text = std::str::from_utf8(intent).ok()?;
    text.lines().find_map(|line| line.strip_prefix("ref-lock ")).map(PathBuf::from)
}

/// One of git's lock files, held; removed when dropped unless it was renamed into place.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    staged: PathBuf,
    held: bool,
}

impl LockFile {
    /// Writes `content` to `staged` and links it to `path`, which must not exist.
    pub(crate) fn take(path: PathBuf, staged: PathBuf, content: &[u8]) -> Result<Self, LockError> {
        let linked = stage(&staged, content).and_then(|()| link(&staged, &path, content));
        match linked {
            Ok(()) => Ok(Self { path, staged, held: true }),
            Err(error) => {
                let failed = if error.kind() == ErrorKind::AlreadyExists {
                    LockError::Foreign { path }
                } else {
                    LockError::Io { path, source: error }
                };
                remove_if_there(&staged)
                    .map_err(|source| LockError::Io { path: staged, source })?;
                Err(failed)
            }
        }
    }

    /// Gives the lock back by renaming it into place, as git does for refs; its content is
    /// durable before.
    pub(crate) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, target)?;
        self.held = false;
        remove_if_there(&self.staged)
    }

    /// Gives the lock back.
    pub(crate) fn release(mut self) -> io::Result<()> {
        self.remove()
    }

    /// First the lock, then the proof that it is ours.
    fn remove(&mut self) -> io::Result<()> {
        self.held = false;
        remove_if_there(&self.path)?;
        remove_if_there(&self.staged)
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if self.held {
            // What cannot be removed now is recognised and cleared by the next turn.
            self.remove().unwrap_or_default();
        }
    }
}

fn stage(path: &Path, content: &[u8]) -> io::Result<()> {
    remove_if_there(path)?;
    File::create_new(path)?.write_all(content)
}

/// A hard link appears at once with all its bytes. Where there are none, a new file has to do.
fn link(staged: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::hard_link(staged, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
        Err(_) => File::create_new(path)?.write_all(content),
    }
}

pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a lock that is a link to `staged`, or has its bytes where links cannot be told.
fn remove_if_same(lock: &Path, staged: &Path) -> io::Result<()> {
    let (Some(found), Some(ours)) = (read_if_there(lock)?, read_if_there(staged)?) else {
        return Ok(());
    };
    if same_file(lock, staged)? || (!ours.is_empty() && found == ours) {
        remove_if_there(lock)?;
    }
    Ok(())
}

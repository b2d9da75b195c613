//! A machine with nothing on it and the real binary: empty home, no git configuration, UTC.
//!
//! Nothing here waits for a time: what a process prints wakes whoever waits for it, and the only
//! limit is [`DEADLINE`], after which a process that hangs is killed and the test fails.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// After this a process counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// Folders of a machine; removed when it is dropped.
pub(crate) struct Sandbox {
    root: TempDir,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Sandbox {
    /// A new machine, in memory where the system has such a folder.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = tempfile::Builder::new().prefix("lao-").tempdir_in(parent).unwrap();
        for folder in ["home", "runtime", "work", "tmp"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(root.path().join("runtime"), private).unwrap();
        Self { root }
    }

    /// Where everything lies.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A path in the folder that commands work in.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join("work").join(path)
    }

    /// Writes a file of the folder that commands work in.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let whole = self.path(path);
        fs::create_dir_all(whole.parent().unwrap()).unwrap();
        fs::write(whole, text).unwrap();
    }

    /// The binary, to be run in an emptied environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lao"));
        let at = |folder: &str| self.root().join(folder);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", at("home"))
            .env("XDG_CONFIG_HOME", at("home/.config"))
            .env("XDG_CACHE_HOME", at("home/.cache"))
            .env("XDG_DATA_HOME", at("home/.local/share"))
            .env("XDG_STATE_HOME", at("home/.local/state"))
            .env("XDG_RUNTIME_DIR", at("runtime"))
            .env("TMPDIR", at("tmp"))
            .env("TZ", "UTC")
            .env("USER", "ada")
            .current_dir(at("work"))
            .args(arguments);
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).finish()
    }

    /// Starts the binary and lets it go on by itself.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }
}

/// A process that goes on; killed when it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdout: Stream,
    pub(crate) stderr: Stream,
}

impl Running {
    /// Starts a process.
    pub(crate) fn start(mut command: Command) -> Self {
        let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let stdout = Stream::read(child.stdout.take().unwrap());
        let stderr = Stream::read(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits until it ends by itself.
    pub(crate) fn finish(mut self) -> Outcome {
        if !self.stdout.wait(|_, ended| ended) || !self.stderr.wait(|_, ended| ended) {
            self.child.kill().unwrap();
            panic!("hangs: {}\n{}", self.stdout.text(), self.stderr.text());
        }
        let code = self.child.wait().unwrap().code();
        Outcome { stdout: self.stdout.take(), stderr: self.stderr.take(), code }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// What a process prints, read as it comes.
pub(crate) struct Stream {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let seen: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        let theirs = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let count = pipe.read(&mut piece).unwrap_or(0);
                let mut seen = lock(&theirs.0);
                seen.bytes.extend_from_slice(&piece[..count]);
                seen.ended = count == 0;
                theirs.1.notify_all();
                if seen.ended {
                    return;
                }
            }
        });
        Self { seen, reader: Some(reader) }
    }

    /// Waits for a fact about what was printed; false after the deadline.
    pub(crate) fn wait(&self, holds: impl Fn(&str, bool) -> bool) -> bool {
        let until = Instant::now() + DEADLINE;
        let mut seen = lock(&self.seen.0);
        while !holds(&String::from_utf8_lossy(&seen.bytes), seen.ended) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.seen.1.wait_timeout(seen, left);
            seen = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.seen.0).bytes).into_owned()
    }

    fn take(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

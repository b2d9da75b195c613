//! Limits, descriptors and signals on Unix.

use std::{
    fs::File,
    io::{self, stderr, stdout},
};

use rustix::{
    io::fcntl_dupfd_cloexec,
    process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit},
    stdio::dup2_stdout,
};

/// Lets the process have no more address space than this, and leave no core file: a model is large.
pub(crate) fn limit_memory(bytes: u64) -> io::Result<()> {
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::Core, limit(0))?;
    Ok(setrlimit(Resource::As, limit(bytes))?)
}

/// Standard output, for frames alone: whatever else is printed goes to standard error.
pub(crate) fn take_stdout() -> io::Result<File> {
    let frames = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdout(stderr())?;
    Ok(File::from(frames))
}

/// Ends the process without running anything that the engine left to run at an exit.
pub(crate) fn end_at_once() -> ! {
    // Nothing can be done where it fails, and it does not fail.
    kill_process(getpid(), Signal::KILL).ok();
    std::process::abort()
}

//! A child process and what it used, apart from this one.

use std::{
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use wait4::Wait4;

/// How often the child's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a child used.
pub(crate) struct Spent {
    pub wall: Duration,
    pub user: Duration,
    pub system: Duration,
    /// The most memory that was its own at once, in bytes.
    pub peak_bytes: u64,
}

/// Runs a command to its end, which must be a good one.
pub(crate) fn run(command: &mut Command) -> Spent {
    let begun = Instant::now();
    let child = command.spawn().expect("the program starts");
    let is_over = Arc::new(AtomicBool::new(false));
    let watch = watch_memory(child.id(), Arc::clone(&is_over));
    let ended = child.wait4().expect("the child can be waited for");
    let wall = begun.elapsed();
    is_over.store(true, Ordering::Relaxed);
    watch.thread().unpark();
    let watched = watch.join().expect("the watcher only reads");
    assert!(ended.status.success(), "{command:?}: {}", ended.status);
    Spent {
        wall,
        user: ended.rusage.utime,
        system: ended.rusage.stime,
        // What wait4 says counts the memory of this process too, from before the child's program.
        peak_bytes: watched.unwrap_or(ended.rusage.maxrss),
    }
}

/// Follows the high-water mark of a process, where the system shows it.
fn watch_memory(pid: u32, is_over: Arc<AtomicBool>) -> thread::JoinHandle<Option<u64>> {
    thread::spawn(move || {
        let mut peak = None;
        while !is_over.load(Ordering::Relaxed) {
            peak = high_water_bytes(pid).or(peak);
            thread::park_timeout(LOOK_EVERY);
        }
        peak
    })
}

fn high_water_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

//! What this process used so far, where the system shows it: for benchmarks on a machine that has
//! other things to do.

use std::{fs, time::Duration};

/// Ticks of a second in Linux's `/proc`, on every platform that Rust's targets name.
const TICKS: u64 = 100;

/// Processor time of all its threads, in steps of a hundredth of a second.
pub fn processor_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name, which may hold anything, ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}

/// The most memory it had, in bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

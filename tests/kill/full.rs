//! A disk that is really full: the run says so, loses nothing, and goes on when there is space.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use lao_scenario::files;

use super::{
    super::support::{
        demo::{PLAN, write_demo},
        sandbox::Sandbox,
    },
    end::{End, PACE_MS},
};

/// Sizes of the disk, in KiB: full while planning, while coding, while committing.
const SIZES: [u32; 5] = [160, 200, 240, 280, 320];

/// Enough for the whole run.
const ENOUGH: u32 = 64 * 1024;

/// Exit codes of a run that can be resumed: parked, and the journal cannot be written.
const RESUMABLE: [Option<i32>; 2] = [Some(5), Some(8)];

/// A small file system in memory over a sandbox's folder of work; gone when it is dropped.
struct SmallDisk<'s> {
    sandbox: &'s Sandbox,
}

impl<'s> SmallDisk<'s> {
    /// `None` where this process may not mount one.
    fn new(sandbox: &'s Sandbox, kib: u32) -> Option<Self> {
        mount(&sandbox.path(""), &["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .then_some(Self { sandbox })
    }

    fn grow(&self, kib: u32) {
        let options = format!("remount,size={kib}k");
        assert!(mount(&self.sandbox.path(""), &["-o", &options]));
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.sandbox.path("")).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn mount(folder: &Path, options: &[&str]) -> bool {
    let mut command = Command::new("mount");
    let quiet = command.args(options).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_loses_nothing() {
    let end = End::of_the_demo();
    let mut stopped = 0;
    for kib in SIZES {
        let sandbox = Sandbox::new();
        let Some(disk) = SmallDisk::new(&sandbox, kib) else {
            println!("skipped: a file system of a few kilobytes can only be mounted by root");
            return;
        };
        write_demo(&sandbox, PACE_MS);
        let full = sandbox.run(&["run", PLAN]);
        let said = format!("{}\n{}", full.stdout, full.stderr);
        assert!(RESUMABLE.contains(&full.code), "{kib} KiB: {:?}\n{said}", full.code);
        assert!(said.to_lowercase().contains("no space left"), "{kib} KiB: {said}");
        let known = sandbox.run(&["log", "last", "--json"]).stdout;
        stopped += usize::from(!known.is_empty());

        disk.grow(ENOUGH);
        let whole = sandbox.run(&["run", PLAN]);
        assert_eq!(whole.code, Some(0), "{kib} KiB: {}\n{}", whole.stdout, whole.stderr);
        let after = sandbox.run(&["log", "last", "--json"]).stdout;
        assert!(after.starts_with(&known), "{kib} KiB: an event was lost");
        let check = sandbox.run(&["journal", "check"]);
        assert_eq!(check.code, Some(0), "{check:?}");
        let root = sandbox.path("todo");
        for (name, content) in end.written() {
            let now = fs::read_to_string(root.join(name)).unwrap();
            assert_eq!(&now, content, "{kib} KiB: {name}");
        }
        let names: Vec<String> = files(&root).unwrap().into_keys().collect();
        assert_eq!(names, end.names(), "{kib} KiB");
        drop(disk);
    }
    assert!(stopped > 1, "the disk was never full in the middle of a run");
}

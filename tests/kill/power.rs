//! Power that goes while the real program works: the project's `.lao` lies on `LazyFS`, a file system
//! that forgets what was not synced. The process is killed, the file system forgets, is mounted anew,
//! and the run goes on.
//!
//! `LazyFS` is a program of others (<https://github.com/dsrhaslab/lazyfs>), which few machines have:
//! without `LAO_LAZYFS=path/to/lazyfs` this says that it was skipped.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_process_group};
use tempfile::TempDir;

use super::{
    super::support::{
        demo::write_demo,
        sandbox::{DEADLINE, Sandbox},
    },
    end::{End, PACE_MS},
    moment::{Moment, Random, Whom, events, run_to_the_end, start},
    random::{number, seed},
};

/// Power losses unless `LAO_KILLS` says otherwise.
const LOSSES: usize = 20;
/// The most events that a process prints before the power goes, and one more.
const EVENTS_MAX: u64 = 12;
/// The longest pause after them, in microseconds.
const PAUSE_US_MAX: u64 = 12_000;
/// What `LazyFS` says when it has forgotten.
const FORGOTTEN: &str = "finished::clear-cache";

/// A mounted `LazyFS`; unmounted when it is dropped.
struct LazyFs<'s> {
    sandbox: &'s Sandbox,
    program: OsString,
    /// Configuration and pipes. `LazyFS` takes a path with "-o" in it for an option.
    own: TempDir,
    mounted: Option<(Child, JoinHandle<BufReader<File>>)>,
}

impl<'s> LazyFs<'s> {
    /// Mounts it at the `.lao` of a project.
    fn mount(sandbox: &'s Sandbox, program: OsString) -> Self {
        let own = tempfile::Builder::new().prefix("lazyfs").tempdir_in("/tmp").unwrap();
        fs::create_dir_all(sandbox.path(".lao")).unwrap();
        fs::create_dir_all(sandbox.root().join("disk")).unwrap();
        let mut lazy = Self { sandbox, program, own, mounted: None };
        let [commands, completed] = ["commands", "completed"].map(|name| lazy.own(name));
        let made = Command::new("mkfifo").args([&commands, &completed]).status().unwrap();
        assert!(made.success());
        let config = format!(
            "[faults]\nfifo_path={commands:?}\nfifo_path_completed={completed:?}\n\
             [cache]\napply_eviction=false\n[cache.simple]\ncustom_size=\"0.2GB\"\nblocks_per_page=1\n\
             [file system]\nlog_all_operations=false\nlogfile={:?}\n",
            lazy.own("log"),
        );
        fs::write(lazy.own("config.toml"), config).unwrap();
        lazy.start();
        lazy
    }

    fn own(&self, name: &str) -> PathBuf {
        self.own.path().join(name)
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path(".lao")
    }

    fn start(&mut self) {
        let below = device(&self.folder());
        let mut subdir = OsString::from("subdir=");
        subdir.push(self.sandbox.root().join("disk"));
        let child = Command::new(&self.program)
            .arg(self.folder())
            .arg("--config-path")
            .arg(self.own("config.toml"))
            .args(["-o", "allow_other", "-o", "modules=subdir", "-o"])
            .arg(subdir)
            .arg("-f")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("LAO_LAZYFS names the program");
        // LazyFS begins when somebody reads there, and opening the pipe waits for LazyFS.
        let completed = self.own("completed");
        let reader = std::thread::spawn(move || BufReader::new(File::open(completed).unwrap()));
        self.mounted = Some((child, reader));
        let (child, _) = self.mounted.as_mut().expect("it was just set");
        let until = Instant::now() + DEADLINE;
        while device(&self.sandbox.path(".lao")) == below {
            assert_eq!(child.try_wait().unwrap(), None, "LazyFS ended");
            assert!(Instant::now() < until, "LazyFS does not mount");
            std::thread::yield_now();
        }
    }

    /// Forgets what was not synced, and is mounted anew, so that nothing above remembers it either.
    fn lose_power(&mut self) {
        let (child, reader) = self.mounted.take().expect("it is mounted");
        let mut commands = File::options().write(true).open(self.own("commands")).unwrap();
        commands.write_all(b"lazyfs::clear-cache\n").unwrap();
        let mut told = String::new();
        reader.join().unwrap().read_line(&mut told).unwrap();
        assert_eq!(told.trim_end(), FORGOTTEN);
        self.unmount(child);
        self.start();
    }

    fn unmount(&self, mut child: Child) {
        let by = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let command = command.args(arguments).arg(self.folder()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let done = by("fusermount3", &["-u"]) || by("umount", &[]);
        // It ends by itself, unless it still waits for a command.
        child.kill().unwrap_or_default();
        child.wait().unwrap();
        assert!(done || std::thread::panicking(), "LazyFS cannot be unmounted");
    }

    /// That it forgets what was not synced, and nothing else: else this would prove nothing.
    fn assert_forgets(&mut self) {
        let [synced, unsynced] = ["synced", "unsynced"].map(|name| self.folder().join(name));
        let mut file = File::create(&synced).unwrap();
        file.write_all(b"kept").unwrap();
        file.sync_all().unwrap();
        drop(file);
        fs::write(&unsynced, b"lost").unwrap();
        self.lose_power();
        assert_eq!(fs::read(&synced).unwrap(), b"kept");
        assert_ne!(fs::read(&unsynced).unwrap_or_default(), b"lost", "LazyFS forgets nothing");
        fs::remove_file(synced).unwrap();
        // Its name may be lost as well.
        fs::remove_file(unsynced).unwrap_or_default();
    }
}

impl Drop for LazyFs<'_> {
    fn drop(&mut self) {
        if let Some((child, _)) = self.mounted.take() {
            self.unmount(child);
        }
    }
}

fn device(path: &Path) -> u64 {
    fs::metadata(path).unwrap().dev()
}

/// The program, and that this machine lets it mount something.
fn lazyfs() -> Option<OsString> {
    let program = env::var_os("LAO_LAZYFS")?;
    let fuse = File::options().read(true).write(true).open("/dev/fuse");
    fuse.is_ok().then_some(program)
}

/// Every event that was printed is there after the power went, and the run ends as undisturbed.
#[test]
fn a_run_whose_power_goes_over_and_over_loses_nothing_that_was_told() {
    let Some(program) = lazyfs() else {
        println!(
            "skipped: no power was cut; set LAO_LAZYFS=path/to/lazyfs, and /dev/fuse is needed"
        );
        return;
    };
    let losses = number("LAO_KILLS").map_or(LOSSES, |kills| usize::try_from(kills).unwrap());
    let seed = seed();
    println!("LAO_KILL_SEED={seed} LAO_KILLS={losses}");
    let mut random = Random(seed);
    let mut lost = 0;
    while lost < losses {
        let sandbox = Sandbox::new();
        write_demo(&sandbox, PACE_MS);
        let mut lazy = LazyFs::mount(&sandbox, program.clone());
        lazy.assert_forgets();
        loop {
            let after = usize::try_from(random.below(EVENTS_MAX)).unwrap();
            let pause_us = random.below(PAUSE_US_MAX);
            let moment = Moment { events: after, pause_us, whom: Whom::Group };
            let Some(told) = told_until(&sandbox, moment) else {
                break;
            };
            lazy.lose_power();
            lost += 1;
            assert_holds(&sandbox, &told);
        }
        run_to_the_end(&sandbox);
        assert_eq!(&End::of(&sandbox, "todo"), End::of_the_demo());
    }
}

/// What the run printed of its events until it was killed; `None` if it ended before.
fn told_until(sandbox: &Sandbox, moment: Moment) -> Option<String> {
    let running = start(sandbox);
    running.stdout.wait(|seen, ended| ended || events(seen) >= moment.events);
    std::thread::sleep(Duration::from_micros(moment.pause_us));
    kill_process_group(running.pid(), Signal::KILL).expect("it is not waited for yet");
    let outcome = running.finish();
    outcome.code.is_none().then_some(outcome.stdout)
}

/// Whether the journal is sound and has every event that was told.
#[track_caller]
fn assert_holds(sandbox: &Sandbox, told: &str) {
    // The last line may be cut.
    let whole = told.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let events: Vec<&str> =
        whole.lines().filter(|line| line.starts_with("{\"update\":\"event\"")).collect();
    if events.is_empty() {
        return;
    }
    let check = sandbox.run(&["journal", "check", "--deep"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let log = sandbox.run(&["log", "last", "--json"]).stdout;
    for event in events {
        assert!(log.contains(event), "told, and lost with the power: {event}");
    }
}

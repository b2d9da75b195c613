//! What is done with journals afterwards, killed: repair, compaction, removal of runs and of blobs.
//! Each is killed before every change that it makes to a file or a name, one process for each (of
//! the writes and resizes between two syncs, before some; before all if `LAO_SWEEP_ALL` is set). After
//! that every run opens and is sound, nothing is lost, and the same command typed again ends it.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use lao_journal::JOURNAL_FILE;
use serde_json::Value;

use super::{
    super::support::{demo::write_demo, sandbox::Sandbox},
    calls::{can_trace, trace},
};

/// The demo's plan is made longer than an event may be, so that it is a blob.
const PLAN_BYTES: usize = 20 * 1024;

/// Of the writes and resizes, one in so many is a moment.
const WRITES_EVERY: usize = 6;

/// A project with two runs that are done; the texts of their plans are blobs, an old one is nobody's.
struct Project {
    sandbox: Sandbox,
    /// In the order of time.
    runs: Vec<String>,
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        write_demo(&sandbox, 0);
        let demo = fs::read_to_string(sandbox.path("plans/todo.md")).unwrap();
        for plan in ["first", "second"] {
            let line = format!("Nothing is to be done about this line of the {plan} plan.\n");
            let text = format!("{demo}\n{}", line.repeat(PLAN_BYTES / line.len()));
            let path = format!("plans/{plan}.md");
            sandbox.write(&path, &text);
            let window = "roles.planner.context_tokens=65536";
            let outcome = sandbox.run(&["run", &path, "--again", "--set", window]);
            assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        }
        let nobodys = "ab".repeat(32);
        sandbox.write(&format!(".lao/blobs/ab/{nobodys}"), "of no run");
        let mut project = Self { sandbox, runs: Vec::new() };
        project.runs = project.listed();
        assert_eq!(project.runs.len(), 2);
        project
    }

    /// One for all tests, which is only copied.
    fn made() -> &'static Self {
        static MADE: OnceLock<Project> = OnceLock::new();
        MADE.get_or_init(Self::new)
    }

    fn copy(&self) -> Self {
        let sandbox = Sandbox::new();
        write_demo(&sandbox, 0);
        copy_folder(&self.sandbox.path(".lao"), &sandbox.path(".lao"));
        Self { sandbox, runs: self.runs.clone() }
    }

    /// The runs as a listing shows them, oldest first.
    fn listed(&self) -> Vec<String> {
        let listed = self.sandbox.run(&["runs", "--all", "--json"]);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        let run = |line: &str| {
            let run: Value = serde_json::from_str(line).unwrap();
            run["run"].as_str().unwrap().to_owned()
        };
        let mut runs: Vec<String> = listed.stdout.lines().map(run).collect();
        runs.sort();
        runs
    }

    /// The events of a run.
    fn log(&self, run: &str) -> String {
        let log = self.sandbox.run(&["log", run, "--json"]);
        assert_eq!(log.code, Some(0), "{log:?}");
        log.stdout
    }

    fn journal(&self, run: &str) -> PathBuf {
        self.sandbox.path(&format!(".lao/runs/{run}/journal.redb"))
    }

    /// Every file of runs and blobs, but for unfinished ones that a kill left and nothing reads.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for name in ["runs", "blobs"] {
            note_files(&self.sandbox.path(&format!(".lao/{name}")), name, &mut files);
        }
        files.retain(|name, _| !name.contains("/.new-"));
        files
    }

    /// Types a command.
    #[track_caller]
    fn assert_done(&self, arguments: &[&str]) {
        let outcome = self.sandbox.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}{}", outcome.stdout, outcome.stderr);
    }

    #[track_caller]
    fn assert_sound(&self) {
        self.assert_done(&["journal", "check", "--deep"]);
    }
}

fn note_files(folder: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            note_files(&entry.path(), &name, files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// Copies a folder; every file is two days old.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
            let then = SystemTime::now() - Duration::from_hours(48);
            File::open(to).unwrap().set_modified(then).unwrap();
        }
    }
}

/// In what a journal must be the same, wherever the command was killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Journals {
    SameBytes,
    /// The command appends, and a store that was killed lays its pages out in another way.
    SameEvents,
}

/// What is upkept, and what must hold.
struct Upkeep<'a> {
    arguments: &'a [&'a str],
    /// What it is typed in, which is only copied.
    project: &'a Project,
    /// What must hold after a kill at any moment.
    after_a_kill: &'a dyn Fn(&Project),
    /// Kinds of changes that the command is known to make: one that is not seen is not killed at.
    changes: &'a [&'a str],
    journals: Journals,
}

impl Upkeep<'_> {
    /// Kills the command at every change in turn. What it leaves when it is typed again is what it
    /// leaves undisturbed.
    fn sweep(&self) {
        let undisturbed = self.project.copy();
        if !can_trace(&undisturbed.sandbox) {
            println!("skipped: this process may not trace others (ptrace)");
            return;
        }
        let whole = trace(&undisturbed.sandbox, self.arguments, None);
        assert_eq!(whole.code, Some(0), "{whole:?}");
        for change in self.changes {
            assert!(whole.calls.contains(change), "no {change} in {:?}", whole.calls);
        }
        let files = undisturbed.files();
        for place in moments(&whole.calls) {
            let project = self.project.copy();
            let killed = trace(&project.sandbox, self.arguments, Some(place));
            println!(
                "{:?}: killed before change {place}, {:?}",
                self.arguments,
                killed.calls.last()
            );
            assert_eq!(killed.code, None, "it makes the same changes every time");
            (self.after_a_kill)(&project);
            project.assert_done(self.arguments);
            project.assert_sound();
            let left = project.files();
            assert_eq!(left.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
            let may_differ =
                |name: &str| self.journals == Journals::SameEvents && name.ends_with(JOURNAL_FILE);
            let same =
                |(name, bytes): (&String, &Vec<u8>)| may_differ(name) || left[name] == *bytes;
            assert!(files.iter().all(same), "other bytes than undisturbed");
            for run in project.listed() {
                assert_eq!(project.log(&run), undisturbed.log(&run));
            }
        }
    }
}

/// Where a command is killed that makes these changes.
fn moments(calls: &[&str]) -> Vec<usize> {
    let every = if env::var_os("LAO_SWEEP_ALL").is_some() { 1 } else { WRITES_EVERY };
    let is_moment = |(place, call): (usize, &&str)| {
        (!["write", "resize"].contains(call) || place % every == 0).then_some(place)
    };
    calls.iter().enumerate().filter_map(is_moment).collect()
}

/// Events of the damaged decision that follow from those before the damage.
const DERIVED_EVENTS: usize = 1;

/// A text of an event in the midst of the journal is changed wherever it stands in the file.
fn damage(project: &Project) {
    let path = project.journal(&project.runs[0]);
    let mut bytes = fs::read(&path).unwrap();
    let text = b"review(t1)";
    let places: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_repair_that_is_killed_leaves_the_damaged_journal_or_the_repaired_one() {
    let damaged = Project::made().copy();
    damage(&damaged);
    let run = damaged.runs[0].as_str();
    let before = fs::read(damaged.journal(run)).unwrap();
    let repair = ["journal", "repair", run];
    let undisturbed = damaged.copy();
    undisturbed.assert_done(&repair);
    let repaired = undisturbed.log(run);
    assert!(repaired.lines().count() > 20, "most of it is kept");
    Upkeep {
        arguments: &repair,
        project: &damaged,
        after_a_kill: &|project| {
            if fs::read(project.journal(run)).unwrap() == before {
                return;
            }
            // What is derived again is appended after the repaired journal has its name.
            let log = project.log(run);
            let underived = repaired.lines().count() - log.lines().count();
            assert!(repaired.starts_with(&log) && underived <= DERIVED_EVENTS, "{log}");
            let aside = project.journal(run).with_extension("redb.damaged-1");
            assert!(fs::read(aside).unwrap() == before, "what was damaged is kept");
        },
        changes: &["write", "sync", "link", "rename"],
        journals: Journals::SameEvents,
    }
    .sweep();
}

#[test]
fn a_compaction_that_is_killed_loses_nothing() {
    let project = Project::made();
    let run = project.runs[0].as_str();
    let log = project.log(run);
    Upkeep {
        arguments: &["journal", "compact", run],
        project,
        after_a_kill: &|project| {
            project.assert_sound();
            assert_eq!(project.log(run), log);
        },
        changes: &["write", "sync", "rename"],
        journals: Journals::SameBytes,
    }
    .sweep();
}

#[test]
fn a_removal_that_is_killed_leaves_whole_runs_and_what_they_name() {
    let project = Project::made();
    let [first, second] = [0, 1].map(|place| project.log(&project.runs[place]));
    for (keep, left) in [("1", vec![second.clone()]), ("0", vec![])] {
        Upkeep {
            arguments: &["prune", "--keep", keep, "--yes"],
            project,
            after_a_kill: &|project| {
                project.assert_sound();
                let runs = project.listed();
                let logs: Vec<String> = runs.iter().map(|run| project.log(run)).collect();
                assert!(logs.len() >= left.len());
                assert!([first.clone(), second.clone()].ends_with(&logs), "the oldest goes first");
            },
            changes: &["sync", "rename", "unlink"],
            journals: Journals::SameBytes,
        }
        .sweep();
    }
}

#[test]
fn a_collection_of_blobs_that_is_killed_leaves_what_is_named() {
    let project = Project::made();
    let named = project.files();
    Upkeep {
        arguments: &["journal", "gc", "--yes"],
        project,
        after_a_kill: &|project| {
            project.assert_sound();
            let files = project.files();
            let gone: Vec<&String> =
                named.keys().filter(|name| !files.contains_key(*name)).collect();
            assert!(gone.iter().all(|name| name.contains("/abab")), "{gone:?}");
        },
        changes: &["rename", "unlink"],
        journals: Journals::SameBytes,
    }
    .sweep();
}

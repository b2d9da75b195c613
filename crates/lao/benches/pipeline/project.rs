//! A project with a plan, and what a run leaves in it.

use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use lao_event::RunId;
use lao_journal::{
    Draft, Genesis, JOURNAL_FILE, Journal, MANIFEST_FILE, Manifest, Options, RECORD_OVERHEAD_BYTES,
    ReadError, Reader,
};

use crate::process::{self, Spent};

/// The program.
pub(crate) const LAO: &str = env!("CARGO_BIN_EXE_lao");

/// Variable with a program to run the runs under, such as `perf record -g`.
const UNDER: &str = "LAO_BENCH_UNDER";

/// Variable with the folder in which projects are made, instead of one in the target folder: on a
/// file system in memory a sync costs nothing, and what is left is the program's own work.
const FOLDER: &str = "LAO_BENCH_FOLDER";

/// Whether work is committed to git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Git {
    Off,
    On,
}

impl fmt::Display for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
        })
    }
}

/// What the journal of a run holds.
pub(crate) struct JournalFacts {
    pub events: u64,
    /// Of the store, each with one sync.
    pub commits: u64,
    /// Of all records, their headers and hashes included.
    pub record_bytes: u64,
    pub file_bytes: u64,
}

/// A project in a folder that goes away.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new(base_url: &str, git: Git, permits: usize) -> Self {
        let parent = std::env::var_os(FOLDER).unwrap_or(env!("CARGO_TARGET_TMPDIR").into());
        let folder = tempfile::tempdir_in(parent);
        let folder = folder.expect("the benchmark's folder is writable");
        let config = format!(
            "[endpoints.bench]\nkind = \"openai\"\nurl = \"{base_url}/v1\"\npermits = {permits}\n\n\
             [roles.planner]\nmodel = \"bench-planner\"\n\n\
             [roles.coder]\nmodel = \"bench-coder\"\n\n\
             [roles.reviewer]\nmodel = \"bench-reviewer\"\n\n\
             [git]\nenabled = {}\nauthor_name = \"Bench\"\nauthor_email = \"bench@localhost\"\n",
            git == Git::On
        );
        let project = Self { folder };
        for name in ["plans", "home"] {
            fs::create_dir(project.root().join(name)).expect("the folder is new");
        }
        project.write("lao.toml", &config);
        project
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with its folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(path, text)).expect("the benchmark's folder is writable");
    }

    /// Writes the plan: a heading and a line for each task.
    pub(crate) fn plan(&self, tasks: usize) {
        let parts: Vec<_> = (1..=tasks)
            .map(|task| format!("## Part {task:04}\n\nmake:{task:04} It holds a few lines.\n\n"))
            .collect();
        self.write("plans/bench.md", &format!("# Bench\n\n{}", parts.concat()));
    }

    /// Runs the plan to its end.
    pub(crate) fn run(&self) -> Spent {
        let under = std::env::var(UNDER).unwrap_or_default();
        let line = format!("{under} {LAO} run --once");
        let words: Vec<&str> = line.split_whitespace().collect();
        self.start(words[0], &words[1..])
    }

    /// Runs a program in the project, in an environment of its own.
    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Spent {
        let home = self.root().join("home");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("TMPDIR", &home)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        process::run(&mut command)
    }

    /// Files that tasks wrote.
    pub(crate) fn parts(&self) -> usize {
        entries(&self.root().join("bench/parts")).iter().map(|folder| entries(folder).len()).sum()
    }

    /// How many entries a folder has.
    pub(crate) fn files(&self, folder: &str) -> usize {
        entries(&self.root().join(folder)).len()
    }

    /// The folders of the runs.
    fn run_folders(&self) -> Vec<PathBuf> {
        entries(&self.root().join(".lao/runs"))
    }

    /// The folder of the one run.
    fn run_folder(&self) -> PathBuf {
        let folders = self.run_folders();
        let [folder] = folders.as_slice() else { panic!("one run: {folders:?}") };
        folder.clone()
    }

    /// Makes so many runs of the one, with its journal.
    pub(crate) fn copy_run(&self, count: usize) {
        let folder = self.run_folder();
        let mut manifest = Manifest::read(&folder).expect("the run ended well");
        let created_ms = u64::try_from(manifest.created_ms).expect("it was made after 1970");
        for number in 1..count {
            let run = RunId::new(created_ms + 1000 * number as u64, 0);
            let copy = folder.with_file_name(run.as_str());
            fs::create_dir(&copy).expect("the id is new");
            fs::hard_link(folder.join(JOURNAL_FILE), copy.join(JOURNAL_FILE)).expect("links work");
            run.as_str().clone_into(&mut manifest.run);
            let text = serde_json::to_vec(&manifest).expect("it was read as JSON");
            fs::write(copy.join(MANIFEST_FILE), text).expect("there is space");
        }
    }

    /// What the journal of the one run holds.
    pub(crate) fn journal(&self) -> JournalFacts {
        journal(&self.run_folder(), transactions_of_a_commit())
    }

    /// What the journals of all runs hold together.
    pub(crate) fn journals(&self) -> JournalFacts {
        let transactions = transactions_of_a_commit();
        let mut all = JournalFacts { events: 0, commits: 0, record_bytes: 0, file_bytes: 0 };
        for folder in self.run_folders() {
            let one = journal(&folder, transactions);
            all.events += one.events;
            all.commits += one.commits;
            all.record_bytes += one.record_bytes;
            all.file_bytes += one.file_bytes;
        }
        all
    }
}

/// What a folder holds.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is a folder");
    entries.map(|entry| entry.expect("it can be listed").path()).collect()
}

/// What the journal of a run holds, of a store that never aborted a commit.
fn journal(folder: &Path, transactions_of_a_commit: u64) -> JournalFacts {
    let file = folder.join(JOURNAL_FILE);
    let reader = Reader::open(folder, &Options::default()).expect("the run ended well");
    let (mut events, mut record_bytes) = (0, 0);
    let walked = reader.for_each::<ReadError>(1, |record| {
        events += 1;
        record_bytes += (record.payload.len() + RECORD_OVERHEAD_BYTES) as u64;
        Ok(())
    });
    walked.expect("the chain holds");
    JournalFacts {
        events,
        commits: last_transaction(&file) / transactions_of_a_commit,
        record_bytes,
        file_bytes: fs::metadata(&file).expect("it was read").len(),
    }
}

/// How many transaction numbers redb uses for one commit, found by making some.
fn transactions_of_a_commit() -> u64 {
    const COMMITS: u64 = 16;
    let folder = tempfile::tempdir().expect("the system's folder for such files is writable");
    let file = folder.path().join(JOURNAL_FILE);
    let genesis = Genesis { run: String::from("bench"), started: Vec::new() };
    let journal = Journal::create(folder.path(), genesis, &Options::default());
    let mut journal = journal.expect("the folder is empty");
    let draft = Draft {
        event_type: 1,
        schema_version: 1,
        flags: 0,
        wall_time_ms: 0,
        monotonic_ns: 0,
        cause: 0,
        payload: Vec::new(),
    };
    let mut after_commits = |count: u64| {
        for _ in 0..count {
            journal.append(std::slice::from_ref(&draft)).expect("there is space");
        }
        last_transaction(&file)
    };
    let first = after_commits(COMMITS);
    (after_commits(COMMITS) - first) / COMMITS
}

/// The number of the store's last transaction, from the two slots of redb's file header.
fn last_transaction(file: &Path) -> u64 {
    const SLOTS: [usize; 2] = [64, 192];
    const TRANSACTION_ID: usize = 104;
    let mut header = [0; 320];
    let mut file = fs::File::open(file).expect("it was written");
    file.read_exact(&mut header).expect("a store has a header");
    let id = |slot: usize| {
        let bytes = header[slot + TRANSACTION_ID..][..8].try_into();
        u64::from_le_bytes(bytes.expect("eight bytes"))
    };
    SLOTS.map(id).into_iter().max().unwrap_or(0)
}

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

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).expect("the benchmark's folder is writable");
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
        let folders = fs::read_dir(self.root().join("bench/parts")).expect("tasks wrote files");
        let files = |folder: PathBuf| fs::read_dir(folder).expect("it is a folder").count();
        folders.map(|folder| files(folder.expect("it can be listed").path())).sum()
    }

    /// The folder of the one run.
    fn run_folder(&self) -> PathBuf {
        let runs = fs::read_dir(self.root().join(".lao/runs")).expect("there was a run");
        let folders: Vec<PathBuf> =
            runs.map(|entry| entry.expect("it can be listed").path()).collect();
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

    pub(crate) fn journal(&self) -> JournalFacts {
        let folder = self.run_folder();
        let file = folder.join(JOURNAL_FILE);
        let reader = Reader::open(&folder, &Options::default()).expect("the run ended well");
        let (mut events, mut record_bytes) = (0, 0);
        let walked = reader.for_each::<ReadError>(1, |record| {
            events += 1;
            record_bytes += (record.payload.len() + RECORD_OVERHEAD_BYTES) as u64;
            Ok(())
        });
        walked.expect("the chain holds");
        JournalFacts {
            events,
            commits: store_commits(&file),
            record_bytes,
            file_bytes: fs::metadata(&file).expect("it was read").len(),
        }
    }
}

/// The number of commits of a store that never aborted one.
fn store_commits(file: &Path) -> u64 {
    last_transaction(file) / transactions_of_a_commit()
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

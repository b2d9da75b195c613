//! How a run ended: what must be the same whether or not it was interrupted.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::OnceLock,
};

use git2::{ObjectType, Repository, Sort, TreeWalkMode, TreeWalkResult};
use lao_scenario::{files, uncommitted};
use serde_json::{Value, json};

use super::super::support::{
    demo::{PLAN, write_demo},
    sandbox::Sandbox,
};

/// Milliseconds that each answer of the scripted model takes.
pub(crate) const PACE_MS: u64 = 10;

/// Everything that an interruption must not change.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    files: BTreeMap<String, String>,
    commits: Vec<Commit>,
    uncommitted: Vec<String>,
    /// Result, attempts, findings, files and commits of every step.
    steps: Vec<Value>,
    /// Model calls that were answered.
    answers: usize,
    /// Events of an uninterrupted run; more where it was interrupted.
    pub(crate) events: Events,
}

/// A commit, without what differs from run to run: its id, its time, the run, effect numbers.
#[derive(Debug, PartialEq)]
struct Commit {
    subject: String,
    step: String,
    /// Every file with its content.
    tree: BTreeMap<String, String>,
}

/// A number of events, which is not compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events(pub(crate) usize);

impl PartialEq for Events {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl End {
    /// Reads how the only run in a sandbox ended, and that it is sound.
    pub(crate) fn of(sandbox: &Sandbox, workspace: &str) -> Self {
        let root = sandbox.path(workspace);
        let check = sandbox.run(&["journal", "check"]);
        assert_eq!(check.code, Some(0), "{check:?}");
        assert!(check.stdout.contains("sealed"), "{check:?}");
        let runs = sandbox.run(&["runs", "--json"]);
        assert_eq!(runs.stdout.lines().count(), 1, "one run, however often it is taken up");
        let status: Value =
            serde_json::from_str(&sandbox.run(&["status", "--json"]).stdout).unwrap();
        assert_eq!(status["exit_code"], 0, "{status}");
        let log = sandbox.run(&["log", "last", "--json"]).stdout;
        let run = status["summary"]["run"].as_str().unwrap();
        let names = files(&root).unwrap().into_keys();
        Self {
            files: names
                .map(|name| (root.join(&name), name))
                .map(|(path, name)| (name, without(run, &fs::read(path).unwrap())))
                .collect(),
            commits: commits(&root, run),
            uncommitted: uncommitted(&root).unwrap(),
            steps: status["steps"].as_array().unwrap().iter().map(result).collect(),
            answers: answers(&log),
            events: Events(log.lines().count()),
        }
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// The files that tasks wrote, apart from what LAO notes about the run.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&String, &String)> {
        self.files.iter().filter(|(name, _)| !name.starts_with("LAO_"))
    }

    /// How the demo ends when nobody interrupts it.
    pub(crate) fn of_the_demo() -> &'static Self {
        static END: OnceLock<End> = OnceLock::new();
        END.get_or_init(|| {
            let sandbox = Sandbox::new();
            write_demo(&sandbox, PACE_MS);
            let outcome = sandbox.run(&["run", PLAN]);
            assert_eq!(outcome.code, Some(0), "{outcome:?}");
            Self::of(&sandbox, "todo")
        })
    }
}

/// A text without the run that it names.
fn without(run: &str, text: &[u8]) -> String {
    String::from_utf8(text.to_vec()).unwrap().replace(run, "RUN")
}

/// The commits, oldest first. Each has the trailers of its run, step and effect, and no other has
/// the same ones.
fn commits(root: &Path, run: &str) -> Vec<Commit> {
    let repository = Repository::open(root).unwrap();
    let mut walk = repository.revwalk().unwrap();
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
    walk.push_head().unwrap();
    let mut effects = BTreeSet::new();
    let facts = |id: Result<git2::Oid, git2::Error>| {
        let commit = repository.find_commit(id.unwrap()).unwrap();
        let message = commit.message().unwrap();
        let trailer = |name: &str| {
            let values: Vec<&str> =
                message.lines().filter_map(|line| line.strip_prefix(name)).collect();
            assert_eq!(values.len(), 1, "{name}once in:\n{message}");
            values[0].to_owned()
        };
        assert_eq!(trailer("Lao-Run: "), run);
        let effect = trailer("Lao-Effect: ");
        assert!(effects.insert(effect), "its effect is in two commits:\n{message}");
        Commit {
            subject: message.lines().next().unwrap_or_default().to_owned(),
            step: trailer("Lao-Step: "),
            tree: tree(&repository, &commit, run),
        }
    };
    walk.map(facts).collect()
}

fn tree(repository: &Repository, commit: &git2::Commit<'_>, run: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let note = |folder: &str, entry: &git2::TreeEntry<'_>| {
        if entry.kind() == Some(ObjectType::Blob) {
            let blob = repository.find_blob(entry.id()).unwrap();
            let name = format!("{folder}{}", entry.name().unwrap());
            files.insert(name, without(run, blob.content()));
        }
        TreeWalkResult::Ok
    };
    commit.tree().unwrap().walk(TreeWalkMode::PreOrder, note).unwrap();
    files
}

fn result(step: &Value) -> Value {
    let subjects: Vec<&Value> =
        step["commits"].as_array().unwrap().iter().map(|commit| &commit["subject"]).collect();
    json!({
        "key": step["key"],
        "status": step["status"],
        "attempts": step["attempts"],
        "findings": step["findings"],
        "files": step["files"],
        "commits": subjects,
    })
}

/// How many model calls were answered; none of them twice.
fn answers(log: &str) -> usize {
    let mut answered = BTreeSet::new();
    for line in log.lines() {
        let update: Value = serde_json::from_str(line).unwrap();
        if update["event"] == "ModelCallEnded" {
            let effect = update["data"]["effect"].as_u64().unwrap();
            assert!(answered.insert(effect), "call {effect} was answered twice");
        }
    }
    answered.len()
}

//! The scenarios: where their files lie, and how they are run.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A plan, a configuration and a script of model answers.
pub(crate) struct Scenario {
    pub name: &'static str,
    /// From the top of the repository.
    folder: &'static str,
    script: &'static str,
    pub place: Place,
    pub order: Order,
    pub depth: Depth,
    /// The most bytes of one piece of the plan.
    pub chunk_bytes: usize,
}

/// Where a scenario works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a folder of its own with a repository of its own.
    Folder,
    /// In a folder without git.
    WithoutGit,
    /// In a worktree of a user's repository.
    Worktree,
}

/// Whether one thing happens after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One task at a time: the same order in every run.
    Fixed,
    /// Several at a time: which is faster is a matter of chance.
    Free,
}

/// How much of the sweep a scenario gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All of it.
    Whole,
    /// All of it, but not every single commit, sync and call.
    Part,
    /// A sample, since it is a variation of another one.
    Sample,
}

const WHOLE: usize = usize::MAX;

/// The demo that the binary carries.
pub(crate) const DEMO: Scenario = Scenario {
    name: "demo",
    folder: "crates/lao/demo",
    script: "demo-model.toml",
    place: Place::Folder,
    order: Order::Fixed,
    depth: Depth::Whole,
    chunk_bytes: WHOLE,
};

/// Findings of the verifier, several calls in one answer, patches, a deletion, blobs.
pub(crate) const REWORK: Scenario = Scenario {
    name: "rework",
    folder: "tests/crash_sweep/data/rework",
    script: "model.toml",
    place: Place::Folder,
    order: Order::Fixed,
    depth: Depth::Part,
    chunk_bytes: WHOLE,
};

/// The same without commits.
pub(crate) const REWORK_WITHOUT_GIT: Scenario = Scenario {
    name: "rework-without-git",
    place: Place::WithoutGit,
    depth: Depth::Sample,
    ..REWORK
};

/// Unusable answers of planner and reviewer, a rejection, a rework, a plan in two pieces.
pub(crate) const REVIEW: Scenario = Scenario {
    name: "review",
    folder: "tests/crash_sweep/data/review",
    chunk_bytes: 200,
    ..REWORK
};

/// The same in a worktree of a user's repository.
pub(crate) const REVIEW_IN_A_WORKTREE: Scenario = Scenario {
    name: "review-in-a-worktree",
    place: Place::Worktree,
    depth: Depth::Sample,
    ..REVIEW
};

/// A failed task, skipped dependents, others that go on; two at a time.
pub(crate) const FAILURE: Scenario = Scenario {
    name: "failure",
    folder: "tests/crash_sweep/data/failure",
    order: Order::Free,
    ..REWORK
};

/// Every one.
pub(crate) const ALL: [&Scenario; 6] =
    [&DEMO, &REWORK, &REWORK_WITHOUT_GIT, &REVIEW, &REVIEW_IN_A_WORKTREE, &FAILURE];

/// Stands in scripts for a text that is too large to stay in an event.
const LARGE_MARK: &str = "@large@";
const LARGE_LINES: usize = 1500;

impl Scenario {
    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.folder)
    }

    fn read(&self, name: &str) -> String {
        let path = self.folder().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn plan(&self) -> String {
        self.read("plan.md")
    }

    pub(crate) fn config(&self) -> String {
        self.read("lao.toml")
    }

    /// The script, without the pauses that make it look alive, and with large texts in place.
    pub(crate) fn script(&self) -> String {
        let lines = self.read(self.script);
        let quick: Vec<&str> =
            lines.lines().filter(|line| !line.starts_with("delay_ms = ")).collect();
        quick.join("\n").replace(LARGE_MARK, &large_text())
    }

    /// Whether all it works on is in a folder of its own.
    pub(crate) fn is_in_a_folder(&self) -> bool {
        match self.place {
            Place::Folder | Place::WithoutGit => true,
            Place::Worktree => false,
        }
    }

    /// Where its ending is recorded.
    pub(crate) fn ending_file(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/crash_sweep/data/endings")
            .join(format!("{}.txt", self.name))
    }
}

/// As it stands inside a string of TOML.
fn large_text() -> String {
    let lines: Vec<String> =
        (1..=LARGE_LINES).map(|number| format!("line {number} of the words\\n")).collect();
    lines.concat()
}

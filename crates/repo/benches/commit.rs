//! What a commit costs, and whether that stays so as history and work tree grow.
//!
//! `cargo bench -p lao-repo --bench commit [folder]`: the folder decides which disk is measured
//! (a temporary folder otherwise). A commit has two task files of three kilobytes and one trail
//! file. Beside it stands the price of the disk itself: one file of one kilobyte written and
//! synced, with its folder.
#![expect(clippy::print_stdout, reason = "a benchmark reports on standard output")]

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lao_event::{
    EffectId, GitSettings, Hash, RunId, WorkspaceSettings,
    latest::{CommitOutcome, CommitPath},
};
use lao_port::{CommitRequest, TrailText, WorkspaceRequest};
use lao_repo::GitRepository;

const COMMITS: u64 = 1000;
const WINDOW: u64 = 100;
const FILES_AT_START: usize = 1000;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let base = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let place = tempfile::TempDir::new_in(base).expect("the folder can be written");
    println!("disk: one file written and synced: {:?}", disk(place.path()));
    measure("empty work tree", &place.path().join("empty"), 0);
    measure("1,000 files in 20 folders", &place.path().join("full"), FILES_AT_START);
}

/// The median of writing and syncing a file and its folder.
fn disk(place: &Path) -> Duration {
    let mut times: Vec<Duration> = (0..200)
        .map(|number| {
            let start = Instant::now();
            let mut file = File::create(place.join(format!("sync-{number}"))).expect("writable");
            file.write_all(&[7; 1024]).expect("space");
            file.sync_all().expect("synced");
            File::open(place).and_then(|folder| folder.sync_all()).expect("synced");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn measure(title: &str, place: &Path, files: usize) {
    let git = GitRepository::with_config_home(place);
    let settings = GitSettings {
        enabled: true,
        author_name: Some("Bench".into()),
        author_email: Some("bench@example.com".into()),
    };
    let workspace =
        WorkspaceSettings::Folder { path: place.to_str().expect("a plain path").to_owned() };
    let run = RunId::new(1_750_000_000_000, 1);
    let prepare =
        WorkspaceRequest { run: run.clone(), workspace: workspace.clone(), git: settings.clone() };
    git.prepare_blocking(&prepare).expect("prepared");
    let names: Vec<String> =
        (0..files).map(|number| format!("dir{}/file{number}.txt", number % 20)).collect();
    let mut request = CommitRequest {
        run,
        effect: EffectId(0),
        step: "t0".into(),
        subject: "code: bench".into(),
        body: String::new(),
        paths: names.iter().map(|name| write(place, name, name)).collect(),
        trail: Vec::new(),
        sweep: false,
        dirty: Vec::new(),
        git: settings,
        workspace,
    };
    git.commit_blocking(&request).expect("committed");
    let mut times = Vec::new();
    for effect in 1..=COMMITS {
        let text = format!("{effect}\n").repeat(600);
        let source = format!("src/part{}/a{effect}.rs", effect % 10);
        request.effect = EffectId(effect);
        request.paths = vec![write(place, &source, &text), write(place, "src/lib.rs", &text)];
        request.trail = vec![TrailText { path: "LAO_TASKS.json".into(), text: text.clone() }];
        let start = Instant::now();
        let outcome = git.commit_blocking(&request).expect("committed");
        times.push(start.elapsed());
        assert!(matches!(outcome, CommitOutcome::Made { .. }));
    }
    println!("{title}:");
    for (number, window) in (1..).zip(times.chunks(usize::try_from(WINDOW).expect("small"))) {
        let mut sorted = window.to_vec();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        println!("  commits to {:>4}: median {median:?}", number * WINDOW);
    }
}

fn write(place: &Path, name: &str, text: &str) -> CommitPath {
    let path = place.join(name);
    fs::create_dir_all(path.parent().expect("in a folder")).expect("writable");
    fs::write(&path, text).expect("space");
    CommitPath { path: name.to_owned(), hash: Some(Hash::of(text.as_bytes())) }
}

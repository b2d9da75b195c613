//! How fast a run is derived again from its journal, against folding the same events; and how much
//! memory that takes.
//!
//! `cargo bench -p lao-replay`; a number behind `--` sets how many events. A tenth as many are
//! measured first: what differs is what a longer run costs. Each is read by a process of its own, so
//! that its memory is that of reading alone.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::{
    env,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use lao_history::{RunFolder, RunsFolder, fold};
use lao_replay::{Replay, replay};
use lao_testkit::{Texts, peak_bytes, processor_time, smooth_run};

/// Events of the journal.
const EVENTS: usize = 1_000_000;
/// Names the folder of a project whose one run is to be read.
const FOLDER: &str = "LAO_BENCH_REPLAY";
/// The ways of reading.
const WAYS: [&str; 2] = ["fold", "replay"];

fn main() {
    if let Some(folder) = env::var_os(FOLDER) {
        read(Path::new(&folder));
        return;
    }
    let asked = env::args().find_map(|word| word.parse().ok());
    let count: usize = asked.unwrap_or(EVENTS);
    for texts in [Texts::Small, Texts::Whole] {
        for count in [count / 10, count] {
            measure(texts, count);
        }
    }
}

fn measure(texts: Texts, count: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.expect("the benchmark's folder is writable");
    let events = smooth_run(&RunsFolder::new(folder.path()), texts, count).events;
    println!("\n{events} events, {texts}");
    for way in WAYS {
        let program = env::current_exe().expect("it has a name");
        let child = Command::new(program).arg(way).env(FOLDER, folder.path()).status();
        assert!(child.expect("it starts").success(), "{way}");
    }
}

/// The reading process.
fn read(folder: &Path) {
    let project = RunsFolder::new(folder);
    let run = project.list().expect("it is readable").remove(0);
    let before = peak_bytes();
    let folds = env::args().any(|word| word == WAYS[0]);
    let (name, (events, spent)) =
        if folds { ("folded", folded(&run)) } else { ("derived again", derived(&project, &run)) };
    let rate = events as f64 / spent.as_secs_f64() / 1e6;
    let processor = processor_time().map_or(f64::NAN, |time| time.as_secs_f64() * 1e6);
    let processor = processor / events as f64;
    let peak = match (before, peak_bytes()) {
        (Some(before), Some(after)) => {
            let mebibytes = |bytes: u64| bytes / 1024 / 1024;
            format!("{:>5} MiB at most, {} before", mebibytes(after), mebibytes(before))
        }
        _ => "memory is not shown here".to_owned(),
    };
    println!(
        "  {name:<14} {rate:>6.2} million events a second, {processor:.2} us of processor each, {peak}"
    );
}

fn folded(run: &RunFolder) -> (u64, Duration) {
    let reader = run.reader().expect("it opens");
    let (begun, mut events) = (Instant::now(), 0);
    fold(&reader, |_, _| events += 1).expect("the journal is a run's");
    (events, begun.elapsed())
}

fn derived(project: &RunsFolder, run: &RunFolder) -> (u64, Duration) {
    let reader = run.reader().expect("it opens");
    let contents = project.contents().expect("it is readable");
    let begun = Instant::now();
    match replay(&reader, &contents, |_| {}).expect("it is readable") {
        Replay::Identical(replayed) => (replayed.events, begun.elapsed()),
        Replay::Different(difference) => panic!("{difference:?}"),
    }
}

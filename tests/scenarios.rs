//! The promise about behaviour: every scenario of the project goes as its snapshot says, comes to
//! the same end wherever it is killed, and together they show every event there is.
//!
//! Of the kills of each scenario a sample is tried; `LAO_SWEEP_ALL=1` tries all of them.
//!
//! `cargo run -- scenario test --review` accepts a change.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::LazyLock,
    thread,
};

use lao_cli::{Style, render};
use lao_event::Event;
use lao_protocol::{RunStatus, ScenarioVerdict};
use lao_scenario::{FILE_ENDING, SNAPSHOT_ENDING, Sweep, Tested, Tester, find};

/// Kills of one scenario, where not all are tried.
const KILLS_SAMPLED: usize = 6;

/// Scenarios that the project promises at least.
const SCENARIOS_MIN: usize = 30;

/// Events that no scenario can show: what is forked has another run behind it.
const NOT_SHOWN: &[&str] = &["RunForked"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn summary(status: &RunStatus) -> String {
    render::summary(status, &Style::plain())
}

/// Every scenario, played and killed once for all tests.
static TESTED: LazyLock<Vec<Tested>> = LazyLock::new(|| {
    let all = std::env::var_os("LAO_SWEEP_ALL").is_some();
    let sweep = if all { Sweep::All } else { Sweep::Sample(KILLS_SAMPLED) };
    let jobs = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let paths = find(&[folder()]).expect("the scenarios can be listed");
    Tester { summary, sweep, jobs }.test_all(&paths, |_| ())
});

/// Scenarios as they are told on a terminal.
fn told<'a>(wrong: impl Iterator<Item = &'a Tested>) -> String {
    wrong.map(|tested| render::scenario(&tested.report, &Style::plain())).collect()
}

#[test]
fn every_scenario_goes_as_it_should_wherever_it_is_killed() {
    let wrong = TESTED.iter().filter(|tested| tested.report.verdict != ScenarioVerdict::Passed);
    let told = told(wrong);
    assert!(told.is_empty(), "{told}");
}

#[test]
fn every_scenario_is_killed_and_on_both_sides_of_commits() {
    let crashes = |tested: &Tested| {
        let crashes = tested.report.crashes.as_ref();
        crashes.map_or((0, 0), |crashes| (crashes.positions, crashes.effects))
    };
    let spared = TESTED.iter().filter(|tested| crashes(tested) == (0, 0));
    assert_eq!(told(spared), "");
    let all = TESTED.iter().map(crashes);
    let (positions, effects) = all.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    assert!(positions.min(effects) * 4 > positions.max(effects), "{positions}, {effects}");
}

#[test]
fn there_are_enough_of_them_and_each_says_what_it_is_about() {
    assert!(TESTED.len() >= SCENARIOS_MIN, "{} scenarios", TESTED.len());
    let untold = TESTED.iter().filter(|tested| tested.report.about.is_empty());
    assert_eq!(told(untold), "");
}

#[test]
fn every_event_happens_in_some_scenario() {
    let seen: BTreeSet<&str> =
        TESTED.iter().flat_map(|tested| &tested.seen).map(String::as_str).collect();
    let missing: Vec<&str> = Event::TYPES
        .iter()
        .map(|(_, name)| *name)
        .filter(|name| !seen.contains(name) && !NOT_SHOWN.contains(name))
        .collect();
    assert!(missing.is_empty(), "no scenario shows {}", missing.join(", "));
    let shown: Vec<&&str> = NOT_SHOWN.iter().filter(|name| seen.contains(**name)).collect();
    assert!(shown.is_empty(), "{shown:?} can be shown after all");
}

#[test]
fn every_snapshot_has_its_scenario() {
    let mut orphans = Vec::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path.to_string_lossy().strip_suffix(SNAPSHOT_ENDING) {
                let scenario = PathBuf::from(format!("{name}{FILE_ENDING}"));
                orphans.extend((!scenario.exists()).then_some(path.clone()));
            }
        }
    }
    assert!(orphans.is_empty(), "{orphans:?}");
}

//! Tests scenarios: found, played, compared, killed.

use std::{
    any::Any,
    fs, io,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use lao_protocol::{Difference, ScenarioReport, ScenarioVerdict};

use crate::{
    expect::unmet,
    file::{FILE_ENDING, Scenario},
    play::{Played, play},
    snapshot::{Summary, snapshot},
    sweep::{self, Sweep},
};

/// How scenarios are tested.
#[derive(Debug, Clone, Copy)]
pub struct Tester {
    /// The words at the end of a run.
    pub summary: Summary,
    /// Whether each is killed, and where.
    pub sweep: Sweep,
    /// How many are played at the same time.
    pub jobs: NonZeroUsize,
}

/// A scenario that was tested.
#[derive(Debug)]
pub struct Tested {
    /// Its file.
    pub path: PathBuf,
    /// What came of it.
    pub report: ScenarioReport,
    /// Its snapshot as it would be now, with the file that it belongs into; none where it could not be
    /// played.
    pub snapshot: Option<(PathBuf, String)>,
    /// Names of the events that happened in it.
    pub seen: Vec<String>,
}

impl Tested {
    /// Makes what happened what should happen. What must hold and does not is not mended by it.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn accept(&mut self) -> io::Result<()> {
        if let Some((path, text)) = &self.snapshot {
            fs::write(path, text)?;
            self.report.difference = None;
            if matches!(self.report.verdict, ScenarioVerdict::New | ScenarioVerdict::Different) {
                self.report.verdict = ScenarioVerdict::Passed;
            }
        }
        Ok(())
    }
}

/// The scenarios at and below some paths, in the order of their names.
///
/// # Errors
///
/// A folder cannot be listed; the path says which.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, &mut found).map_err(|error| (path.clone(), error))?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let is_scenario = path.to_string_lossy().ends_with(FILE_ENDING);
        if path.is_dir() || is_scenario {
            collect(&path, found)?;
        }
    }
    Ok(())
}

impl Tester {
    /// Tests every scenario, and shows each to `on_tested` when it is done, in any order.
    pub fn test_all(&self, paths: &[PathBuf], on_tested: impl Fn(&Tested) + Sync) -> Vec<Tested> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let work = || {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::SeqCst)) {
                let tested = self.test(path);
                on_tested(&tested);
                done.lock().unwrap_or_else(PoisonError::into_inner).push(tested);
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.jobs.get().min(paths.len()) {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by(|one, other| one.path.cmp(&other.path));
        done
    }

    /// Tests one.
    pub fn test(&self, path: &Path) -> Tested {
        let began = Instant::now();
        let played = catch_unwind(AssertUnwindSafe(|| self.try_test(path)));
        let mut tested = match played {
            Ok(Ok(tested)) => tested,
            Ok(Err(problem)) => unreadable(path, problem),
            Err(panic) => unreadable(path, format!("it panicked: {}", words(panic.as_ref()))),
        };
        tested.report.elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tested
    }

    fn try_test(&self, path: &Path) -> Result<Tested, String> {
        let scenario = Scenario::load(path).map_err(|error| error.to_string())?;
        let played = play(&scenario, None).map_err(|error| error.to_string())?;
        let is = snapshot(&played, self.summary);
        let snapshot_path = scenario.snapshot_path();
        let was = match fs::read_to_string(&snapshot_path) {
            Ok(was) => Some(was),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("cannot read {}: {error}", snapshot_path.display())),
        };
        let mut problems = played.problems.clone();
        problems.extend(unmet(&scenario.expect, &played));
        let crashes = sweep::sweep(&scenario, &played, self.sweep);
        let unlike = crashes.as_ref().map_or(0, |crashes| crashes.failures.len());
        if unlike > 0 {
            problems.push(format!("it came to another end after {unlike} of its kills"));
        }
        let verdict = match &was {
            _ if !problems.is_empty() => ScenarioVerdict::Failed,
            None => ScenarioVerdict::New,
            Some(was) if *was != is => ScenarioVerdict::Different,
            Some(_) => ScenarioVerdict::Passed,
        };
        let was = was.unwrap_or_default();
        let difference = (was != is).then(|| Difference { was, is: is.clone() });
        Ok(Tested {
            path: path.to_owned(),
            seen: seen(&played),
            report: ScenarioReport {
                scenario: path.display().to_string(),
                about: scenario.about.clone(),
                verdict,
                problems,
                difference,
                crashes,
                events: played.events.len() as u64,
                played_ms: played.passed_ms,
                elapsed_ms: 0,
            },
            snapshot: Some((snapshot_path, is)),
        })
    }
}

fn seen(played: &Played) -> Vec<String> {
    let mut names: Vec<String> = played.events.iter().map(|event| event.event.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn unreadable(path: &Path, problem: String) -> Tested {
    let report = ScenarioReport {
        scenario: path.display().to_string(),
        about: String::new(),
        verdict: ScenarioVerdict::Unreadable,
        problems: vec![problem],
        difference: None,
        crashes: None,
        events: 0,
        played_ms: 0,
        elapsed_ms: 0,
    };
    Tested { path: path.to_owned(), report, snapshot: None, seen: Vec::new() }
}

pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "nobody knows why".to_owned())
}

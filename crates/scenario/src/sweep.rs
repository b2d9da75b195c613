//! Every scenario is a crash test: killed at each position of its journal and with each effect's
//! outcome unknown, it must come to the same end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lao_event::{OnUnknown, latest::RunOutcome};
use lao_kernel::RunPhase;
use lao_protocol::{CrashFailure, CrashReport, Difference};

use crate::{
    crash::{Kill, Moment},
    ending::Ending,
    file::Scenario,
    play::{Disturbed, PlayError, Played, play},
    test::words,
};

/// Whether scenarios are killed, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Nowhere.
    None,
    /// Everywhere.
    All,
    /// At so many places at most, spread over the journal.
    Sample(usize),
}

/// Kills a scenario that was played undisturbed.
pub(crate) fn sweep(scenario: &Scenario, reference: &Played, sweep: Sweep) -> Option<CrashReport> {
    let kills = kills(reference);
    let step = match sweep {
        Sweep::None => return None,
        Sweep::All => 1,
        // Odd, so that both sides of commits occur.
        Sweep::Sample(most) => kills.len().div_ceil(most.max(1)) | 1,
    };
    let mut report = CrashReport { positions: 0, effects: 0, failures: Vec::new() };
    for kill in kills.into_iter().step_by(step) {
        match kill.moment {
            Moment::After => report.positions += 1,
            Moment::Before => report.effects += 1,
        }
        let killed =
            catch_unwind(AssertUnwindSafe(|| play(scenario, Some(Disturbed { kill, reference }))));
        let failure = match killed {
            Ok(Ok(killed)) => unlike(reference, killed),
            Ok(Err(error)) => Some(problem(&error)),
            Err(panic) => Some((vec![format!("it panicked: {}", words(panic.as_ref()))], None)),
        };
        if let Some((problems, difference)) = failure {
            report.failures.push(CrashFailure { at: kill.to_string(), problems, difference });
        }
    }
    Some(report)
}

/// After each commit, and before each with which an effect ends. The first one is tried on both
/// sides, since a run may be killed before there is a journal.
fn kills(reference: &Played) -> Vec<Kill> {
    let sides = |(index, commit): (usize, &crate::crash::CommitSeen)| {
        let seq = commit.first_seq;
        let is_unknown = commit.effects_ended > 0 || index == 0;
        let before = is_unknown.then_some(Kill { seq, moment: Moment::Before });
        before.into_iter().chain([Kill { seq, moment: Moment::After }])
    };
    reference.commits.iter().enumerate().flat_map(sides).collect()
}

type Failure = (Vec<String>, Option<Difference>);

fn problem(error: &PlayError) -> Failure {
    (vec![error.to_string()], None)
}

/// How a killed run differs from the one that nobody killed.
fn unlike(reference: &Played, killed: Played) -> Option<Failure> {
    let mut problems = killed.problems;
    let (is, was) = (killed.status.summary.status, reference.status.summary.status);
    if is != was {
        problems.push(format!("the run is {is:?}, not {was:?}"));
    }
    for (write, times) in &killed.written {
        let once = reference.written.get(write).copied().unwrap_or(1);
        if *times > once {
            problems.push(format!("{} was written again", write.0));
        }
    }
    let run = reference.facts.state.run();
    // What is skipped is told to the model, which is another conversation; and where something is left
    // open, its effects have other numbers.
    let differs_inside = run.is_none_or(|run| {
        run.settings.on_unknown == OnUnknown::Skip
            || !matches!(run.phase, RunPhase::Ended(RunOutcome::Succeeded | RunOutcome::Failed))
    });
    // Which of several tasks is faster is not the same after a kill.
    let any_order = run.is_some_and(|run| run.settings.limits.parallel_tasks_max > 1);
    let comparable = |ending: Ending| {
        let ending = if differs_inside { ending.without_state() } else { ending };
        if any_order { ending.without_order() } else { ending }
    };
    let (was, is) = (comparable(reference.ending.clone()), comparable(killed.ending));
    let difference = (was != is).then(|| difference(&was, &is));
    (!problems.is_empty() || difference.is_some()).then_some((problems, difference))
}

fn difference(was: &Ending, is: &Ending) -> Difference {
    Difference { was: was.whole_text(), is: is.whole_text() }
}

//! The crash sweep: every scenario is killed at commits of its journal, and in other ways,
//! taken up again, and must end as the run that nobody disturbed.
//!
//! A life is one process: its own tokio runtime, actors and journal, which are dropped where they
//! stand when the journal dies. What the next life finds is what a killed process leaves. The
//! files of the scenarios are in `crash_sweep/data/`, but for the demo, whose files the binary carries.
//!
//! The demo is crashed at every commit and loses its power at every sync; of the others it is a
//! sample. `LAO_SWEEP_ALL=1` samples nothing and takes a quarter of an hour.
//!
//! `LAO_BLESS=1 cargo test --test crash_sweep` writes the endings beside the scenarios anew.

mod crash_sweep {
    pub(crate) mod check;
    pub(crate) mod each;
    pub(crate) mod life;
    pub(crate) mod scenario;
    pub(crate) mod stage;
    pub(crate) mod sweep;
}

use crash_sweep::{
    scenario::{self, Scenario},
    sweep::Sweep,
};

/// One module for each scenario, so that a failure names it.
macro_rules! scenarios {
    ($($name:ident: $scenario:expr),+ $(,)?) => { $(
        mod $name {
            use super::{Scenario, Sweep, scenario};

            const SCENARIO: Scenario = $scenario;

            #[test]
            fn a_crash_at_any_commit_loses_and_repeats_nothing() {
                Sweep::of(&SCENARIO).crash_at_commits();
            }

            #[test]
            fn a_second_crash_while_resuming_loses_and_repeats_nothing() {
                Sweep::of(&SCENARIO).crash_twice();
            }

            #[test]
            fn a_worker_that_panics_comes_back() {
                Sweep::of(&SCENARIO).panic_in_workers();
            }

            #[test]
            fn a_process_that_ends_within_an_effect_is_taken_up() {
                Sweep::of(&SCENARIO).end_within_effects();
            }

            #[test]
            fn the_power_goes_and_the_disk_keeps_a_part() {
                Sweep::of(&SCENARIO).cut_the_power();
            }

            #[test]
            fn a_disk_that_is_full_ends_a_life_and_no_run() {
                Sweep::of(&SCENARIO).fill_the_disk();
            }

            #[test]
            fn a_run_that_panics_is_rebuilt() {
                Sweep::of(&SCENARIO).panic_in_the_run();
            }
        }
    )+ };
}

scenarios! {
    demo: scenario::DEMO,
    rework: scenario::REWORK,
    rework_without_git: scenario::REWORK_WITHOUT_GIT,
    review: scenario::REVIEW,
    review_in_a_worktree: scenario::REVIEW_IN_A_WORKTREE,
    failure: scenario::FAILURE,
}

/// Forks go on in folders and repositories of their own; a user's repository with its worktrees is
/// in `tests/cli/fork.rs`.
#[test]
fn a_fork_at_any_event_ends_like_the_run() {
    for scenario in scenario::ALL.into_iter().filter(|scenario| scenario.is_in_a_folder()) {
        Sweep::of(scenario).fork_everywhere();
    }
}

#[test]
fn endings_are_as_recorded() {
    for scenario in scenario::ALL {
        Sweep::of(scenario).ending_is_as_recorded();
    }
}

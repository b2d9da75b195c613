//! Kills at random moments.

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    super::support::{demo::write_demo, sandbox::Sandbox},
    end::{End, PACE_MS},
    moment::{Moment, Random, Whom, kill_at, run_to_the_end, start},
};

/// Moments that are tried unless `LAO_KILLS` says otherwise.
const KILLS: usize = 50;
/// Runs at once: some of a run is waiting.
const THREADS: usize = 3;
/// The longest pause after an event, in microseconds.
const PAUSE_US_MAX: u64 = 12_000;
/// In one of so many cases, the process that goes on is killed as well.
const AGAIN_ONE_IN: u64 = 4;

/// A number from the environment.
pub(crate) fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("it is a number"))
}

/// What the moments depend on: `LAO_KILL_SEED`, else the time.
pub(crate) fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    number("LAO_KILL_SEED").unwrap_or_else(now)
}

#[test]
fn a_run_that_is_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let kills = number("LAO_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = seed();
    println!("LAO_KILL_SEED={seed} LAO_KILLS={kills}");
    End::of_the_demo();
    let done = AtomicUsize::new(0);
    let case = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) < kills {
                    let case = case.fetch_add(1, Ordering::Relaxed) as u64;
                    let killed = killed_case(&mut Random(seed.wrapping_add(case << 32)), case);
                    done.fetch_add(killed, Ordering::Relaxed);
                }
            });
        }
    });
}

/// One run with one or more kills; how many there were.
fn killed_case(random: &mut Random, case: u64) -> usize {
    let sandbox = Sandbox::new();
    write_demo(&sandbox, PACE_MS);
    let mut events_left = End::of_the_demo().events.0 as u64;
    let mut moments = Vec::new();
    loop {
        let events = random.below(events_left);
        let pause_us = random.below(PAUSE_US_MAX);
        let whom = if random.below(2) == 0 { Whom::Process } else { Whom::Group };
        let moment = Moment { events: usize::try_from(events).unwrap(), pause_us, whom };
        if !kill_at(start(&sandbox), moment) {
            break;
        }
        moments.push(moment);
        events_left = (events_left - events).max(1);
        if random.below(AGAIN_ONE_IN) != 0 {
            break;
        }
    }
    println!("case {case}: {moments:?}");
    run_to_the_end(&sandbox);
    assert_eq!(&End::of(&sandbox, "todo"), End::of_the_demo(), "case {case}");
    moments.len()
}

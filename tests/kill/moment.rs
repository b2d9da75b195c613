//! Moments, and processes that are ended at them.

use std::{os::unix::process::CommandExt, time::Duration};

use rustix::process::{Signal, kill_process, kill_process_group};

use super::super::support::{
    demo::PLAN,
    sandbox::{Running, Sandbox},
};

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    /// The process alone: commands that it runs live on.
    Process,
    /// The process and the commands that it runs.
    Group,
}

/// When it is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// After so many events that it printed.
    pub(crate) events: usize,
    /// And a pause in microseconds.
    pub(crate) pause_us: u64,
    pub(crate) whom: Whom,
}

/// The plan's run, for programs, in a process group of its own.
pub(crate) fn start(sandbox: &Sandbox) -> Running {
    let mut command = sandbox.command(&["run", PLAN, "--json"]);
    command.process_group(0);
    Running::start(command)
}

/// Number of events among what was printed.
pub(crate) fn events(printed: &str) -> usize {
    printed.matches("{\"update\":\"event\"").count()
}

/// Kills a process at a moment; false where it ended before.
pub(crate) fn kill_at(running: Running, moment: Moment) -> bool {
    running.stdout.wait(|seen, ended| ended || events(seen) >= moment.events);
    // This pause is the randomness that is tested, not a wait for something to happen.
    std::thread::sleep(Duration::from_micros(moment.pause_us));
    kill(running, moment.whom)
}

/// Kills a process now; false where it ended before.
pub(crate) fn kill(running: Running, whom: Whom) -> bool {
    let killed = match whom {
        Whom::Process => kill_process(running.pid(), Signal::KILL),
        Whom::Group => kill_process_group(running.pid(), Signal::KILL),
    };
    killed.expect("it is not waited for yet, so it is there");
    running.finish().code.is_none()
}

/// Types the command again until it is done.
pub(crate) fn run_to_the_end(sandbox: &Sandbox) {
    let outcome = sandbox.run(&["run", PLAN]);
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.stdout, outcome.stderr);
}

/// Numbers that look random, from a seed (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

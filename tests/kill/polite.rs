//! Requests to end: once, the run ends gracefully; twice, at once; it can be resumed either way.

use rustix::process::Signal;

use super::{
    super::support::{demo::write_demo, sandbox::Sandbox},
    end::{End, PACE_MS},
    moment::{events, run_to_the_end, start},
};

/// Sends signals after a number of events; the exit code.
fn ended_after(sandbox: &Sandbox, count: usize, signals: &[Signal]) -> Option<i32> {
    let running = start(sandbox);
    running.stdout.wait(|seen, ended| ended || events(seen) >= count);
    for signal in signals {
        running.signal(*signal);
    }
    running.finish().code
}

#[test]
fn a_run_that_is_asked_to_end_can_be_resumed() {
    let all = End::of_the_demo().events.0;
    let ways: [&[Signal]; 4] = [
        &[Signal::INT],
        &[Signal::TERM],
        &[Signal::INT, Signal::TERM],
        &[Signal::HUP, Signal::INT],
    ];
    for (place, signals) in ways.into_iter().enumerate() {
        let sandbox = Sandbox::new();
        write_demo(&sandbox, PACE_MS);
        // Once early, once late, so that what is resumed is resumed again.
        for count in [5 + place, all / 3 + 7 * place] {
            let code = ended_after(&sandbox, count, signals);
            assert_eq!(code, Some(130), "{signals:?} after {count} events");
        }
        run_to_the_end(&sandbox);
        assert_eq!(&End::of(&sandbox, "todo"), End::of_the_demo(), "{signals:?}");
    }
}

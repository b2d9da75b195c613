//! The feed of a run's own process: nothing is lost, whoever is slow or late.

use std::sync::{Arc, atomic::Ordering};

use lao_gateway::{LiveRun, Updates};
use lao_kernel::Command;
use lao_protocol::{RunStatus, RunStatusCode, Update};
use tokio::sync::Semaphore;

use crate::world::{Project, Script};

/// Positions of every event that a feed tells, and its last word.
pub(crate) async fn drain(mut updates: Updates) -> (Vec<u64>, RunStatus) {
    let mut seqs = Vec::new();
    let mut last = None;
    while let Some(update) = updates.next().await {
        assert!(last.is_none(), "something came after the last word");
        match update.as_ref() {
            Update::Event(event) => seqs.push(event.seq),
            Update::Finished(status) => last = Some((**status).clone()),
            _ => {}
        }
    }
    (seqs, last.unwrap())
}

fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test]
async fn a_feed_tells_every_event_once_and_ends_with_the_status() {
    let project = Project::new();
    let script = Script { tasks: 3, ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    let (seqs, status) = drain(live.follow(1)).await;
    assert_eq!(seqs, up_to(status.events));
    assert_eq!(status, live.status());
    assert_eq!(status.summary.status, RunStatusCode::Succeeded);
    assert_eq!((status.exit_code, status.summary.tasks.succeeded), (0, 3));
}

#[tokio::test]
async fn who_lags_behind_reads_the_gap_from_the_journal() {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(0));
    let script = Script { tasks: 16, gate: Some(Arc::clone(&gate)), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    // All listen before the bulk of the run, and none of them listens on.
    let (early, now) = (live.follow(1), live.feed());
    let mut half = live.follow(1);
    let first = half.next().await.unwrap();
    assert!(matches!(first.as_ref(), Update::Event(event) if event.seq == 1));
    let known = live.last_seq();
    gate.add_permits(10_000);
    handle.finished().await;
    let (seqs, status) = drain(early).await;
    assert!(status.events > 280, "too few to lag: {}", status.events);
    assert_eq!(seqs, up_to(status.events));
    let (seqs, _) = drain(half).await;
    assert_eq!(seqs, up_to(status.events)[1..]);
    let (seqs, _) = drain(now).await;
    assert!(seqs[0] <= known + 1);
    assert_eq!(seqs, up_to(status.events)[usize::try_from(seqs[0] - 1).unwrap()..]);
}

#[tokio::test]
async fn who_comes_late_hears_it_all_from_the_journal() {
    let project = Project::new();
    let script = Script { tasks: 2, ..Script::default() };
    let handle = project.begin(&script).await;
    handle.finished().await;
    // Observed only when the run has left the process.
    let live = project.observe(&handle).await;
    let (seqs, status) = drain(live.follow(5)).await;
    assert_eq!(seqs, up_to(status.events)[4..]);
    assert_eq!(status.summary.status, RunStatusCode::Succeeded);
}

#[tokio::test]
async fn a_run_that_is_stopped_says_so() {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(0));
    let script = Script { tasks: 2, gate: Some(Arc::clone(&gate)), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    let updates = live.feed();
    wait_for(&live, |status| status.summary.tasks.running == 1).await;
    let status = live.status();
    assert_eq!(status.summary.pid, Some(std::process::id()));
    assert_eq!(status.summary.status, RunStatusCode::Running);
    assert_eq!(status.in_flight.len(), 1);
    live.command(Command::Stop).await.unwrap();
    wait_for(&live, |status| status.summary.status == RunStatusCode::Stopping).await;
    gate.add_permits(1);
    let (_, status) = drain(updates).await;
    assert_eq!(status.summary.status, RunStatusCode::Interrupted);
    assert_eq!(status.exit_code, 130);
    assert_eq!(status.summary.pid, None);
    assert_eq!(status.stopped_because.as_deref(), Some("it was interrupted"));
}

#[tokio::test]
async fn an_aborted_run_has_a_last_word_all_the_same() {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(0));
    let script = Script { tasks: 1, gate: Some(gate), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    let updates = live.follow(1);
    wait_for(&live, |status| status.summary.tasks.running == 1).await;
    handle.abort();
    let (seqs, status) = drain(updates).await;
    assert_eq!(seqs, up_to(status.events));
    assert_eq!(status.summary.status, RunStatusCode::Interrupted);
    assert_eq!(status.stopped_because.as_deref(), Some("its process ended before it could stop"));
}

#[tokio::test]
async fn a_feed_goes_on_when_the_actor_is_rebuilt_from_the_journal() {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(0));
    let script = Script { tasks: 2, gate: Some(Arc::clone(&gate)), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    let mut updates = live.follow(1);
    wait_for(&live, |status| status.summary.tasks.running == 1).await;
    // The command finds no clock, and the actor panics; the rebuilt one is asked again.
    script.stamps_left.store(0, Ordering::Relaxed);
    assert_eq!(live.command(Command::Stop).await, Ok(()));
    gate.add_permits(100);
    let (mut seqs, mut rebuilt) = (Vec::new(), 0);
    while let Some(update) = updates.next().await {
        match update.as_ref() {
            Update::Event(event) => seqs.push(event.seq),
            Update::WorkerRestarted { doing, .. } => {
                assert_eq!(doing, "driving the run");
                rebuilt += 1;
            }
            _ => {}
        }
    }
    let status = live.status();
    assert_eq!(rebuilt, 1);
    assert_eq!(seqs, up_to(status.events));
    assert_eq!(status.summary.status, RunStatusCode::Interrupted);
    let view = lao_gateway::offline::view(&project.folder).unwrap();
    assert_eq!(view.status(None), status);
}

/// Waits until the run stands as wanted.
pub(crate) async fn wait_for(live: &LiveRun, wanted: impl Fn(&RunStatus) -> bool) {
    let mut updates = live.feed();
    while !wanted(&live.status()) {
        updates.next().await.expect("the run came to its end before");
    }
}

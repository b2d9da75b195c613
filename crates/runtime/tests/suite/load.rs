//! Much at once: a thousand effects that end together, a hundred runs in one process.

use std::sync::atomic::Ordering;

use lao_event::latest::RunOutcome;
use lao_history::fold;
use lao_kernel::Command;
use lao_runtime::{Finish, RunHandle, Supervisor};

use crate::{
    stage::{Disk, Stage, permits},
    world::Easy,
};

const EFFECTS: usize = 1000;
const RUNS: u32 = 100;
const PLACES: u32 = 4;

/// While the disk is busy with the first answer, the others are decided: they share one commit.
#[tokio::test]
async fn a_thousand_effects_that_end_together_share_a_commit() {
    let (stage, world, disk) = (Stage::new(), Easy::new(EFFECTS), Disk::new());
    world.open.send_replace(false);
    let effects = u32::try_from(EFFECTS).unwrap();
    let (run, begin) = stage.run(1, effects);
    let spec = stage.spec(&run, &world, (permits(effects), disk.clone()));
    let handle = Supervisor::spawn().await.unwrap().begin(spec, begin).await.unwrap();
    world.coders_are(EFFECTS).await;

    let (commits_before, decided_before) = (disk.commits().len(), world.clock.looks());
    let stall = disk.stall();
    world.open.send_replace(true);
    let go_on = stall.begins().await;
    // Every decision that is written looks at the clock.
    while world.clock.looks() < decided_before + EFFECTS as u64 {
        tokio::task::yield_now().await;
    }
    // Each turn lets the journal's writer pass at least one batch on.
    for _ in 0..EFFECTS {
        tokio::task::yield_now().await;
    }
    // Everything behind this command was acknowledged before it.
    let cancelling = handle.command(Command::Cancel);
    go_on.send(()).unwrap();
    cancelling.await.unwrap();
    assert_eq!(handle.finished().await, Finish::Ended(RunOutcome::Cancelled));

    let commits = disk.commits();
    let answers: u64 = commits[commits_before..].iter().take(2).sum();
    assert!(answers >= EFFECTS as u64, "one commit was under way, one for all others: {commits:?}");
    let mut next = 1;
    let folded = fold(&stage.runs.run(&run).reader().unwrap(), |_, event| {
        assert_eq!(event.seq, next);
        next += 1;
    });
    assert_eq!(folded.unwrap().steps().len(), 1 + EFFECTS);
    assert_eq!(world.asking_most.load(Ordering::SeqCst), EFFECTS);
}

/// They share the places of the one backend, and none is forgotten.
#[tokio::test]
async fn a_hundred_runs_in_one_process() {
    let (stage, world) = (Stage::new(), Easy::new(2));
    let supervisor = Supervisor::spawn().await.unwrap();
    let places = permits(PLACES);
    let mut handles: Vec<RunHandle> = Vec::new();
    for number in 1..=RUNS {
        let (run, begin) = stage.run(number, 2);
        let spec = stage.spec(&run, &world, (places.clone(), Disk::new()));
        handles.push(supervisor.begin(spec, begin).await.unwrap());
    }
    for handle in &handles {
        assert_eq!(handle.finished().await, Finish::Ended(RunOutcome::Succeeded));
    }
    assert_eq!(world.coders(), 2 * RUNS as usize);
    assert_eq!(world.asking_most.load(Ordering::SeqCst), PLACES as usize);
    let folders = stage.runs.list().unwrap();
    assert_eq!(folders.len(), RUNS as usize);
    for folder in folders {
        assert!(folder.manifest().unwrap().sealed.is_some(), "{}", folder.run);
        let folded = fold(&folder.reader().unwrap(), |_, _| {}).unwrap();
        assert_eq!(folded.steps().len(), 3);
    }
}

//! A disk that stalls: it is said, nothing new starts, nothing piles up, and it goes on.

use std::{future::pending, sync::atomic::Ordering, time::Duration};

use lao_event::latest::RunOutcome;
use lao_runtime::{Finish, Notice, Supervisor};
use tokio::{
    sync::broadcast::{Receiver, error::TryRecvError},
    time::timeout,
};

use crate::{
    stage::{Disk, Stage, permits},
    world::Easy,
};

const TASKS: usize = 40;
const PARALLEL: usize = 8;

/// Waits for word about the disk; what else was said before it.
async fn heard(notices: &mut Receiver<Notice>) -> (Vec<Notice>, Notice) {
    let mut before = Vec::new();
    loop {
        let notice = notices.recv().await.unwrap();
        if matches!(notice, Notice::DiskSlow { .. } | Notice::DiskCaughtUp { .. }) {
            return (before, notice);
        }
        before.push(notice);
    }
}

/// Forgets what was said until there is nothing left to do, which is when a paused clock goes on.
async fn forget(notices: &mut Receiver<Notice>) {
    let nothing = timeout(Duration::from_millis(1), pending::<()>()).await;
    assert!(nothing.is_err());
    while !matches!(notices.try_recv(), Err(TryRecvError::Empty)) {}
}

/// The clock of the runtime is paused: it goes on when there is nothing to do, which is when all
/// that can end has ended and waits for the disk.
#[tokio::test(start_paused = true)]
async fn a_stalled_commit_is_told_and_nothing_starts_until_it_is_over() {
    let (stage, world, disk) = (Stage::new(), Easy::new(TASKS), Disk::new());
    world.open.send_replace(false);
    let parallel = u32::try_from(PARALLEL).unwrap();
    let (run, begin) = stage.run(1, parallel);
    let spec = stage.spec(&run, &world, (permits(parallel), disk.clone()));
    let handle = Supervisor::spawn().await.unwrap().begin(spec, begin).await.unwrap();
    world.coders_are(PARALLEL).await;
    let mut notices = handle.subscribe();

    let (commits_before, decided_before) = (disk.commits().len(), world.clock.looks());
    let stall = disk.stall();
    world.open.send_replace(true);
    let go_on = stall.begins().await;
    forget(&mut notices).await;
    assert_eq!(world.coders(), PARALLEL);
    for waited_ms in [2_000, 4_000, 8_000, 16_000] {
        let (before, notice) = heard(&mut notices).await;
        assert!(before.is_empty(), "nothing is published before it is durable: {before:?}");
        assert!(
            matches!(notice, Notice::DiskSlow { waited_ms: told } if told == waited_ms),
            "{notice:?} after {waited_ms} ms"
        );
    }
    assert_eq!(world.coders(), PARALLEL, "no effect starts while its start is not durable");
    assert_eq!(disk.commits().len(), commits_before + 1, "one commit is under way");
    // Every decision that is written looks at the clock: what waits is what was in flight.
    assert_eq!(world.clock.looks(), decided_before + PARALLEL as u64);
    go_on.send(()).unwrap();
    // The paused clock may go on once more before the disk does.
    while !matches!(heard(&mut notices).await.1, Notice::DiskCaughtUp { waited_ms: 16_000.. }) {}

    assert_eq!(handle.finished().await, Finish::Ended(RunOutcome::Succeeded));
    assert_eq!(world.coders(), TASKS);
    assert!(world.asking_most.load(Ordering::SeqCst) <= PARALLEL);
}

/// Who asks for something while the disk stalls is answered when it is over.
#[tokio::test(start_paused = true)]
async fn a_command_waits_for_the_disk() {
    let (stage, world, disk) = (Stage::new(), Easy::new(1), Disk::new());
    world.open.send_replace(false);
    let (run, begin) = stage.run(1, 1);
    let spec = stage.spec(&run, &world, (permits(1), disk.clone()));
    let handle = Supervisor::spawn().await.unwrap().begin(spec, begin).await.unwrap();
    world.coders_are(1).await;
    let mut notices = handle.subscribe();
    let stall = disk.stall();
    let asking = tokio::spawn({
        let handle = handle.clone();
        async move { handle.command(lao_kernel::Command::Cancel).await }
    });
    let go_on = stall.begins().await;
    forget(&mut notices).await;
    let (before, _) = heard(&mut notices).await;
    assert!(before.is_empty(), "{before:?}");
    assert!(!asking.is_finished(), "nobody is told what is not durable");
    go_on.send(()).unwrap();
    asking.await.unwrap().unwrap();
    assert_eq!(handle.finished().await, Finish::Ended(RunOutcome::Cancelled));
}

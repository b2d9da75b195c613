//! Snapshots: a run taken up from one is the run, and one that cannot be relied on is as none.

use std::{fs, path::PathBuf, sync::Arc};

use lao_gateway::{LiveRun, RunView, offline};
use lao_history::{SNAPSHOT_FILE, fold};
use lao_kernel::Command;
use lao_protocol::{EventView, RunStatus, Update};
use lao_runtime::{Begin, Finish, Supervisor};
use tokio::sync::Semaphore;

use crate::{
    feed::{drain, wait_for},
    world::{Project, Script},
};

/// More tasks than a snapshot is worth.
const TASKS: usize = 60;

fn file(project: &Project) -> PathBuf {
    project.folder.path.join(SNAPSHOT_FILE)
}

/// A run that was stopped after three quarters of its tasks.
async fn stopped() -> (Project, RunStatus) {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(TASKS * 2 * 3 / 4));
    let script = Script { tasks: TASKS, gate: Some(Arc::clone(&gate)), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    wait_for(&live, |status| status.summary.tasks.succeeded == 44).await;
    handle.command(Command::Stop).await.unwrap();
    gate.add_permits(1000);
    let (_, status) = drain(live.feed()).await;
    (project, status)
}

/// Takes the run up again, to its end.
async fn resumed(project: &Project) -> (LiveRun, RunStatus) {
    let supervisor = Supervisor::spawn().await.unwrap();
    let spec = project.spec(&Script { tasks: TASKS, ..Script::default() });
    let begin = Begin::Resume { settings: None, retry: None };
    let handle = supervisor.begin(spec, begin).await.unwrap();
    let live = project.observe(&handle).await;
    assert!(matches!(handle.finished().await, Finish::Ended(_)));
    let (_, status) = drain(live.feed()).await;
    (live, status)
}

async fn words(live: &LiveRun, from: u64) -> Vec<EventView> {
    let mut updates = live.follow(from);
    let mut events = Vec::new();
    while let Some(update) = updates.next().await {
        if let Update::Event(event) = update.as_ref() {
            events.push(event.clone());
        }
    }
    events
}

fn words_offline(project: &Project) -> Vec<EventView> {
    let mut events = Vec::new();
    offline::events::<offline_error::Never>(&project.folder, 1, |event| {
        events.push(event);
        Ok(())
    })
    .unwrap();
    events
}

mod offline_error {
    //! What reading a sound journal never yields.

    #[derive(Debug)]
    pub(super) struct Never;

    impl From<lao_gateway::ViewError> for Never {
        fn from(error: lao_gateway::ViewError) -> Self {
            panic!("a sound journal is read: {error}")
        }
    }
}

#[tokio::test]
async fn a_run_taken_up_from_its_snapshot_ends_as_if_folded_from_the_start() {
    let (project, before) = stopped().await;
    assert!(file(&project).exists());
    let from_snapshot = offline::view(&project.folder).unwrap().status(None);
    assert_eq!(from_snapshot, before);
    let (live, after) = resumed(&project).await;
    assert_eq!(after.summary.tasks.succeeded, u32::try_from(TASKS).unwrap());

    let view = offline::view(&project.folder).unwrap();
    let state = fold(&project.folder.reader().unwrap(), |_, _| {}).unwrap();
    assert_eq!(view.state(), &state);
    fs::remove_file(file(&project)).unwrap();
    assert_eq!(offline::view(&project.folder).unwrap().status(None), after);

    let all = words_offline(&project);
    assert_eq!(words(&live, 1).await, all);
    let middle = before.events / 2;
    assert_eq!(words(&live, middle + 1).await, all[usize::try_from(middle).unwrap()..]);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_relied_on_is_as_none() {
    let (project, before) = stopped().await;
    let whole = fs::read(file(&project)).unwrap();
    let is_used = || {
        let reader = project.folder.reader().unwrap();
        RunView::from_snapshot(&project.folder, &reader).is_some()
    };
    assert!(is_used());
    let mut wrong: Vec<Vec<u8>> = Vec::new();
    for at in (0..whole.len()).step_by(whole.len() / 97) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        wrong.push(flipped);
        wrong.push(whole[..at].to_vec());
    }
    // A head that the journal does not have, and another program, each with a hash that fits.
    for at in [HASH_END, HASH_END + 32, HASH_END + 32 + 8] {
        let mut other = whole.clone();
        other[at] ^= 1;
        let hash = blake3::hash(&other[HASH_END..]);
        other[HASH_END - 32..HASH_END].copy_from_slice(hash.as_bytes());
        wrong.push(other);
    }
    for bytes in wrong {
        fs::write(file(&project), bytes).unwrap();
        assert!(!is_used());
    }
    assert_eq!(offline::view(&project.folder).unwrap().status(None), before);
    let (_, after) = resumed(&project).await;
    assert_eq!(after.summary.tasks.succeeded, u32::try_from(TASKS).unwrap());
}

/// Where the hash of a snapshot ends, and what it covers begins.
const HASH_END: usize = 8 + 32;

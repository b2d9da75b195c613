//! Runs that no process works on.

use std::{fs, sync::Arc};

use lao_gateway::{ViewError, offline};
use lao_journal::{JOURNAL_FILE, Manifest};
use lao_protocol::{EventView, RunStatusCode};
use tokio::sync::Semaphore;

use crate::{
    feed::wait_for,
    world::{Project, Script},
};

#[tokio::test]
async fn the_journal_tells_what_the_live_view_told() {
    let project = Project::new();
    let script = Script { tasks: 3, finding: true, ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    handle.finished().await;
    wait_for(&live, |status| status.exit_code == 0).await;
    let view = offline::view(&project.folder).unwrap();
    assert_eq!(view.status(None), live.status());
    assert_eq!(offline::summary(&project.folder).await, live.status().summary);
}

#[tokio::test]
async fn a_sealed_run_is_listed_without_its_journal() {
    let project = Project::new();
    let handle = project.begin(&Script { tasks: 2, ..Script::default() }).await;
    let live = project.observe(&handle).await;
    let mut updates = live.feed();
    while updates.next().await.is_some() {}
    let told = offline::view(&project.folder).unwrap().summary(None);
    fs::remove_file(project.folder.path.join(JOURNAL_FILE)).unwrap();
    assert_eq!(offline::summary(&project.folder).await, told);
    assert_eq!(told.source, "plans/app.md");
}

#[tokio::test]
async fn what_was_noted_of_an_earlier_end_does_not_count() {
    let project = Project::new();
    let handle = project.begin(&Script { tasks: 2, ..Script::default() }).await;
    let live = project.observe(&handle).await;
    let mut updates = live.feed();
    while updates.next().await.is_some() {}
    let mut manifest = Manifest::read(&project.folder.path).unwrap();
    manifest.other.get_mut("ended").unwrap()["last_seq"] = 1.into();
    manifest.other.get_mut("ended").unwrap()["tasks"]["failed"] = 1.into();
    manifest.write(&project.folder.path).unwrap();
    assert_eq!(offline::summary(&project.folder).await.tasks.failed, 0);
}

#[tokio::test]
async fn a_run_whose_process_died_is_interrupted() {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(3));
    let script = Script { tasks: 3, gate: Some(gate), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    wait_for(&live, |status| status.summary.tasks.succeeded == 1).await;
    wait_for(&live, |status| {
        status.in_flight.iter().any(|flight| {
            flight.step.as_deref() == Some("t2") && flight.text.starts_with("asking the coder")
        }) && status.steps[2].activity.as_deref() == Some("coding, turn 2")
    })
    .await;
    // A copy is what a killed process leaves.
    let left = Project::new();
    fs::create_dir_all(&left.folder.path).unwrap();
    for name in [JOURNAL_FILE, lao_journal::MANIFEST_FILE] {
        let from = project.folder.path.join(name);
        fs::copy(from, left.folder.path.join(name)).unwrap();
    }
    let status = offline::view(&left.folder).unwrap().status(None);
    assert_eq!(status.summary.status, RunStatusCode::Interrupted);
    assert_eq!(status.in_flight[0].on_resume, "is asked again");
    let summary = offline::summary(&left.folder).await;
    assert_eq!(summary.status, RunStatusCode::Interrupted);
    assert_eq!(summary.tasks.succeeded, 1);
    handle.abort();
}

#[tokio::test]
async fn an_unreadable_run_hides_no_other() {
    let project = Project::new();
    project.run(&Script { tasks: 1, ..Script::default() }).await;
    let journal = project.folder.path.join(JOURNAL_FILE);
    fs::write(&journal, b"not a journal").unwrap();
    let summary = offline::summary(&project.folder).await;
    assert_eq!(summary.status, RunStatusCode::Unreadable);
    assert!(summary.title.contains("damaged"), "{}", summary.title);
    assert!(matches!(offline::view(&project.folder), Err(ViewError::Open(_))));
    fs::remove_file(&journal).unwrap();
    fs::remove_file(project.folder.path.join(lao_journal::MANIFEST_FILE)).unwrap();
    let summary = offline::summary(&project.folder).await;
    assert!(summary.title.contains("there is no journal"), "{}", summary.title);
}

#[tokio::test]
async fn events_are_shown_from_a_position_on() {
    let project = Project::new();
    project.run(&Script { tasks: 2, ..Script::default() }).await;
    let all = events(&project, 1);
    let some = events(&project, 9);
    assert_eq!(all[8..], some[..]);
    let last = all.last().unwrap();
    assert_eq!(last.text, "the run is done");
    assert_eq!(usize::try_from(last.seq).unwrap(), all.len());
}

fn events(project: &Project, from: u64) -> Vec<EventView> {
    let mut events = Vec::new();
    offline::events::<ViewError>(&project.folder, from, |event| {
        events.push(event);
        Ok(())
    })
    .unwrap();
    events
}

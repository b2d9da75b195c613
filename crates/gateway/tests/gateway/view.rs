//! Statuses, in every state a run can be in.

use std::collections::BTreeSet;

use lao_gateway::{Live, RunView, offline};
use lao_history::{StoredEvent, for_each_event};
use lao_protocol::{RunStatusCode, StepStatus};

use crate::world::{Project, START_MS, Script};

/// An hour back, a day forward, 1969, centuries ahead: all of it between and during the same events.
const JUMPS: &[i64] =
    &[0, -3_600_000, 86_400_000, 5, -START_MS - 86_400_000, 31_556_952_000_000, -7];

fn refusing() -> Script {
    Script {
        tasks: 3,
        chained: true,
        refused: BTreeSet::from(["t2".to_owned()]),
        ..Script::default()
    }
}

#[tokio::test]
async fn a_failed_run_names_what_failed_and_the_command_that_helps() {
    let project = Project::new();
    project.run(&refusing()).await;
    let status = offline::view(&project.folder).unwrap().status(None);
    assert_eq!(status.summary.status, RunStatusCode::Failed);
    assert_eq!(status.exit_code, 4);
    let short = project.folder.run.as_str().rsplit('-').next().unwrap();
    let failed = &status.steps[2];
    assert_eq!((failed.key.as_str(), failed.status), ("t2", StepStatus::Failed));
    let failure = failed.failure.as_ref().unwrap();
    assert_eq!(failure.kind, "model_failed");
    assert_eq!(failure.message, "http://127.0.0.1:1234 answered 400: no");
    assert_eq!(failure.next, Some(format!("lao retry {short} --step t2")));
    let skipped = &status.steps[3];
    let failure = skipped.failure.as_ref().unwrap();
    assert_eq!(skipped.status, StepStatus::Skipped);
    assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("upstream_failed", "t2 failed"));
    assert_eq!(failure.next, Some(format!("lao retry {short} --step t2")));
    assert_eq!(skipped.elapsed_ms, 0);
    assert_eq!(skipped.needs, ["plan", "t2"]);
}

#[tokio::test]
async fn a_done_run_counts_what_it_took() {
    let project = Project::new();
    let script = Script { tasks: 2, finding: true, ..Script::default() };
    project.run(&script).await;
    let view = offline::view(&project.folder).unwrap();
    let status = view.status(None);
    // The clock ticked once for the manifest.
    assert_eq!(status.summary.started_ms, START_MS + 10);
    assert_eq!(status.summary.kind, "plan");
    assert_eq!(status.summary.title, "App");
    assert_eq!(status.branch.as_deref(), Some("lao/app"));
    assert_eq!(status.repository.as_deref(), Some("/home/ada/app"));
    assert_eq!((status.findings, status.commits), (1, 5));
    let took = status.summary.last_event_ms - status.summary.started_ms;
    assert_eq!(i64::try_from(status.active_ms).unwrap(), took);
    let task = &status.steps[1];
    assert_eq!(task.files, ["src/1.py"]);
    assert_eq!(task.commits.len(), 2);
    assert_eq!((task.attempts, task.findings), (1, 1));
    assert!(task.elapsed_ms > 0);
    let coder = &status.roles[1];
    assert_eq!((coder.role.as_str(), coder.model.as_str()), ("coder", "qwen3-coder"));
    // Two calls for each task, and one about the finding, which writes the file again.
    assert_eq!((coder.calls, coder.completion_tokens, coder.total_ms), (6, 120, 300));
    assert_eq!(status.roles[2].calls, 2);
}

/// The view after every event of a run, with and without a process.
#[tokio::test]
async fn a_view_holds_at_every_event() {
    let project = Project::new();
    project.run(&refusing()).await;
    let mut view = RunView::new(project.folder.run.clone());
    let mut codes = Vec::new();
    let reader = project.folder.reader().unwrap();
    for_each_event::<lao_history::HistoryError>(&reader, 1, |stored| {
        let StoredEvent::Known(published) = stored else {
            panic!("all events are known");
        };
        view.apply(&published).unwrap();
        let live = view.status(Some(Live { pid: 1 }));
        let dead = view.status(None);
        assert_eq!(live.events, published.seq);
        let counts = live.summary.tasks;
        let sum = counts.pending
            + counts.running
            + counts.parked
            + counts.succeeded
            + counts.failed
            + counts.skipped;
        assert_eq!(sum, counts.total);
        let ended = matches!(dead.summary.status, RunStatusCode::Failed | RunStatusCode::Succeeded);
        assert!(ended || dead.exit_code == 130);
        assert_eq!(ended, dead.stopped_because.is_none());
        for flight in &live.in_flight {
            assert!(flight.since_ms <= live.summary.last_event_ms);
        }
        codes.push((live.summary.status, dead.summary.status));
        Ok(())
    })
    .unwrap();
    codes.dedup();
    assert_eq!(
        codes,
        [
            (RunStatusCode::Planning, RunStatusCode::Interrupted),
            (RunStatusCode::Running, RunStatusCode::Interrupted),
            (RunStatusCode::Failed, RunStatusCode::Failed),
        ]
    );
}

/// A clock that is set again and again changes what time it was, and nothing else.
#[tokio::test]
async fn a_clock_that_jumps_reorders_nothing_and_takes_no_time() {
    let script = Script { tasks: 3, chained: true, finding: true, ..Script::default() };
    let steady = Project::new();
    steady.run(&script).await;
    let jumping = Project::new();
    jumping.run(&Script { clock_off_ms: JUMPS, ..script }).await;
    let told = |project: &Project| {
        let view = offline::view(&project.folder).unwrap();
        let mut status = view.status(None);
        status.summary.started_ms = 0;
        status.summary.last_event_ms = 0;
        status.workspace.clear();
        let mut events = Vec::new();
        let reader = project.folder.reader().unwrap();
        for_each_event(&reader, 1, |event| -> Result<(), lao_history::HistoryError> {
            let StoredEvent::Known(published) = event else { panic!("{event:?}") };
            events.push((published.seq, published.wall_ms, published.event.name()));
            Ok(())
        })
        .unwrap();
        (status, events)
    };
    let (expected, in_order) = told(&steady);
    let (status, events) = told(&jumping);
    assert_eq!(status, expected);
    assert!(status.active_ms > 0 && status.active_ms < 10_000, "{}", status.active_ms);
    let names = |events: &[(u64, i64, &'static str)]| -> Vec<(u64, &'static str)> {
        events.iter().map(|(seq, _, name)| (*seq, *name)).collect()
    };
    assert_eq!(names(&events), names(&in_order));
    assert!(!events.is_sorted_by_key(|(_, wall_ms, _)| *wall_ms), "the clock did jump");
    assert!(events.iter().any(|(_, wall_ms, _)| *wall_ms < 0), "even to before 1970");
}

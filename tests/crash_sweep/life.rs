//! A life: one process that takes the run up and ends, in one way or another.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use lao_event::Event;
use lao_history::Recorded;
use lao_journal::{AppendError, CreateError, OpenError, Options};
use lao_kernel::Rejection;
use lao_runtime::{Begin, BeginError, Finish, Notice, RunHandle, RunSpec, Supervisor};
use lao_scenario::{Call, Trouble, Watch};
use lao_testkit::{Crash, CrashWatch, DiskMishap, TestClock, crash_at, disk_mishap};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use super::stage::{RETRY, Stage};

/// How long a life may take before it counts as stuck.
const LIFE_MAX: Duration = Duration::from_mins(1);
/// Threads of a process's runtime.
const THREADS: usize = 2;

/// What befalls a life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Incident {
    pub crash: Option<Crash>,
    pub disk: Option<DiskMishap>,
    pub trouble: Option<Trouble>,
    pub clock_panics_at: Option<u64>,
}

impl Incident {
    pub(crate) const NONE: Self =
        Self { crash: None, disk: None, trouble: None, clock_panics_at: None };
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(crash) = self.crash {
            write!(f, "{:?} {}", crash.moment, crash.commit)?;
        }
        if let Some(disk) = self.disk {
            write!(f, "{disk:?}")?;
        }
        if let Some(trouble) = self.trouble {
            write!(f, "{:?} {:?} call {}", trouble.mishap, trouble.side, trouble.call)?;
        }
        if let Some(look) = self.clock_panics_at {
            write!(f, "the clock panics at look {look}")?;
        }
        Ok(())
    }
}

/// How a life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself.
    Finished(Finish),
    /// The journal died.
    Crashed,
    /// The journal could not be made or opened.
    Refused,
    /// The process was ended while a call hung.
    Hung,
    /// There was nothing left to do.
    Over,
}

/// What a life left to be looked at.
pub(crate) struct Life {
    pub end: End,
    pub calls: Vec<Call>,
    /// Calls of the world, numbered as troubles are.
    pub call_count: u64,
    pub commits: u64,
    pub syncs: u64,
    pub disk_calls: u64,
    pub clock_looks: u64,
    pub published: Vec<Arc<Recorded>>,
    pub workers_lost: u32,
}

/// Runs one process to its end, and drops all of it.
pub(crate) fn live(stage: &Stage<'_>, incident: Incident) -> Life {
    let (fault, crash) = incident.disk.map_or_else(|| crash_at(incident.crash), disk_mishap);
    let watch = Watch::new(incident.trouble);
    let clock =
        Arc::new(incident.clock_panics_at.map_or_else(TestClock::new, TestClock::panicking_at));
    let spec = RunSpec {
        folder: stage.folder(),
        contents: stage.contents(),
        world: watch.over(stage.world(clock.clone())),
        permits: stage.permits(),
        retry: RETRY,
        journal: Options { fault: Some(fault), ..Options::default() },
        program: "sweep".to_owned(),
        socket: None,
        labels: BTreeMap::new(),
    };
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .expect("the system gives threads");
    let begin = begin(stage);
    let (end, mut notices) = process.block_on(async {
        let life = drive(spec, begin, (&crash, &watch));
        let (end, notices) = tokio::time::timeout(LIFE_MAX, life)
            .await
            .unwrap_or_else(|_| panic!("stuck after {:#?}", watch.calls().last()));
        assert!(end != End::Refused || incident.disk.is_some(), "it was refused without a cause");
        (end, notices)
    });
    // As the system does it: tasks are dropped where they are; only what is inside a call of the
    // system still ends.
    drop(process);
    let mut life = Life {
        end,
        calls: watch.calls(),
        call_count: watch.count(),
        commits: crash.commits(),
        syncs: crash.syncs(),
        disk_calls: crash.disk_calls(),
        clock_looks: clock.looks(),
        published: Vec::new(),
        workers_lost: 0,
    };
    if let Some(notices) = &mut notices {
        life.listen(notices);
    }
    crash.wait_until_gone();
    life
}

/// A run without a journal never began.
fn begin(stage: &Stage<'_>) -> Begin {
    if stage.folder().path.join(lao_journal::JOURNAL_FILE).exists() {
        Begin::Resume { settings: None, retry: None }
    } else {
        Begin::Start(Box::new(stage.start()))
    }
}

async fn drive(
    spec: RunSpec,
    begin: Begin,
    (crash, watch): (&CrashWatch, &Watch),
) -> (End, Option<Receiver<Notice>>) {
    let supervisor = Supervisor::spawn().await.expect("the runtime runs");
    let handle: RunHandle = match supervisor.begin(spec, begin).await {
        Ok(handle) => handle,
        Err(BeginError::Rejected(Rejection::Ended)) => return (End::Over, None),
        Err(
            BeginError::Create(CreateError::Storage(_))
            | BeginError::Open(OpenError::Storage(_))
            | BeginError::Append(AppendError::Storage(_) | AppendError::Crashed { .. }),
        ) => return (End::Refused, None),
        Err(error) => panic!("the run cannot be taken up: {error}"),
    };
    let notices = handle.subscribe();
    let end = tokio::select! {
        finish = handle.finished() => End::Finished(finish),
        () = crash.struck() => End::Crashed,
        () = watch.hanging() => End::Hung,
    };
    (end, Some(notices))
}

impl Life {
    /// How often the run's actor was made anew. What is told of its end may come before anybody
    /// listens; that it goes on comes after a pause.
    pub(crate) fn rebuilds(&self) -> usize {
        let resumed = |published: &&Arc<Recorded>| matches!(published.event, Event::RunResumed(_));
        self.published.iter().filter(resumed).count()
    }

    fn listen(&mut self, notices: &mut Receiver<Notice>) {
        loop {
            match notices.try_recv() {
                Ok(Notice::Event(event)) => self.published.push(event),
                Ok(Notice::WorkerLost { .. }) => self.workers_lost += 1,
                Ok(
                    Notice::Tokens { .. }
                    | Notice::Transcribed { .. }
                    | Notice::Retrying { .. }
                    | Notice::Waiting { .. }
                    | Notice::DiskSlow { .. }
                    | Notice::DiskCaughtUp { .. }
                    | Notice::Rebuilt { .. }
                    | Notice::Finished(_),
                ) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
                Err(TryRecvError::Lagged(missed)) => panic!("missed {missed} notices"),
            }
        }
    }
}

//! Where runs of the tests lie, and what they are told.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{Receiver, Sender, channel},
    },
};

use lao_event::{
    Content, Limits, RunId, Settings, WorkspaceSettings,
    latest::{Definition, PlanDefinition},
};
use lao_history::RunsFolder;
use lao_journal::{Fault, FaultAnswer, FaultPoint, Options};
use lao_kernel::Start;
use lao_runtime::{Begin, Permits, RetryPolicy, RunSpec};
use tempfile::TempDir;

use crate::world::Easy;

/// The endpoint of every role.
pub(crate) const ENDPOINT: &str = "easy";

/// A project.
pub(crate) struct Stage {
    root: TempDir,
    pub(crate) runs: RunsFolder,
}

impl Stage {
    /// In memory where there is such a disk: what is tested is the order of things.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        Self { runs: RunsFolder::new(root.path().join(".lao")), root }
    }

    /// A run by its number, with so many tasks under way at a time.
    pub(crate) fn run(&self, number: u32, parallel: u32) -> (RunId, Begin) {
        let run = RunId::new(1_800_000_000_000, number);
        let plan = PlanDefinition {
            title: "Greetings".to_owned(),
            path: "plans/greetings.md".to_owned(),
            text: Content::from("# Greetings"),
            chunks: vec![Content::from("# Greetings")],
        };
        let start = Start {
            run: run.clone(),
            program: "test".to_owned(),
            steps: Vec::new(),
            definition: Definition::Plan(plan),
            settings: self.settings(parallel),
            seed: 1,
        };
        (run, Begin::Start(Box::new(start)))
    }

    /// What a run is made from.
    pub(crate) fn spec(
        &self,
        run: &RunId,
        world: &Arc<Easy>,
        (permits, fault): (Permits, Arc<dyn Fault>),
    ) -> RunSpec {
        RunSpec {
            folder: self.runs.run(run),
            contents: self.runs.contents().unwrap(),
            world: world.ports(),
            permits,
            retry: RetryPolicy::default(),
            journal: Options { fault: Some(fault), ..Options::default() },
            program: "test".to_owned(),
            socket: None,
            labels: BTreeMap::new(),
        }
    }

    fn settings(&self, parallel: u32) -> Settings {
        Settings {
            limits: Limits { parallel_tasks_max: parallel, ..Limits::default() },
            workspace: WorkspaceSettings::Folder {
                path: self.root.path().join("work").display().to_string(),
            },
            ..lao_testkit::settings(ENDPOINT)
        }
    }
}

/// So many places at the endpoint.
pub(crate) fn permits(count: u32) -> Permits {
    Permits::new(&[(ENDPOINT.to_owned(), ENDPOINT.to_owned(), count)], None)
}

/// A disk whose commits are noted, and that stalls when it is told to.
#[derive(Default)]
pub(crate) struct Disk {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Records of each commit that was begun.
    commits: Vec<u64>,
    /// The next commit tells the one and waits for the other.
    stall: Option<(Sender<()>, Receiver<()>)>,
}

/// A stall that was ordered.
pub(crate) struct Stall {
    stalled: Receiver<()>,
    go_on: Sender<()>,
}

impl Disk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Records of each commit that was begun.
    pub(crate) fn commits(&self) -> Vec<u64> {
        self.lock().commits.clone()
    }

    /// The next commit takes until it is told to go on.
    pub(crate) fn stall(&self) -> Stall {
        let (stalling, stalled) = channel();
        let (go_on, going_on) = channel();
        self.lock().stall = Some((stalling, going_on));
        Stall { stalled, go_on }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }
}

impl Stall {
    /// Waits until a commit stalls; the runtime's clock stands still meanwhile.
    pub(crate) async fn begins(self) -> Sender<()> {
        let Self { stalled, go_on } = self;
        tokio::task::spawn_blocking(move || stalled.recv().unwrap()).await.unwrap();
        go_on
    }
}

impl Fault for Disk {
    fn at(&self, point: FaultPoint) -> FaultAnswer {
        if let FaultPoint::BeforeCommit { first_seq, last_seq } = point {
            self.lock().commits.push(last_seq - first_seq + 1);
            let stall = self.lock().stall.take();
            if let Some((stalling, go_on)) = stall {
                stalling.send(()).unwrap();
                go_on.recv().unwrap();
            }
        }
        FaultAnswer::Continue
    }
}

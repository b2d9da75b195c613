//! The run, branched off at its events: each fork goes on from there and ends like the run.

use std::{collections::BTreeSet, fmt};

use lao_event::{Event, RunId};
use lao_history::Stamp;
use lao_journal::{Genesis, Manifest};
use lao_kernel::Fork;
use lao_replay::{NewRun, branch, files_at, fork_point};
use lao_scenario::Ending;
use serde_json::Value;

use super::{
    super::{
        check::{self, History},
        each::each,
        life::{End, Incident, live},
        stage::Stage,
    },
    Sweep,
};

/// Of how many decisions of a scenario one is branched off, where not all of them. Odd, so that
/// starts and ends both occur.
const FORK_EVERY: usize = 9;

/// The end of a decision.
struct At(u64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "branched off at {}", self.0)
    }
}

impl Sweep<'_> {
    /// Every event, or those of a sample of the decisions.
    pub(crate) fn fork_everywhere(&self) {
        let origin = Stage::new(self.scenario, &self.script);
        live(&origin, Incident::NONE);
        let ends = ends_of_decisions(&origin);
        let every = self.all_or_every(FORK_EVERY);
        let mut cases: Vec<At> = ends.iter().step_by(every).copied().map(At).collect();
        cases.extend(ends.last().copied().map(At));
        each(&cases, |case| self.fork_at(&origin, case.0));
    }

    fn fork_at(&self, origin: &Stage<'_>, at: u64) {
        let stage = Stage::new(self.scenario, &self.script);
        branch_off(origin, &stage, at);
        let life = live(&stage, Incident::NONE);
        assert_eq!(life.end, End::Finished(self.reference.finish.clone()));
        let mut history = History::new();
        history.after(&stage, &life);
        let facts = history.facts.expect("it has a journal");
        let forks = facts.events.iter().filter(|it| matches!(it.event, Event::RunForked(_)));
        assert_eq!(forks.map(|it| it.seq).collect::<Vec<_>>(), [at + 1]);
        let ending = check::ending(self.scenario, &stage, &facts);
        check::expect_same(&unrelated(&self.reference.ending), &unrelated(&ending));
        let asked: u32 = facts.answered.values().sum();
        let before: u32 = self.reference.questions.iter().map(|(_, count)| count).sum();
        assert_eq!(asked, before, "an answer that was taken over was asked for again");
    }
}

/// Where the run can be branched off; any event leads to one of these, at it or behind it.
fn ends_of_decisions(origin: &Stage<'_>) -> BTreeSet<u64> {
    let reader = origin.folder().reader().expect("it has a journal");
    let last = reader.head().expect("it can be read").seq;
    let mut ends = BTreeSet::new();
    let mut previous = 0;
    for at in 1..=last {
        let point = fork_point(&reader, Some(at)).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert!(point.seq >= at.max(previous), "{at} leads to {}", point.seq);
        assert_eq!(point.last, last);
        previous = point.seq;
        ends.insert(point.seq);
    }
    for outside in [0, last + 1, u64::MAX] {
        assert!(fork_point(&reader, Some(outside)).is_err(), "there is no event {outside}");
    }
    assert_eq!(fork_point(&reader, None).expect("it can be read").seq, last);
    ends
}

/// Makes the fork's workspace and journal. It has the id of the run, which stands in files of the
/// trail, so that these can be compared.
fn branch_off(origin: &Stage<'_>, stage: &Stage<'_>, at: u64) {
    let reader = origin.folder().reader().expect("it has a journal");
    let point = fork_point(&reader, Some(at)).expect("it is the end of a decision");
    let files = files_at(&reader, Some(at)).expect("the journal knows them");
    stage.put(origin, &files);
    let folder = stage.folder();
    let fork = Fork {
        run: folder.run.clone(),
        parent: RunId::new(1, 1),
        seq: point.seq,
        head: point.head,
        program: "sweep".to_owned(),
        settings: stage.start().settings,
        redo: Vec::new(),
    };
    let genesis = Genesis { run: folder.run.to_string(), started: b"a fork".to_vec() };
    let manifest = Manifest::new(folder.run.to_string(), "A fork".to_owned(), 0);
    let stamp = Stamp { wall_ms: 0, monotonic_ns: 0, noted: true };
    std::fs::create_dir_all(folder.path.parent().expect("it lies below")).expect("there is room");
    let new = NewRun { folder: &folder.path, genesis: &genesis, manifest: &manifest, stamp };
    branch(&reader, &point, fork, new).unwrap_or_else(|error| panic!("{error}"));
}

/// An ending without what tells of a parent.
fn unrelated(ending: &Ending) -> Ending {
    let mut ending = ending.clone();
    if let Some(Value::Object(run)) = ending.state.pointer_mut("/run") {
        run.remove("parent");
    }
    ending
}

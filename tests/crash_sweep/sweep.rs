//! The sweeps over one scenario.

mod forks;

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use lao_event::latest::RunOutcome;
use lao_journal::Kept;
use lao_model::Script;
use lao_runtime::Finish;
use lao_scenario::{Ending, Mishap, PromptKey, Side, Trouble};
use lao_testkit::{Crash, DiskMishap, Moment};

use super::{
    check::{self, History},
    each::each,
    life::{End, Incident, Life, live},
    scenario::{Depth, Order, Scenario},
    stage::Stage,
};

/// How many commits of a resumed life are crashed as well.
const SECOND_CRASHES: u64 = 3;
/// Of how many first crashes one is crashed again. Odd, like the others below, so that both sides
/// of a commit or a call occur.
const SECOND_CRASH_EVERY: usize = 5;
/// Of how many panics of workers one is run, where not all of them.
const PANIC_EVERY: usize = 3;
/// Of how many troubles one ends the process.
const HANG_EVERY: usize = 7;
/// Of how many looks at the clock one panics: each rebuild waits for its pause.
const CLOCK_EVERY: usize = 4;
/// Of how many crashes at commits one is run, where not all of them. Odd as well.
const CRASH_EVERY: usize = 3;
/// Of how many power cuts at syncs one is run, where not all of them.
const SYNC_EVERY: usize = 9;
/// Of how many calls of the disk one fails.
const DISK_CALL_EVERY: usize = 31;
/// Of how many power cuts one is followed by another while the run is taken up.
const SECOND_CUT_EVERY: usize = 5;
/// Of how many cases of a scenario one is run of its variations.
const SAMPLE_EVERY: usize = 5;

/// A scenario with the run of it that nobody disturbed.
pub(crate) struct Sweep<'a> {
    scenario: &'a Scenario,
    script: Script,
    reference: Reference,
}

/// What every other run is compared with.
struct Reference {
    ending: Ending,
    finish: Finish,
    commits: u64,
    syncs: u64,
    disk_calls: u64,
    calls: u64,
    clock_looks: u64,
    questions: Vec<(PromptKey, u32)>,
    asked: u32,
}

/// What befalls the lives of one run; the life after them is left alone.
struct Case(Vec<Incident>);

impl Case {
    /// Whether the first life came to where its trouble waits: where tasks go on side by side,
    /// one run may have fewer rounds of checks, and so fewer calls, than another.
    fn struck(&self, life: &Life) -> bool {
        let Incident { crash: _, disk: _, trouble, clock_panics_at } = self.0[0];
        trouble.is_none_or(|trouble| life.call_count >= trouble.call)
            && clock_panics_at.is_none_or(|look| life.clock_looks >= look)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(", then "))
    }
}

/// A run that came to its end.
struct Told {
    lives: Vec<Life>,
    history: History,
    ending: Ending,
}

impl<'a> Sweep<'a> {
    pub(crate) fn of(scenario: &'a Scenario) -> Self {
        let script = Script::parse(scenario.name, &scenario.script())
            .unwrap_or_else(|error| panic!("{error}"));
        let told = run(scenario, &script, &Case(Vec::new()));
        let [life] = told.lives.as_slice() else {
            panic!("a run that nobody disturbs takes one life");
        };
        let End::Finished(finish) = life.end.clone() else {
            panic!("it ended by itself: {:?}", life.end);
        };
        let facts = told.history.facts.expect("it has a journal");
        assert!(facts.answered.values().all(|count| *count == 1), "a question was answered twice");
        let reference = Reference {
            finish,
            commits: life.commits,
            syncs: life.syncs,
            disk_calls: life.disk_calls,
            calls: life.call_count,
            clock_looks: life.clock_looks,
            questions: facts.answered.into_iter().collect(),
            asked: told.history.asked,
            ending: told.ending,
        };
        Self { scenario, script, reference }
    }

    /// The ending is what the scenario's file says.
    pub(crate) fn ending_is_as_recorded(&self) {
        let path = self.scenario.ending_file();
        let text = self.reference.ending.text();
        if std::env::var_os("LAO_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the folder of endings can be written");
        }
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(recorded, text, "{} (LAO_BLESS=1 writes it anew)", path.display());
    }

    /// Every commit, before and after, or a sample.
    pub(crate) fn crash_at_commits(&self) {
        let crashes = self.crashes().step_by(self.all_or_every(CRASH_EVERY));
        let cases: Vec<Case> = crashes.map(|crash| Case(vec![incident_of_crash(crash)])).collect();
        each(&cases, |case| drop(self.expect_like_reference(case)));
    }

    /// A sample of the crashes, each with another one while the run is taken up again.
    pub(crate) fn crash_twice(&self) {
        let first = self.crashes().step_by(self.every(SECOND_CRASH_EVERY));
        let cases: Vec<Case> = first
            .enumerate()
            .map(|(index, crash)| {
                let number = index as u64;
                let commit = number % SECOND_CRASHES + 1;
                let moment = Moment::ALL[index / 3 % 2];
                let second = Crash { commit, moment };
                Case(vec![incident_of_crash(crash), incident_of_crash(second)])
            })
            .collect();
        each(&cases, |case| drop(self.expect_like_reference(case)));
    }

    /// The power goes at every sync of the journal, or at a sample of them, and the disk keeps this
    /// or that of what was not synced; now and then it goes again while the run is taken up.
    pub(crate) fn cut_the_power(&self) {
        let cut = |sync, kept: fn(u64) -> Kept| {
            let disk = Some(DiskMishap::PowerCut { sync, kept: kept(sync) });
            Incident { disk, ..Incident::NONE }
        };
        let cuts = (1..=self.reference.syncs)
            .flat_map(|sync| KEPT.map(|kept| cut(sync, kept)))
            .step_by(self.all_or_every(SYNC_EVERY));
        let cases: Vec<Case> = cuts
            .enumerate()
            .map(|(index, first)| {
                let again = index.is_multiple_of(SECOND_CUT_EVERY);
                let sync = index as u64 / 2 % SECOND_CRASHES + 1;
                let second = again.then(|| cut(sync, KEPT[index / 2 % KEPT.len()]));
                Case(std::iter::once(first).chain(second).collect())
            })
            .collect();
        let struck = AtomicUsize::new(0);
        each(&cases, |case| {
            let told = self.expect_like_reference(case);
            let is_struck = matches!(told.lives[0].end, End::Crashed | End::Refused);
            struck.fetch_add(usize::from(is_struck), Ordering::SeqCst);
        });
        let struck = struck.into_inner();
        assert!(struck * 10 > cases.len() * 9, "the power went in {struck} of {}", cases.len());
    }

    /// A sample of the calls that change the disk are refused: the run is told why and gives up, or
    /// is rebuilt, and can be taken up.
    pub(crate) fn fill_the_disk(&self) {
        let calls = (1..=self.reference.disk_calls).step_by(self.every(DISK_CALL_EVERY));
        let cases: Vec<Case> = calls
            .map(|call| {
                let disk = Some(DiskMishap::Full { call });
                Case(vec![Incident { disk, ..Incident::NONE }])
            })
            .collect();
        let noticed = AtomicUsize::new(0);
        each(&cases, |case| {
            let told = self.expect_like_reference(case);
            let life = &told.lives[0];
            if let End::Finished(Finish::GaveUp { message, .. }) = &life.end {
                assert!(message.contains("no space left for"), "{message}");
            }
            let is_noticed = told.lives.len() > 1 || life.rebuilds() > 0;
            noticed.fetch_add(usize::from(is_noticed), Ordering::SeqCst);
        });
        // Closing changes the disk as well, and may fail without anybody missing anything.
        let noticed = noticed.into_inner();
        assert!(noticed * 10 > cases.len() * 7, "{noticed} of {} were noticed", cases.len());
    }

    /// Every call of the world, or a sample, panics once, in turns before and after its work.
    pub(crate) fn panic_in_workers(&self) {
        let in_turns =
            |trouble: &Trouble| trouble.call.is_multiple_of(2) == (trouble.side == Side::Before);
        let cases: Vec<Case> = self
            .troubles(Mishap::Panic)
            .filter(in_turns)
            .step_by(self.all_or_every(PANIC_EVERY))
            .map(|trouble| Case(vec![Incident { trouble: Some(trouble), ..Incident::NONE }]))
            .collect();
        each(&cases, |case| {
            let told = self.expect_like_reference(case);
            let [life] = told.lives.as_slice() else {
                panic!("a panic of a worker ends no process");
            };
            let facts = told.history.facts.as_ref().expect("it has a journal");
            // Whoever subscribes hears what happens from then on; the journal has it all, but for
            // preparations, which have no event.
            let noticed = life.workers_lost == 1 || facts.panics == 1;
            assert!(noticed || !case.struck(life), "the panic was not noticed");
        });
    }

    /// A sample of the calls: the process ends while the call is under way.
    pub(crate) fn end_within_effects(&self) {
        let cases: Vec<Case> = self
            .troubles(Mishap::Hang)
            .step_by(self.every(HANG_EVERY))
            .map(|trouble| Case(vec![Incident { trouble: Some(trouble), ..Incident::NONE }]))
            .collect();
        each(&cases, |case| drop(self.expect_like_reference(case)));
    }

    /// The run's own actor panics while it decides.
    pub(crate) fn panic_in_the_run(&self) {
        // The first looks are those of the beginning, which is refused and not rebuilt.
        let looks = (3..=self.reference.clock_looks).step_by(self.every(CLOCK_EVERY));
        let cases: Vec<Case> = looks
            .map(|look| Case(vec![Incident { clock_panics_at: Some(look), ..Incident::NONE }]))
            .collect();
        each(&cases, |case| {
            let told = self.expect_like_reference(case);
            let life = &told.lives[0];
            assert!(life.rebuilds() == 1 || !case.struck(life), "the run was not rebuilt");
        });
    }

    /// Of how many cases one is run; a variation of a scenario is sampled more thinly.
    fn every(&self, step: usize) -> usize {
        match self.scenario.depth {
            _ if is_all() => 1,
            Depth::Whole | Depth::Part => step,
            Depth::Sample => step * SAMPLE_EVERY,
        }
    }

    /// The same for what one scenario gets all of.
    fn all_or_every(&self, step: usize) -> usize {
        match self.scenario.depth {
            Depth::Whole => 1,
            Depth::Part | Depth::Sample => self.every(step),
        }
    }

    fn crashes(&self) -> impl Iterator<Item = Crash> {
        (1..=self.reference.commits)
            .flat_map(|commit| Moment::ALL.map(|moment| Crash { commit, moment }))
    }

    fn troubles(&self, mishap: Mishap) -> impl Iterator<Item = Trouble> {
        (1..=self.reference.calls).flat_map(move |call| {
            [Side::Before, Side::After].map(|side| Trouble { call, side, mishap })
        })
    }

    fn expect_like_reference(&self, case: &Case) -> Told {
        let told = run(self.scenario, &self.script, case);
        let reference = &self.reference;
        check::expect_same(&reference.ending, &told.ending);
        let last = told.lives.last().expect("there was one");
        match &last.end {
            End::Finished(finish) => assert_eq!(*finish, reference.finish),
            End::Over => {}
            End::Crashed | End::Refused | End::Hung => panic!("the last life was to be left alone"),
        }
        let facts = told.history.facts.as_ref().expect("it has a journal");
        let questions: Vec<_> = facts.answered.clone().into_iter().collect();
        assert_eq!(questions, reference.questions, "other questions were answered");
        self.expect_few_repeats(&told);
        told
    }

    /// What was in flight when a life ended is all that may have been asked again.
    fn expect_few_repeats(&self, told: &Told) {
        let places = match self.scenario.order {
            Order::Fixed => 1,
            Order::Free => 2,
        };
        let disturbances = u32::try_from(told.lives.len()).expect("few lives");
        // A server that fails once fails again in the next process.
        let allowed = self.reference.asked + disturbances * (places + 1);
        assert!(told.history.asked <= allowed, "{} questions were asked", told.history.asked);
    }
}

/// What a disk keeps, by a seed. That it keeps nothing is what a crash before the commit does.
const KEPT: [fn(u64) -> Kept; 2] = [
    |seed| if seed.is_multiple_of(4) { Kept::AllButHeader } else { Kept::Some { seed } },
    |seed| Kept::Torn { seed, sector_bytes: if seed.is_multiple_of(2) { 512 } else { 4096 } },
];

/// Whether nothing is sampled.
fn is_all() -> bool {
    std::env::var_os("LAO_SWEEP_ALL").is_some()
}

fn incident_of_crash(crash: Crash) -> Incident {
    Incident { crash: Some(crash), ..Incident::NONE }
}

/// Lives, one after the other, until one comes to the end.
fn run(scenario: &Scenario, script: &Script, case: &Case) -> Told {
    let stage = Stage::new(scenario, script);
    let mut history = History::new();
    let mut lives = Vec::new();
    let incidents = case.0.iter().copied().chain([Incident::NONE]);
    for incident in incidents {
        let life = live(&stage, incident);
        history.after(&stage, &life);
        let gave_up = matches!(life.end, End::Finished(Finish::GaveUp { storage: true, .. }));
        let over = matches!(life.end, End::Finished(_) | End::Over)
            && !(gave_up && incident.disk.is_some());
        lives.push(life);
        if over {
            break;
        }
    }
    let facts = history.facts.as_ref().expect("the last life was left alone");
    expect_ended(&lives, facts);
    check::expect_writes_once(&lives);
    check::expect_checkout_untouched(&stage);
    let ending = check::ending(scenario, &stage, facts);
    Told { lives, history, ending }
}

fn expect_ended(lives: &[Life], facts: &lao_scenario::JournalFacts) {
    let phase = &facts.state.run().expect("it started").phase;
    let ended =
        matches!(phase, lao_kernel::RunPhase::Ended(RunOutcome::Succeeded | RunOutcome::Failed));
    let end = lives.last().map(|life| &life.end);
    assert!(ended, "the run is {phase:?} after {end:?}");
}

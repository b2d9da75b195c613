//! Whatever comes in whatever order, and wherever the process is killed: every content is fired once,
//! every moment is answered for once, nothing overlaps that must not, and the journal says what the
//! memory says.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Hash, RunId,
    latest::{
        ScheduleMissed, TriggerCause, TriggerEnded, TriggerEvent, TriggerFired, TriggerOutcome,
    },
};
use lao_trigger::{
    Cron, Due, FoundFile, Missed, OVERLAP_OPEN_MAX, Rules, ScheduleRule, ScheduleSpec,
    TriggerState, Triggers, WatchRule,
};
use proptest::prelude::*;

const MINUTE_MS: i64 = 60_000;
/// 2026-03-28T12:00:00Z: the clocks of Berlin are put forward in the night that follows.
const START_MS: i64 = 1_774_699_200_000;
const PLACES: [u32; 2] = [1, 3];
const SCHEDULES: [(&str, Missed, bool); 6] = [
    ("*/7 * * * *", Missed::All, false),
    ("*/11 * * * *", Missed::All, true),
    ("*/5 * * * *", Missed::Once, false),
    ("*/13 * * * *", Missed::Once, true),
    ("*/3 * * * *", Missed::Skip, false),
    ("30 2 * * *", Missed::Skip, true),
];

fn rules() -> Rules {
    let watches = PLACES.map(|concurrency| WatchRule { concurrency }).to_vec();
    let read = |(cron, missed, overlap): (&str, Missed, bool)| {
        let (expression, zone) = (cron.to_owned(), Some("Europe/Berlin".to_owned()));
        ScheduleRule::read(ScheduleSpec { expression, zone, missed, overlap }).expect("it is right")
    };
    Rules { watches, schedules: SCHEDULES.map(read).to_vec() }
}

#[derive(Debug, Clone)]
enum Step {
    File { content: u8, watch: u32 },
    Pass { minutes: i64 },
    End { which: usize },
    Manual,
    Restart { minutes: i64 },
}

/// A step, and after how many events of it the process is killed.
fn step() -> impl Strategy<Value = (Step, Option<usize>)> {
    let step = prop_oneof![
        4 => (any::<u8>(), 0..2_u32)
            .prop_map(|(content, watch)| Step::File { content: content % 24, watch }),
        3 => (0..40_i64).prop_map(|minutes| Step::Pass { minutes }),
        4 => any::<usize>().prop_map(|which| Step::End { which }),
        1 => Just(Step::Manual),
        1 => (0..400_i64).prop_map(|minutes| Step::Restart { minutes }),
    ];
    (step, prop::option::weighted(0.2, 0..3_usize))
}

/// The process was killed.
struct Killed;

struct World {
    journal: Vec<TriggerEvent>,
    live: Triggers,
    /// The files that are there, by content.
    files: BTreeMap<u8, u32>,
    now_ms: i64,
    events_left: Option<usize>,
}

fn fold(journal: &[TriggerEvent]) -> TriggerState {
    let mut state = TriggerState::new();
    for event in journal {
        state.evolve(event).expect("the journal is consistent");
    }
    state
}

impl World {
    fn new() -> Self {
        let live = Triggers::new(TriggerState::new(), rules());
        let (journal, files) = (Vec::new(), BTreeMap::new());
        let mut world = Self { journal, live, files, now_ms: START_MS, events_left: None };
        world.open().unwrap_or_else(|Killed| unreachable!("nobody kills it"));
        world
    }

    fn put(&mut self, event: impl Into<TriggerEvent>) -> Result<(), Killed> {
        match &mut self.events_left {
            Some(0) => return Err(Killed),
            Some(left) => *left -= 1,
            None => {}
        }
        let event = event.into();
        self.live.evolve(&event).expect("what is decided can follow");
        self.journal.push(event);
        self.check();
        Ok(())
    }

    fn fire(&mut self, cause: TriggerCause) -> Result<(), Killed> {
        let number = self.live.state().next_number();
        let random = u32::try_from(number).expect("few");
        self.put(TriggerFired { number, cause, run: RunId::new(0, random) })
    }

    fn open(&mut self) -> Result<(), Killed> {
        let opening = self.live.opening(
            "flow.yaml".to_owned(),
            Hash::of(b"text"),
            "0".to_owned(),
            self.now_ms,
        );
        self.put(opening)?;
        // The scan at the start finds what is there.
        for (content, watch) in self.files.clone() {
            self.settled(content, watch)?;
        }
        self.due()
    }

    fn settled(&mut self, content: u8, watch: u32) -> Result<(), Killed> {
        let file = FoundFile {
            watch,
            path: format!("in/{content}"),
            hash: Hash::of(&[content]),
            size_bytes: 1,
            modified_ms: 0,
        };
        self.live.file_settled(file).map_or(Ok(()), |cause| self.fire(cause))
    }

    fn due(&mut self) -> Result<(), Killed> {
        while self.live.next_due_ms().is_some_and(|due_ms| due_ms <= self.now_ms) {
            let due = self.live.due(self.now_ms);
            assert!(!due.is_empty(), "what is due can be answered for");
            for due in due {
                match due {
                    Due::Fire(cause) => self.fire(cause)?,
                    Due::Miss(missed) => self.put(missed)?,
                }
            }
        }
        assert!(self.live.due(self.now_ms).is_empty(), "nothing is due before it is said to be");
        Ok(())
    }

    fn end(&mut self, which: usize) -> Result<(), Killed> {
        let open: Vec<u64> = self.live.state().open().map(|fired| fired.number).collect();
        if open.is_empty() {
            return Ok(());
        }
        let number = open[which % open.len()];
        self.put(TriggerEnded { number, outcome: TriggerOutcome::Failed })?;
        while let Some(cause) = self.live.next_waiting() {
            self.fire(cause)?;
        }
        self.due()
    }

    fn restart(&mut self) {
        self.events_left = None;
        self.live = Triggers::new(fold(&self.journal), rules());
        self.open().unwrap_or_else(|Killed| unreachable!("nobody kills it"));
    }

    fn take(&mut self, (step, kill): (Step, Option<usize>)) {
        self.events_left = kill;
        let done = match step {
            Step::File { content, watch } => {
                let watch = *self.files.entry(content).or_insert(watch);
                self.settled(content, watch)
            }
            Step::Pass { minutes } => {
                // Not quite on the minute, and never quite a minute late.
                self.now_ms += minutes * MINUTE_MS + 700;
                self.due()
            }
            Step::End { which } => self.end(which),
            Step::Manual => self.fire(TriggerCause::Manual),
            Step::Restart { minutes } => {
                self.now_ms += minutes * MINUTE_MS;
                Err(Killed)
            }
        };
        if let Err(Killed) = done {
            self.restart();
        }
        self.events_left = None;
        let is_same = fold(&self.journal) == *self.live.state();
        assert!(is_same, "the journal says what the memory says");
    }

    /// What holds at every moment.
    fn check(&self) {
        let state = self.live.state();
        let mut of_schedule = [0; SCHEDULES.len()];
        let mut of_watch = [0; PLACES.len()];
        for fired in state.open() {
            match fired.cause {
                TriggerCause::Schedule { schedule, .. } => of_schedule[schedule as usize] += 1,
                TriggerCause::File { watch, .. } => of_watch[watch as usize] += 1,
                TriggerCause::Manual => {}
            }
        }
        for (open, (_, _, overlap)) in of_schedule.into_iter().zip(SCHEDULES) {
            assert!(open <= if overlap { OVERLAP_OPEN_MAX } else { 1 });
        }
        for (open, places) in of_watch.into_iter().zip(PLACES) {
            assert!(open <= places);
        }
    }

    /// What holds once everything has ended.
    fn check_end(&self) {
        assert_eq!(self.live.waiting().len(), 0);
        let mut contents = BTreeSet::new();
        let mut fired = vec![BTreeSet::new(); SCHEDULES.len()];
        let mut missed = vec![0; SCHEDULES.len()];
        for event in &self.journal {
            match event {
                TriggerEvent::TriggerFired(TriggerFired { cause, .. }) => match cause {
                    TriggerCause::File { hash, .. } => {
                        assert!(contents.insert(*hash), "a content is fired once");
                    }
                    TriggerCause::Schedule { schedule, due_ms, late: _ } => {
                        let is_new = fired[*schedule as usize].insert(*due_ms);
                        assert!(is_new, "a moment is fired once");
                    }
                    TriggerCause::Manual => {}
                },
                TriggerEvent::ScheduleMissed(ScheduleMissed { schedule, count, .. }) => {
                    missed[*schedule as usize] += *count;
                }
                TriggerEvent::TriggerOpened(_)
                | TriggerEvent::TriggerEnded(_)
                | TriggerEvent::FilesPassedOver(_) => {}
            }
        }
        let there: BTreeSet<Hash> =
            self.files.keys().map(|content| Hash::of(&[*content])).collect();
        assert_eq!(contents, there, "every content is fired");
        for (index, (expression, kind, _)) in SCHEDULES.into_iter().enumerate() {
            let cron = Cron::read(expression, Some("Europe/Berlin")).expect("it is right");
            let moments: BTreeSet<i64> =
                std::iter::successors(cron.next_after(START_MS), |at| cron.next_after(*at))
                    .take_while(|moment| *moment <= self.now_ms)
                    .collect();
            assert!(fired[index].is_subset(&moments), "{expression}");
            let answered = fired[index].len() as u64 + missed[index];
            assert_eq!(answered, moments.len() as u64, "{expression}: each is answered for once");
            if kind == Missed::All {
                assert_eq!(fired[index], moments, "{expression}: each is fired");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_and_wherever_it_is_killed(steps in prop::collection::vec(step(), 1..48)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        while world.live.state().open().len() > 0 {
            world.take((Step::End { which: 0 }, None));
        }
        world.check_end();
    }
}

fn one(expression: &str, missed: Missed, overlap: bool) -> Triggers {
    let (expression, zone) = (expression.to_owned(), Some("UTC".to_owned()));
    let rule = ScheduleRule::read(ScheduleSpec { expression, zone, missed, overlap });
    let rules = Rules { watches: Vec::new(), schedules: vec![rule.expect("it is right")] };
    opened(Triggers::new(TriggerState::new(), rules), START_MS)
}

fn opened(mut triggers: Triggers, now_ms: i64) -> Triggers {
    let opening = triggers.opening("f".to_owned(), Hash::of(b""), "0".to_owned(), now_ms);
    triggers.evolve(&opening.into()).expect("it can be opened");
    triggers
}

fn fire(due_ms: i64, late: bool) -> Due {
    Due::Fire(TriggerCause::Schedule { schedule: 0, due_ms, late })
}

fn miss(from_ms: i64, until_ms: i64, count: u64) -> Due {
    Due::Miss(ScheduleMissed { schedule: 0, from_ms, until_ms, count })
}

#[test]
fn three_hours_asleep() {
    let hour = |hours: i64| START_MS + hours * 60 * MINUTE_MS;
    let woken_ms = hour(3) + 30 * MINUTE_MS;
    let due = |missed| one("0 * * * *", missed, false).due(woken_ms);
    assert_eq!(due(Missed::Skip), [miss(hour(1), hour(3), 3)]);
    assert_eq!(due(Missed::Once), [miss(hour(1), hour(2), 2), fire(hour(3), true)]);
    assert_eq!(due(Missed::All), [fire(hour(1), true)], "the others one after the other");
    let woken_in_time = |missed| one("0 * * * *", missed, false).due(hour(3) + 1000);
    assert_eq!(woken_in_time(Missed::Skip), [miss(hour(1), hour(2), 2), fire(hour(3), false)]);
    assert_eq!(woken_in_time(Missed::Once), [miss(hour(1), hour(2), 2), fire(hour(3), false)]);
    let all = one("0 * * * *", Missed::All, true).due(hour(3));
    assert_eq!(all, [fire(hour(1), true), fire(hour(2), true), fire(hour(3), false)]);
}

#[test]
fn a_moment_that_comes_while_an_earlier_run_is_open() {
    let minute = |minutes: i64| START_MS + minutes * MINUTE_MS;
    for (missed, then) in [
        (Missed::Skip, vec![miss(minute(2), minute(3), 2)]),
        (Missed::Once, Vec::new()),
        (Missed::All, Vec::new()),
    ] {
        let mut triggers = one("* * * * *", missed, false);
        let cause = TriggerCause::Schedule { schedule: 0, due_ms: minute(1), late: false };
        let fired = TriggerFired { number: 1, cause, run: RunId::new(0, 1) };
        triggers.evolve(&fired.into()).expect("it is due");
        assert_eq!(triggers.due(minute(3)), then, "{missed:?}");
        let wakes = triggers.next_due_ms();
        assert_eq!(wakes, (missed == Missed::Skip).then_some(minute(2)), "{missed:?}");
        let ended = TriggerEnded { number: 1, outcome: TriggerOutcome::Succeeded };
        triggers.evolve(&ended.into()).expect("it is open");
        let afterwards = triggers.due(minute(3));
        match missed {
            Missed::Skip => assert_eq!(afterwards.len(), 2, "{afterwards:?}"),
            // Two minutes late is late, one is not.
            Missed::Once | Missed::All => assert_eq!(afterwards, [fire(minute(2), false)]),
        }
    }
}

#[test]
fn an_edited_schedule_makes_up_for_nothing_and_an_old_one_goes_on() {
    let spec = |expression: &str| ScheduleSpec {
        expression: expression.to_owned(),
        zone: None,
        missed: Missed::All,
        overlap: false,
    };
    let rules = |expressions: &[&str]| Rules {
        watches: Vec::new(),
        schedules: expressions
            .iter()
            .map(|it| ScheduleRule::read(spec(it)).expect("it is right"))
            .collect(),
    };
    let triggers = Triggers::new(TriggerState::new(), rules(&["0 * * * *", "5 * * * *"]));
    let mut triggers = opened(triggers, START_MS);
    triggers.change(rules(&["1 * * * *", "0 * * * *", "0 * * * *"]));
    let later_ms = START_MS + 1000 * MINUTE_MS;
    let triggers = opened(triggers, later_ms);
    let covered = |schedule| triggers.state().covered_ms(schedule);
    assert_eq!(covered(0), Some(later_ms), "it is new");
    assert_eq!(covered(1), Some(START_MS), "it was the first before");
    assert_eq!(covered(2), Some(later_ms), "it is there once more than before");
}

#[test]
fn a_clock_that_was_far_ahead_stops_no_schedule() {
    let day_ms = 24 * 60 * MINUTE_MS;
    let triggers = opened(one("0 * * * *", Missed::Once, false), START_MS + 900 * day_ms);
    let ahead = triggers.state().clone();
    let mut triggers = triggers;
    let (from_ms, until_ms) = (START_MS + 900 * day_ms, START_MS + 900 * day_ms);
    let missed = ScheduleMissed { schedule: 0, from_ms, until_ms, count: 1 };
    triggers.evolve(&missed.into()).expect("it is later");
    assert_ne!(*triggers.state(), ahead);
    let triggers = opened(triggers, START_MS + day_ms);
    assert_eq!(triggers.state().covered_ms(0), Some(START_MS + day_ms));
}

#[test]
fn a_million_missed_moments_are_noted_piece_by_piece() {
    let mut triggers = one("* * * * * *", Missed::Once, false);
    let now_ms = START_MS + 250_000 * 1000;
    let mut counts = Vec::new();
    while triggers.next_due_ms().is_some_and(|due_ms| due_ms <= now_ms) {
        for due in triggers.due(now_ms) {
            match due {
                Due::Miss(missed) => {
                    counts.push(missed.count);
                    triggers.evolve(&missed.into()).expect("it is due");
                }
                Due::Fire(cause) => {
                    counts.push(0);
                    let fired = TriggerFired { number: 1, cause, run: RunId::new(0, 1) };
                    triggers.evolve(&fired.into()).expect("it is due");
                }
            }
        }
    }
    assert_eq!(counts, [100_000, 100_000, 49_939, 0]);
}

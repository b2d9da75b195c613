//! Journals that break off within a decision: what follows from its beginning is derived again.

use std::fs;

use lao_event::{Event, latest::ToolVerdict};
use lao_history::{Contents, HistoryError, Recorded, RunFolder, RunsFolder};
use lao_journal::{Genesis, Head, JOURNAL_FILE, Manifest, Restore};
use lao_kernel::{Command, Rejection, State, evolve, handle};
use lao_replay::{for_each_decision, missing_end};

use super::super::support::{demo, sandbox::Sandbox};

/// A run of the demo: its decisions.
struct Whole {
    sandbox: Sandbox,
    folder: RunFolder,
    contents: Contents,
    genesis: Genesis,
    decisions: Vec<Vec<Recorded>>,
}

impl Whole {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        demo::write_demo(&sandbox, 0);
        assert_eq!(sandbox.run(&["run", demo::PLAN]).code, Some(0));
        let runs = RunsFolder::new(sandbox.path(".lao"));
        let folder = runs.list().unwrap().pop().unwrap();
        let reader = folder.reader().unwrap();
        let mut decisions = Vec::new();
        for_each_decision::<HistoryError>(&reader, |decision| {
            decisions.push(decision.events().to_vec());
            Ok(())
        })
        .unwrap();
        let (genesis, contents) = (reader.genesis().clone(), runs.contents().unwrap());
        drop(reader);
        Self { sandbox, folder, contents, genesis, decisions }
    }

    /// The run as if its journal had broken off after some events.
    fn broken_off_after(&self, count: usize) {
        fs::remove_dir_all(&self.folder.path).unwrap();
        let mut restore = Restore::begin(&self.folder.path, self.genesis.clone()).unwrap();
        let mut head = Head { seq: 0, hash: self.genesis.hash() };
        let mut record = Vec::new();
        for event in self.decisions.iter().flatten().take(count) {
            head = lao_journal::chain(head, &event.draft().unwrap(), &mut record).unwrap();
            restore.push(&record).unwrap();
        }
        let run = self.folder.run.to_string();
        restore.finish(&Manifest::new(run, "A to-do list".to_owned(), 5)).unwrap();
    }
}

/// The one kind of beginning that does not tell how its decision goes on.
fn allows_a_call(event: &Recorded) -> bool {
    matches!(&event.event, Event::ToolDecided(decided)
        if matches!(decided.verdict, ToolVerdict::Allowed { .. }))
}

/// The run can be taken up from these events.
fn expect_resumable(events: &[Recorded], place: &str) {
    let mut state = State::new();
    for event in events {
        evolve(&mut state, &event.event).unwrap();
    }
    let resume = Command::Resume { program: "test".to_owned(), settings: None, retry: None };
    match handle(&mut state, resume) {
        Ok(_) | Err(Rejection::Ended) => {}
        Err(rejection) => panic!("{place}: {rejection}"),
    }
}

#[test]
fn what_is_missing_of_a_decision_is_what_was_there() {
    let whole = Whole::new();
    let mut before = 0;
    let mut derived = 0;
    for decision in &whole.decisions {
        for kept in 1..=decision.len() {
            whole.broken_off_after(before + kept);
            let reader = whole.folder.reader().unwrap();
            let missing = missing_end(&reader, &whole.contents).unwrap().events;
            let place = format!("after event {} ({})", before + kept, decision[0].event.name());
            let is_open = kept == 1 && allows_a_call(&decision[0]);
            let expected = if is_open { &[] } else { &decision[kept..] };
            assert_eq!(missing, expected, "{place}");
            let mut events: Vec<Recorded> =
                whole.decisions.iter().flatten().take(before + kept).cloned().collect();
            derived += missing.len();
            events.extend(missing);
            expect_resumable(&events, &place);
        }
        before += decision.len();
    }
    assert!(derived > 50, "the demo's decisions have several events each");
}

#[test]
fn a_repair_brings_a_run_to_the_end_of_its_decision() {
    let whole = Whole::new();
    // The planner's answer, without the tasks that were read in it.
    let (kept, position) = (&whole.decisions[2], 7);
    assert_eq!((kept[0].seq, kept[0].event.name()), (position, "ModelCallEnded"));
    whole.broken_off_after(7);
    let repair = whole.sandbox.run(&["journal", "repair", "last"]);
    assert_eq!(repair.code, Some(0), "{}", repair.stderr);
    let missing = kept.len() - 1;
    assert!(
        repair.stdout.contains(&format!("{missing} events, which the kept")),
        "{}",
        repair.stdout
    );
    assert!(whole.folder.path.join(JOURNAL_FILE).exists());
    for command in [["journal", "check", "last"], ["replay", "last", "--quiet"]] {
        let outcome = whole.sandbox.run(&command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let again = whole.sandbox.run(&["journal", "repair", "last"]);
    assert!(again.stdout.contains("nothing is wrong"), "{}", again.stdout);
}

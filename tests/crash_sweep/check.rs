//! What must hold after every life, and what must hold at the end.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::latest::FileWriteOutcome;
use lao_journal::Blobs;
use lao_kernel::outstanding;
use lao_replay::{Replay, replay};
use lao_scenario::{Call, Ending, JournalFacts, PromptKey, commits, uncommitted};

use super::{
    life::Life,
    scenario::{Order, Scenario},
    stage::Stage,
};

/// A run as it can be told from outside after some lives.
pub(crate) struct History {
    /// Questions whose answer was durable when the last life ended.
    answered: BTreeMap<PromptKey, u32>,
    /// Questions that were put to the model, over all lives.
    pub asked: u32,
    pub facts: Option<JournalFacts>,
}

impl History {
    pub(crate) const fn new() -> Self {
        Self { answered: BTreeMap::new(), asked: 0, facts: None }
    }

    /// Looks at what a life did and left.
    pub(crate) fn after(&mut self, stage: &Stage<'_>, life: &Life) {
        let facts = read(stage);
        self.expect_no_answer_asked_for_again(life);
        expect_journal_first(life, facts.as_ref());
        if let Some(facts) = &facts {
            expect_sound(stage, facts);
            expect_derived_again(stage, facts);
            expect_commits_once(stage, facts);
        }
        self.facts = facts;
        let empty = BTreeMap::new();
        let answered = self.facts.as_ref().map_or(&empty, |facts| &facts.answered);
        assert!(
            self.answered.iter().all(|(key, count)| answered.get(key) >= Some(count)),
            "a durable answer is gone"
        );
        self.answered.clone_from(answered);
    }

    fn expect_no_answer_asked_for_again(&mut self, life: &Life) {
        for (prompt, _) in asked(life) {
            self.asked += 1;
            assert!(
                !self.answered.contains_key(prompt),
                "asked again though its answer was durable: {prompt}"
            );
        }
    }
}

fn asked(life: &Life) -> impl Iterator<Item = (&PromptKey, bool)> {
    life.calls.iter().filter_map(|call| match call {
        Call::Model { prompt, answered } => Some((prompt, *answered)),
        Call::Prepare { .. }
        | Call::Read { .. }
        | Call::Write { .. }
        | Call::Command { .. }
        | Call::Transcribe { .. }
        | Call::Checks
        | Call::Workspace
        | Call::Commit { .. } => None,
    })
}

/// The journal of a run that nobody works on; `None` if it was never made.
fn read(stage: &Stage<'_>) -> Option<JournalFacts> {
    let folder = stage.folder();
    if !folder.path.join(lao_journal::JOURNAL_FILE).exists() {
        return None;
    }
    let facts = JournalFacts::read(&folder, &stage.contents());
    Some(facts.unwrap_or_else(|error| panic!("the journal cannot be read: {error}")))
}

/// Nothing left the run before the events it follows from were durable.
fn expect_journal_first(life: &Life, facts: Option<&JournalFacts>) {
    let Some(facts) = facts else {
        assert!(life.calls.is_empty(), "acted without a journal: {:?}", life.calls);
        assert!(life.published.is_empty(), "told without a journal");
        return;
    };
    for event in &life.published {
        let index = usize::try_from(event.seq - 1).expect("a journal in memory");
        assert_eq!(facts.events.get(index), Some(event.as_ref()), "told, and not in the journal");
    }
    let commits: BTreeSet<_> = facts.commits.iter().copied().collect();
    for call in &life.calls {
        match call {
            Call::Model { prompt, .. } => {
                assert!(facts.asked.contains_key(prompt), "asked before it was durable: {prompt}");
            }
            Call::Write { path, after, .. } => {
                let write = (path.clone(), *after);
                assert!(facts.writes.contains(&write), "wrote {path} before it was durable");
            }
            Call::Commit { effect, .. } => {
                assert!(commits.contains(effect), "committed {effect} before it was durable");
            }
            Call::Prepare { .. }
            | Call::Read { .. }
            | Call::Command { .. }
            | Call::Transcribe { .. }
            | Call::Checks
            | Call::Workspace => {}
        }
    }
}

fn expect_sound(stage: &Stage<'_>, facts: &JournalFacts) {
    let report = lao_journal::check(&stage.folder().path);
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!(report.records, facts.events.len() as u64);
    let audit = facts.state.audit();
    assert!(audit.is_empty(), "the state contradicts itself: {audit:#?}");
    let blobs = Blobs::open(&stage.blobs()).expect("the project has blobs");
    let checked = blobs.check(|path, error| panic!("{}: {error:?}", path.display()));
    checked.expect("the folder of blobs can be listed");
}

/// Whatever befell the run, its record follows from its results, event by event.
fn expect_derived_again(stage: &Stage<'_>, facts: &JournalFacts) {
    let reader = stage.folder().reader().expect("it was just read");
    match replay(&reader, &stage.contents(), |_| {}) {
        Ok(Replay::Identical(replayed)) => {
            assert_eq!(replayed.events, facts.events.len() as u64);
            assert!(replayed.state == facts.state, "replay leads to another state");
        }
        Ok(Replay::Different(difference)) => panic!("replay differs: {difference:#?}"),
        Err(error) => panic!("the journal cannot be replayed: {error}"),
    }
}

/// Each effect has at most one commit, and none that the journal does not know.
fn expect_commits_once(stage: &Stage<'_>, facts: &JournalFacts) {
    let mut seen = BTreeSet::new();
    let known: BTreeSet<u64> = facts.commits.iter().map(|effect| effect.0).collect();
    for commit in commits(stage.workspace()).expect("the repository can be read") {
        if let Some((step, effect)) = &commit.marks {
            assert!(seen.insert(*effect), "effect {effect} of {step} was committed twice");
            assert!(known.contains(effect), "effect {effect} of {step} is not in the journal");
        }
    }
}

/// The journal names exactly the commits there are.
fn expect_commits_known(stage: &Stage<'_>, facts: &JournalFacts) {
    let history = commits(stage.workspace()).expect("the repository can be read");
    let ours = history.into_iter().filter_map(|commit| Some((commit.marks?.1, commit.id)));
    let there: BTreeMap<u64, String> = ours.collect();
    let told: BTreeMap<u64, String> =
        facts.made.iter().map(|(effect, id)| (effect.0, id.clone())).collect();
    assert_eq!(told, there, "the journal and git disagree about the commits");
}

/// How a run ended whose last life went to its end.
pub(crate) fn ending(scenario: &Scenario, stage: &Stage<'_>, facts: &JournalFacts) -> Ending {
    assert_eq!(outstanding(&facts.state).count(), 0, "something is still owed");
    assert!(facts.state.in_flight().is_empty(), "something is still in flight");
    expect_commits_known(stage, facts);
    let ending = Ending::of(stage.workspace(), &facts.state).expect("the workspace can be read");
    match scenario.order {
        Order::Fixed => ending,
        Order::Free => ending.without_order(),
    }
}

/// The user's checkout is as it was made.
pub(crate) fn expect_checkout_untouched(stage: &Stage<'_>) {
    if let Some(checkout) = stage.checkout() {
        let history = commits(checkout).expect("the checkout can be read");
        assert_eq!(history.len(), 1, "the run committed to the user's branch: {history:?}");
        let changed = uncommitted(checkout).expect("the checkout can be read");
        assert_eq!(changed, ["src/a.txt Status(WT_MODIFIED)"]);
    }
}

/// Every file write took effect once, whatever it took to know.
pub(crate) fn expect_writes_once(lives: &[Life]) {
    let mut written = BTreeMap::new();
    for call in lives.iter().flat_map(|life| &life.calls) {
        if let Call::Write { path, before, after, outcome } = call {
            match outcome {
                Some(FileWriteOutcome::Written) => {
                    *written.entry((path, before, after)).or_insert(0) += 1;
                }
                Some(FileWriteOutcome::AlreadyWritten) | None => {}
                Some(other) => panic!("{path}: {other:?}"),
            }
        }
    }
    for ((path, ..), times) in written {
        assert_eq!(times, 1, "{path} was written more than once with the same content");
    }
}

/// Says where two endings differ.
pub(crate) fn expect_same(reference: &Ending, ending: &Ending) {
    let (was, is) = (reference.text(), ending.text());
    assert_eq!(was.lines().collect::<Vec<_>>(), is.lines().collect::<Vec<_>>());
    assert_eq!(reference, ending);
}

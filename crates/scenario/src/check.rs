//! What must hold after every life: the journal came first, nothing that ended was done again.

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    Event,
    latest::{Action, FileWriteOutcome},
};
use lao_journal::Blobs;

use crate::{
    facts::JournalFacts,
    life::Life,
    prompt::PromptKey,
    stage::Stage,
    tree::commits,
    watch::{Call, file_name},
};

/// A run as it can be told from outside after some lives.
#[derive(Default)]
pub(crate) struct History {
    /// Questions whose answer was durable when the last life ended.
    answered: BTreeMap<PromptKey, u32>,
    /// Commands whose end was.
    ran: BTreeMap<String, u64>,
    /// File writes that took effect.
    written: BTreeMap<Write, u32>,
    pub facts: Option<JournalFacts>,
    /// What did not hold.
    pub problems: Vec<String>,
}

/// Path, what was there before, what is there after.
pub(crate) type Write = (String, Option<lao_event::Hash>, Option<lao_event::Hash>);

impl History {
    /// Looks at what a life did and left.
    pub(crate) fn after(&mut self, stage: &Stage, life: &Life) {
        let facts = self.read(stage);
        self.answers_once(life, facts.as_ref());
        self.journal_first(life, facts.as_ref());
        self.writes_once(life);
        if let Some(facts) = &facts {
            self.commands_once(life, facts);
            self.sound(stage, facts);
            self.commits_once(stage, facts);
            self.keeps(facts);
        }
        self.facts = facts;
    }

    fn demand(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    /// The journal of a run that nobody works on; `None` if it was never made.
    fn read(&mut self, stage: &Stage) -> Option<JournalFacts> {
        let folder = stage.folder();
        if !folder.path.join(lao_journal::JOURNAL_FILE).exists() {
            return None;
        }
        let read = stage.contents().map_err(|error| error.to_string()).and_then(|contents| {
            JournalFacts::read(&folder, &contents).map_err(|error| error.to_string())
        });
        match read {
            Ok(facts) => Some(facts),
            Err(error) => {
                self.problems.push(format!("the journal cannot be read: {error}"));
                None
            }
        }
    }

    /// A call is one of those that were started and had no answer when the life began.
    fn answers_once(&mut self, life: &Life, facts: Option<&JournalFacts>) {
        for call in &life.calls {
            if let Call::Model { prompt, .. } = call
                && let Some(answered) = self.answered.get(prompt)
                && facts.is_none_or(|facts| facts.asked.get(prompt) <= Some(answered))
            {
                let problem = format!("asked again though its answer was durable: {prompt}");
                self.problems.push(problem);
            }
        }
    }

    /// A durable answer stays.
    fn keeps(&mut self, facts: &JournalFacts) {
        let gone = self.answered.iter().find(|(key, count)| facts.answered.get(key) < Some(count));
        if let Some((key, _)) = gone {
            self.problems.push(format!("a durable answer is gone: {key}"));
        }
        self.answered.clone_from(&facts.answered);
    }

    /// Nothing left the run before the events it follows from were durable.
    fn journal_first(&mut self, life: &Life, facts: Option<&JournalFacts>) {
        let Some(facts) = facts else {
            self.demand(life.calls.is_empty(), || "it acted without a journal".to_owned());
            return;
        };
        for event in &life.published {
            let index = usize::try_from(event.seq - 1).expect("a journal in memory");
            let there = facts.events.get(index) == Some(event.as_ref());
            self.demand(there, || format!("event {} was told and is not durable", event.seq));
        }
        for call in &life.calls {
            let known = match call {
                Call::Model { prompt, .. } => facts.asked.contains_key(prompt),
                Call::Write { path, after, .. } => facts.writes.contains(&(path.clone(), *after)),
                Call::Commit { effect, .. } => facts.commits.contains(effect),
                Call::Prepare { .. }
                | Call::Read { .. }
                | Call::Command { .. }
                | Call::Transcribe { .. }
                | Call::Checks
                | Call::Workspace => true,
            };
            self.demand(known, || format!("done before it was durable: {call:?}"));
        }
    }

    /// Every file write took effect once, whatever it took to know.
    fn writes_once(&mut self, life: &Life) {
        for call in &life.calls {
            if let Call::Write { path, before, after, outcome: Some(FileWriteOutcome::Written) } =
                call
            {
                let write = (path.clone(), *before, *after);
                let times = self.written.entry(write).or_default();
                *times += 1;
            }
        }
    }

    /// No command is run again whose end is durable, and nothing is transcribed again.
    fn commands_once(&mut self, life: &Life, facts: &JournalFacts) {
        let (mut started, mut ended) = (BTreeMap::new(), BTreeMap::new());
        let mut open = BTreeMap::new();
        let mut panics = 0;
        for recorded in &facts.events {
            if let Event::CommandStarted(event) = &recorded.event {
                let command = event.argv.join(" ");
                *started.entry(command.clone()).or_insert(0) += 1;
                open.insert(event.effect, command);
            } else if let Event::CommandEnded(event) = &recorded.event {
                let command = open.get(&event.effect).cloned().unwrap_or_default();
                *ended.entry(command).or_insert(0) += 1;
            } else if let Event::ActionStarted(event) = &recorded.event {
                if let Some(line) = action_line(&event.action) {
                    *started.entry(line.clone()).or_insert(0) += 1;
                    open.insert(event.effect, line);
                }
            } else if let Event::ActionEnded(event) = &recorded.event {
                if let Some(line) = open.get(&event.effect).cloned() {
                    *ended.entry(line).or_insert(0) += 1;
                }
            } else if let Event::EffectsLost(_) = &recorded.event {
                panics += 1;
            }
        }
        let mut calls: BTreeMap<String, u64> = BTreeMap::new();
        for call in &life.calls {
            if let Call::Command { argv } = call {
                *calls.entry(argv.join(" ")).or_default() += 1;
            } else if let Call::Transcribe { file, done: true } = call {
                *calls.entry(format!("transcribe {file}")).or_default() += 1;
            }
        }
        for (line, times) in calls {
            let over = self.ran.get(&line).copied().unwrap_or(0);
            let may = started.get(&line).copied().unwrap_or(0) - over + panics;
            self.demand(times <= may, || format!("`{line}` was run again though it had ended"));
        }
        self.ran = ended;
    }

    fn sound(&mut self, stage: &Stage, facts: &JournalFacts) {
        let report = lao_journal::check(&stage.folder().path);
        self.demand(report.is_sound(), || format!("the journal: {:?}", report.findings));
        let audit = facts.state.audit();
        self.demand(audit.is_empty(), || format!("the state contradicts itself: {audit:?}"));
        let mut bad = Vec::new();
        let checked =
            Blobs::open(&stage.blobs()).map_err(|error| error.to_string()).and_then(|blobs| {
                let listed = blobs.check(|path, _| bad.push(path.display().to_string()));
                listed.map(drop).map_err(|error| error.to_string())
            });
        self.demand(checked.is_ok(), || format!("the blobs: {checked:?}"));
        self.demand(bad.is_empty(), || format!("blobs are damaged: {}", bad.join(", ")));
    }

    /// Each effect has at most one commit, and none that the journal does not know.
    fn commits_once(&mut self, stage: &Stage, facts: &JournalFacts) {
        let made = match commits(stage.workspace()) {
            Ok(made) => made,
            Err(error) => {
                self.problems.push(format!("the repository cannot be read: {error}"));
                return;
            }
        };
        let known: BTreeSet<u64> = facts.commits.iter().map(|effect| effect.0).collect();
        let mut seen = BTreeSet::new();
        for (step, effect) in made.into_iter().filter_map(|commit| commit.marks) {
            self.demand(seen.insert(effect), || format!("{step} was committed twice: {effect}"));
            self.demand(known.contains(&effect), || {
                format!("the journal does not know the commit of effect {effect} of {step}")
            });
        }
    }

    /// How often each file write took effect.
    pub(crate) fn into_written(self) -> BTreeMap<Write, u32> {
        self.written
    }
}

/// What an action of a workflow does that must not be done again once its end is durable.
fn action_line(action: &Action) -> Option<String> {
    match action {
        Action::Run(run) => Some(run.argv.join(" ")),
        Action::Transcribe(transcribe) => {
            Some(format!("transcribe {}", file_name(&transcribe.file)))
        }
        Action::Read { .. }
        | Action::List { .. }
        | Action::Write { .. }
        | Action::Embed { .. }
        | Action::Plan { .. }
        | Action::Approve { .. }
        | Action::Wait { .. }
        | Action::Pause { .. } => None,
    }
}

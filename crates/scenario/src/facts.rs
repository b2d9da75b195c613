//! What a journal says happened: its events, the state they fold to, and what was asked.

use std::collections::BTreeMap;

use lao_config::FILE_PLACEHOLDER;
use lao_event::{
    ConversationId, EffectId, Event, Hash,
    latest::{Action, CommitOutcome, LossCause, ModelOutcome, WorkspaceOutcome},
};
use lao_history::{ContentError, Contents, HistoryError, Recorded, RunFolder, fold};
use lao_journal::OpenError;
use lao_kernel::State;

use crate::{
    programs::shell_line,
    prompt::{self, PromptKey},
};

/// A journal, read to its end.
#[derive(Debug)]
pub struct JournalFacts {
    /// Every event.
    pub events: Vec<Recorded>,
    /// What they fold to.
    pub state: State,
    /// Every question to a model, with how often it was started.
    pub asked: BTreeMap<PromptKey, u32>,
    /// Every question that has its answer, with how often.
    pub answered: BTreeMap<PromptKey, u32>,
    /// Every file write that was started: path and what was to be there.
    pub writes: Vec<(String, Option<Hash>)>,
    /// Every commit that was started.
    pub commits: Vec<EffectId>,
    /// Every commit that was made: for which effect, and its id.
    pub made: BTreeMap<EffectId, String>,
    /// The lines of commands that have ended, those of checks up to the name of a file.
    pub ran: Vec<String>,
    /// Commits that the workspace was found on.
    pub bases: Vec<String>,
    /// Every conversation as it was last shown to a model.
    pub prompts: BTreeMap<ConversationId, String>,
    /// How often a worker panicked over an effect.
    pub panics: u32,
    /// Lines of the commands under way.
    lines: BTreeMap<EffectId, String>,
}

/// A journal could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be folded.
    #[error(transparent)]
    Fold(#[from] HistoryError),
    /// A text of a conversation is not to be had.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl JournalFacts {
    /// Reads the journal of a run that no process works on.
    pub fn read(folder: &RunFolder, contents: &Contents) -> Result<Self, FactsError> {
        let reader = folder.reader()?;
        let mut facts = Self {
            events: Vec::new(),
            state: State::new(),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
            writes: Vec::new(),
            commits: Vec::new(),
            made: BTreeMap::new(),
            ran: Vec::new(),
            bases: Vec::new(),
            prompts: BTreeMap::new(),
            panics: 0,
            lines: BTreeMap::new(),
        };
        let mut open = BTreeMap::new();
        let mut missing = None;
        facts.state = fold(&reader, |state, published| {
            if let Err(error) = facts.note(state, published, &mut open, contents) {
                missing.get_or_insert(error);
            }
        })?;
        missing.map_or(Ok(facts), |error| Err(error.into()))
    }

    fn note(
        &mut self,
        state: &State,
        published: &Recorded,
        open: &mut BTreeMap<EffectId, PromptKey>,
        contents: &Contents,
    ) -> Result<(), ContentError> {
        self.events.push(published.clone());
        if let Event::ModelCallStarted(event) = &published.event {
            let step = state.step(event.step).expect("a folded call belongs to a step");
            let (_, talk) = state.talk(event.step).expect("a folded call belongs to a talk");
            let key = PromptKey::of_talk(&step.key, event.role, &talk.messages, contents)?;
            *self.asked.entry(key.clone()).or_default() += 1;
            open.insert(event.effect, key);
            let texts = prompt::texts(&talk.messages, contents)?;
            self.prompts.insert(event.conversation, texts);
        } else if let Event::ModelCallEnded(event) = &published.event {
            let key = open.remove(&event.effect).expect("a folded call was started");
            if matches!(event.outcome, ModelOutcome::Answered(_)) {
                *self.answered.entry(key).or_default() += 1;
            }
        } else if let Event::FileWriteStarted(event) = &published.event {
            let after = event.after.as_ref().map(lao_event::Content::hash);
            self.writes.push((event.path.clone(), after));
        } else if let Event::ActionStarted(event) = &published.event {
            if let Action::Write { path, after, .. } = &event.action {
                self.writes.push((path.clone(), Some(after.hash())));
            } else if let Action::Run(run) = &event.action {
                self.lines.insert(event.effect, line(&run.argv));
            }
        } else if let Event::ActionEnded(event) = &published.event {
            self.ran.extend(self.lines.remove(&event.effect));
        } else if let Event::CommitStarted(event) = &published.event {
            self.commits.push(event.effect);
        } else if let Event::CommitEnded(event) = &published.event {
            if let CommitOutcome::Made { id } = &event.outcome {
                self.made.insert(event.effect, id.clone());
            }
        } else if let Event::CommandStarted(event) = &published.event {
            self.lines.insert(event.effect, line(&event.argv));
        } else if let Event::CommandEnded(event) = &published.event {
            self.ran.extend(self.lines.remove(&event.effect));
        } else if let Event::ChecksEnded(event) = &published.event {
            let commands = state.run().map(|run| run.settings.verifier.commands.as_slice());
            let known = |name: &str| commands?.iter().find(|command| command.name == name);
            let ran = event.commands.iter().filter_map(|command| known(&command.name));
            self.ran.extend(ran.map(|command| line(&command.argv)));
        } else if let Event::WorkspaceEnded(event) = &published.event {
            if let WorkspaceOutcome::Ready { base, dirty: _ } = &event.outcome {
                self.bases.extend(base.clone());
            }
        } else if let Event::EffectsLost(event) = &published.event {
            self.panics += u32::from(matches!(event.cause, LossCause::WorkerPanicked { .. }));
        }
        Ok(())
    }
}

/// A command as a line; a shell's without the shell, a check's up to the name of a file.
pub(crate) fn line(argv: &[String]) -> String {
    let line = shell_line(argv).cloned().unwrap_or_else(|| argv.join(" "));
    line.split(FILE_PLACEHOLDER).next().unwrap_or_default().trim_end().to_owned()
}

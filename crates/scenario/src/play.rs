//! Plays a scenario: lives, one after the other, until the run is over or waits for what nobody says.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use lao_event::{Event, latest::StopReason};
use lao_gateway::offline;
use lao_history::FolderError;
use lao_journal::JOURNAL_FILE;
use lao_kernel::{Command, RunPhase};
use lao_protocol::{EventView, QuestionView, RunStatus};
use lao_runtime::{Begin, BeginError, Finish, note};

use crate::{
    check::{History, Write},
    crash::{CommitSeen, Kill},
    ending::Ending,
    facts::JournalFacts,
    file::{
        Answer, Scenario, Word,
        table::{FaultAction, Says},
    },
    life::{End, Life, live, retry},
    stage::{Stage, StageError},
    stagehand::Stagehand,
};

/// How many lives a run may take before it counts as one that does not end.
const LIVES_MAX: usize = 40;

/// A scenario cannot be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Its project cannot be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A person's word cannot be noted.
    #[error(transparent)]
    Note(#[from] BeginError),
    /// Its run cannot be looked at.
    #[error(transparent)]
    View(#[from] offline::ViewError),
    /// Its workspace cannot be looked at.
    #[error(transparent)]
    Workspace(#[from] git2::Error),
    /// The run never began.
    #[error("the run never began: {0}")]
    NoRun(String),
}

/// A run that came to where nothing more is said to it.
pub(crate) struct Played {
    /// The project's folder, which is gone.
    pub root: String,
    pub events: Vec<EventView>,
    pub facts: JournalFacts,
    pub status: RunStatus,
    pub ending: Ending,
    pub commits: Vec<CommitSeen>,
    pub written: BTreeMap<Write, u32>,
    /// What every run must keep to, and did not.
    pub problems: Vec<String>,
    /// Milliseconds of played time.
    pub passed_ms: u64,
    /// Texts of files that the scenario looks at.
    pub files: BTreeMap<String, String>,
}

/// What happens after a life.
enum Next {
    Live(Begin),
    Over,
}

/// A kill that the scenario does not know of.
#[derive(Clone, Copy)]
pub(crate) struct Disturbed<'a> {
    pub kill: Kill,
    /// As it is undisturbed.
    pub reference: &'a Played,
}

/// Plays it; `disturbed` ends a process where the scenario does not say so.
pub(crate) fn play(
    scenario: &Scenario,
    disturbed: Option<Disturbed<'_>>,
) -> Result<Played, PlayError> {
    let stage = Stage::new(scenario)?;
    let place = (stage.clock.clone(), stage.workspace().to_owned());
    let hand = Stagehand::new(scenario, place, disturbed.map(|it| it.kill));
    let mut prompter = Prompter::new(scenario, disturbed);
    let mut history = History::default();
    let mut lives = 0;
    let mut begin = Begin::Start(Box::new(stage.start()));
    loop {
        let life = live(&stage, &hand, begin)?;
        lives += 1;
        history.after(&stage, &life);
        stage.programs.begin_life(history.facts.as_ref().map_or(Vec::new(), |it| it.ran.clone()));
        history.problems.extend(life.refused.iter().cloned());
        if lives == LIVES_MAX {
            history.problems.push(format!("it did not come to an end in {lives} processes"));
            break;
        }
        match prompter.next(&stage, &life, &mut history)? {
            Next::Live(next) => begin = next,
            Next::Over => break,
        }
    }
    prompter.look(&stage, &hand, &mut history);
    tell(scenario, &stage, &hand, history)
}

fn tell(
    scenario: &Scenario,
    stage: &Stage,
    hand: &Stagehand,
    mut history: History,
) -> Result<Played, PlayError> {
    let problems = std::mem::take(&mut history.problems);
    let facts = history.facts.take().ok_or_else(|| PlayError::NoRun(problems.join("; ")))?;
    let folder = stage.folder();
    let mut events = Vec::new();
    offline::events(&folder, 1, |event| {
        events.push(event);
        Ok::<(), offline::ViewError>(())
    })?;
    let expect = &scenario.expect;
    let looked = expect.files.keys().chain(expect.contains.keys()).chain(&expect.absent);
    let file = |path: &String| {
        let text = std::fs::read(stage.workspace().join(path)).ok()?;
        Some((path.clone(), String::from_utf8_lossy(&text).into_owned()))
    };
    let root = stage.root().display().to_string();
    Ok(Played {
        status: offline::view(&folder)?.status(None),
        ending: Ending::of(stage.workspace(), &facts.state)?.without_root(&root),
        commits: hand.commits(),
        written: history.into_written(),
        files: looked.filter_map(file).collect(),
        passed_ms: stage.clock.passed_ms(),
        events,
        facts,
        problems,
        root,
    })
}

/// The person: what is still to be said when the run has left its process.
struct Prompter<'a> {
    answers: Vec<&'a Answer>,
    words: VecDeque<&'a Word>,
    /// A kill that the scenario does not know of may lead to questions that it does not.
    disturbed: Option<Disturbed<'a>>,
    may_lack_disk: bool,
}

impl<'a> Prompter<'a> {
    fn new(scenario: &'a Scenario, disturbed: Option<Disturbed<'a>>) -> Self {
        let full = |action: &FaultAction| matches!(action, FaultAction::DiskFull { .. });
        Self {
            answers: scenario.answers.iter().collect(),
            words: scenario.words.iter().filter(|word| word.at.is_none()).collect(),
            disturbed,
            may_lack_disk: scenario.faults.iter().any(|fault| full(&fault.action)),
        }
    }

    fn next(
        &mut self,
        stage: &Stage,
        life: &Life,
        history: &mut History,
    ) -> Result<Next, PlayError> {
        let resume = Begin::Resume { settings: None, retry: None };
        match &life.end {
            End::Crashed => Ok(Next::Live(again(stage))),
            End::Refused(_) if self.may_lack_disk => Ok(Next::Live(again(stage))),
            End::Refused(why) => {
                history.problems.push(format!("the run could not be taken up: {why}"));
                Ok(Next::Over)
            }
            End::Stuck => {
                history.problems.push("nothing happened any more, and it was not over".to_owned());
                Ok(Next::Over)
            }
            End::Finished(Finish::GaveUp { storage: true, .. }) if self.may_lack_disk => {
                Ok(Next::Live(resume))
            }
            End::Finished(Finish::GaveUp { message, .. }) => {
                history.problems.push(format!("the run was given up: {message}"));
                Ok(Next::Over)
            }
            // One that was killed when it was over is over when it is taken up.
            End::Over | End::Finished(Finish::Ended(_) | Finish::Stopped(_)) => self.speak(stage),
        }
    }

    /// Answers what can be answered, else says the next word.
    fn speak(&mut self, stage: &Stage) -> Result<Next, PlayError> {
        let view = offline::view(&stage.folder())?;
        let phase = view.state().run().map(|run| run.phase.clone());
        let parked = matches!(phase, Some(RunPhase::Stopped(StopReason::Parked)));
        let mut answered = false;
        for question in view.status(None).questions.iter().filter(|_| parked) {
            answered |= self.answer(stage, question)?;
        }
        if answered {
            return Ok(Next::Live(Begin::Resume { settings: None, retry: None }));
        }
        let Some(word) = self.words.pop_front() else {
            return Ok(Next::Over);
        };
        match word.says {
            Says::Resume => Ok(Next::Live(Begin::Resume { settings: None, retry: None })),
            Says::Retry => {
                let retry = Some(retry(word.step.as_ref()));
                Ok(Next::Live(Begin::Resume { settings: None, retry }))
            }
            Says::Cancel => {
                Self::note(stage, Command::Cancel)?;
                self.speak(stage)
            }
            Says::Stop => self.speak(stage),
        }
    }

    fn answer(&mut self, stage: &Stage, question: &QuestionView) -> Result<bool, PlayError> {
        let fits = |answer: &&Answer| {
            answer.step.as_ref().is_none_or(|step| *step == question.step)
                && question.text.contains(&answer.contains)
        };
        let found = self.answers.iter().position(fits);
        let answer = match found {
            Some(place) => self.answers.remove(place).says,
            None if self.may_answer(question) => lao_event::latest::QuestionAnswer::Rerun,
            None => return Ok(false),
        };
        let question = lao_event::QuestionId(question.question);
        let by = "the scenario".to_owned();
        Self::note(stage, Command::Answer { question, answer, by })?;
        Ok(true)
    }

    /// A kill may lead to questions that nobody answers in the scenario, since they are not asked
    /// there; what is asked there of the same step and left without an answer is none of them.
    fn may_answer(&self, question: &QuestionView) -> bool {
        let Some(Disturbed { reference, .. }) = self.disturbed else {
            return false;
        };
        let events = &reference.facts.events;
        let is_answered = |asked: lao_event::QuestionId| {
            let answers = |event: &Event| matches!(event, Event::QuestionAnswered(it) if it.question == asked);
            events.iter().any(|recorded| answers(&recorded.event))
        };
        let mut asked = reference.events.iter().zip(events).filter_map(|(view, recorded)| {
            let Event::QuestionAsked(asked) = &recorded.event else {
                return None;
            };
            (view.step.as_ref() == Some(&question.step)).then_some(asked.question)
        });
        asked.all(is_answered)
    }

    fn note(stage: &Stage, command: Command) -> Result<(), PlayError> {
        note(&stage.folder(), &stage.contents()?, stage.clock.as_ref(), command)?;
        Ok(())
    }

    /// What was said for nothing, and what was not said.
    fn look(&self, stage: &Stage, hand: &Stagehand, history: &mut History) {
        for line in stage.programs.unknown() {
            let cure = "add a [[command]], or commands = \"real\"";
            history
                .problems
                .push(format!("the scenario says nothing of the command `{line}`: {cure}"));
        }
        if self.disturbed.is_some() {
            return;
        }
        for line in hand.missed() {
            history.problems.push(format!("what line {line} waits for never happened"));
        }
        for answer in &self.answers {
            let of = answer.step.as_deref().unwrap_or("any step");
            history.problems.push(format!("nobody asked for the answer of {of}"));
        }
        for word in &self.words {
            let says = word.says.word();
            history.problems.push(format!("the run was over before a person could say `{says}`"));
        }
    }
}

/// A run without a journal never began.
fn again(stage: &Stage) -> Begin {
    if stage.folder().path.join(JOURNAL_FILE).exists() {
        Begin::Resume { settings: None, retry: None }
    } else {
        Begin::Start(Box::new(stage.start()))
    }
}

/// A text without the folder that the project happens to lie in.
pub(crate) fn without_root(text: &str, root: &str) -> String {
    let real = Path::new(root)
        .canonicalize()
        .map_or_else(|_| root.to_owned(), |real| real.display().to_string());
    text.replace(&real, "/project").replace(root, "/project")
}

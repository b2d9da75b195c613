//! The grammar: from the text of a scenario to checked values; every error names file and line.

pub(crate) mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use lao_event::{Event, latest::QuestionAnswer};
use lao_model::Script;
use lao_workflow::flow::{self, Workflow};
use thiserror::Error;
use toml::Spanned;

use self::table::{
    CommandTable, ConfigTable, FaultAction, FaultTable, FileText, PersonTable, Says, ScenarioTable,
    Side, When,
};
pub(crate) use self::table::{Commands, Expect, Place};

/// How the name of a scenario's file ends.
pub const FILE_ENDING: &str = ".scenario.toml";

/// How the name of its snapshot ends.
pub const SNAPSHOT_ENDING: &str = ".snap";

/// A scenario, checked.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its file.
    pub path: PathBuf,
    /// What it is about, in a sentence.
    pub about: String,
    pub(crate) source: Source,
    /// The text of its `lao.toml`.
    pub(crate) config: String,
    pub(crate) place: Place,
    /// The most bytes of a piece of the plan; by default what fits the planner's window.
    pub(crate) plan_chunk_bytes: Option<usize>,
    /// Files of the workspace before the run.
    pub(crate) files: BTreeMap<String, String>,
    /// Files that a person changed and did not commit.
    pub(crate) uncommitted: BTreeMap<String, String>,
    /// Variables of the environment that secrets are read from.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) script: Script,
    pub(crate) commands: Commands,
    pub(crate) command: Vec<CommandTable>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) words: Vec<Word>,
    pub(crate) faults: Vec<Fault>,
    /// What must hold at the end.
    pub(crate) expect: Expect,
}

/// What the run is to do.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The text of a plan.
    Plan(String),
    /// A workflow.
    Flow(Box<FlowSource>),
}

/// A workflow with what it is given.
#[derive(Debug, Clone)]
pub(crate) struct FlowSource {
    pub flow: Workflow,
    pub text: String,
    pub inputs: Vec<(String, serde_json::Value)>,
    pub trigger: serde_json::Value,
}

/// A person's answer to a question.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The step that asks; none for any.
    pub step: Option<String>,
    /// A text of the question.
    pub contains: String,
    pub says: QuestionAnswer,
}

/// Something a person says to the run.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub says: Says,
    /// For a retry: the step; none for every failed one.
    pub step: Option<String>,
    /// When; none for whenever the run has left its process.
    pub at: Option<Moment>,
}

/// Something that happens to the run.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub action: FaultAction,
    pub at: Moment,
}

/// A moment: the commit of an event, before or after it.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// Line in the file.
    pub line: usize,
    pub event: MomentEvent,
    pub side: Side,
}

/// Which event.
#[derive(Debug, Clone)]
pub(crate) enum MomentEvent {
    /// The one at this position.
    Seq(u64),
    /// The `nth` of those that are as said.
    Named { name: String, step: Option<String>, contains: String, nth: u32 },
}

/// A scenario cannot be played.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A place in the file is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and with what to mend it.
        problem: String,
    },
    /// The script, the configuration or the plan is wrong.
    #[error("{}: {problem}", path.display())]
    Part {
        /// The scenario's file.
        path: PathBuf,
        /// What is wrong, with its own place.
        problem: String,
    },
}

impl Scenario {
    /// Reads a scenario and the files it names.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or what it says is wrong.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = read(path)?;
        Self::parse(path, &text)
    }

    /// Reads a scenario that would lie at `path`; the files it names are read.
    ///
    /// # Errors
    ///
    /// As for [`Self::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScenarioError> {
        let source = SourceText { path, text };
        let table: ScenarioTable = toml::from_str(text).map_err(|error| {
            let line = source.line(error.span().map_or(0, |span| span.start));
            source.wrong(line, error.message().to_owned())
        })?;
        source.scenario(table)
    }

    /// What it is called: its file's name without the ending.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(FILE_ENDING).unwrap_or(&name).to_owned()
    }

    /// Its run makes commits: that of a plan, unless it says otherwise.
    pub(crate) fn has_git(&self) -> bool {
        self.place != Place::NoGit && matches!(self.source, Source::Plan(_))
    }

    /// The file of its snapshot.
    pub fn snapshot_path(&self) -> PathBuf {
        self.path.with_file_name(format!("{}{SNAPSHOT_ENDING}", self.name()))
    }
}

fn read(path: &Path) -> Result<String, ScenarioError> {
    fs::read_to_string(path)
        .map_err(|cause| ScenarioError::Unreadable { path: path.to_owned(), cause })
}

/// The file that is being read.
struct SourceText<'a> {
    path: &'a Path,
    text: &'a str,
}

impl SourceText<'_> {
    fn scenario(&self, table: ScenarioTable) -> Result<Scenario, ScenarioError> {
        let ScenarioTable {
            about,
            plan,
            workflow,
            inputs,
            trigger,
            config,
            workspace,
            plan_chunk_bytes,
            files,
            uncommitted,
            env,
            script,
            turn,
            commands,
            command,
            answer,
            person,
            fault,
            expect,
        } = table;
        self.check_expect(&expect)?;
        let files = self.files(files)?;
        Ok(Scenario {
            path: self.path.to_owned(),
            about,
            source: self.source((plan, workflow), (inputs, trigger), &files)?,
            config: self.config(config)?,
            place: workspace,
            plan_chunk_bytes,
            files,
            uncommitted: self.files(uncommitted)?,
            env,
            script: self.script(script.as_deref(), turn)?,
            commands,
            command,
            answers: answer
                .into_iter()
                .map(|it| Answer { step: it.step, contains: it.contains, says: it.answer.into() })
                .collect(),
            words: person.into_iter().map(|word| self.word(word)).collect::<Result<_, _>>()?,
            faults: fault.into_iter().map(|fault| self.fault(fault)).collect::<Result<_, _>>()?,
            expect,
        })
    }

    /// A plan or a workflow; one of both.
    fn source(
        &self,
        what: (Option<String>, Option<String>),
        (inputs, trigger): (BTreeMap<String, String>, Option<toml::Table>),
        files: &BTreeMap<String, String>,
    ) -> Result<Source, ScenarioError> {
        match what {
            (Some(plan), None) => Ok(Source::Plan(self.text_or_file(&plan)?)),
            (None, Some(text)) => {
                let text = self.text_or_file(&text)?;
                let mut load = |path: &str| {
                    let inside = files.get(path).cloned();
                    inside.map_or_else(
                        || fs::read_to_string(self.beside(path)).map_err(|error| error.to_string()),
                        Ok,
                    )
                };
                let flow = flow::parse("flow.yaml", &text, &mut load)
                    .map_err(|error| self.part(error.to_string()))?;
                let inputs: Vec<(String, String)> = inputs.into_iter().collect();
                let inputs =
                    flow.bind(&inputs, None).map_err(|error| self.part(error.to_string()))?;
                let trigger = match trigger {
                    Some(table) => {
                        serde_json::to_value(table).map_err(|error| self.part(error.to_string()))?
                    }
                    None => serde_json::json!({ "kind": "manual" }),
                };
                Ok(Source::Flow(Box::new(FlowSource { flow, text, inputs, trigger })))
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(self.part("it needs a `plan` or a `workflow`, one of both".to_owned()))
            }
        }
    }

    /// A text in place has several lines; what has one is a file's name.
    fn text_or_file(&self, text: &str) -> Result<String, ScenarioError> {
        if text.contains('\n') { Ok(text.to_owned()) } else { read(&self.beside(text)) }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(name)
    }

    fn config(&self, config: Option<ConfigTable>) -> Result<String, ScenarioError> {
        match config {
            None => Ok(String::new()),
            Some(ConfigTable::File(name)) => read(&self.beside(&name)),
            Some(ConfigTable::Table(table)) => {
                toml::to_string(&table).map_err(|error| self.part(error.to_string()))
            }
        }
    }

    fn files(
        &self,
        files: BTreeMap<String, FileText>,
    ) -> Result<BTreeMap<String, String>, ScenarioError> {
        let text = |text: FileText| match text {
            FileText::Text(text) => Ok(text),
            FileText::From { from } => read(&self.beside(&from)),
            FileText::Repeat { repeat, times } => {
                Ok((1..=times).map(|number| repeat.replace("{n}", &number.to_string())).collect())
            }
        };
        files.into_iter().map(|(path, file)| Ok((path, text(file)?))).collect()
    }

    fn script(
        &self,
        file: Option<&str>,
        turns: Vec<Spanned<lao_model::script::TurnTable>>,
    ) -> Result<Script, ScenarioError> {
        let script = match file {
            Some(_) if !turns.is_empty() => {
                return Err(self.part("it has turns and names a `script`: one of both".to_owned()));
            }
            Some(name) => Script::parse(name, &read(&self.beside(name))?),
            None => {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                Script::from_turns(&name, self.text, turns)
            }
        };
        script.map_err(|error| self.part(error.to_string()))
    }

    fn word(&self, word: Spanned<PersonTable>) -> Result<Word, ScenarioError> {
        let line = self.line(word.span().start);
        let PersonTable { says, step, at } = word.into_inner();
        if step.is_some() && says != Says::Retry {
            return Err(self.wrong(line, "only a `retry` is about a step".to_owned()));
        }
        if at.is_some() && says == Says::Resume {
            let problem = "a run that goes on cannot be resumed: leave `at` out";
            return Err(self.wrong(line, problem.to_owned()));
        }
        let at = at.map(|when| self.moment(line, when)).transpose()?;
        Ok(Word { says, step, at })
    }

    fn fault(&self, fault: Spanned<FaultTable>) -> Result<Fault, ScenarioError> {
        let line = self.line(fault.span().start);
        let FaultTable { action, at } = fault.into_inner();
        Ok(Fault { action, at: self.moment(line, at)? })
    }

    fn moment(&self, line: usize, when: When) -> Result<Moment, ScenarioError> {
        let When { event, step, contains, nth, side } = when;
        let event = match event {
            table::EventName::Seq(seq) => MomentEvent::Seq(seq),
            table::EventName::Name(name) => {
                self.check_event(line, &name)?;
                MomentEvent::Named { name, step, contains, nth }
            }
        };
        Ok(Moment { line, event, side })
    }

    fn check_event(&self, line: usize, name: &str) -> Result<(), ScenarioError> {
        if Event::TYPES.iter().any(|(_, known)| *known == name) {
            return Ok(());
        }
        let known: BTreeSet<&str> = Event::TYPES.iter().map(|(_, name)| *name).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let problem = format!("`{name}` is no event; there are {}", known.join(", "));
        Err(self.wrong(line, problem))
    }

    fn check_expect(&self, expect: &Expect) -> Result<(), ScenarioError> {
        let line =
            self.text.lines().position(|line| line.trim() == "[expect]").map_or(1, |at| at + 1);
        let spoken = expect.events.iter().chain(&expect.never);
        let named = spoken.map(|text| text.split(':').next().unwrap_or(text));
        for name in named.chain(expect.counts.keys().map(String::as_str)) {
            self.check_event(line, name)?;
        }
        Ok(())
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at.min(self.text.len())].matches('\n').count() + 1
    }

    fn wrong(&self, line: usize, problem: String) -> ScenarioError {
        ScenarioError::Wrong { path: self.path.to_owned(), line, problem }
    }

    fn part(&self, problem: String) -> ScenarioError {
        ScenarioError::Part { path: self.path.to_owned(), problem }
    }
}

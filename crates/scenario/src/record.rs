//! A run becomes a scenario: what its models said is the script, what its commands gave are the
//! results, what was there before is there again.
//!
//! Not carried over: when a person stopped or cancelled it, and how its processes ended.

mod settings;
mod turns;

use std::collections::{BTreeMap, BTreeSet};

use lao_event::{
    EffectId, Event, Settings, WorkspaceSettings,
    latest::{
        Action, ActionEnded, ActionOutcome, ActionStarted, Before, CommandOutcome, Definition,
        FlowValue, QuestionAnswer, ReadForm,
    },
};
use lao_gateway::offline;
use lao_history::{ContentError, Contents, HistoryError, Recorded, RunFolder, fold};
use lao_journal::OpenError;
use lao_kernel::State;
use lao_protocol::RunStatusCode;
use serde::Serialize;

use self::turns::{RecordedTurn, Turns};
use crate::facts::line;

/// A run cannot be made a scenario.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be folded.
    #[error(transparent)]
    Fold(#[from] HistoryError),
    /// It cannot be looked at.
    #[error(transparent)]
    View(#[from] offline::ViewError),
    /// A text is not to be had.
    #[error("a text of the run is not to be had: {0}")]
    Content(#[from] ContentError),
    /// It never started.
    #[error("the run has no beginning: there is nothing to record")]
    Empty,
    /// It holds what TOML cannot.
    #[error("the run cannot be written as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
}

/// The file, in the order in which people read it.
#[derive(Debug, Serialize)]
struct RecordedScenario {
    about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<String>,
    workspace: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<serde_json::Value>,
    config: toml::Table,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, String>,
    turn: Vec<RecordedTurn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<RecordedCommand>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answer: Vec<RecordedAnswer>,
    expect: RecordedExpect,
}

#[derive(Debug, Serialize)]
struct RecordedCommand {
    run: String,
    from: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    output: String,
}

#[derive(Debug, Serialize)]
struct RecordedAnswer {
    step: String,
    answer: &'static str,
}

#[derive(Debug, Serialize)]
struct RecordedExpect {
    outcome: RunStatusCode,
}

/// The text of a scenario that does what a run did.
///
/// # Errors
///
/// The run cannot be read.
pub fn record(folder: &RunFolder, contents: &Contents) -> Result<String, RecordError> {
    let reader = folder.reader()?;
    let mut recording = Recording::default();
    let mut failed = None;
    let state = fold(&reader, |state, recorded| {
        if let Err(error) = recording.note(state, recorded, contents) {
            failed.get_or_insert(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    drop(reader);
    let run = state.run().ok_or(RecordError::Empty)?;
    let status = offline::view(folder)?.status(None);
    let scenario = RecordedScenario {
        about: format!("As run {} was: {}", folder.run, status.summary.title),
        plan: recording.plan,
        workflow: recording.workflow,
        workspace: workspace(&run.settings),
        inputs: recording.inputs,
        trigger: recording.trigger,
        config: settings::config(&run.settings),
        files: recording.files,
        turn: recording.turns.into_turns(),
        command: recording.commands,
        answer: recording.answers,
        expect: RecordedExpect { outcome: status.summary.status },
    };
    Ok(toml::to_string_pretty(&scenario)?)
}

fn workspace(settings: &Settings) -> &'static str {
    match (&settings.workspace, settings.git.enabled) {
        (WorkspaceSettings::Worktree { .. }, _) => "worktree",
        (WorkspaceSettings::Folder { .. }, true) => "folder",
        (WorkspaceSettings::Folder { .. }, false) => "no-git",
    }
}

/// What is known so far.
#[derive(Debug, Default)]
struct Recording {
    plan: Option<String>,
    workflow: Option<String>,
    inputs: BTreeMap<String, String>,
    trigger: Option<serde_json::Value>,
    /// What steps of a workflow do at the moment.
    actions: BTreeMap<EffectId, Action>,
    files: BTreeMap<String, String>,
    touched: BTreeSet<String>,
    turns: Turns,
    commands: Vec<RecordedCommand>,
    /// How often each line was run.
    runs: BTreeMap<String, u32>,
    lines: BTreeMap<EffectId, String>,
    questions: Vec<String>,
    answers: Vec<RecordedAnswer>,
}

impl Recording {
    fn note(
        &mut self,
        state: &State,
        recorded: &Recorded,
        contents: &Contents,
    ) -> Result<(), ContentError> {
        if let Event::RunStarted(event) = &recorded.event {
            self.begun(&event.definition, contents)?;
        } else if let Event::ModelCallStarted(event) = &recorded.event {
            self.turns.asked(state, event, contents)?;
        } else if let Event::ModelCallEnded(event) = &recorded.event {
            self.turns.answered(event, contents)?;
        } else if let Event::FileWriteStarted(event) = &recorded.event {
            if self.touched.insert(event.path.clone())
                && let Before::Kept(before) = &event.before
                && let Ok(text) = contents.text(before)
            {
                self.files.insert(event.path.clone(), text);
            }
        } else if let Event::ActionStarted(event) = &recorded.event {
            self.acts(event, contents);
        } else if let Event::ActionEnded(event) = &recorded.event {
            self.acted(event, contents)?;
        } else if let Event::CommandStarted(event) = &recorded.event {
            self.lines.insert(event.effect, line(&event.argv));
        } else if let Event::CommandEnded(event) = &recorded.event {
            let reply = contents.text(&event.reply)?;
            // The first line says how it ended.
            let output = reply.split_once('\n').map_or("", |(_, output)| output);
            if let Some(line) = self.lines.remove(&event.effect) {
                self.ran(line, &event.outcome, output.to_owned());
            }
        } else if let Event::ChecksEnded(event) = &recorded.event {
            for report in &event.commands {
                let commands = state.run().map(|run| run.settings.verifier.commands.as_slice());
                let known = commands.into_iter().flatten().find(|it| it.name == report.name);
                if let Some(command) = known {
                    let output = contents.text(&report.output)?;
                    self.ran(line(&command.argv), &report.outcome, output);
                }
            }
        } else if let Event::QuestionAsked(event) = &recorded.event {
            let step = state.step(event.step).map(|step| step.key.clone());
            self.questions.push(step.unwrap_or_default());
        } else if let Event::QuestionAnswered(event) = &recorded.event {
            let step = self.questions.get((event.question.0 as usize).saturating_sub(1));
            let answer = match event.answer {
                QuestionAnswer::Rerun => "rerun",
                QuestionAnswer::Skip => "skip",
                QuestionAnswer::Approve => "approve",
                QuestionAnswer::Deny => "deny",
            };
            self.answers.push(RecordedAnswer { step: step.cloned().unwrap_or_default(), answer });
        }
        Ok(())
    }

    /// What the run is of.
    fn begun(&mut self, definition: &Definition, contents: &Contents) -> Result<(), ContentError> {
        let mut text = contents.text(definition.text())?;
        // What has one line is the name of a file.
        if !text.contains('\n') {
            text.push('\n');
        }
        match definition {
            Definition::Plan(_) => self.plan = Some(text),
            Definition::Flow(flow) => {
                self.workflow = Some(text);
                for input in &flow.inputs {
                    if let Some(value) = value_text(&input.value, contents)? {
                        self.inputs.insert(input.name.clone(), value);
                    }
                }
                self.trigger = serde_json::from_str(&flow.trigger).ok();
            }
        }
        Ok(())
    }

    /// A step of a workflow acts: what it writes over was there before.
    fn acts(&mut self, event: &ActionStarted, contents: &Contents) {
        if let Action::Write { path, before, after: _ } = &event.action
            && self.touched.insert(path.clone())
            && let Before::Kept(before) = before
            && let Ok(text) = contents.text(before)
        {
            self.files.insert(path.clone(), text);
        }
        self.actions.insert(event.effect, event.action.clone());
    }

    /// What came of it: what was read was there before, what was said or printed is so again.
    fn acted(&mut self, event: &ActionEnded, contents: &Contents) -> Result<(), ContentError> {
        let (exit_code, value) = match &event.outcome {
            ActionOutcome::Done { value, exit_code } => (*exit_code, value_text(value, contents)?),
            ActionOutcome::Failed { exit_code, .. } => (*exit_code, None),
        };
        match (self.actions.remove(&event.effect), value) {
            (Some(Action::Read { path, form }), Some(text)) => {
                let read = if form == ReadForm::Lines { lines_of(&text) } else { text };
                if self.touched.insert(path.clone()) {
                    self.files.insert(path, read);
                }
            }
            (Some(Action::Transcribe(said)), Some(text)) => {
                self.turns.spoken(said.file.clone(), text);
                self.files.entry(said.file).or_default();
            }
            (Some(Action::Run(run)), value) => {
                if let Some(code) = exit_code {
                    let outcome = CommandOutcome::Exited { code };
                    self.ran(line(&run.argv), &outcome, value.unwrap_or_default());
                }
            }
            (_, _) => {}
        }
        Ok(())
    }

    /// Keeps the result of a command where it differs from the one before.
    fn ran(&mut self, line: String, outcome: &CommandOutcome, output: String) {
        let times = self.runs.entry(line.clone()).or_default();
        *times += 1;
        let (exit, ends) = match outcome {
            CommandOutcome::Exited { code } => (Some(*code), None),
            CommandOutcome::TimedOut => (None, Some("timed_out")),
            CommandOutcome::NotStarted { .. } => (None, Some("not_found")),
            // It was not run again: whoever plays it needs no result.
            CommandOutcome::Unknown => return,
        };
        let last = self.commands.iter().rev().find(|command| command.run == line);
        let same = last.is_some_and(|it| (it.exit, it.ends, &it.output) == (exit, ends, &output));
        if !same {
            let from = *times;
            self.commands.push(RecordedCommand { run: line, from, exit, ends, output });
        }
    }
}

/// A value as it is given on a command line.
fn value_text(value: &FlowValue, contents: &Contents) -> Result<Option<String>, ContentError> {
    match value {
        FlowValue::Nothing => Ok(None),
        FlowValue::Text(content) | FlowValue::Json(content) => contents.text(content).map(Some),
        FlowValue::File { path } => Ok(Some(path.clone())),
    }
}

/// The file whose lines a list holds.
fn lines_of(list: &str) -> String {
    let lines: Vec<String> = serde_json::from_str(list).unwrap_or_default();
    lines.into_iter().map(|line| line + "\n").collect()
}

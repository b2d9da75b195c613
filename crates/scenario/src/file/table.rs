//! A scenario as it is written; the grammar for people is in `scenarios/README.md`.

use std::collections::BTreeMap;

use lao_event::latest::{CommandOutcome, QuestionAnswer};
use lao_model::script::TurnTable;
use lao_protocol::RunStatusCode;
use serde::Deserialize;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioTable {
    #[serde(default)]
    pub about: String,
    pub plan: Option<String>,
    pub workflow: Option<String>,
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    pub trigger: Option<toml::Table>,
    pub config: Option<ConfigTable>,
    #[serde(default)]
    pub workspace: Place,
    pub plan_chunk_bytes: Option<usize>,
    #[serde(default)]
    pub files: BTreeMap<String, FileText>,
    #[serde(default)]
    pub uncommitted: BTreeMap<String, FileText>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub script: Option<String>,
    #[serde(default)]
    pub turn: Vec<Spanned<TurnTable>>,
    #[serde(default)]
    pub commands: Commands,
    #[serde(default)]
    pub command: Vec<CommandTable>,
    #[serde(default)]
    pub answer: Vec<AnswerTable>,
    #[serde(default)]
    pub person: Vec<Spanned<PersonTable>>,
    #[serde(default)]
    pub fault: Vec<Spanned<FaultTable>>,
    #[serde(default)]
    pub expect: Expect,
}

/// A `lao.toml`: its name, or what it would say.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ConfigTable {
    File(String),
    Table(toml::Table),
}

/// Where a scenario works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// In a folder of the run's own, with a repository of its own.
    #[default]
    Folder,
    /// In a folder without git.
    NoGit,
    /// In a worktree of a person's repository.
    Worktree,
}

/// The text of a file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum FileText {
    Text(String),
    /// Another file, beside the scenario's.
    #[serde(rename_all = "snake_case")]
    From {
        from: String,
    },
    /// A text so often, `{n}` being the number.
    #[serde(rename_all = "snake_case")]
    Repeat {
        repeat: String,
        times: usize,
    },
}

/// Where the results of commands come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Commands {
    /// From the scenario alone.
    #[default]
    Scripted,
    /// Those that the scenario does not know are run for real.
    Real,
}

/// The result of a command.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandTable {
    /// How its line begins: program and arguments, one space between two.
    pub run: String,
    #[serde(default)]
    pub exit: i32,
    #[serde(default)]
    pub output: String,
    /// What else may come of it.
    pub ends: Option<CommandEnd>,
    /// Milliseconds it takes.
    #[serde(default)]
    pub takes_ms: u64,
    /// From which run of it on, the first being 1; of those that fit, the latest counts.
    #[serde(default = "once")]
    pub from: u32,
    /// Only where these files have these texts; an empty text: where the file is there.
    #[serde(default)]
    pub when: BTreeMap<String, String>,
    /// Files it writes; an empty text deletes.
    #[serde(default)]
    pub writes: BTreeMap<String, String>,
}

/// How a command ends that does not exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommandEnd {
    TimedOut,
    NotFound,
}

impl CommandTable {
    pub(crate) fn outcome(&self) -> CommandOutcome {
        match self.ends {
            None => CommandOutcome::Exited { code: self.exit },
            Some(CommandEnd::TimedOut) => CommandOutcome::TimedOut,
            Some(CommandEnd::NotFound) => {
                let program = self.run.split(' ').next().unwrap_or_default();
                let message = format!("{program:?} is not installed or not in PATH");
                CommandOutcome::NotStarted { message }
            }
        }
    }
}

/// An answer of a person's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerTable {
    pub step: Option<String>,
    #[serde(default)]
    pub contains: String,
    pub answer: AnswerWord,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnswerWord {
    Rerun,
    Skip,
    Approve,
    Deny,
}

impl From<AnswerWord> for QuestionAnswer {
    fn from(word: AnswerWord) -> Self {
        match word {
            AnswerWord::Rerun => Self::Rerun,
            AnswerWord::Skip => Self::Skip,
            AnswerWord::Approve => Self::Approve,
            AnswerWord::Deny => Self::Deny,
        }
    }
}

/// A word of a person's to the run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonTable {
    pub says: Says,
    pub step: Option<String>,
    pub at: Option<When>,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Says {
    Stop,
    Cancel,
    Retry,
    Resume,
}

/// A fault as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultTable {
    #[serde(rename = "do")]
    pub action: FaultAction,
    pub at: When,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FaultAction {
    /// The process is killed.
    Kill,
    /// The worker of the next effect panics.
    Panic,
    /// The next calls that change the journal's disk are refused.
    DiskFull {
        #[serde(default = "once")]
        calls: u32,
    },
    /// No model server answers.
    ServerGone { for_s: u64 },
    /// The wall clock is set.
    Clock { by_s: i64 },
    /// Somebody writes a file of the workspace; without a text, deletes it.
    Edit { path: String, text: Option<String> },
}

const fn once() -> u32 {
    1
}

/// A moment as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    pub event: EventName,
    pub step: Option<String>,
    #[serde(default)]
    pub contains: String,
    #[serde(default = "once")]
    pub nth: u32,
    #[serde(default)]
    pub side: Side,
}

/// A position, or a name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum EventName {
    Seq(u64),
    Name(String),
}

/// On which side of a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// What led to the event has happened, and the event is not durable.
    Before,
    /// The event is durable, and nobody has been told.
    #[default]
    After,
}

/// What must hold at the end.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// How the run stands.
    pub(crate) outcome: Option<RunStatusCode>,
    /// What `lao run` would end with.
    pub(crate) exit_code: Option<u8>,
    /// How steps stand, by key.
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, lao_protocol::StepStatus>,
    /// Files with their whole text.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Files with texts that they have.
    #[serde(default)]
    pub(crate) contains: BTreeMap<String, OneOrMore>,
    /// Files that are not there.
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    /// Events that happen in this order, others between: `Name` or `Name: a text of its words`.
    #[serde(default)]
    pub(crate) events: Vec<String>,
    /// Events that do not.
    #[serde(default)]
    pub(crate) never: Vec<String>,
    /// How often events happen.
    #[serde(default)]
    pub(crate) counts: BTreeMap<String, u64>,
    /// Texts that some prompt has.
    #[serde(default)]
    pub(crate) prompts: Vec<String>,
    /// The most virtual seconds it may take.
    pub(crate) within_s: Option<u64>,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

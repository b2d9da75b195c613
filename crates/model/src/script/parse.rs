//! From TOML to turns; every error names its file and line.

use std::{ops::Range, path::Path};

use lao_event::{Role, latest::FinishReason};
use lao_port::ChatErrorKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;

use super::raw::TurnRaw;

/// The turns of a scripted model.
#[derive(Debug, Clone)]
pub struct Script {
    origin: String,
    turns: Vec<Turn>,
}

/// A script that cannot be played.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// A place in the script is wrong.
    #[error("{origin}:{line}: {problem}")]
    Wrong {
        /// The file, or what the script was given as.
        origin: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and with what to mend it.
        problem: String,
    },
}

/// A turn as it is written; the grammar is in the documentation of the module.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnTable {
    role: Role,
    step: String,
    turn: Option<u32>,
    #[serde(default)]
    contains: Texts,
    expect: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    tool_calls: Vec<TurnTool>,
    finish: Option<TurnFinish>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    repeat: bool,
    #[serde(default)]
    literal: bool,
    error: Option<TurnError>,
    raw: Option<TurnRaw>,
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl From<Texts> for Vec<String> {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(text) => vec![text],
            Texts::Several(texts) => texts,
        }
    }
}

/// A tool call as it is written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TurnTool {
    name: String,
    #[serde(default = "no_arguments")]
    arguments: toml::Value,
    #[serde(default)]
    id: String,
}

fn no_arguments() -> toml::Value {
    toml::Value::Table(toml::Table::new())
}

/// A finish as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnFinish {
    /// The model was done.
    Stop,
    /// It ran into the limit of tokens.
    Length,
    /// It called tools.
    ToolCalls,
    /// The server withheld the rest.
    ContentFilter,
}

impl From<TurnFinish> for FinishReason {
    fn from(finish: TurnFinish) -> Self {
        match finish {
            TurnFinish::Stop => Self::Stop,
            TurnFinish::Length => Self::Length,
            TurnFinish::ToolCalls => Self::ToolCalls,
            TurnFinish::ContentFilter => Self::ContentFilter,
        }
    }
}

/// An error as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnError {
    pub(super) kind: TurnErrorKind,
    #[serde(default = "no_message")]
    pub(super) message: String,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) times: Option<u32>,
}

fn no_message() -> String {
    "this call fails".to_owned()
}

/// The kind of an error as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnErrorKind {
    /// Nobody listens.
    Unreachable,
    /// The server is loading or has no room.
    Busy,
    /// The server does not have the model.
    ModelMissing,
    /// The prompt does not fit.
    WindowExceeded,
    /// The server refuses the request.
    Refused,
    /// The server fails.
    ServerFailed,
    /// The answer breaks off.
    Cut,
    /// What comes is not of the protocol.
    Malformed,
    /// A time limit passes.
    TimedOut,
}

impl From<TurnErrorKind> for ChatErrorKind {
    fn from(kind: TurnErrorKind) -> Self {
        match kind {
            TurnErrorKind::Unreachable => Self::Unreachable,
            TurnErrorKind::Busy => Self::Busy,
            TurnErrorKind::ModelMissing => Self::ModelMissing,
            TurnErrorKind::WindowExceeded => Self::WindowExceeded,
            TurnErrorKind::Refused => Self::Refused,
            TurnErrorKind::ServerFailed => Self::ServerFailed,
            TurnErrorKind::Cut => Self::Cut,
            TurnErrorKind::Malformed => Self::Malformed,
            TurnErrorKind::TimedOut => Self::TimedOut,
        }
    }
}

/// A turn that can be played.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// Where it begins in its file, from 1.
    pub(super) line: usize,
    pub(super) role: Role,
    /// Absent for any step.
    pub(super) step: Option<String>,
    /// Assistant messages that the prompt must have.
    pub(super) number: u32,
    pub(super) contains: Vec<String>,
    pub(super) expect: Option<String>,
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) tool_calls: Vec<Call>,
    pub(super) finish: Option<FinishReason>,
    pub(super) delay_ms: u64,
    pub(super) repeat: bool,
    pub(super) literal: bool,
    pub(super) error: Option<TurnError>,
    pub(super) raw: Option<TurnRaw>,
}

/// A tool call of a turn.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Arguments,
}

/// Arguments of a tool call.
#[derive(Debug, Clone)]
pub(super) enum Arguments {
    /// From a table: JSON text.
    Json(String),
    /// As written, possibly broken.
    Raw(String),
}

/// A file that is a script and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    turn: Vec<Spanned<TurnTable>>,
}

impl Script {
    /// Reads a script from a file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ScriptError::Unreadable { path: origin.clone(), cause })?;
        Self::parse(&origin, &text)
    }

    /// Reads a script; `origin` is what errors call it, usually its path.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ScriptError> {
        let file: File = toml::from_str(text).map_err(|error| ScriptError::Wrong {
            origin: origin.to_owned(),
            line: line_of(text, error.span()),
            problem: error.message().to_owned(),
        })?;
        Self::from_turns(origin, text, file.turn)
    }

    /// Takes the turns out of a larger file, whose whole `text` gives the lines.
    pub fn from_turns(
        origin: &str,
        text: &str,
        tables: Vec<Spanned<TurnTable>>,
    ) -> Result<Self, ScriptError> {
        let mut turns: Vec<Turn> = Vec::with_capacity(tables.len());
        for table in tables {
            let line = line_of(text, Some(table.span()));
            let turn = read_turn(table.into_inner(), line, &turns).map_err(|problem| {
                ScriptError::Wrong { origin: origin.to_owned(), line, problem }
            })?;
            turns.push(turn);
        }
        Ok(Self { origin: origin.to_owned(), turns })
    }

    /// What the script is called in messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The turns in the order of the file.
    pub(super) fn turns(&self) -> &[Turn] {
        &self.turns
    }
}

fn read_turn(table: TurnTable, line: usize, before: &[Turn]) -> Result<Turn, String> {
    check_answer(&table)?;
    let step = Some(table.step).filter(|step| step != "*");
    let contains = Vec::from(table.contains);
    let next = before
        .iter()
        .rev()
        .find(|it| it.role == table.role && it.step == step && it.contains == contains)
        .map_or(0, |it| it.number + 1);
    if !converses(table.role) && (step.is_some() || table.turn.unwrap_or(next) > 0) {
        return Err(format!(
            "a turn for the {} answers any step, once for the same `contains`: its step is \"*\"",
            table.role.name()
        ));
    }
    let calls: Result<Vec<_>, String> = table.tool_calls.into_iter().map(read_call).collect();
    Ok(Turn {
        line,
        role: table.role,
        step,
        number: table.turn.unwrap_or(next),
        contains,
        expect: table.expect,
        text: table.text,
        reasoning: table.reasoning,
        tool_calls: calls?,
        finish: table.finish.map(FinishReason::from),
        delay_ms: table.delay_ms,
        repeat: table.repeat,
        literal: table.literal,
        error: table.error,
        raw: table.raw,
    })
}

/// Whether a role is asked by a prompt that grows.
fn converses(role: Role) -> bool {
    match role {
        Role::Planner | Role::Coder | Role::Reviewer | Role::Analyst | Role::Pilot => true,
        Role::Embedder | Role::Transcriber => false,
    }
}

/// A turn must answer, with what its role can say.
fn check_answer(table: &TurnTable) -> Result<(), String> {
    let wordless = table.reasoning.is_empty() && table.tool_calls.is_empty();
    let silent = table.text.is_empty() && wordless && table.finish.is_none();
    let plain = wordless && table.finish.is_none() && table.raw.is_none();
    match table.role {
        Role::Embedder if !plain || !table.text.is_empty() => {
            Err("a turn for the embedder has an error or delay_ms; vectors follow from the texts"
                .to_owned())
        }
        Role::Transcriber if !plain => {
            Err("a turn for the transcriber has text or an error".to_owned())
        }
        Role::Embedder => Ok(()),
        Role::Planner
        | Role::Coder
        | Role::Reviewer
        | Role::Analyst
        | Role::Pilot
        | Role::Transcriber => {
            if silent && table.error.is_none() && table.raw.is_none() {
                return Err(
                    "the turn answers nothing: give it text, tool_calls or an error".to_owned()
                );
            }
            Ok(())
        }
    }
}

fn read_call(tool: TurnTool) -> Result<Call, String> {
    let TurnTool { name, arguments, id } = tool;
    let arguments = match arguments {
        toml::Value::String(raw) => Arguments::Raw(raw),
        table @ toml::Value::Table(_) => Arguments::Json(
            serde_json::to_string(&table)
                .map_err(|cause| format!("the arguments of `{name}` are not JSON: {cause}"))?,
        ),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_) => {
            return Err(format!(
                "the arguments of `{name}` must be a table, or raw text in quotes"
            ));
        }
    };
    Ok(Call { id, name, arguments })
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start.min(text.len()));
    memchr::memchr_iter(b'\n', &text.as_bytes()[..start]).count() + 1
}

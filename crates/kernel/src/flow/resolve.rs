//! A step's definition with its values put in: what exactly it is to do.

use lao_event::{
    FlowAction, FlowAgent, FlowEmbed, FlowPrompt, FlowRun, FlowStep, FlowTranscribe, FlowWait,
    Hash, MapOver, ReadWhat, Role, RoleSettings, Template, WriteMode,
    latest::{Action, ActionRun, ActionTranscribe, FlowValue, Message, ReadForm},
};
use serde_json::Value;

use super::{
    Failure,
    gather::{Gathered, Texts, evaluate, from_json, parse},
};

/// What a step is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    /// Its condition is false.
    Skipped,
    /// A model is asked this.
    Ask(Vec<Message>),
    /// Something is done.
    Act(Action),
    /// A file is written.
    Write {
        /// Its path.
        path: String,
        /// What is written.
        text: String,
        /// What happens to a file that is there.
        mode: WriteMode,
    },
    /// So many milliseconds pass.
    WaitMs(u64),
    /// A moment is waited for: milliseconds since 1970, or an RFC 3339 text.
    WaitUntil(String),
    /// A plan is run.
    Plan {
        /// Its file.
        file: String,
    },
    /// The same is done for each of these.
    Items(Vec<FlowValue>),
    /// A workflow's steps are run.
    Call,
    /// What must be true is.
    Holds,
    /// What must be true is not: why.
    Fails(String),
}

/// What may be needed besides the step's own words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The settings of the step's role, where it has one.
    pub role: Option<&'a RoleSettings>,
    pub texts: &'a Texts,
}

/// The templates that are evaluated when a step begins.
pub(crate) fn templates(step: &FlowStep) -> Vec<&Template> {
    let mut found: Vec<&Template> = step.when.iter().collect();
    match &step.action {
        FlowAction::Prompt(FlowPrompt { text, system, .. })
        | FlowAction::Agent(FlowAgent { text, system, .. }) => {
            found.push(text);
            found.extend(system);
        }
        FlowAction::Plan(plan) => found.push(&plan.file),
        FlowAction::Transcribe(FlowTranscribe { file, language, prompt, .. }) => {
            found.extend([file, language]);
            found.extend(prompt);
        }
        FlowAction::Embed(FlowEmbed { text }) => found.push(text),
        FlowAction::Run(run) => {
            found.extend(&run.argv);
            found.extend(run.folder.iter().chain(&run.input));
            found.extend(run.env.iter().map(|(_, value)| value));
        }
        FlowAction::Read(read) => match &read.what {
            ReadWhat::Text(path)
            | ReadWhat::Json(path)
            | ReadWhat::Lines(path)
            | ReadWhat::Files(path) => found.push(path),
        },
        FlowAction::Write(write) => found.extend([&write.path, &write.text]),
        FlowAction::Map(map) => match &map.over {
            MapOver::List(over) | MapOver::Files(over) => found.push(over),
        },
        FlowAction::Approve(approve) => found.push(&approve.message),
        FlowAction::Wait(FlowWait::Until(until)) => found.push(until),
        FlowAction::Wait(FlowWait::Ms(_)) | FlowAction::Workflow(_) => {}
        FlowAction::Assert(assert) => {
            found.push(&assert.that);
            found.extend(&assert.message);
        }
    }
    found
}

/// Evaluates templates in one context.
struct Reading {
    context: Value,
}

impl Reading {
    fn value(&self, template: &Template) -> Result<Value, Failure> {
        evaluate(template, &self.context)
    }

    fn text(&self, template: &Template) -> Result<String, Failure> {
        parse(template)?.text(&self.context).map_err(|error| Failure::expression(&error))
    }

    fn optional(&self, template: Option<&Template>) -> Result<Option<String>, Failure> {
        template.map(|template| self.text(template)).transpose()
    }

    fn is_true(&self, template: &Template) -> Result<bool, Failure> {
        self.value(template).map(|value| lao_expression::is_true(&value))
    }
}

/// Puts the values in.
pub(crate) fn resolve(
    step: &FlowStep,
    gathered: &Gathered,
    around: Surroundings<'_>,
) -> Result<Resolved, Failure> {
    let reading = Reading { context: gathered.context(around.texts)? };
    if let Some(when) = &step.when
        && !reading.is_true(when)?
    {
        return Ok(Resolved::Skipped);
    }
    Ok(match &step.action {
        FlowAction::Prompt(FlowPrompt { text, system, .. })
        | FlowAction::Agent(FlowAgent { text, system, .. }) => {
            Resolved::Ask(messages(&reading, system.as_ref(), text)?)
        }
        FlowAction::Plan(plan) => Resolved::Plan { file: reading.text(&plan.file)? },
        FlowAction::Transcribe(transcribe) => {
            Resolved::Act(transcription(&reading, transcribe, around.role)?)
        }
        FlowAction::Embed(embed) => Resolved::Act(embedding(&reading, embed, around.role)?),
        FlowAction::Run(run) => Resolved::Act(Action::Run(command(&reading, run)?)),
        FlowAction::Read(read) => Resolved::Act(reading_of(&reading, &read.what)?),
        FlowAction::Write(write) => Resolved::Write {
            path: reading.text(&write.path)?,
            text: reading.text(&write.text)?,
            mode: write.mode,
        },
        FlowAction::Map(map) => match &map.over {
            MapOver::List(list) => Resolved::Items(items(reading.value(list)?)?),
            MapOver::Files(pattern) => {
                Resolved::Act(Action::List { pattern: reading.text(pattern)? })
            }
        },
        FlowAction::Approve(approve) => {
            Resolved::Act(Action::Approve { message: reading.text(&approve.message)?.into() })
        }
        FlowAction::Wait(FlowWait::Ms(ms)) => Resolved::WaitMs(*ms),
        FlowAction::Wait(FlowWait::Until(until)) => Resolved::WaitUntil(reading.text(until)?),
        FlowAction::Workflow(_) => Resolved::Call,
        FlowAction::Assert(assert) => {
            if reading.is_true(&assert.that)? {
                Resolved::Holds
            } else {
                let said = reading.optional(assert.message.as_ref())?;
                Resolved::Fails(said.unwrap_or_else(|| format!("{} is not true", assert.that.0)))
            }
        }
    })
}

fn messages(
    reading: &Reading,
    system: Option<&Template>,
    text: &Template,
) -> Result<Vec<Message>, Failure> {
    let system = reading.optional(system)?;
    let system = system.map(|text| Message::System { content: text.into() });
    let user = Message::User { content: reading.text(text)?.into() };
    Ok(system.into_iter().chain([user]).collect())
}

fn transcription(
    reading: &Reading,
    transcribe: &FlowTranscribe,
    role: Option<&RoleSettings>,
) -> Result<Action, Failure> {
    let role = role.ok_or_else(|| Failure::role(Role::Transcriber))?;
    let language = reading.text(&transcribe.language)?;
    let prompt = reading.optional(transcribe.prompt.as_ref())?;
    Ok(Action::Transcribe(ActionTranscribe {
        endpoint: role.endpoint.clone(),
        model: role.model.clone(),
        file: reading.text(&transcribe.file)?,
        language: (language != "auto" && !language.is_empty()).then_some(language),
        translate: transcribe.translate,
        prompt: prompt.map(Into::into),
        threads: transcribe.threads,
        format: transcribe.format.into(),
    }))
}

fn embedding(
    reading: &Reading,
    embed: &FlowEmbed,
    role: Option<&RoleSettings>,
) -> Result<Action, Failure> {
    let role = role.ok_or_else(|| Failure::role(Role::Embedder))?;
    let value = reading.value(&embed.text)?;
    let single = !value.is_array();
    let texts = if let Value::Array(items) = value { items } else { vec![value] };
    let texts: Vec<String> = texts.into_iter().map(plain).collect();
    let texts = serde_json::to_string(&texts).expect("texts are plain JSON");
    let (endpoint, model) = (role.endpoint.clone(), role.model.clone());
    Ok(Action::Embed { endpoint, model, texts: texts.into(), single })
}

/// A value as text; null as nothing.
fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn command(reading: &Reading, run: &FlowRun) -> Result<ActionRun, Failure> {
    let mut argv = Vec::with_capacity(run.argv.len());
    for argument in &run.argv {
        match reading.value(argument)? {
            Value::Array(items) => argv.extend(items.into_iter().map(plain)),
            one @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => argv.push(plain(one)),
        }
    }
    if argv.first().is_none_or(String::is_empty) {
        return Err(Failure::expression("the command has no program"));
    }
    let variable = |(name, value): &(String, Template)| Ok((name.clone(), reading.text(value)?));
    let json = match run.format {
        lao_event::FlowFormat::Json { .. } => true,
        lao_event::FlowFormat::Text => false,
    };
    Ok(ActionRun {
        argv,
        folder: reading.optional(run.folder.as_ref())?,
        env: run.env.iter().map(variable).collect::<Result<_, Failure>>()?,
        secrets: run.secrets.clone(),
        input: reading.optional(run.input.as_ref())?.map(Into::into),
        json,
        exit_codes: run.exit_codes.clone(),
        repeatable: run.repeatable,
    })
}

fn reading_of(reading: &Reading, what: &ReadWhat) -> Result<Action, Failure> {
    let file = |path: &Template, form| Ok(Action::Read { path: reading.text(path)?, form });
    match what {
        ReadWhat::Text(path) => file(path, ReadForm::Text),
        ReadWhat::Json(path) => file(path, ReadForm::Json),
        ReadWhat::Lines(path) => file(path, ReadForm::Lines),
        ReadWhat::Files(pattern) => Ok(Action::List { pattern: reading.text(pattern)? }),
    }
}

/// The items of a list.
pub(crate) fn items(value: Value) -> Result<Vec<FlowValue>, Failure> {
    match value {
        Value::Array(items) => Ok(items.into_iter().map(from_json).collect()),
        Value::Null => Ok(Vec::new()),
        Value::String(_) => {
            Err(no_list("a text; `| lines` or `| split(\",\")` makes a list of it"))
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(no_list("no list")),
    }
}

fn no_list(kind: &str) -> Failure {
    Failure::expression(&format!("what is mapped over is {kind}"))
}

/// What the result of a step depends on besides files: its definition, its resolved inputs, and
/// who is asked with which settings.
pub(crate) fn cache_key(
    step: &FlowStep,
    resolved: &Resolved,
    (role, file): (Option<&RoleSettings>, Option<Hash>),
) -> (Hash, String) {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part("lao step result 1");
    part(&serde_json::to_string(&step.action).expect("definitions are plain JSON"));
    let mut words = vec!["definition".to_owned(), "inputs".to_owned()];
    match resolved {
        Resolved::Ask(messages) => {
            part(&serde_json::to_string(messages).expect("messages are plain JSON"));
        }
        Resolved::Act(action) => {
            part(&serde_json::to_string(action).expect("actions are plain JSON"));
        }
        Resolved::Skipped
        | Resolved::Write { .. }
        | Resolved::WaitMs(_)
        | Resolved::WaitUntil(_)
        | Resolved::Plan { .. }
        | Resolved::Items(_)
        | Resolved::Call
        | Resolved::Holds
        | Resolved::Fails(_) => {}
    }
    if let Some(role) = role {
        part(&serde_json::to_string(role).expect("settings are plain JSON"));
        words.push(format!("model {} at {} and its settings", role.model, role.endpoint));
    }
    if let Some(file) = file {
        part(&file.to_string());
        words.push("content of its file".to_owned());
    }
    (Hash(*hasher.finalize().as_bytes()), words.join(", "))
}

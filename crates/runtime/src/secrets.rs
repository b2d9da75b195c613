//! Secrets are kept out: what comes from the world has them replaced before the kernel decides
//! about it, so that state, journal, blobs, notices and a later replay all see the same.
//!
//! The other way, a name must never become the text of a file, and a file that holds a secret must
//! never be stored: what would do either is denied before it starts. So what is written is what
//! the model said, and the hashes of files are always those of the files.

use std::borrow::Cow;

use lao_event::{
    Content,
    latest::{
        Answer, CheckReport, CommandOutcome, CommandReport, CommitOutcome, Definition,
        FileWriteOutcome, Finding, LossCause, ModelFailure, ModelOutcome, PlanDefinition, TodoItem,
        ToolCall, WorkspaceOutcome,
    },
};
use lao_kernel::{Command, ToolPlan};
use lao_port::{PreparedAction, ToolRequest};
use lao_redact::Redactor;
use serde_json::Value;

/// The rule by which calls are denied that would store a secret or write its name.
const RULE: &str = "secrets";

/// Replaces the secrets in everything that a command brings from the world.
///
/// Settings are not text from the world: commands that run are taken from them as they are, so
/// they must hold no secrets in the first place.
pub(crate) fn redact(redactor: &Redactor, command: &mut Command) {
    let secrets = Secrets { redactor };
    match command {
        Command::Start(start) => {
            redact_plan(redactor, &mut start.definition);
        }
        Command::Answer { question: _, answer: _, by } => secrets.text(by),
        Command::WorkspaceEnded { effect: _, outcome } => match outcome {
            // Paths are compared with those in the workspace.
            WorkspaceOutcome::Ready { base: _, dirty: _ } => {}
            WorkspaceOutcome::Unusable { message } => secrets.text(message),
        },
        Command::ModelCallEnded { effect: _, outcome, failed_tries } => {
            secrets.model_outcome(outcome);
            secrets.texts(failed_tries);
        }
        Command::ToolPrepared { call: _, tool, repair, plan } => {
            secrets.text(tool);
            secrets.texts(repair);
            secrets.plan(plan);
        }
        Command::ToolCallEnded { effect: _, outcome: _, reply } => secrets.text(reply),
        Command::FileWriteEnded { effect: _, outcome } => match outcome {
            FileWriteOutcome::Failed { message } => secrets.text(message),
            FileWriteOutcome::Written
            | FileWriteOutcome::AlreadyWritten
            | FileWriteOutcome::Conflict { found: _ } => {}
        },
        Command::CommandEnded { effect: _, outcome, reply } => {
            secrets.command_outcome(outcome);
            secrets.text(reply);
        }
        Command::ChecksEnded { effect: _, reports, commands } => {
            for report in reports {
                secrets.report(report);
            }
            for CommandReport { name: _, outcome, output, elapsed_ms: _ } in commands {
                secrets.command_outcome(outcome);
                secrets.content(output);
            }
        }
        Command::CommitEnded { effect: _, outcome } => match outcome {
            CommitOutcome::Failed { message } => secrets.text(message),
            CommitOutcome::Made { id: _ } | CommitOutcome::Unchanged => {}
        },
        Command::EffectsLost { effects: _, cause } => match cause {
            LossCause::WorkerPanicked { message } => secrets.text(message),
            LossCause::ProcessEnded => {}
        },
        Command::Resume { program: _, settings: _, retry: _ }
        | Command::Advance
        | Command::Stop
        | Command::Cancel
        | Command::Retry(_)
        | Command::TimeUp { step: _, attempt: _ } => {}
    }
}

/// Replaces the secrets of what a run is to do.
pub(crate) fn redact_plan(redactor: &Redactor, definition: &mut Definition) {
    let secrets = Secrets { redactor };
    let Definition::Plan(PlanDefinition { title, path: _, text, chunks }) = definition;
    secrets.text(title);
    secrets.content(text);
    for chunk in chunks {
        secrets.content(chunk);
    }
}

/// What replaces secrets in one command.
struct Secrets<'r> {
    redactor: &'r Redactor,
}

impl Secrets<'_> {
    fn text(&self, text: &mut String) {
        self.replace(text);
    }

    fn texts<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        for text in texts {
            self.text(text);
        }
    }

    /// Whether there was anything to replace.
    fn replace(&self, text: &mut String) -> bool {
        let Cow::Owned(redacted) = self.redactor.redact(text) else {
            return false;
        };
        *text = redacted;
        true
    }

    fn content(&self, content: &mut Content) {
        match content {
            Content::Inline(text) => self.text(text),
            // Only files are stored before a command, and only those that hold no secret.
            Content::Blob { hash: _, size_bytes: _ } => {}
        }
    }

    fn model_outcome(&self, outcome: &mut ModelOutcome) {
        match outcome {
            ModelOutcome::Answered(Answer {
                text,
                reasoning,
                tool_calls,
                finish: _,
                usage: _,
                timing: _,
                model,
                server,
            }) => {
                self.content(text);
                self.content(reasoning);
                self.text(model);
                self.texts(server);
                for ToolCall { id, name, arguments } in tool_calls {
                    self.text(id);
                    self.text(name);
                    self.arguments(arguments);
                }
            }
            ModelOutcome::Failed(ModelFailure { kind: _, message }) => self.text(message),
        }
    }

    /// Arguments are JSON text: what its escapes hide is a secret too.
    fn arguments(&self, arguments: &mut Content) {
        self.content(arguments);
        let Content::Inline(text) = arguments else {
            return;
        };
        if let Ok(mut value) = serde_json::from_str::<Value>(text)
            && self.json(&mut value) > 0
        {
            *text = value.to_string();
        }
    }

    /// How many texts of a JSON value had something to replace.
    fn json(&self, value: &mut Value) -> usize {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => usize::from(self.replace(text)),
            Value::Array(items) => items.iter_mut().map(|item| self.json(item)).sum(),
            Value::Object(fields) => fields.values_mut().map(|item| self.json(item)).sum(),
        }
    }

    fn plan(&self, plan: &mut ToolPlan) {
        match plan {
            // Arguments were made from those of the model's answer.
            ToolPlan::Read { arguments } => self.text(arguments),
            // What is written or run is as the model said it, or denied.
            ToolPlan::Write { path: _, before: _, after: _, reply }
            | ToolPlan::Denied { rule: _, reply }
            | ToolPlan::Invalid { reply } => self.text(reply),
            ToolPlan::TodoSet { items } => {
                self.texts(items.iter_mut().map(|TodoItem { text, done: _ }| text));
            }
            ToolPlan::Command { argv: _, timeout_ms: _ } | ToolPlan::TodoGet => {}
        }
    }

    fn command_outcome(&self, outcome: &mut CommandOutcome) {
        match outcome {
            CommandOutcome::NotStarted { message } => self.text(message),
            CommandOutcome::Exited { code: _ }
            | CommandOutcome::TimedOut
            | CommandOutcome::Unknown => {}
        }
    }

    fn report(&self, report: &mut CheckReport) {
        let CheckReport { step: _, findings, diff } = report;
        self.content(diff);
        for Finding { file, line: _, rule: _, message, hint } in findings {
            self.texts(file);
            self.text(message);
            self.text(hint);
        }
    }
}

/// What a call would do, unless it would store a secret or write what stands for one.
pub(crate) fn permitted(
    redactor: &Redactor,
    request: &ToolRequest,
    action: PreparedAction,
) -> PreparedAction {
    let denied = |reply| PreparedAction::Denied { rule: RULE.to_owned(), reply };
    let said = redactor.token(&request.arguments);
    match &action {
        PreparedAction::Write { path, before, after, reply: _ } => {
            let before = before.as_deref().unwrap_or_default();
            if let Some(held) = redactor.held(before) {
                return denied(format!(
                    "{path} was not changed: its line {} holds a secret ({}), which is kept out \
                     of everything here, and a change could lose it. Only a person can change \
                     this file; go on without.",
                    held.line, held.token
                ));
            }
            let after = after.as_deref().unwrap_or_default();
            if let Some(held) = redactor.held(after.as_bytes()) {
                return denied(format!(
                    "{path} was not written: line {} of the text holds what looks like a secret \
                     ({}). Let the program read the secret when it runs, or leave it out.",
                    held.line, held.token
                ));
            }
            // A name that stood in the file before may stay there.
            let written = redactor.token(after).filter(|token| !contains(before, token));
            said.or(written).map(|token| denied(taken_literally(token)))
        }
        PreparedAction::Command { argv, timeout_ms: _ } => {
            let line = argv.join(" ");
            if let Some(held) = redactor.held(line.as_bytes()) {
                return denied(format!(
                    "The command was not run: it holds what looks like a secret ({}).",
                    held.token
                ));
            }
            said.or(redactor.token(&line)).map(|token| denied(taken_literally(token)))
        }
        PreparedAction::Invalid { reply } => said.map(|token| PreparedAction::Invalid {
            reply: format!("{reply}\n{}", taken_literally(token)),
        }),
        PreparedAction::Read { arguments: _ }
        | PreparedAction::TodoSet { items: _ }
        | PreparedAction::TodoGet
        | PreparedAction::Denied { rule: _, reply: _ } => None,
    }
    .unwrap_or(action)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

fn taken_literally(token: &str) -> String {
    format!(
        "{token} stands for a secret, or for what looks like one; you are not shown it, and here \
         the name would be taken literally. Nothing was done. Leave it out: let the program read \
         the secret when it runs, and leave lines that hold it as they are."
    )
}

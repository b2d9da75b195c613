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
        ActionOutcome, Answer, CheckReport, CommandOutcome, CommandReport, CommitOutcome,
        Definition, FileWriteOutcome, Finding, FlowDefinition, FlowValue, Found, LossCause,
        ModelFailure, ModelOutcome, PlanDefinition, TodoItem, ToolCall, WorkspaceOutcome,
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
        Command::StepLooked { step: _, attempt: _, texts: _, found } => match found {
            Found::Refused { message } => secrets.text(message),
            // Only what was kept out before is in files, blobs and stored results.
            Found::Nothing
            | Found::File { .. }
            | Found::Until { .. }
            | Found::Run { .. }
            | Found::Cache { .. } => {}
        },
        Command::ActionEnded { effect: _, outcome } => match outcome {
            ActionOutcome::Done { value, exit_code: _ } => secrets.value(value),
            ActionOutcome::Failed { kind: _, message, exit_code: _ } => secrets.text(message),
        },
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
        | Command::Fork(_)
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
    match definition {
        Definition::Plan(PlanDefinition { title, path: _, text, chunks }) => {
            secrets.text(title);
            secrets.content(text);
            for chunk in chunks {
                secrets.content(chunk);
            }
        }
        Definition::Flow(FlowDefinition { title, text, inputs, .. }) => {
            secrets.text(title);
            secrets.content(text);
            for input in inputs {
                secrets.value(&mut input.value);
            }
        }
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

    fn value(&self, value: &mut FlowValue) {
        match value {
            FlowValue::Text(content) => self.content(content),
            FlowValue::Json(content) => self.arguments(content),
            FlowValue::Nothing | FlowValue::File { path: _ } => {}
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

#[cfg(test)]
mod tests {
    use lao_event::{
        CallId, EffectId,
        latest::{FinishReason, Timing, ToolOutcome, Usage},
    };
    use lao_redact::Rules;

    use super::*;

    const SECRET: &str = "Tr0ub4dor and 3";

    fn redactor() -> Redactor {
        let values = vec![("MY_TOKEN".to_owned(), SECRET.to_owned())];
        Redactor::new(Rules { known_shapes: true, values, patterns: Vec::new() }).unwrap()
    }

    fn request(arguments: &str) -> ToolRequest {
        ToolRequest { name: "any".to_owned(), arguments: arguments.to_owned() }
    }

    fn write(before: Option<&str>, after: Option<&str>) -> PreparedAction {
        PreparedAction::Write {
            path: ".env".to_owned(),
            before: before.map(|text| text.as_bytes().to_vec()),
            after: after.map(str::to_owned),
            reply: "done".to_owned(),
        }
    }

    fn command(line: &str) -> PreparedAction {
        PreparedAction::Command { argv: vec!["sh".to_owned(), line.to_owned()], timeout_ms: 1 }
    }

    /// What a call is answered with, where it is denied.
    fn denial(arguments: &str, action: &PreparedAction) -> Option<String> {
        let permitted = permitted(&redactor(), &request(arguments), action.clone());
        let PreparedAction::Denied { rule, reply } = permitted else {
            assert_eq!(permitted, *action, "what is allowed is as it was");
            return None;
        };
        assert_eq!(rule, RULE);
        assert!(!reply.contains(SECRET), "{reply}");
        Some(reply)
    }

    #[test]
    fn a_file_that_holds_a_secret_is_left_to_people() {
        let holds = format!("A=1\nT={SECRET}\n");
        for after in [None, Some("A=2\n"), Some(holds.as_str())] {
            let reply = denial("{}", &write(Some(&holds), after)).unwrap();
            assert!(reply.contains("line 2") && reply.contains("secret://MY_TOKEN"), "{reply}");
        }
        let reply = denial("{}", &write(Some("A=1\n"), Some(&holds))).unwrap();
        assert!(reply.contains(".env was not written: line 2"), "{reply}");
        assert!(denial("{}", &command(&format!("echo {SECRET}"))).is_some());
        assert_eq!(denial("{}", &write(Some("A=1\n"), Some("A=2\n"))), None);
        assert_eq!(denial("{}", &write(None, None)), None);
        assert_eq!(denial("{}", &command("ls")), None);
    }

    #[test]
    fn a_name_is_not_written_as_if_it_were_the_secret() {
        let said = r#"{"content": "T=secret://MY_TOKEN"}"#;
        let named = "T=secret://MY_TOKEN";
        for action in [write(None, Some(named)), write(Some("T=1"), Some(named)), command(named)] {
            // However the arguments spell it.
            for arguments in [said, r#"{"content": "T=secret:\/\/MY_TOKEN"}"#] {
                let reply = denial(arguments, &action).unwrap();
                assert!(reply.contains("taken literally"), "{reply}");
            }
        }
        let page = format!("{named} is what LAO writes.\n");
        let longer = format!("{page}And so on.\n");
        assert_eq!(denial("{}", &write(Some(&page), Some(&longer))), None, "it stood there before");
        assert_eq!(denial("{}", &write(None, Some("secret://of-somebody-else"))), None);
        assert_eq!(denial(said, &PreparedAction::Read { arguments: said.to_owned() }), None);
    }

    #[test]
    fn a_passage_that_is_not_found_because_of_a_name_is_explained() {
        let invalid = PreparedAction::Invalid { reply: "not found".to_owned() };
        let said = request(r#"{"search": "T=secret://MY_TOKEN"}"#);
        let PreparedAction::Invalid { reply } = permitted(&redactor(), &said, invalid) else {
            panic!("it stays invalid");
        };
        assert!(reply.starts_with("not found\n") && reply.contains("secret://MY_TOKEN"), "{reply}");
    }

    fn answered(arguments: &str) -> String {
        let call = ToolCall {
            id: "1".to_owned(),
            name: "file_write".to_owned(),
            arguments: arguments.to_owned().into(),
        };
        let mut command = Command::ModelCallEnded {
            effect: EffectId(1),
            outcome: ModelOutcome::Answered(Answer {
                text: SECRET.to_owned().into(),
                reasoning: SECRET.to_owned().into(),
                tool_calls: vec![call],
                finish: FinishReason::ToolCalls,
                usage: Usage::default(),
                timing: Timing::default(),
                model: SECRET.to_owned(),
                server: Some(SECRET.to_owned()),
            }),
            failed_tries: vec![SECRET.to_owned()],
        };
        redact(&redactor(), &mut command);
        assert!(!format!("{command:?}").contains(SECRET), "{command:?}");
        let Command::ModelCallEnded { outcome: ModelOutcome::Answered(answer), .. } = command
        else {
            panic!("it stays an answer");
        };
        answer.tool_calls[0].arguments.inline().unwrap().to_owned()
    }

    #[test]
    fn arguments_stay_json_and_escapes_hide_nothing() {
        assert_eq!(
            answered(&format!(r#"{{"b": "{SECRET}", "a": 1}}"#)),
            r#"{"b": "secret://MY_TOKEN", "a": 1}"#
        );
        let hidden = answered(r#"{"a": ["x", {"b": "Tr0ub4dor\u0020and 3"}], "n": 1}"#);
        assert_eq!(hidden, r#"{"a":["x",{"b":"secret://MY_TOKEN"}],"n":1}"#);
        let broken = format!(r#"{{"a": "{SECRET}"#);
        assert_eq!(answered(&broken), r#"{"a": "secret://MY_TOKEN"#);
        assert_eq!(answered(r#"{"a":  1}"#), r#"{"a":  1}"#, "nothing to replace, nothing changed");
    }

    #[test]
    fn what_comes_from_the_world_is_replaced() {
        let words = || SECRET.to_owned();
        let mut commands = [
            Command::ToolCallEnded {
                effect: EffectId(1),
                outcome: ToolOutcome::Succeeded,
                reply: words(),
            },
            Command::CommandEnded {
                effect: EffectId(1),
                outcome: CommandOutcome::NotStarted { message: words() },
                reply: words(),
            },
            Command::FileWriteEnded {
                effect: EffectId(1),
                outcome: FileWriteOutcome::Failed { message: words() },
            },
            Command::CommitEnded {
                effect: EffectId(1),
                outcome: CommitOutcome::Failed { message: words() },
            },
            Command::WorkspaceEnded {
                effect: EffectId(1),
                outcome: WorkspaceOutcome::Unusable { message: words() },
            },
            Command::EffectsLost {
                effects: Vec::new(),
                cause: LossCause::WorkerPanicked { message: words() },
            },
            Command::ChecksEnded {
                effect: EffectId(1),
                reports: vec![CheckReport {
                    step: lao_event::StepId(1),
                    findings: vec![Finding {
                        file: Some(words()),
                        line: None,
                        rule: "r".to_owned(),
                        message: words(),
                        hint: words(),
                    }],
                    diff: words().into(),
                }],
                commands: vec![CommandReport {
                    name: "test".to_owned(),
                    outcome: CommandOutcome::NotStarted { message: words() },
                    output: words().into(),
                    elapsed_ms: 1,
                }],
            },
            Command::ToolPrepared {
                call: CallId { answer: EffectId(1), index: 0 },
                tool: words(),
                repair: Some(words()),
                plan: ToolPlan::TodoSet { items: vec![TodoItem { text: words(), done: false }] },
            },
        ];
        for command in &mut commands {
            redact(&redactor(), command);
            let told = format!("{command:?}");
            assert!(!told.contains(SECRET) && told.contains("secret://MY_TOKEN"), "{told}");
        }
    }

    #[test]
    fn what_is_to_be_written_is_as_it_was_said() {
        let call = CallId { answer: EffectId(1), index: 0 };
        let prepared = |reply: &str| Command::ToolPrepared {
            call,
            tool: "file_write".to_owned(),
            repair: None,
            plan: ToolPlan::Write {
                path: "a".to_owned(),
                before: None,
                after: Some(SECRET.to_owned()),
                reply: reply.to_owned(),
            },
        };
        let mut command = prepared(SECRET);
        redact(&redactor(), &mut command);
        assert_eq!(command, prepared("secret://MY_TOKEN"));
    }
}

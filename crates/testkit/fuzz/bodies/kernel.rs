//! What planners and reviewers answer: whatever it is, the kernel decides, and what it decides
//! fits the journal.

#[path = "../../src/settings.rs"]
mod settings;

use std::sync::LazyLock;

use lao_event::{
    Content, EffectId, GitSettings, Role, RunId, Settings, codec,
    latest::{
        Answer, CheckReport, Definition, FileWriteOutcome, FinishReason, ModelOutcome,
        PlanDefinition, Timing, ToolCall, Usage, WorkspaceOutcome,
    },
};
use lao_kernel::{
    Command, Effect, EffectKey, EffectWork, Start, State, ToolPlan, handle, outstanding,
};

/// A run that waits for an answer of a role.
struct Asked {
    state: State,
    effect: EffectId,
}

static PLANNER: LazyLock<Asked> = LazyLock::new(|| Asked::new(Role::Planner));
static REVIEWER: LazyLock<Asked> = LazyLock::new(|| Asked::new(Role::Reviewer));

/// The answer of a planner.
pub(crate) fn planned(data: &[u8]) {
    PLANNER.hear(data);
}

/// The answer of a reviewer.
pub(crate) fn reviewed(data: &[u8]) {
    REVIEWER.hear(data);
}

impl Asked {
    fn new(role: Role) -> Self {
        let mut state = State::new();
        let mut next = start();
        loop {
            handle(&mut state, next).expect("it is awaited");
            let effect = outstanding(&state).next().expect("the run goes on");
            if let (EffectKey::Started(id, _), EffectWork::Model { role: asked, .. }) =
                (effect.key, &effect.work)
                && *asked == role
            {
                return Self { effect: id, state };
            }
            next = reply(&effect);
        }
    }

    /// The first byte says whether the answer was cut off.
    fn hear(&self, data: &[u8]) {
        let Some((kind, text)) = data.split_first() else { return };
        let Ok(text) = std::str::from_utf8(text) else { return };
        let finish = if kind & 1 == 0 { FinishReason::Stop } else { FinishReason::Length };
        let answer = Answer { finish, ..said(text) };
        let mut state = self.state.clone();
        let outcome = ModelOutcome::Answered(answer);
        let ended = Command::ModelCallEnded { effect: self.effect, outcome, failed_tries: vec![] };
        let decision = handle(&mut state, ended).expect("the answer is awaited");
        assert!(!decision.events.is_empty());
        for event in &decision.events {
            codec::encode(event).expect("an event fits its record");
        }
    }
}

fn start() -> Command {
    let plan = PlanDefinition {
        title: "App".to_owned(),
        path: "plans/app.md".to_owned(),
        text: Content::from("# App"),
        chunks: vec![Content::from("# App")],
    };
    let settings = Settings { git: GitSettings::default(), ..settings::of("studio") };
    Command::Start(Box::new(Start {
        run: RunId::new(1_795_195_597_123, 7),
        program: "0.1.0".to_owned(),
        steps: Vec::new(),
        definition: Definition::Plan(plan),
        settings,
        seed: 42,
    }))
}

fn said(text: &str) -> Answer {
    Answer {
        text: text.into(),
        reasoning: Content::empty(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage::default(),
        timing: Timing::default(),
        model: "model".to_owned(),
        server: None,
    }
}

/// What the world says to an effect, up to the review of the first task.
fn reply(effect: &Effect<'_>) -> Command {
    let id = match effect.key {
        EffectKey::Prepare(call) => {
            let plan = ToolPlan::Write {
                path: "a.txt".to_owned(),
                before: None,
                after: Some("A\n".to_owned()),
                reply: "Created.".to_owned(),
            };
            return Command::ToolPrepared {
                call,
                tool: "file_write".to_owned(),
                repair: None,
                plan,
            };
        }
        EffectKey::Look(..) => unreachable!("plans have no steps of workflows"),
        EffectKey::Started(id, _) => id,
    };
    match &effect.work {
        EffectWork::Workspace => {
            let outcome = WorkspaceOutcome::Ready { base: None, dirty: Vec::new() };
            Command::WorkspaceEnded { effect: id, outcome }
        }
        EffectWork::Model { role, messages, .. } => {
            let outcome = ModelOutcome::Answered(work(*role, messages.len() > 2));
            Command::ModelCallEnded { effect: id, outcome, failed_tries: Vec::new() }
        }
        EffectWork::Write { .. } => {
            Command::FileWriteEnded { effect: id, outcome: FileWriteOutcome::Written }
        }
        EffectWork::Checks { steps, .. } => {
            let report = |step: &lao_event::StepId| CheckReport {
                step: *step,
                findings: Vec::new(),
                diff: "+A".into(),
            };
            let reports = steps.iter().map(report).collect();
            Command::ChecksEnded { effect: id, reports, commands: Vec::new() }
        }
        EffectWork::Commit(_)
        | EffectWork::Prepare { .. }
        | EffectWork::Read { .. }
        | EffectWork::Command { .. } => unreachable!("the coder writes one file"),
        EffectWork::Look | EffectWork::Action(_) => {
            unreachable!("plans have no steps of workflows")
        }
    }
}

fn work(role: Role, written: bool) -> Answer {
    match role {
        Role::Planner => said(
            r#"[{"id":"a","title":"A","description":"Write a.txt.","files":["a.txt"],"depends_on":[],"acceptance":[]}]"#,
        ),
        Role::Coder if !written => {
            let call = ToolCall {
                id: "call_1".to_owned(),
                name: "file_write".to_owned(),
                arguments: r#"{"path":"a.txt","content":"A\n"}"#.into(),
            };
            Answer { tool_calls: vec![call], finish: FinishReason::ToolCalls, ..said("") }
        }
        Role::Coder
        | Role::Reviewer
        | Role::Analyst
        | Role::Pilot
        | Role::Embedder
        | Role::Transcriber => said("The file is written."),
    }
}

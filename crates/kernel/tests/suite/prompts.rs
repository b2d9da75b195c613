//! Prompts: how large their fixed part is, and what they say.

use lao_event::{
    Content, EffectId, Event, Role, StepId,
    latest::{
        AnswerFormat, CheckReport, CommandOutcome, CommandReport, Finding, FinishReason, Message,
        ModelCallStarted, ToolVerdict, WorkspaceOutcome,
    },
};
use lao_kernel::{Command, Effect, Retry, State, ToolPlan, evolve, handle};
use serde_json::json;

use crate::{
    answers::{called, said},
    effects::{answer, asked, called_tool, checked, prepare, refuse, started, write_new},
    setup::Setup,
    world::World,
};

/// What the fixed part of the coder's first prompt may have, tools included, in bytes.
const CODER_BYTES_MAX: usize = 8 * 1024;
/// What the fixed part of the planner's and the reviewer's first prompt may have, in bytes.
const ASKED_BYTES_MAX: usize = 4 * 1024;

fn calls(world: &World, role: Role) -> Vec<&ModelCallStarted> {
    let started = world.events.iter().filter_map(|event| {
        if let Event::ModelCallStarted(call) = event { Some(call) } else { None }
    });
    started.filter(|call| call.role == role).collect()
}

fn content(message: &Message) -> &Content {
    match message {
        Message::System { content }
        | Message::User { content }
        | Message::Assistant { content, .. }
        | Message::Tool { content, .. } => content,
    }
}

/// Bytes of a call that no task and no plan changes.
struct Fixed {
    instructions: usize,
    schema: usize,
    tools: usize,
}

fn fixed(world: &World, call: &ModelCallStarted) -> Fixed {
    let length = |content: &Content| content.inline().expect("it is short").len();
    let system = call.appended.iter().filter(|message| matches!(message, Message::System { .. }));
    let on_wire = |tool: &lao_event::ToolSpec| {
        let parameters: serde_json::Value =
            serde_json::from_str(&tool.parameters).expect("a schema is JSON");
        let tool = json!({"type": "function", "function": {"name": tool.name,
            "description": tool.description, "parameters": parameters}});
        tool.to_string().len()
    };
    let settings = &world.state.run().expect("it has started").settings;
    Fixed {
        instructions: system.map(|message| length(content(message))).sum(),
        schema: match &call.request.format {
            AnswerFormat::Text => 0,
            AnswerFormat::Json { schema, .. } => length(schema),
        },
        tools: if call.request.tools { settings.tools.iter().map(on_wire).sum() } else { 0 },
    }
}

#[test]
fn the_fixed_part_of_every_first_prompt_is_small() {
    for json_schema in [true, false] {
        let mut world = World::new(Setup { json_schema, ..Setup::default() });
        world.go_on(|_, _| None);
        for (role, bytes_max) in [
            (Role::Planner, ASKED_BYTES_MAX),
            (Role::Coder, CODER_BYTES_MAX),
            (Role::Reviewer, ASKED_BYTES_MAX),
        ] {
            let Fixed { instructions, schema, tools } = fixed(&world, calls(&world, role)[0]);
            let bytes = instructions + schema + tools;
            println!(
                "{:>8}: {bytes:>5} bytes (instructions {instructions}, schema {schema}, tools \
                 {tools})",
                role.name()
            );
            assert!(bytes < bytes_max, "{role}: {bytes} bytes of {bytes_max}");
        }
    }
}

/// Messages as a person reads them.
fn readable(messages: &[Message]) -> String {
    let text = |message: &Message| {
        let from = match message {
            Message::System { .. } => "system",
            Message::User { .. } => "user",
            Message::Assistant { .. } => "assistant",
            Message::Tool { .. } => "tool",
        };
        let content = match content(message) {
            Content::Inline(text) => text.clone(),
            Content::Blob { size_bytes, .. } => format!("(blob of {size_bytes} bytes)"),
        };
        format!("--- {from} ---\n{content}\n")
    };
    messages.iter().map(text).collect()
}

/// Two tasks, the second building on the first.
fn plan() -> String {
    json!({"tasks": [
        {"id": "a", "title": "Parse the file", "description": "Write `parse`.",
            "files": ["src/parse.rs"], "depends_on": [], "acceptance": ["it parses"]},
        {"id": "b", "title": "Print the result", "description": "Write `print`.",
            "files": ["src/print.rs"], "deletes": ["src/old.rs"], "depends_on": ["a"],
            "acceptance": ["it prints", "it builds"]},
    ]})
    .to_string()
}

fn finding() -> Finding {
    Finding {
        file: Some("src/parse.rs".to_owned()),
        line: Some(3),
        rule: "placeholder".to_owned(),
        message: "`todo!()` is unfinished".to_owned(),
        hint: "write it".to_owned(),
    }
}

/// A world that has the models told everything: problems, findings, rework, rejection.
#[derive(Default)]
struct Talkative {
    planned: u32,
    checked: u32,
    reviewed: u32,
}

impl Talkative {
    fn planner(&mut self) -> String {
        self.planned += 1;
        match self.planned {
            1 => json!([{"id": "a", "title": "A", "description": "d", "depends_on": ["z"]}])
                .to_string(),
            2 => plan(),
            _ => "[]".to_owned(),
        }
    }

    fn reviewer(&mut self) -> String {
        self.reviewed += 1;
        let word = match self.reviewed {
            1 => return "Looks fine.".to_owned(),
            2 => "rework",
            3 => "rejected",
            _ => "approved",
        };
        let findings = json!([{"file": "src/parse.rs", "line": 7, "message": "empty input"}]);
        json!({"verdict": word, "summary": "Empty input crashes.", "findings": findings})
            .to_string()
    }

    fn checks(&mut self, effect: &Effect<'_>, steps: &[StepId]) -> Command {
        self.checked += 1;
        let report = |step: &StepId| CheckReport {
            step: *step,
            findings: (self.checked == 1).then(finding).into_iter().collect(),
            diff: Content::from("+fn parse() {}\n"),
        };
        Command::ChecksEnded {
            effect: started(effect),
            reports: steps.iter().map(report).collect(),
            commands: vec![CommandReport {
                name: "lint".to_owned(),
                outcome: CommandOutcome::Exited { code: 0 },
                output: Content::empty(),
                elapsed_ms: 1,
            }],
        }
    }

    fn turn(&mut self, effect: &Effect<'_>) -> Option<Command> {
        if let Some((call, name)) = called_tool(effect) {
            let denied =
                ToolPlan::Denied { rule: "shell-off".to_owned(), reply: "Not offered.".to_owned() };
            let plan = if name == "shell" { denied } else { write_new("src/parse.rs") };
            return Some(prepare(call, plan));
        }
        if let Some(steps) = checked(effect) {
            return Some(self.checks(effect, steps));
        }
        let (role, messages) = asked(effect)?;
        let stopped = |text: String| said(text, FinishReason::Stop);
        let said = match role {
            Role::Planner => stopped(self.planner()),
            Role::Reviewer => stopped(self.reviewer()),
            Role::Coder if messages.len() == 2 => called(&["file_write", "shell"]),
            Role::Coder if messages.len() == 5 => said("I was going to", FinishReason::Length),
            Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
                stopped("Done.".to_owned())
            }
        };
        Some(answer(effect, said))
    }
}

fn talkative() -> World {
    let mut world = World::new(Setup { json_schema: false, chunks: 2, ..Setup::default() });
    let mut script = Talkative::default();
    world.go_on(|_, effect| script.turn(&effect));
    world
}

/// What joined each call of a role, in order.
fn appended(world: &World, role: Role) -> Vec<String> {
    calls(world, role).iter().map(|call| readable(&call.appended)).collect()
}

#[test]
fn the_planner_is_told() {
    let world = talkative();
    let told = appended(&world, Role::Planner);
    assert_eq!(told.len(), 3);
    insta::assert_snapshot!("planner_first_part_of_two", told[0]);
    insta::assert_snapshot!("planner_answer_turned_down", told[1]);
    insta::assert_snapshot!("planner_second_part_of_two", told[2]);
}

#[test]
fn the_coder_is_told() {
    let world = talkative();
    let told = appended(&world, Role::Coder);
    insta::assert_snapshot!("coder_first_task", told[0]);
    assert_eq!(told[1], "", "tool replies are in the conversation already");
    insta::assert_snapshot!("coder_answer_cut", told[2]);
    insta::assert_snapshot!("coder_findings", told[3]);
    insta::assert_snapshot!("coder_rework", told[4]);
    let rejected = told.iter().find(|told| told.contains("rejected the approach"));
    insta::assert_snapshot!("coder_rejected", rejected.expect("it was rejected"));
    let second = told.iter().find(|told| told.contains("Done before"));
    insta::assert_snapshot!("coder_task_that_builds_on_another", second.expect("t2 needs t1"));
}

#[test]
fn the_reviewer_is_told() {
    let world = talkative();
    let told = appended(&world, Role::Reviewer);
    insta::assert_snapshot!("reviewer_first", told[0]);
    insta::assert_snapshot!("reviewer_answer_turned_down", told[1]);
}

#[test]
fn a_coder_whose_task_is_retried_is_told() {
    let mut world = World::new(Setup::default());
    world.go_on(|_, effect| {
        if let Some((call, _)) = called_tool(&effect) {
            return Some(prepare(call, write_new("src/parse.rs")));
        }
        let (role, messages) = asked(&effect)?;
        let first = messages.len() == 2;
        (role == Role::Coder)
            .then(|| if first { answer(&effect, called(&["file_write"])) } else { refuse(&effect) })
    });
    world.resume_with(Some(Retry::Failed)).expect("it failed");
    world.go_on(|_, _| None);
    let told = appended(&world, Role::Coder);
    insta::assert_snapshot!("coder_retried", told.last().expect("it is asked again"));
}

#[test]
fn a_repeated_call_is_refused_with_words() {
    let mut world = World::new(Setup::default());
    world.go_on(|_, effect| {
        let (role, messages) = asked(&effect)?;
        let repeats = role == Role::Coder && messages.len() < 10;
        repeats.then(|| answer(&effect, called(&["repeated"])))
    });
    let refused = world.events.iter().find_map(|event| {
        if let Event::ToolDecided(decided) = event
            && let ToolVerdict::Denied { rule, reply } = &decided.verdict
            && rule == "repeated-call"
        {
            reply.inline()
        } else {
            None
        }
    });
    insta::assert_snapshot!("coder_repeated_call", refused.expect("the fourth is refused"));
}

#[test]
fn a_prompt_that_is_not_the_conversation_is_noticed() {
    let mut state = State::new();
    let mut events = handle(&mut state, Setup::default().start()).expect("it starts").events;
    let ready = WorkspaceOutcome::Ready { base: None, dirty: Vec::new() };
    let prepared = Command::WorkspaceEnded { effect: EffectId(1), outcome: ready };
    events.extend(handle(&mut state, prepared).expect("it is awaited").events);
    let folded = |events: &[Event]| {
        let mut state = State::new();
        for event in events {
            evolve(&mut state, event).expect("it follows");
        }
        state
    };
    assert_eq!(folded(&events).check_prompts(), Ok(()));
    let Some(Event::ModelCallStarted(call)) = events.last_mut() else {
        panic!("the planner is asked");
    };
    call.prompt.0[0] ^= 1;
    assert!(folded(&events).check_prompts().is_err());
}

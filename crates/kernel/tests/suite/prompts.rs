//! Prompts: how large their fixed part is, and what they say.

use lao_event::{
    Content, Event, Role,
    latest::{
        AnswerFormat, CheckReport, CommandOutcome, CommandReport, Finding, FinishReason, Message,
        ModelCallStarted,
    },
};
use lao_kernel::{Command, Effect, EffectKey, EffectWork, Retry, ToolPlan};
use serde_json::json;

use crate::{
    answers::{called, said},
    setup::Setup,
    world::World,
};

/// What the fixed part of the coder's first prompt may have, tools included, in bytes.
const CODER_BYTES_MAX: usize = 8 * 1024;
/// What the fixed part of the planner's and the reviewer's first prompt may have, in bytes.
const ASKED_BYTES_MAX: usize = 4 * 1024;

fn calls(world: &World, role: Role) -> Vec<&ModelCallStarted> {
    let started = world.events.iter().filter_map(|event| match event {
        Event::ModelCallStarted(call) if call.role == role => Some(call),
        _ => None,
    });
    started.collect()
}

fn content(message: &Message) -> &Content {
    match message {
        Message::System { content }
        | Message::User { content }
        | Message::Assistant { content, .. }
        | Message::Tool { content, .. } => content,
    }
}

/// Bytes of a call that no task and no plan changes: instructions, schema, tools.
fn fixed_bytes(world: &World, call: &ModelCallStarted) -> usize {
    let system: usize = call
        .appended
        .iter()
        .filter(|message| matches!(message, Message::System { .. }))
        .map(|message| content(message).inline().expect("instructions are short").len())
        .sum();
    let schema = match &call.request.format {
        AnswerFormat::Text => 0,
        AnswerFormat::Json { schema, .. } => schema.inline().expect("schemas are short").len(),
    };
    let on_wire = |tool: &lao_event::ToolSpec| {
        let parameters: serde_json::Value =
            serde_json::from_str(&tool.parameters).expect("a schema is JSON");
        let tool = json!({"type": "function", "function": {"name": tool.name,
            "description": tool.description, "parameters": parameters}});
        tool.to_string().len()
    };
    let settings = &world.state.run().expect("it has started").settings;
    let tools: usize =
        if call.request.tools { settings.tools.iter().map(on_wire).sum() } else { 0 };
    println!(
        "{:>8}: {:>5} bytes (instructions {system}, schema {schema}, tools {tools})",
        call.role.name(),
        system + schema + tools
    );
    system + schema + tools
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
            let bytes = fixed_bytes(&world, calls(&world, role)[0]);
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

fn started(effect: &Effect<'_>) -> lao_event::EffectId {
    match effect.key {
        EffectKey::Started(id, _) => id,
        EffectKey::Prepare(_) => panic!("not started"),
    }
}

fn answer(effect: &Effect<'_>, answer: lao_event::latest::Answer) -> Command {
    Command::ModelCallEnded {
        effect: started(effect),
        outcome: lao_event::latest::ModelOutcome::Answered(answer),
        failed_tries: Vec::new(),
    }
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

/// A run in which everything is said that can be: problems, findings, rework, retries.
fn talkative() -> World {
    let mut world = World::new(Setup { json_schema: false, chunks: 2, ..Setup::default() });
    let (mut asked, mut checked, mut reviewed) = (0, 0, 0);
    let verdict = |word: &str| {
        let findings = json!([{"file": "src/parse.rs", "line": 7, "message": "empty input"}]);
        json!({"verdict": word, "summary": "Empty input crashes.", "findings": findings})
            .to_string()
    };
    world.go_on(|_, effect| match effect.work {
        EffectWork::Model { role: Role::Planner, .. } => {
            asked += 1;
            let text = match asked {
                1 => "{\"tasks\": [{\"id\": \"a\", \"title\": \"A\", \"description\": \"d\", \
                      \"depends_on\": [\"z\"]}]}"
                    .to_owned(),
                2 => plan(),
                _ => "[]".to_owned(),
            };
            Some(answer(&effect, said(text, FinishReason::Stop)))
        }
        EffectWork::Model { role: Role::Coder, messages, .. } => match messages.len() {
            2 => Some(answer(&effect, called(&["file_write", "shell"]))),
            5 => Some(answer(&effect, said("I was going to", FinishReason::Length))),
            _ => None,
        },
        EffectWork::Prepare { name, .. } => {
            let EffectKey::Prepare(call) = effect.key else { panic!("a preparation") };
            let plan = if name == "shell" {
                ToolPlan::Denied { rule: "shell-off".to_owned(), reply: "Not offered.".to_owned() }
            } else {
                ToolPlan::Write {
                    path: "src/parse.rs".to_owned(),
                    before: None,
                    after: Some("fn parse() {}\n".to_owned()),
                    reply: "src/parse.rs: written, 1 line".to_owned(),
                }
            };
            Some(Command::ToolPrepared { call, tool: name.to_owned(), repair: None, plan })
        }
        EffectWork::Checks { steps, .. } => {
            checked += 1;
            let findings = if checked == 1 { vec![finding()] } else { Vec::new() };
            Some(Command::ChecksEnded {
                effect: started(&effect),
                reports: steps
                    .iter()
                    .map(|step| CheckReport {
                        step: *step,
                        findings: findings.clone(),
                        diff: Content::from("+fn parse() {}\n"),
                    })
                    .collect(),
                commands: vec![CommandReport {
                    name: "lint".to_owned(),
                    outcome: CommandOutcome::Exited { code: 0 },
                    output: Content::empty(),
                    elapsed_ms: 1,
                }],
            })
        }
        EffectWork::Model { role: Role::Reviewer, .. } => {
            reviewed += 1;
            let text = match reviewed {
                1 => "Looks fine.".to_owned(),
                2 => verdict("rework"),
                3 => verdict("rejected"),
                _ => verdict("approved"),
            };
            Some(answer(&effect, said(text, FinishReason::Stop)))
        }
        EffectWork::Model { .. }
        | EffectWork::Workspace
        | EffectWork::Read { .. }
        | EffectWork::Write { .. }
        | EffectWork::Command { .. }
        | EffectWork::Commit(_) => None,
    });
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
    world.go_on(|_, effect| match effect.work {
        EffectWork::Model { role: Role::Coder, messages, .. } => Some(if messages.len() == 2 {
            answer(&effect, called(&["file_write"]))
        } else {
            Command::ModelCallEnded {
                effect: started(&effect),
                outcome: lao_event::latest::ModelOutcome::Failed(lao_event::latest::ModelFailure {
                    kind: lao_event::latest::FailureKind::ServerFailed,
                    message: "HTTP 500".to_owned(),
                }),
                failed_tries: Vec::new(),
            }
        }),
        EffectWork::Prepare { .. } => {
            let EffectKey::Prepare(call) = effect.key else { panic!("a preparation") };
            let plan = ToolPlan::Write {
                path: "src/parse.rs".to_owned(),
                before: None,
                after: Some("fn parse() {}\n".to_owned()),
                reply: "src/parse.rs: written, 1 line".to_owned(),
            };
            Some(Command::ToolPrepared { call, tool: "w".to_owned(), repair: None, plan })
        }
        EffectWork::Model { .. }
        | EffectWork::Workspace
        | EffectWork::Read { .. }
        | EffectWork::Write { .. }
        | EffectWork::Command { .. }
        | EffectWork::Checks { .. }
        | EffectWork::Commit(_) => None,
    });
    world.resume_with(Some(Retry::Failed)).expect("it failed");
    world.go_on(|_, _| None);
    let told = appended(&world, Role::Coder);
    insta::assert_snapshot!("coder_retried", told.last().expect("it is asked again"));
}

#[test]
fn a_repeated_call_is_refused_with_words() {
    let mut world = World::new(Setup::default());
    world.go_on(|_, effect| match effect.work {
        EffectWork::Model { role: Role::Coder, messages, .. } if messages.len() < 10 => {
            Some(answer(&effect, called(&["repeated"])))
        }
        EffectWork::Model { .. }
        | EffectWork::Prepare { .. }
        | EffectWork::Workspace
        | EffectWork::Read { .. }
        | EffectWork::Write { .. }
        | EffectWork::Command { .. }
        | EffectWork::Checks { .. }
        | EffectWork::Commit(_) => None,
    });
    let refused = world.events.iter().find_map(|event| match event {
        Event::ToolDecided(decided) => match &decided.verdict {
            lao_event::latest::ToolVerdict::Denied { rule, reply } if rule == "repeated-call" => {
                reply.inline()
            }
            _ => None,
        },
        _ => None,
    });
    insta::assert_snapshot!("coder_repeated_call", refused.expect("the fourth is refused"));
}

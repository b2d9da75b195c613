//! The protocol in all its forms: torn pieces, deviations, tools and schemas on and off, answers
//! that break off.

use std::thread;

use lao_testkit::openai_server::{Behaviour, ChatRequest, Dialect, Fault, Quirk, Thought};
use serde_json::{Value, json};

use super::{
    super::support::brain::{self, Asked},
    world::{CODER, PLANNER, REVIEWER, World, assert_done, capable},
};

/// Runs at once.
const THREADS: usize = 3;

const QUIRKS: [Quirk; 19] = [
    Quirk::CrLf,
    Quirk::Comments,
    Quirk::EmptyChoices,
    Quirk::RoleFirst,
    Quirk::NoUsage,
    Quirk::Timings,
    Quirk::NoDone,
    Quirk::FinishStop,
    Quirk::WholeJson,
    Quirk::WholeCalls,
    Quirk::NoCallIndex,
    Quirk::NoCallId,
    Quirk::EmptyNames,
    Quirk::Interleaved,
    Quirk::ObjectArguments,
    Quirk::CallsInText,
    Quirk::ReasoningField,
    Quirk::ReasoningTags,
    Quirk::ReasoningEndTag,
];

/// What must be there besides for a deviation to be one that servers have.
fn with_what_it_needs(quirk: Quirk) -> Vec<Quirk> {
    match quirk {
        Quirk::NoCallIndex | Quirk::ObjectArguments => vec![quirk, Quirk::WholeCalls],
        Quirk::CrLf
        | Quirk::Comments
        | Quirk::EmptyChoices
        | Quirk::RoleFirst
        | Quirk::NoUsage
        | Quirk::Timings
        | Quirk::NoDone
        | Quirk::FinishStop
        | Quirk::WholeJson
        | Quirk::WholeCalls
        | Quirk::NoCallId
        | Quirk::EmptyNames
        | Quirk::Interleaved
        | Quirk::CallsInText
        | Quirk::ReasoningField
        | Quirk::ReasoningTags
        | Quirk::ReasoningEndTag
        | Quirk::VectorsReversed
        | Quirk::NoVectorIndex
        | Quirk::VectorsInBase64
        | Quirk::VectorMissing => vec![quirk],
    }
}

/// A model that thinks aloud, in more than ASCII, and calls two tools at once.
fn thoughtful(request: &ChatRequest) -> Thought {
    let mut thought = brain::think(request);
    thought.reasoning = "Überlegen wir: 世界 🤔".to_owned();
    if brain::asked(request) == Asked::Coder && !thought.calls.is_empty() {
        let list = ("list_dir".to_owned(), json!({ "path": "." }).to_string());
        thought.calls.push(list);
    }
    thought
}

#[test]
fn every_deviation_in_torn_pieces() {
    let cases: Vec<(usize, Quirk)> = QUIRKS.into_iter().enumerate().collect();
    thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(THREADS)) {
            scope.spawn(move || {
                for (place, quirk) in part {
                    let behaviour = Behaviour::new(Dialect::OpenAi)
                        .with_brain(thoughtful)
                        .with_quirks(&with_what_it_needs(*quirk))
                        .with_bytes_per_write(1 + place % 7);
                    println!("{quirk:?}");
                    let world = World::new(behaviour);
                    assert_done(&world.sandbox, &world.run_with(&[]));
                }
            });
        }
    });
}

#[test]
fn every_kind_of_server() {
    for dialect in [
        Dialect::OpenAi,
        Dialect::Ollama,
        Dialect::LmStudio,
        Dialect::LmStudioOld,
        Dialect::LlamaCpp,
        Dialect::Vllm,
    ] {
        println!("{dialect:?}");
        let world = World::new(Behaviour::new(dialect).with_brain(thoughtful));
        assert_done(&world.sandbox, &world.run_with(&[]));
    }
}

#[test]
fn a_server_that_wants_whole_answers() {
    let world = World::new(capable());
    assert_done(&world.sandbox, &world.run_with(&["endpoints.local.stream=false"]));
    assert!(world.server.server.chats().iter().all(|body| body["stream"] != true));
}

#[test]
fn models_without_tools_call_them_in_their_text() {
    let behaviour = capable().with_quirks(&[Quirk::CallsInText]).with_bytes_per_write(5);
    let world = World::new(behaviour);
    assert_done(&world.sandbox, &world.run_with(&["roles.coder.tools=false"]));
    for body in world.asked(CODER) {
        assert!(body.get("tools").is_none_or(|tools| tools == &json!([])), "{body}");
        let roles: Vec<&Value> =
            body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
        assert!(roles.iter().all(|role| **role != "tool"), "{roles:?}");
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("file_write"));
    }
}

#[test]
fn tools_and_schemas_are_sent_where_they_are_supported() {
    let world = World::new(capable());
    assert_done(&world.sandbox, &world.run_with(&[]));
    let tools = &world.asked(CODER)[0]["tools"];
    assert!(tools.as_array().unwrap().iter().any(|tool| tool["function"]["name"] == "file_write"));
    for words in [PLANNER, REVIEWER] {
        assert_eq!(world.asked(words)[0]["response_format"]["type"], "json_schema", "{words}");
    }
    let world = World::new(capable());
    let off = ["roles.planner.json_schema=false", "roles.reviewer.json_schema=false"];
    assert_done(&world.sandbox, &world.run_with(&off));
    for words in [PLANNER, REVIEWER] {
        let body = &world.asked(words)[0];
        assert!(body.get("response_format").is_none_or(Value::is_null), "{body}");
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("schema"), "{body}");
    }
}

/// The prompt of a conversation only grows at its end, on the wire too.
#[test]
fn a_conversation_grows_at_its_end() {
    let world = World::new(Behaviour::new(Dialect::OpenAi).with_brain(thoughtful));
    assert_done(&world.sandbox, &world.run_with(&[]));
    let turns = world.asked(CODER);
    assert_eq!(turns.len(), 4, "two turns for each of two tasks");
    for pair in turns.chunks(2) {
        let messages = |body: &Value| body["messages"].as_array().unwrap().clone();
        assert!(messages(&pair[1]).starts_with(&messages(&pair[0])));
        assert_eq!(pair[0]["tools"], pair[1]["tools"]);
    }
}

#[test]
fn what_breaks_off_or_is_busy_is_asked_again() {
    let error = r#"{"error":{"message":"slot unavailable"}}"#.to_owned();
    let faults = [
        Fault::Loading,
        Fault::TooMany { retry_after_s: 1 },
        Fault::None,
        Fault::Drop { after_bytes: 150 },
        Fault::EndEarly { after_frames: 3 },
        Fault::None,
        Fault::Garbage { after_frames: 2 },
        Fault::None,
        Fault::ErrorFrame { after_frames: 2, body: error },
    ];
    let failed = faults.iter().filter(|fault| **fault != Fault::None).count();
    let world = World::new(capable().with_faults(&faults));
    assert_done(&world.sandbox, &world.run_with(&[]));
    assert_eq!(world.server.server.chats().len(), 7 + failed, "each failure is asked again once");
}

/// What a small model is told before its work begins is small.
#[test]
fn prompts_are_small() {
    let world = World::new(capable());
    assert_done(&world.sandbox, &world.run_with(&[]));
    for (words, bytes_max) in [(CODER, 8 * 1024), (PLANNER, 4 * 1024), (REVIEWER, 4 * 1024)] {
        let body = &world.asked(words)[0];
        let size = |value: &Value| if value.is_null() { 0 } else { value.to_string().len() };
        let bytes =
            size(&body["messages"][0]) + size(&body["tools"]) + size(&body["response_format"]);
        println!("{words}: {bytes} bytes of {bytes_max}");
        assert!(bytes < bytes_max, "{words}: {bytes} bytes");
    }
}

//! Whole answers, whatever their way over the wire.

use lao_event::latest::{FinishReason, Usage};
use lao_port::{Chat, ChatFormat, ChatMessage};
use lao_testkit::openai_server::{Behaviour, Dialect, OpenAiServer, Quirk, Thought};
use serde_json::json;

use super::support::{DIALECTS, TEXT, ask, chat, tools};

#[tokio::test]
async fn text_survives_any_tearing_in_every_dialect() {
    for dialect in DIALECTS {
        for bytes in [0, 1, 7, 1000] {
            let behaviour = Behaviour::new(dialect).with_bytes_per_write(bytes);
            let server = OpenAiServer::start(behaviour).await.unwrap();
            let answer = ask(&server, &chat(TEXT)).await.unwrap();
            assert_eq!(answer.text, TEXT, "{dialect:?} {bytes}");
            assert_eq!(answer.finish, FinishReason::Stop);
            assert_eq!(answer.model, "tiny");
            assert_eq!(answer.server.as_deref(), Some("fp_test"));
            let tokens = u64::try_from(TEXT.len().div_ceil(4)).unwrap();
            let usage =
                Usage { prompt_tokens: tokens, cached_tokens: 0, completion_tokens: tokens };
            assert_eq!(answer.usage, usage);
        }
    }
}

#[tokio::test]
async fn deviations_of_the_stream_change_nothing() {
    let quirks = [
        vec![Quirk::CrLf],
        vec![Quirk::Comments, Quirk::CrLf],
        vec![Quirk::EmptyChoices, Quirk::RoleFirst],
        vec![Quirk::NoDone],
        vec![Quirk::NoUsage, Quirk::NoDone],
        vec![Quirk::Timings],
        vec![Quirk::WholeJson],
    ];
    for quirks in quirks {
        let behaviour =
            Behaviour::new(Dialect::OpenAi).with_quirks(&quirks).with_bytes_per_write(5);
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let answer = ask(&server, &chat(TEXT)).await.unwrap();
        assert_eq!((answer.text.as_str(), answer.finish), (TEXT, FinishReason::Stop), "{quirks:?}");
        let cached = u64::from(quirks.contains(&Quirk::Timings));
        let counted =
            if quirks.contains(&Quirk::NoUsage) { 0 } else { TEXT.len().div_ceil(4) as u64 };
        assert_eq!(answer.usage.cached_tokens, cached);
        assert_eq!(answer.usage.prompt_tokens, counted);
        assert_eq!(answer.usage.completion_tokens, counted);
    }
}

fn calling() -> Behaviour {
    Behaviour::new(Dialect::OpenAi)
        .with_brain(|request| Thought {
            text: "I look.".to_owned(),
            reasoning: String::new(),
            calls: vec![
                (request.tools[0].clone(), json!({ "path": "ä.py" }).to_string()),
                (
                    request.tools[1].clone(),
                    json!({ "path": "b.py", "content": "}\"{" }).to_string(),
                ),
            ],
        })
        .with_bytes_per_write(11)
}

#[tokio::test]
async fn tool_calls_are_put_together_however_they_come() {
    let quirks = [
        vec![],
        vec![Quirk::Interleaved],
        vec![Quirk::EmptyNames, Quirk::FinishStop],
        vec![Quirk::WholeCalls, Quirk::FinishStop],
        vec![Quirk::WholeCalls, Quirk::NoCallIndex],
        vec![Quirk::WholeCalls, Quirk::NoCallIndex, Quirk::NoCallId],
        vec![Quirk::WholeCalls, Quirk::ObjectArguments],
        vec![Quirk::NoCallIndex],
        vec![Quirk::NoCallId, Quirk::Interleaved],
        vec![Quirk::NoCallId, Quirk::NoCallIndex],
        vec![Quirk::WholeJson],
        vec![Quirk::WholeJson, Quirk::NoCallIndex, Quirk::NoCallId, Quirk::FinishStop],
        vec![Quirk::CallsInText, Quirk::NoDone],
        vec![Quirk::CallsInText, Quirk::WholeJson],
    ];
    for quirks in quirks {
        let server = OpenAiServer::start(calling().with_quirks(&quirks)).await.unwrap();
        let mut chat = chat("go");
        chat.tools = tools();
        let answer = ask(&server, &chat).await.unwrap();
        assert_eq!(answer.text, "I look.", "{quirks:?}");
        assert_eq!(answer.finish, FinishReason::ToolCalls, "{quirks:?}");
        let calls: Vec<_> = answer
            .tool_calls
            .iter()
            .map(|call| (call.name.as_str(), serde_json::from_str(&call.arguments).unwrap()))
            .collect();
        let expected: [(&str, serde_json::Value); 2] = [
            ("file_read", json!({ "path": "ä.py" })),
            ("file_write", json!({ "path": "b.py", "content": "}\"{" })),
        ];
        assert_eq!(calls, expected, "{quirks:?}");
        assert!(answer.tool_calls.iter().all(|call| !call.id.is_empty()));
        assert_ne!(answer.tool_calls[0].id, answer.tool_calls[1].id);
    }
}

#[tokio::test]
async fn tools_work_without_tool_support() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi).with_brain(|request| {
        if request.last_text().contains("<tool_response") {
            return Thought::text("Done.");
        }
        let system = &request.messages[0].1;
        assert!(request.tools.is_empty() && system.contains("- file_read: "), "{system}");
        Thought::text(
            "<tool_call>{\"name\": \"file_read\", \"arguments\": {\"path\": \"a\"}}</tool_call>",
        )
    }))
    .await
    .unwrap();
    let mut chat = chat("go");
    chat.tools = tools();
    chat.native_tools = false;
    let answer = ask(&server, &chat).await.unwrap();
    assert_eq!(answer.tool_calls.len(), 1);
    assert_eq!(answer.text, "");
    let id = answer.tool_calls[0].id.clone();
    chat.messages.push(ChatMessage::Assistant { text: answer.text, tool_calls: answer.tool_calls });
    chat.messages.push(ChatMessage::Tool {
        id,
        name: "file_read".to_owned(),
        text: "x = 1".to_owned(),
    });
    assert_eq!(ask(&server, &chat).await.unwrap().text, "Done.");
}

#[tokio::test]
async fn reasoning_is_kept_apart() {
    let forms: [&[Quirk]; 5] = [
        &[],
        &[Quirk::ReasoningField],
        &[Quirk::ReasoningTags],
        &[Quirk::ReasoningEndTag],
        &[Quirk::ReasoningField, Quirk::WholeJson],
    ];
    for quirks in forms {
        let behaviour = Behaviour::new(Dialect::OpenAi)
            .with_brain(|request| Thought {
                text: request.last_text().to_owned(),
                reasoning: "Hm, ä.".to_owned(),
                calls: Vec::new(),
            })
            .with_quirks(quirks)
            .with_bytes_per_write(4);
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let answer = ask(&server, &chat("Yes.")).await.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.reasoning.as_str()),
            ("Yes.", "Hm, ä."),
            "{quirks:?}"
        );
    }
}

#[tokio::test]
async fn what_was_cut_by_the_limit_is_no_answer_and_no_call() {
    let thinking = Behaviour::new(Dialect::OpenAi)
        .with_brain(|_| Thought {
            reasoning: "so and so ".repeat(100),
            text: "Yes.".to_owned(),
            calls: Vec::new(),
        })
        .with_quirks(&[Quirk::ReasoningTags]);
    let server = OpenAiServer::start(thinking).await.unwrap();
    let mut chat = chat("go");
    chat.output_tokens_max = 50;
    let answer = ask(&server, &chat).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.finish), ("", FinishReason::Length));
    assert!(answer.reasoning.starts_with("so and so"));

    for quirks in [&[][..], &[Quirk::CallsInText][..]] {
        let writing = Behaviour::new(Dialect::OpenAi)
            .with_brain(|_| {
                Thought::calls([
                    ("file_read", json!({ "path": "a" })),
                    ("file_write", json!({ "path": "b", "content": "x".repeat(1000) })),
                ])
            })
            .with_quirks(quirks);
        let server = OpenAiServer::start(writing).await.unwrap();
        chat.tools = tools();
        let answer = ask(&server, &chat).await.unwrap();
        assert_eq!(answer.finish, FinishReason::Length);
        let names: Vec<_> = answer.tool_calls.iter().map(|call| call.name.as_str()).collect();
        let whole: &[&str] = if quirks.is_empty() { &["file_read"] } else { &[] };
        assert_eq!(names, whole);
    }
}

#[tokio::test]
async fn a_schema_reaches_the_server() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::LlamaCpp)).await.unwrap();
    let chat = Chat {
        format: ChatFormat::JsonSchema {
            name: "tasks".to_owned(),
            schema: r#"{"type":"object"}"#.to_owned(),
        },
        ..chat("hi")
    };
    ask(&server, &chat).await.unwrap();
    let format = &server.chats()[0]["response_format"];
    assert_eq!(format["json_schema"]["schema"], json!({ "type": "object" }));
}

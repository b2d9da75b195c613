//! Failures by kind, with words that help.

use lao_port::{ChatErrorKind, Model};
use lao_testkit::openai_server::{Behaviour, Dialect, Fault, OpenAiServer, ServedModel};

use super::support::{DIALECTS, TEXT, ask, chat, client, endpoint};

#[tokio::test]
async fn failures_are_told_apart_and_explained() {
    let status = |status, body: &str| Fault::Status { status, body: body.to_owned() };
    let error_frame = |body: &str| Fault::ErrorFrame { after_frames: 3, body: body.to_owned() };
    let cases = [
        (Fault::Loading, ChatErrorKind::Busy, "HTTP 503: Loading model; "),
        (Fault::TooMany { retry_after_s: 7 }, ChatErrorKind::Busy, "HTTP 429: too many requests; "),
        (status(400, r#"{"error":"no"}"#), ChatErrorKind::Refused, "HTTP 400: no; "),
        (status(401, r#"{"error":"no"}"#), ChatErrorKind::Refused, "api_key_env"),
        (status(404, "nope"), ChatErrorKind::Refused, "nothing answers at http://127.0.0.1:"),
        (
            status(500, r#"{"error":{"message":"out of memory"}}"#),
            ChatErrorKind::ServerFailed,
            "HTTP 500: out of memory; ",
        ),
        (
            Fault::Redirect { location: "http://example.org/".to_owned() },
            ChatErrorKind::Refused,
            "redirects to http://example.org/",
        ),
        (Fault::Page, ChatErrorKind::Malformed, "Welcome to the router"),
        (Fault::Drop { after_bytes: 700 }, ChatErrorKind::Cut, "the connection broke after "),
        (Fault::EndEarly { after_frames: 3 }, ChatErrorKind::Cut, "broke off after 8 bytes"),
        (Fault::EndEarly { after_frames: 0 }, ChatErrorKind::Cut, "broke off after 0 bytes"),
        (Fault::Garbage { after_frames: 3 }, ChatErrorKind::Malformed, "{\"choices\": [nonsense"),
        (
            error_frame(r#"{"error":{"message":"CUDA error","code":500}}"#),
            ChatErrorKind::ServerFailed,
            "in the middle of the answer: CUDA error; ",
        ),
        (
            error_frame(
                r#"{"error":"Trying to keep the first 9 tokens when context the overflows"}"#,
            ),
            ChatErrorKind::WindowExceeded,
            "longer context",
        ),
    ];
    for (fault, kind, message) in cases {
        let behaviour = Behaviour::new(Dialect::OpenAi).with_faults(std::slice::from_ref(&fault));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let error = ask(&server, &chat(TEXT)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}: {error}");
        assert!(error.message.contains(message), "{fault:?}: {error}");
        assert!(error.message.starts_with("endpoint `local` at http://127.0.0.1:"), "{error}");
        let wait = matches!(fault, Fault::TooMany { .. }).then_some(7_000);
        assert_eq!(error.retry_after_ms, wait);
        assert_eq!(ask(&server, &chat(TEXT)).await.unwrap().text, TEXT, "{fault:?}");
    }
}

#[tokio::test]
async fn a_prompt_over_the_window_is_told_in_every_dialect() {
    for dialect in DIALECTS {
        let mut behaviour = Behaviour::new(dialect);
        behaviour.models[0].context_tokens = 10;
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let error = ask(&server, &chat(&"too long ".repeat(10))).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::WindowExceeded, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_missing_model_is_named_beside_those_there_are() {
    for dialect in DIALECTS {
        let mut behaviour = Behaviour::new(dialect);
        behaviour.models.push(ServedModel::new("other"));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let mut chat = chat("go");
        chat.model = "absent".to_owned();
        let error = ask(&server, &chat).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::ModelMissing, "{dialect:?}: {error}");
        assert!(error.message.contains("`absent`"), "{error}");
        assert!(error.message.ends_with("choose one it has: tiny, other"), "{error}");
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let url = server.base_url().to_owned();
    drop(server);
    tokio::task::yield_now().await;
    let error = client(&endpoint(&url)).chat(&chat("go"), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Unreachable);
    assert!(error.message.contains("Connection refused"), "{error}");
    let mut elsewhere = chat("go");
    elsewhere.endpoint = "gpu".to_owned();
    let unknown = client(&endpoint(&url)).chat(&elsewhere, &|_| {}).await.unwrap_err();
    assert_eq!(unknown.kind, ChatErrorKind::Refused);
    assert_eq!(unknown.message, "no endpoint is named `gpu`; the configuration has: local");
}

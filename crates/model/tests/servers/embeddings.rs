//! Texts to vectors: every dialect, every deviation, every failure.

use lao_model::Endpoint;
use lao_port::{ChatError, ChatErrorKind, Embed, Model};
use lao_testkit::openai_server::{Behaviour, Dialect, Fault, OpenAiServer, Quirk, ServedModel};

use super::support::{DIALECTS, client, endpoint};

fn texts<const N: usize>(texts: [&str; N]) -> Embed {
    Embed {
        endpoint: "local".to_owned(),
        model: "tiny".to_owned(),
        texts: texts.map(str::to_owned).to_vec(),
    }
}

async fn embed(server: &OpenAiServer, embed: &Embed) -> Result<Vec<Vec<f32>>, ChatError> {
    tuned(server, embed, |_| {}).await
}

async fn tuned(
    server: &OpenAiServer,
    embed: &Embed,
    tune: impl FnOnce(&mut Endpoint),
) -> Result<Vec<Vec<f32>>, ChatError> {
    let mut endpoint = endpoint(server.base_url());
    tune(&mut endpoint);
    client(&endpoint).embed(embed).await
}

#[tokio::test]
async fn every_dialect_gives_a_vector_for_each_text_in_order() {
    for dialect in DIALECTS {
        let server = OpenAiServer::start(Behaviour::new(dialect)).await.unwrap();
        let vectors = embed(&server, &texts(["abc", "x", "longer"])).await.unwrap();
        let expected = [vec![3.0, 97.0, 99.0], vec![1.0, 120.0, 120.0], vec![6.0, 108.0, 114.0]];
        assert_eq!(vectors, expected, "{dialect:?}");
        let asked = server.embeddings();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0]["encoding_format"], "float");
        assert_eq!(asked[0]["input"], serde_json::json!(["abc", "x", "longer"]));
        assert!(server.chats().is_empty());
    }
}

#[tokio::test]
async fn deviations_change_nothing() {
    for quirks in [
        vec![Quirk::VectorsReversed],
        vec![Quirk::NoVectorIndex],
        vec![Quirk::VectorsInBase64],
        vec![Quirk::VectorsInBase64, Quirk::VectorsReversed],
    ] {
        let behaviour = Behaviour::new(Dialect::OpenAi).with_quirks(&quirks);
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let vectors = embed(&server, &texts(["abc", "x"])).await.unwrap();
        assert_eq!(vectors, [vec![3.0, 97.0, 99.0], vec![1.0, 120.0, 120.0]], "{quirks:?}");
    }
}

#[tokio::test]
async fn many_texts_are_several_requests_and_no_texts_none() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let mut many = texts([]);
    assert_eq!(embed(&server, &many).await, Ok(Vec::new()));
    assert!(server.embeddings().is_empty());
    many.texts = (1..=600).map(|length| "x".repeat(length)).collect();
    let vectors = embed(&server, &many).await.unwrap();
    let lengths: Vec<f32> = vectors.iter().map(|vector| vector[0]).collect();
    assert_eq!(lengths, (1..=600_u16).map(f32::from).collect::<Vec<_>>());
    let sizes: Vec<usize> =
        server.embeddings().iter().map(|body| body["input"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [256, 256, 88]);
}

#[tokio::test]
async fn failures_are_told_apart_and_explained() {
    let status = |status, body: &str| Fault::Status { status, body: body.to_owned() };
    let cases = [
        (Fault::Loading, ChatErrorKind::Busy, "HTTP 503: Loading model; "),
        (Fault::TooMany { retry_after_s: 7 }, ChatErrorKind::Busy, "HTTP 429: too many requests; "),
        (status(400, r#"{"error":"no"}"#), ChatErrorKind::Refused, "HTTP 400: no; "),
        (status(401, r#"{"error":"no"}"#), ChatErrorKind::Refused, "api_key_env"),
        (status(404, "nope"), ChatErrorKind::Refused, "/v1/embeddings: set base_url"),
        (status(500, r#"{"error":"oom"}"#), ChatErrorKind::ServerFailed, "HTTP 500: oom; "),
        (
            status(200, r#"{"error":"Unexpected endpoint or method. (POST /v1/embeddings)"}"#),
            ChatErrorKind::ServerFailed,
            "Unexpected endpoint or method",
        ),
        (
            status(200, r#"{"data":[{"embedding":[1]},{"embedding":[1,2]}]}"#),
            ChatErrorKind::Malformed,
            "vectors are of different lengths: 1 and 2 numbers; is `tiny` a model for embeddings?",
        ),
        (
            status(200, r#"{"data":[{"embedding":[1]},{"embedding":[null]}]}"#),
            ChatErrorKind::Malformed,
            "vector 1 has what is no finite number",
        ),
        (
            Fault::Redirect { location: "http://example.org/".to_owned() },
            ChatErrorKind::Refused,
            "redirects to http://example.org/",
        ),
        (Fault::Page, ChatErrorKind::Malformed, "Welcome to the router"),
    ];
    for (fault, kind, message) in cases {
        let behaviour = Behaviour::new(Dialect::OpenAi).with_faults(std::slice::from_ref(&fault));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let asked = texts(["a", "b"]);
        let error = embed(&server, &asked).await.unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}: {error}");
        assert!(error.message.contains(message), "{fault:?}: {error}");
        assert!(error.message.starts_with("endpoint `local` at http://127.0.0.1:"), "{error}");
        let wait = matches!(fault, Fault::TooMany { .. }).then_some(7_000);
        assert_eq!(error.retry_after_ms, wait);
        assert_eq!(embed(&server, &asked).await.unwrap().len(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_vector_too_few_is_malformed() {
    let behaviour = Behaviour::new(Dialect::OpenAi).with_quirks(&[Quirk::VectorMissing]);
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let error = embed(&server, &texts(["a", "b"])).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Malformed);
    assert!(error.message.contains("the reply has 1 vectors for 2 texts"), "{error}");
}

#[tokio::test]
async fn silence_ends_at_the_limit() {
    let behaviour = Behaviour::new(Dialect::OpenAi).with_faults(&[Fault::Silence, Fault::Silence]);
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let asked = texts(["a"]);
    let late = tuned(&server, &asked, |endpoint| endpoint.first_token_timeout_ms = 50).await;
    let late = late.unwrap_err();
    assert_eq!(late.kind, ChatErrorKind::TimedOut);
    let words = "the vectors did not come within 50 ms; if the server is only slow, raise";
    assert!(late.message.contains(words), "{late}");
    let late = tuned(&server, &asked, |endpoint| endpoint.total_timeout_ms = Some(60)).await;
    assert!(
        late.unwrap_err().message.contains("within 60 ms; if the server is only slow, raise total")
    );
}

#[tokio::test]
async fn a_text_over_the_window_is_told_in_every_dialect() {
    for dialect in DIALECTS {
        let mut behaviour = Behaviour::new(dialect);
        behaviour.models[0].context_tokens = 10;
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let error = embed(&server, &texts(["short", &"too long ".repeat(10)])).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::WindowExceeded, "{dialect:?}: {error}");
    }
}

#[tokio::test]
async fn a_missing_model_is_named_beside_those_there_are() {
    for dialect in DIALECTS {
        let mut behaviour = Behaviour::new(dialect);
        behaviour.models.push(ServedModel::new("other"));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let mut asked = texts(["a"]);
        asked.model = "absent".to_owned();
        let error = embed(&server, &asked).await.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::ModelMissing, "{dialect:?}: {error}");
        assert!(error.message.contains("`absent`"), "{error}");
    }
}

#[tokio::test]
async fn no_text_leaves_for_somebody_elses_machine() {
    let mut behaviour = Behaviour::new(Dialect::Ollama);
    behaviour.models[0].remote_host = Some("https://ollama.com".to_owned());
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let error = embed(&server, &texts(["private"])).await.unwrap_err();
    assert_eq!(error.kind, ChatErrorKind::Refused);
    assert!(error.message.contains("does not run on this machine"), "{error}");
    assert!(server.received().iter().all(|request| !request.body.contains("private")));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_named() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let mut asked = texts(["a"]);
    asked.endpoint = "other".to_owned();
    let error = embed(&server, &asked).await.unwrap_err();
    assert_eq!(error.message, "no endpoint is named `other`; the configuration has: local");
}

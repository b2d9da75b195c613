//! Limits, progress, cancelling, connections.

use std::sync::{Arc, Mutex};

use lao_model::Delivery;
use lao_port::{ChatErrorKind, Model, Progress};
use lao_testkit::openai_server::{Behaviour, Dialect, Fault, OpenAiServer};

use super::support::{TEXT, ask_tuned, chat, client, endpoint};

#[tokio::test]
async fn each_limit_is_on_its_own_wait() {
    let cases = [
        (Fault::Silence, "no token came within 50 ms"),
        (Fault::Stall { after_bytes: 0 }, "no token came within 50 ms"),
        (Fault::Stall { after_bytes: 900 }, "the answer stood still within 60 ms"),
    ];
    for (fault, message) in cases {
        let behaviour = Behaviour::new(Dialect::OpenAi).with_faults(std::slice::from_ref(&fault));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let answered = ask_tuned(&server, &chat(TEXT), |endpoint| {
            endpoint.first_token_timeout_ms = 50;
            endpoint.idle_timeout_ms = 60;
        })
        .await;
        let error = answered.unwrap_err();
        assert_eq!(error.kind, ChatErrorKind::TimedOut, "{fault:?}: {error}");
        assert!(error.message.contains(message), "{fault:?}: {error}");
        server.cancelled().await;
    }
    let behaviour =
        Behaviour::new(Dialect::OpenAi).with_faults(&[Fault::Stall { after_bytes: 900 }]);
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let answered =
        ask_tuned(&server, &chat(TEXT), |endpoint| endpoint.total_timeout_ms = Some(70)).await;
    let error = answered.unwrap_err();
    assert!(error.message.contains("not whole within 70 ms"), "{error}");
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let behaviour =
        Behaviour::new(Dialect::OpenAi).with_faults(&[Fault::Stall { after_bytes: 900 }]);
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let began = tokio::sync::Notify::new();
    let model = client(&endpoint(server.base_url()));
    let chat = chat(TEXT);
    let on_progress = |_: Progress| began.notify_one();
    tokio::select! {
        answer = model.chat(&chat, &on_progress) => panic!("it stalls: {answer:?}"),
        () = began.notified() => {}
    }
    server.cancelled().await;
}

#[tokio::test]
async fn progress_begins_once_and_counts_up() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi).with_bytes_per_write(50))
        .await
        .unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let model = client(&endpoint(server.base_url()));
    let chat = chat(TEXT);
    let keep = |progress| told.lock().unwrap().push(progress);
    model.chat(&chat, &keep).await.unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told[0], Progress::Began);
    let pieces: Vec<u64> = told[1..]
        .iter()
        .map(|it| match it {
            Progress::Pieces(pieces) => *pieces,
            Progress::Began => panic!("it began twice"),
        })
        .collect();
    assert!(pieces.is_sorted() && pieces.len() > 3, "{pieces:?}");
    assert_eq!(pieces.last(), Some(&(TEXT.chars().count().div_ceil(3) as u64)));
}

#[tokio::test]
async fn one_connection_serves_all_calls() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let model = client(&endpoint(server.base_url()));
    for _ in 0..5 {
        let chat = chat(TEXT);
        model.chat(&chat, &|_| {}).await.unwrap();
    }
    assert_eq!(server.counts().connections, 1);
    assert_eq!(server.chats().len(), 5);
}

#[tokio::test]
async fn a_server_that_is_not_to_stream_answers_in_one_piece() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let streamed = ask_tuned(&server, &chat(TEXT), |_| {}).await.unwrap();
    let whole = ask_tuned(&server, &chat(TEXT), |endpoint| endpoint.delivery = Delivery::Whole)
        .await
        .unwrap();
    assert_eq!(whole.text, streamed.text);
    assert_eq!(whole.usage, streamed.usage);
    let asked: Vec<_> = server.chats().iter().map(|chat| chat["stream"].as_bool()).collect();
    assert_eq!(asked, [Some(true), Some(false)]);
}

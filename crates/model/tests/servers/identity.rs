//! Which server it is, what it has, and that nothing leaves the machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use lao_model::{ServerKind, probe, probe_whisper_server};
use lao_port::ChatErrorKind;
use lao_testkit::openai_server::{Behaviour, Dialect, OpenAiServer, ServedModel};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::support::{ask, ask_tuned, chat, local};

#[tokio::test]
async fn a_model_in_the_cloud_never_sees_the_prompt() {
    let mut behaviour = Behaviour::new(Dialect::Ollama);
    let mut remote = ServedModel::new("harmless:latest");
    remote.remote_host = Some("https://ollama.com:443".to_owned());
    behaviour.models.extend([remote, ServedModel::new("big:120b-cloud")]);
    let server = OpenAiServer::start(behaviour).await.unwrap();
    for kind in [ServerKind::Auto, ServerKind::OpenAi, ServerKind::Ollama, ServerKind::Vllm] {
        for (model, evidence) in [
            ("harmless:latest", "runs on https://ollama.com:443"),
            ("big:120b-cloud", "its name ends with `cloud`"),
        ] {
            let mut chat = chat("a secret");
            chat.model = model.to_owned();
            let answered = ask_tuned(&server, &chat, |endpoint| endpoint.kind = kind).await;
            let error = answered.unwrap_err();
            assert_eq!(error.kind, ChatErrorKind::Refused);
            assert!(error.message.contains(evidence), "{error}");
        }
        let answered = ask_tuned(&server, &chat("hi"), |endpoint| endpoint.kind = kind).await;
        assert_eq!(answered.unwrap().text, "hi");
    }
    assert!(server.received().iter().all(|it| !it.body.contains("a secret")));
}

#[tokio::test]
async fn a_key_is_sent_and_never_shown() {
    let mut behaviour = Behaviour::new(Dialect::OpenAi);
    behaviour.api_key = Some("s3cret".to_owned());
    let server = OpenAiServer::start(behaviour).await.unwrap();
    let answered = ask_tuned(&server, &chat("hi"), |endpoint| {
        endpoint.api_key = Some("s3cret".to_owned());
        assert!(!format!("{endpoint:?}").contains("s3cret"));
    })
    .await;
    assert_eq!(answered.unwrap().text, "hi");
    let error = ask(&server, &chat("hi")).await.unwrap_err();
    assert!(error.message.contains("HTTP 401: Invalid API Key"), "{error}");
}

#[tokio::test]
async fn servers_are_told_apart_and_list_their_models() {
    for (dialect, kind, version, window, loaded) in [
        (Dialect::Ollama, ServerKind::Ollama, Some("0.12.0"), Some(32_768), Some(true)),
        (Dialect::LmStudio, ServerKind::LmStudio, None, Some(32_768), Some(true)),
        (Dialect::LmStudioOld, ServerKind::LmStudio, None, None, Some(false)),
        (Dialect::LlamaCpp, ServerKind::LlamaCpp, Some("b123-abc"), Some(32_768), Some(true)),
        (Dialect::Vllm, ServerKind::Vllm, Some("0.15.0"), Some(32_768), Some(true)),
        (Dialect::OpenAi, ServerKind::OpenAi, None, None, None),
    ] {
        let mut behaviour = Behaviour::new(dialect);
        behaviour.models.push(ServedModel::new("nomic-embed"));
        let server = OpenAiServer::start(behaviour).await.unwrap();
        let probed = probe(&local(server.base_url()), None, Duration::from_secs(5)).await.unwrap();
        assert_eq!((probed.kind, probed.version.as_deref()), (kind, version), "{dialect:?}");
        let names: Vec<_> = probed.models.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["tiny", "nomic-embed"]);
        let embedding: Vec<_> = probed.models.iter().map(|it| it.embedding).collect();
        assert_eq!(embedding, [false, true], "{dialect:?}");
        let tiny = &probed.models[0];
        assert_eq!((tiny.context_tokens, tiny.loaded), (window, loaded), "{dialect:?}");
        let knows_tools = !matches!(dialect, Dialect::Vllm | Dialect::OpenAi);
        assert_eq!(tiny.tools, knows_tools.then_some(true), "{dialect:?}");
        assert!(!tiny.cloud);
    }
}

#[tokio::test]
async fn a_probe_says_what_is_there_instead() {
    let server = OpenAiServer::start(Behaviour::new(Dialect::OpenAi)).await.unwrap();
    let elsewhere = local(&format!("{}/elsewhere", server.base_url()));
    let error = probe(&elsewhere, None, Duration::from_secs(5)).await.unwrap_err();
    assert!(error.to_string().contains("/v1/models: HTTP 404"), "{error}");
    let away = local(server.base_url());
    drop(server);
    tokio::task::yield_now().await;
    let error = probe(&away, None, Duration::from_secs(5)).await.unwrap_err();
    assert!(error.to_string().starts_with("nobody answers at http://127.0.0.1:"), "{error}");
}

/// A server that says on `/health` that it is well, or loading, and knows no other path.
async fn whisper_server(health: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            let is_health = request[..read].starts_with(b"GET /health ");
            let reply =
                if is_health { health } else { "404 Not Found\r\nContent-Length: 0\r\n\r\n" };
            let reply =
                format!("HTTP/1.1 {}", reply.replacen("\r\n", "\r\nConnection: close\r\n", 1));
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_server_for_speech_is_told_from_others() {
    let ask = async |url: &str| {
        let answer = probe_whisper_server(&local(url), None, Duration::from_secs(5)).await;
        answer.map_err(|error| error.to_string())
    };
    let ready = "200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";
    assert_eq!(ask(&whisper_server(ready).await).await, Ok(()));
    let loading =
        "503 Service Unavailable\r\nContent-Length: 26\r\n\r\n{\"status\":\"loading model\"}";
    let said = ask(&whisper_server(loading).await).await.unwrap_err();
    assert!(said.contains("is not ready"), "{said}");
    let neither = "200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let said = ask(&whisper_server(neither).await).await.unwrap_err();
    assert!(
        said.contains("is not a model server") && said.contains("/health: not its form"),
        "{said}"
    );
    let other = OpenAiServer::start(Behaviour::new(Dialect::LlamaCpp)).await.unwrap();
    let said = ask(other.base_url()).await.unwrap_err();
    assert!(
        said.ends_with("is not whisper-server but llama-server, kind = \"llamacpp\""),
        "{said}"
    );
}

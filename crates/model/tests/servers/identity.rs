//! Which server it is, what it has, and that nothing leaves the machine.

use std::time::Duration;

use lao_model::{ServerKind, probe};
use lao_port::ChatErrorKind;
use lao_testkit::openai_server::{Behaviour, Dialect, OpenAiServer, ServedModel};

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

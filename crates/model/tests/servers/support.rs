//! Calls and clients for the tests.

use lao_event::{Role, ToolSpec};
use lao_model::{Endpoint, LocalUrl, OpenAiModel};
use lao_port::{Chat, ChatAnswer, ChatError, ChatFormat, ChatMessage, Model, Sampling};
use lao_testkit::openai_server::{Dialect, OpenAiServer};

/// Every server there is.
pub(crate) const DIALECTS: [Dialect; 6] = [
    Dialect::OpenAi,
    Dialect::Ollama,
    Dialect::LmStudio,
    Dialect::LmStudioOld,
    Dialect::LlamaCpp,
    Dialect::Vllm,
];

/// A text that is easily torn.
pub(crate) const TEXT: &str = "Grüße — 你好 🦀, \"quoted\"\n\tand\\more.";

/// A call of the model `tiny` at the endpoint `local`.
pub(crate) fn chat(text: &str) -> Chat {
    Chat {
        endpoint: "local".to_owned(),
        model: "tiny".to_owned(),
        role: Role::Coder,
        step: "t1".to_owned(),
        messages: vec![ChatMessage::User(text.to_owned())],
        tools: Vec::new(),
        native_tools: true,
        format: ChatFormat::Text,
        output_tokens_max: 1_000,
        sampling: Sampling::default(),
    }
}

/// Two tools.
pub(crate) fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: "A tool.".to_owned(),
        parameters: r#"{"type":"object"}"#.to_owned(),
    };
    vec![tool("file_read"), tool("file_write")]
}

/// A local address.
pub(crate) fn local(url: &str) -> LocalUrl {
    LocalUrl::parse(url, &[]).expect("tests use loopback addresses")
}

/// The endpoint `local`.
pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::new("local", local(url))
}

/// A client of one endpoint.
pub(crate) fn client(endpoint: &Endpoint) -> OpenAiModel {
    OpenAiModel::new([endpoint.clone()])
}

/// Asks with a new client.
pub(crate) async fn ask(server: &OpenAiServer, chat: &Chat) -> Result<ChatAnswer, ChatError> {
    ask_tuned(server, chat, |_| {}).await
}

/// Asks with a new client whose endpoint was changed.
pub(crate) async fn ask_tuned(
    server: &OpenAiServer,
    chat: &Chat,
    tune: impl FnOnce(&mut Endpoint),
) -> Result<ChatAnswer, ChatError> {
    let mut endpoint = endpoint(server.base_url());
    tune(&mut endpoint);
    client(&endpoint).chat(chat, &|_| {}).await
}

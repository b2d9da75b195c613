//! Every endpoint of a configuration behind one port.

use std::collections::BTreeMap;

use lao_port::{BoxFuture, Chat, ChatAnswer, ChatError, Embed, Model, OnProgress};

use crate::{
    openai::{OpenAiModel, unknown_endpoint},
    script::ScriptedModel,
};

/// Routes calls by the endpoint's name: to a script where one has that name, else to a server.
#[derive(Debug)]
pub struct Models {
    servers: OpenAiModel,
    scripts: BTreeMap<String, ScriptedModel>,
}

impl Models {
    /// Servers, and scripts by the endpoint's name.
    pub fn new(
        servers: OpenAiModel,
        scripts: impl IntoIterator<Item = (String, ScriptedModel)>,
    ) -> Self {
        Self { servers, scripts: scripts.into_iter().collect() }
    }

    /// Who answers at an endpoint.
    fn of(&self, endpoint: &str) -> Result<&dyn Model, ChatError> {
        if let Some(script) = self.scripts.get(endpoint) {
            return Ok(script);
        }
        if self.servers.names().any(|name| name == endpoint) {
            return Ok(&self.servers);
        }
        let scripts = self.scripts.keys().map(String::as_str);
        Err(unknown_endpoint(endpoint, self.servers.names().chain(scripts)))
    }
}

impl Model for Models {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        match self.of(&chat.endpoint) {
            Ok(model) => model.chat(chat, on_progress),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }

    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        match self.of(&embed.endpoint) {
            Ok(model) => model.embed(embed),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use lao_event::Role;
    use lao_port::{Chat, ChatErrorKind, ChatFormat, ChatMessage, Embed, Model, Sampling};

    use super::Models;
    use crate::{
        endpoint::{Endpoint, LocalUrl},
        openai::OpenAiModel,
        script::{Script, ScriptedModel},
    };

    #[tokio::test]
    async fn calls_go_where_their_endpoint_is() {
        let url = LocalUrl::parse("http://127.0.0.1:9", &[]).unwrap();
        let turn = "[[turn]]\nrole = \"pilot\"\nstep = \"*\"\ntext = \"played\"\n";
        let script = ScriptedModel::new(Script::parse("s", turn).unwrap());
        let models = Models::new(
            OpenAiModel::new([Endpoint::new("server", url)]),
            [("script".to_owned(), script)],
        );
        let mut chat = Chat {
            endpoint: "script".to_owned(),
            model: "m".to_owned(),
            role: Role::Pilot,
            step: "s".to_owned(),
            messages: vec![ChatMessage::User("hi".to_owned())],
            tools: Vec::new(),
            native_tools: true,
            format: ChatFormat::Text,
            output_tokens_max: 9,
            sampling: Sampling::default(),
        };
        assert_eq!(models.chat(&chat, &|_| {}).await.unwrap().text, "played");
        chat.endpoint = "server".to_owned();
        let away = models.chat(&chat, &|_| {}).await.unwrap_err();
        assert_eq!(away.kind, ChatErrorKind::Unreachable);
        chat.endpoint = "neither".to_owned();
        let unknown = models.chat(&chat, &|_| {}).await.unwrap_err();
        assert_eq!(
            unknown.message,
            "no endpoint is named `neither`; the configuration has: server, script"
        );
        let embed = |endpoint: &str| Embed {
            endpoint: endpoint.to_owned(),
            model: "m".to_owned(),
            texts: vec!["one".to_owned(), "two".to_owned()],
        };
        assert_eq!(models.embed(&embed("script")).await.unwrap().len(), 2);
        let away = models.embed(&embed("server")).await.unwrap_err();
        assert_eq!(away.kind, ChatErrorKind::Unreachable);
        assert_eq!(models.embed(&embed("neither")).await, Err(unknown));
    }
}

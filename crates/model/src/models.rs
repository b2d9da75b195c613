//! Every endpoint of a configuration behind one port.

use std::collections::BTreeMap;

use lao_port::{BoxFuture, Chat, ChatAnswer, ChatError, Model, OnProgress};

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
}

impl Model for Models {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        if let Some(script) = self.scripts.get(&chat.endpoint) {
            return script.chat(chat, on_progress);
        }
        if self.servers.names().any(|name| name == chat.endpoint) {
            return self.servers.chat(chat, on_progress);
        }
        let scripts = self.scripts.keys().map(String::as_str);
        let error = unknown_endpoint(&chat.endpoint, self.servers.names().chain(scripts));
        Box::pin(async move { Err(error) })
    }
}

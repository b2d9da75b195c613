//! The models of a server, each server asked in its own way.

use serde_json::json;

use super::{
    Asking, Found, ProbeError, Probed, ProbedModel,
    shapes::{
        ListedModel, LlamaProps, LmStudioModel, LmStudioOldModel, ModelList, OllamaLoaded,
        OllamaLoadedModel, OllamaShown, OllamaTag, OllamaTags,
    },
};
use crate::{cloud::is_named_cloud, endpoint::ServerKind};

/// Ollama's models that are asked about one by one, where its list does not say enough.
const SHOWN_MAX: usize = 64;

/// Lists the models of a server that was found.
pub(super) async fn list(found: Found, asking: &Asking<'_>) -> Result<Probed, ProbeError> {
    let kind = found.kind();
    let (version, models) = match found {
        Found::Ollama(version) => (Some(version.version), ollama(asking).await?),
        Found::LmStudioV1(list) => (None, list.models.into_iter().map(lm_studio).collect()),
        Found::LmStudioV0(list) => (None, list.data.into_iter().map(lm_studio_old).collect()),
        Found::LlamaServer(props) => {
            let list = asking.get("/v1/models", ModelList::is_list).await?;
            let models = list.unwrap_or_default().data.into_iter();
            let models = models.map(|model| llama_server(model, &props)).collect();
            (Some(props.build_info), models)
        }
        Found::Vllm(version, list) => (Some(version.version), plain(list, ServerKind::Vllm)),
        Found::OpenAi(list) => (None, plain(list, ServerKind::OpenAi)),
    };
    Ok(Probed { kind, version: version.filter(|version| !version.is_empty()), models })
}

async fn ollama(asking: &Asking<'_>) -> Result<Vec<ProbedModel>, ProbeError> {
    let tags = asking.get("/api/tags", |_: &OllamaTags| true).await?;
    let tags = tags.unwrap_or_default().models;
    let loaded = asking.get("/api/ps", |_: &OllamaLoaded| true).await?;
    let loaded = loaded.unwrap_or_default().models;
    let mut models = Vec::with_capacity(tags.len());
    for (position, tag) in tags.into_iter().enumerate() {
        let told = tag.capabilities.is_some() && tag.details.context_length.is_some();
        let shown = if told || position >= SHOWN_MAX {
            None
        } else {
            asking.post("/api/show", &json!({ "model": tag.name })).await
        };
        models.push(ollama_model(tag, shown.unwrap_or_default(), &loaded));
    }
    Ok(models)
}

fn ollama_model(tag: OllamaTag, shown: OllamaShown, loaded: &[OllamaLoadedModel]) -> ProbedModel {
    let instance = loaded.iter().find(|it| it.name == tag.name);
    let context_tokens_max = tag.details.context_length.or(shown.context_length());
    let capabilities = tag.capabilities.or(shown.capabilities);
    let can = |what: &str| {
        let capabilities = capabilities.as_ref()?;
        Some(capabilities.iter().any(|it| it == what))
    };
    ProbedModel {
        context_tokens: instance.and_then(|it| it.context_length),
        context_tokens_max,
        embedding: is_embedding(can("embedding"), can("completion"), &tag.name),
        tools: can("tools"),
        loaded: Some(instance.is_some()),
        cloud: is_named_cloud(&tag.name)
            || !tag.remote_host.is_empty()
            || !tag.remote_model.is_empty(),
        name: tag.name,
    }
}

/// Some chat models list both; the name decides where nothing is listed.
fn is_embedding(embeds: Option<bool>, completes: Option<bool>, name: &str) -> bool {
    match (embeds, completes) {
        (Some(embeds), completes) => embeds && completes != Some(true),
        (None, _) => named_embedding(name),
    }
}

fn named_embedding(name: &str) -> bool {
    name.to_lowercase().contains("embed")
}

fn lm_studio(model: LmStudioModel) -> ProbedModel {
    let instances = model.loaded_instances;
    ProbedModel {
        context_tokens: instances.iter().find_map(|it| it.config.context_length),
        context_tokens_max: model.max_context_length,
        embedding: model.r#type == "embedding",
        tools: model.capabilities.map(|it| it.trained_for_tool_use),
        loaded: Some(!instances.is_empty()),
        cloud: false,
        name: model.key,
    }
}

fn lm_studio_old(model: LmStudioOldModel) -> ProbedModel {
    ProbedModel {
        context_tokens: model.loaded_context_length,
        context_tokens_max: model.max_context_length,
        embedding: model.r#type == "embeddings",
        tools: model.capabilities.map(|all| all.iter().any(|it| it == "tool_use")),
        loaded: Some(model.state == "loaded"),
        cloud: false,
        name: model.id,
    }
}

/// A router's own properties say nothing about its models.
fn llama_server(model: ListedModel, props: &LlamaProps) -> ProbedModel {
    let is_router = props.role == "router";
    let settings = props.default_generation_settings.as_ref();
    let n_ctx = settings.and_then(|it| it.n_ctx).filter(|_| !is_router);
    let template = props.chat_template_caps.as_ref().filter(|_| !is_router);
    let meta = model.meta.unwrap_or_default();
    ProbedModel {
        context_tokens: meta.n_ctx.or(n_ctx),
        context_tokens_max: meta.n_ctx_train,
        embedding: named_embedding(&model.id),
        tools: template.and_then(|it| it.supports_tools.or(it.supports_tool_calls)),
        loaded: Some(model.status.is_none_or(|status| status.value == "loaded")),
        cloud: false,
        name: model.id,
    }
}

fn plain(list: ModelList, kind: ServerKind) -> Vec<ProbedModel> {
    let model = |model: ListedModel| ProbedModel {
        context_tokens: model.max_model_len,
        context_tokens_max: model.max_model_len,
        embedding: named_embedding(&model.id),
        tools: None,
        loaded: (kind == ServerKind::Vllm).then_some(true),
        cloud: false,
        name: model.id,
    };
    list.data.into_iter().map(model).collect()
}

//! What servers answer when asked about themselves; only the fields that are used.

use serde::Deserialize;

/// `/health` of whisper.cpp's server.
#[derive(Debug, Deserialize)]
pub(super) struct Health {
    status: String,
}

impl Health {
    pub(super) fn is_ready(&self) -> bool {
        self.status == "ok"
    }
}

/// `/api/version` of Ollama, `/version` of vLLM.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
}

impl Version {
    pub(super) fn is_ollama(&self) -> bool {
        !self.version.is_empty()
    }
}

/// `/api/tags` of Ollama.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OllamaTags {
    #[serde(default)]
    pub(super) models: Vec<OllamaTag>,
}

/// A model that Ollama has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OllamaTag {
    pub(super) name: String,
    pub(super) remote_host: String,
    pub(super) remote_model: String,
    pub(super) capabilities: Option<Vec<String>>,
    pub(super) details: OllamaDetails,
}

/// More about a model of Ollama.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OllamaDetails {
    pub(super) context_length: Option<u32>,
}

/// `/api/show` of Ollama.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OllamaShown {
    pub(super) capabilities: Option<Vec<String>>,
    pub(super) model_info: serde_json::Map<String, serde_json::Value>,
}

impl OllamaShown {
    /// The length that the model was trained for.
    pub(super) fn context_length(&self) -> Option<u32> {
        let architecture = self.model_info.get("general.architecture")?.as_str()?;
        let length = self.model_info.get(&format!("{architecture}.context_length"))?;
        u32::try_from(length.as_u64()?).ok()
    }
}

/// `/api/ps` of Ollama.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OllamaLoaded {
    #[serde(default)]
    pub(super) models: Vec<OllamaLoadedModel>,
}

/// A model in Ollama's memory.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OllamaLoadedModel {
    pub(super) name: String,
    pub(super) context_length: Option<u32>,
}

/// `/api/v1/models` of LM Studio.
#[derive(Debug, Deserialize)]
pub(super) struct LmStudioV1 {
    pub(super) models: Vec<LmStudioModel>,
}

impl LmStudioV1 {
    /// A server without models is one too, but then it may be anything.
    pub(super) fn is_lm_studio(&self) -> bool {
        self.models.iter().all(|model| !model.key.is_empty())
    }
}

/// A model of LM Studio.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LmStudioModel {
    pub(super) key: String,
    pub(super) r#type: String,
    pub(super) max_context_length: Option<u32>,
    pub(super) loaded_instances: Vec<LmStudioInstance>,
    pub(super) capabilities: Option<LmStudioCapabilities>,
}

/// A model in LM Studio's memory.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LmStudioInstance {
    pub(super) config: LmStudioConfig,
}

/// How it was loaded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LmStudioConfig {
    pub(super) context_length: Option<u32>,
}

/// What it can do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LmStudioCapabilities {
    pub(super) trained_for_tool_use: bool,
}

/// `/api/v0/models` of LM Studio before 0.4.
#[derive(Debug, Deserialize)]
pub(super) struct LmStudioV0 {
    pub(super) data: Vec<LmStudioOldModel>,
}

impl LmStudioV0 {
    pub(super) fn is_lm_studio(&self) -> bool {
        self.data.iter().all(|model| !model.state.is_empty())
    }
}

/// A model of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LmStudioOldModel {
    pub(super) id: String,
    pub(super) r#type: String,
    pub(super) state: String,
    pub(super) max_context_length: Option<u32>,
    pub(super) loaded_context_length: Option<u32>,
    pub(super) capabilities: Option<Vec<String>>,
}

/// `/props` of llama-server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LlamaProps {
    pub(super) role: String,
    pub(super) build_info: String,
    pub(super) default_generation_settings: Option<LlamaSettings>,
    pub(super) chat_template_caps: Option<LlamaTemplate>,
}

/// How llama-server generates.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LlamaSettings {
    pub(super) n_ctx: Option<u32>,
}

/// What the model's chat template can do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LlamaTemplate {
    pub(super) supports_tools: Option<bool>,
    pub(super) supports_tool_calls: Option<bool>,
}

impl LlamaProps {
    pub(super) fn is_llama_server(&self) -> bool {
        self.default_generation_settings.is_some() || self.role == "router"
    }
}

/// `/v1/models` of any server.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ModelList {
    pub(super) data: Vec<ListedModel>,
}

impl ModelList {
    pub(super) fn is_list(&self) -> bool {
        self.data.iter().all(|model| !model.id.is_empty())
    }

    pub(super) fn is_vllm(&self) -> bool {
        self.data.iter().any(|model| model.owned_by == "vllm")
    }

    pub(super) fn names(self) -> Vec<String> {
        self.data.into_iter().map(|model| model.id).collect()
    }
}

/// A model of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedModel {
    pub(super) id: String,
    pub(super) owned_by: String,
    pub(super) max_model_len: Option<u32>,
    pub(super) meta: Option<LlamaMeta>,
    pub(super) status: Option<RouterStatus>,
}

/// What llama-server adds to a model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LlamaMeta {
    pub(super) n_ctx: Option<u32>,
    pub(super) n_ctx_train: Option<u32>,
}

/// Whether llama-server's router has loaded a model.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RouterStatus {
    pub(super) value: String,
}

//! The routes by which servers are told apart and list their models.

use serde_json::{Value, json};

use super::{
    behaviour::{Behaviour, Dialect, ServedModel},
    http::{Received, Reply},
};

/// The reply of the dialect's own routes.
pub(super) fn reply(received: &Received, behaviour: &Behaviour) -> Reply {
    let all = |model: fn(&ServedModel) -> Value| -> Value {
        behaviour.models.iter().map(model).collect()
    };
    let body = match (behaviour.dialect, received.path.as_str()) {
        (Dialect::Ollama, "/api/version") => json!({ "version": "0.12.0" }),
        (Dialect::Ollama, "/api/tags") => json!({ "models": all(ollama_tag) }),
        (Dialect::Ollama, "/api/ps") => json!({ "models": all(ollama_loaded) }),
        (Dialect::Ollama, "/api/show") => return ollama_show(received, behaviour),
        (Dialect::LmStudio, "/api/v1/models") => json!({ "models": all(lm_studio) }),
        (Dialect::LmStudio | Dialect::LmStudioOld, "/api/v0/models") => {
            json!({ "object": "list", "data": all(lm_studio_old) })
        }
        (Dialect::LlamaCpp, "/props") => llama_props(behaviour),
        (Dialect::LlamaCpp, "/v1/models") => {
            json!({ "object": "list", "models": all(ollama_tag), "data": all(llama_model) })
        }
        (Dialect::Vllm, "/version") => json!({ "version": "0.15.0" }),
        (Dialect::Vllm, "/v1/models") => json!({ "object": "list", "data": all(vllm_model) }),
        (_, "/v1/models") => json!({ "object": "list", "data": all(plain_model) }),
        // LM Studio answers what it does not know with 200.
        (Dialect::LmStudio | Dialect::LmStudioOld, path) => {
            json!({ "error": format!("Unexpected endpoint or method. ({} {path})", received.method) })
        }
        (Dialect::Vllm | Dialect::OpenAi, _) => {
            return Reply::json(404, &json!({ "detail": "Not Found" }));
        }
        (Dialect::LlamaCpp, _) => {
            let error = json!({"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}});
            return Reply::json(404, &error);
        }
        (Dialect::Ollama, _) => return Reply::text(404, "404 page not found"),
    };
    Reply::json(200, &body)
}

fn is_embedding(model: &ServedModel) -> bool {
    model.name.contains("embed")
}

fn ollama_tag(model: &ServedModel) -> Value {
    let mut tag =
        json!({ "name": model.name, "model": model.name, "details": { "family": "llama" } });
    if let Some(host) = &model.remote_host {
        tag["remote_host"] = json!(host);
        tag["remote_model"] = json!(model.name);
    }
    tag
}

fn ollama_loaded(model: &ServedModel) -> Value {
    json!({ "name": model.name, "context_length": model.context_tokens })
}

fn ollama_show(received: &Received, behaviour: &Behaviour) -> Reply {
    let asked: Value = serde_json::from_str(&received.body).unwrap_or_default();
    let Some(model) = behaviour.models.iter().find(|it| asked["model"] == it.name) else {
        let error = format!("model '{}' not found", asked["model"].as_str().unwrap_or_default());
        return Reply::json(404, &json!({ "error": error }));
    };
    let capabilities =
        if is_embedding(model) { json!(["embedding"]) } else { json!(["completion", "tools"]) };
    let mut shown = json!({
        "capabilities": capabilities,
        "model_info": { "general.architecture": "llama", "llama.context_length": 131_072 },
    });
    if let Some(host) = &model.remote_host {
        shown["remote_host"] = json!(host);
    }
    Reply::json(200, &shown)
}

fn lm_studio(model: &ServedModel) -> Value {
    json!({
        "type": if is_embedding(model) { "embedding" } else { "llm" },
        "key": model.name,
        "loaded_instances": [{ "id": model.name, "config": { "context_length": model.context_tokens } }],
        "max_context_length": 131_072,
        "capabilities": { "vision": false, "trained_for_tool_use": true },
    })
}

fn lm_studio_old(model: &ServedModel) -> Value {
    json!({
        "id": model.name,
        "object": "model",
        "type": if is_embedding(model) { "embeddings" } else { "llm" },
        "state": "not-loaded",
        "max_context_length": 131_072,
        "capabilities": ["tool_use"],
    })
}

fn llama_props(behaviour: &Behaviour) -> Value {
    let window = behaviour.models.first().map_or(0, |it| it.context_tokens);
    json!({
        "default_generation_settings": { "params": {}, "n_ctx": window },
        "total_slots": 1,
        "build_info": "b123-abc",
        "chat_template_caps": { "supports_tools": true },
    })
}

fn llama_model(model: &ServedModel) -> Value {
    json!({
        "id": model.name,
        "object": "model",
        "owned_by": "llamacpp",
        "meta": { "n_ctx": model.context_tokens, "n_ctx_train": 131_072 },
    })
}

fn vllm_model(model: &ServedModel) -> Value {
    json!({
        "id": model.name,
        "object": "model",
        "owned_by": "vllm",
        "max_model_len": model.context_tokens,
    })
}

fn plain_model(model: &ServedModel) -> Value {
    json!({ "id": model.name, "object": "model", "owned_by": "me" })
}

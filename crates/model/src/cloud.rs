//! Models that Ollama lists as its own and runs on somebody else's machine.

/// Whether a model's name says that it runs elsewhere: `big:cloud`, `big:120b-cloud`.
pub(crate) fn is_named_cloud(model: &str) -> bool {
    model.ends_with(":cloud") || model.ends_with("-cloud")
}

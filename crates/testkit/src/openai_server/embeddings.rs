//! `POST /v1/embeddings`.

use std::io;

use serde_json::{Value, json};

use super::{
    State,
    behaviour::{Behaviour, Dialect, Quirk, ServedModel},
    chat::{self, Ended},
    http::{Connection, Received, Reply},
};

/// The route.
pub(super) const PATH: &str = "/v1/embeddings";

/// Serves one request for vectors; fails where the client goes away.
pub(super) async fn serve(
    received: &Received,
    state: &State,
    connection: &mut Connection,
) -> io::Result<Ended> {
    let fault = state.next_fault();
    if let Some(ended) = chat::fail(&fault, connection).await? {
        return Ok(ended);
    }
    let reply = answer(received, &state.behaviour).unwrap_or_else(|refusal| refusal);
    connection.reply(&reply).await?;
    Ok(Ended::Open)
}

fn answer(received: &Received, behaviour: &Behaviour) -> Result<Reply, Reply> {
    let body = chat::body(received, behaviour)?;
    let model = chat::find_model(body["model"].as_str().unwrap_or_default(), behaviour)?;
    let texts: Vec<&str> = match &body["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(chat::bad("input is missing"));
        }
    };
    let mut data = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let vector = vector(fitted(text, model, behaviour.dialect)?);
        let vector = if behaviour.has(Quirk::VectorsInBase64) {
            json!(base64(&vector))
        } else {
            json!(vector)
        };
        data.push(json!({ "object": "embedding", "index": index, "embedding": vector }));
    }
    deviate(&mut data, behaviour);
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(4)).sum();
    let whole = json!({
        "object": "list",
        "model": model.name,
        "data": data,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    Ok(Reply::json(200, &whole))
}

fn deviate(data: &mut Vec<Value>, behaviour: &Behaviour) {
    if behaviour.has(Quirk::NoVectorIndex) {
        for item in &mut *data {
            item.as_object_mut().map(|item| item.remove("index"));
        }
    }
    if behaviour.has(Quirk::VectorsReversed) {
        data.reverse();
    }
    if behaviour.has(Quirk::VectorMissing) {
        data.pop();
    }
}

/// A text within the model's window: refused over it, or silently cut as Ollama does.
fn fitted<'a>(text: &'a str, model: &ServedModel, dialect: Dialect) -> Result<&'a str, Reply> {
    let (tokens, window) = (text.len().div_ceil(4), model.context_tokens as usize);
    if tokens <= window {
        return Ok(text);
    }
    match dialect {
        Dialect::Ollama => Ok(&text[..text.floor_char_boundary(window * 4)]),
        Dialect::LlamaCpp => Err(Reply::json(
            400,
            &json!({"error": {
                "code": 400,
                "message": format!("request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"),
                "type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": window,
            }}),
        )),
        Dialect::OpenAi | Dialect::Vllm | Dialect::LmStudio | Dialect::LmStudioOld => {
            Err(chat::bad(&format!(
                "This model's maximum context length is {window} tokens. However, you requested {tokens} tokens."
            )))
        }
    }
}

/// Numbers by which a test can tell which text a vector is of: its length, and the values of its
/// first and its last byte.
fn vector(text: &str) -> [f32; 3] {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let value = |byte: Option<&u8>| f32::from(byte.copied().unwrap_or_default());
    [f32::from(length), value(text.as_bytes().first()), value(text.as_bytes().last())]
}

/// The numbers' bytes, the lowest first, in base64; whole groups of three bytes, since there are
/// twelve.
fn base64(vector: &[f32; 3]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let (groups, _) = bytes.as_chunks::<3>();
    let letters = groups.iter().flat_map(|[first, second, third]| {
        let bits = u32::from_be_bytes([0, *first, *second, *third]);
        [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
    });
    letters.map(char::from).collect()
}

//! What a server's error means, from its status and from words that differ by server.

use lao_port::ChatErrorKind;
use serde_json::Value;

use crate::accumulate::excerpt;

/// An error that a server reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it means.
    pub(crate) kind: ChatErrorKind,
    /// The server's own words.
    pub(crate) message: String,
}

/// Words by which servers say that a prompt is too long. In order: llama-server (two), vLLM and
/// OpenAI, OpenAI's code, LM Studio (two), Ollama (two).
const WINDOW_WORDS: [&str; 8] = [
    "exceed_context_size_error",
    "exceeds the available context size",
    "maximum context length",
    "context_length_exceeded",
    "trying to keep the first",
    "context length of only",
    "exceeds the context length",
    "exceeds maximum context",
];

/// Words by which servers say that they lack a model, beside "model ... not found".
const MISSING_WORDS: [&str; 6] = [
    "model_not_found",
    "model is not loaded",
    "no models loaded",
    "no model loaded",
    "try pulling it first",
    "invalid model identifier",
];

/// Reads an error reply.
pub(crate) fn of_reply(status: u16, body: &[u8]) -> Fault {
    let words = String::from_utf8_lossy(body).to_lowercase();
    let kind = of_words(&words).unwrap_or_else(|| of_status(status));
    Fault { kind, message: message(body) }
}

/// Reads an error inside a stream, where the status is in the body if anywhere.
pub(crate) fn of_stream(body: &str) -> Fault {
    let code = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|value| {
            let code = value.pointer("/error/code").or_else(|| value.get("code"))?;
            u16::try_from(code.as_u64()?).ok()
        })
        .filter(|code| (400..600).contains(code));
    of_reply(code.unwrap_or(500), body.as_bytes())
}

fn of_words(words: &str) -> Option<ChatErrorKind> {
    if WINDOW_WORDS.iter().any(|known| words.contains(known)) {
        return Some(ChatErrorKind::WindowExceeded);
    }
    let missing = words.contains("model")
        && (words.contains("not found") || words.contains("does not exist"));
    if missing || MISSING_WORDS.iter().any(|known| words.contains(known)) {
        return Some(ChatErrorKind::ModelMissing);
    }
    None
}

fn of_status(status: u16) -> ChatErrorKind {
    match status {
        429 | 503 => ChatErrorKind::Busy,
        500.. => ChatErrorKind::ServerFailed,
        _ => ChatErrorKind::Refused,
    }
}

/// The server's own words out of an error body of any shape.
pub(crate) fn message(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| find_message(&value))
        .unwrap_or_else(|| excerpt(body.trim_ascii()))
}

fn find_message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(items) => {
            let texts: Vec<_> = items.iter().filter_map(find_message).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Object(fields) => ["error", "message", "detail", "msg", "status"]
            .iter()
            .find_map(|key| find_message(fields.get(*key)?)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use lao_port::ChatErrorKind::{
        self, Busy, ModelMissing, Refused, ServerFailed, WindowExceeded,
    };

    use super::{of_reply, of_stream};

    #[track_caller]
    fn check(status: u16, body: &str, kind: ChatErrorKind, message: &str) {
        let fault = of_reply(status, body.as_bytes());
        assert_eq!((fault.kind, fault.message.as_str()), (kind, message), "{body}");
    }

    #[test]
    fn every_shape_of_an_error_body_is_read() {
        check(400, r#"{"error":{"message":"bad","type":"x","code":null}}"#, Refused, "bad");
        check(400, r#"{"error":"bad"}"#, Refused, "bad");
        check(422, r#"{"detail":"bad"}"#, Refused, "bad");
        check(
            422,
            r#"{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"b"}]}"#,
            Refused,
            "field required; b",
        );
        check(400, r#"{"object":"error","message":"bad","code":400}"#, Refused, "bad");
        check(400, r#"[{"error":{"message":"bad"}}]"#, Refused, "bad");
        check(503, r#"{"status":"loading model"}"#, Busy, "loading model");
        check(500, "<html>oops</html>", ServerFailed, "<html>oops</html>");
        check(500, "", ServerFailed, "");
        check(400, r#"{"error":{}}"#, Refused, r#"{"error":{}}"#);
    }

    #[test]
    fn every_server_says_in_its_way_that_the_prompt_is_too_long() {
        for body in [
            r#"{"error":{"code":400,"message":"request (9 tokens) exceeds the available context size (4 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":4}}"#,
            r#"{"error":"Trying to keep the first 9 tokens when context the overflows. However, the model is loaded with context length of only 4 tokens"}"#,
            r#"{"error":{"message":"This model's maximum context length is 4 tokens. However, you requested 9 tokens","type":"BadRequestError","code":400}}"#,
            r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#,
            r#"{"error":"the input length exceeds the context length"}"#,
        ] {
            assert_eq!(of_reply(400, body.as_bytes()).kind, WindowExceeded, "{body}");
            assert_eq!(of_stream(body).kind, WindowExceeded, "{body}");
        }
    }

    #[test]
    fn every_server_says_in_its_way_that_it_lacks_a_model() {
        for (status, body) in [
            (404, r#"{"error":{"message":"model 'x' not found","type":"not_found_error"}}"#),
            (404, r#"{"error":"model \"x\" not found, try pulling it first"}"#),
            (404, r#"{"object":"error","message":"The model `x` does not exist.","code":404}"#),
            (400, r#"{"error":{"code":400,"message":"model is not loaded"}}"#),
            (400, r#"{"error":{"message":"x","code":"model_not_found"}}"#),
        ] {
            assert_eq!(of_reply(status, body.as_bytes()).kind, ModelMissing, "{body}");
        }
        assert_eq!(of_reply(404, b"404 page not found").kind, Refused);
    }

    #[test]
    fn an_error_in_a_stream_has_its_status_inside() {
        assert_eq!(of_stream(r#"{"error":{"code":503,"message":"loading"}}"#).kind, Busy);
        assert_eq!(of_stream(r#"{"error":{"code":400,"message":"bad"}}"#).kind, Refused);
        assert_eq!(of_stream(r#"{"error":{"code":"x","message":"bad"}}"#).kind, ServerFailed);
        assert_eq!(of_stream("out of memory").kind, ServerFailed);
    }
}

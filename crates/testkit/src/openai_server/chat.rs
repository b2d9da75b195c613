//! `POST /v1/chat/completions`.

use std::io;

use serde_json::{Value, json};

use super::{
    State,
    answer::Answer,
    behaviour::{Behaviour, ChatRequest, Dialect, Fault, Quirk, ServedModel},
    http::{Connection, Received, Reply},
};

/// The route.
pub(super) const PATH: &str = "/v1/chat/completions";

/// How a request left its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It serves the next one.
    Open,
    /// It is to be dropped.
    Dropped,
}

/// Serves one chat request; fails where the client goes away.
pub(super) async fn serve(
    received: &Received,
    state: &State,
    connection: &mut Connection,
) -> io::Result<Ended> {
    let behaviour = &state.behaviour;
    let fault = state.next_fault();
    if let Some(ended) = fail(&fault, connection).await? {
        return Ok(ended);
    }
    let mut request = match read(received, behaviour) {
        Ok(request) => request,
        Err(reply) => {
            connection.reply(&reply).await?;
            return Ok(Ended::Open);
        }
    };
    if let Some(refusal) = fit_window(&mut request, behaviour) {
        return refuse(&refusal, &request, connection).await;
    }
    let answer = Answer::new(behaviour, &request);
    if request.body["stream"] != json!(true) || behaviour.has(Quirk::WholeJson) {
        connection.reply(&Reply::json(200, &answer.whole())).await?;
        return Ok(Ended::Open);
    }
    let frames = answer.frames();
    stream(&Sending::new(&frames, &fault), behaviour, connection).await
}

/// A fault that leaves no room for an answer; fails where the client goes away.
pub(super) async fn fail(fault: &Fault, connection: &mut Connection) -> io::Result<Option<Ended>> {
    if let Some(reply) = faulty_reply(fault) {
        connection.reply(&reply).await?;
        return Ok(Some(Ended::Open));
    }
    if *fault == Fault::Silence {
        connection.closed().await?;
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(None)
}

fn faulty_reply(fault: &Fault) -> Option<Reply> {
    Some(match fault {
        Fault::Loading => Reply::json(
            503,
            &json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
        ),
        Fault::TooMany { retry_after_s } => {
            let mut reply = Reply::json(429, &json!({"error": {"message": "too many requests"}}));
            reply.headers.push(("retry-after", retry_after_s.to_string()));
            reply
        }
        Fault::Status { status, body } => {
            let mut reply = Reply::text(*status, body);
            reply.headers = vec![("content-type", "application/json".to_owned())];
            reply
        }
        Fault::Redirect { location } => {
            let mut reply = Reply::text(307, "");
            reply.headers.push(("location", location.clone()));
            reply
        }
        Fault::Page => Reply::text(200, "<html><body>Welcome to the router</body></html>"),
        Fault::None
        | Fault::Silence
        | Fault::Stall { .. }
        | Fault::Drop { .. }
        | Fault::EndEarly { .. }
        | Fault::ErrorFrame { .. }
        | Fault::Garbage { .. } => return None,
    })
}

/// Reads a request's body, or refuses a request without the key.
pub(super) fn body(received: &Received, behaviour: &Behaviour) -> Result<Value, Reply> {
    let key = behaviour.api_key.as_ref().map(|key| format!("Bearer {key}"));
    if key.is_some() && received.header("authorization") != key.as_deref() {
        let error = json!({"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}});
        return Err(Reply::json(401, &error));
    }
    serde_json::from_str(&received.body).map_err(|error| bad(&error.to_string()))
}

/// The refusal of a request that makes no sense.
pub(super) fn bad(message: &str) -> Reply {
    Reply::json(400, &json!({"error": {"message": message}}))
}

/// Reads a request, or refuses it as a real server would.
fn read(received: &Received, behaviour: &Behaviour) -> Result<ChatRequest, Reply> {
    let body = body(received, behaviour)?;
    let messages = body["messages"].as_array().ok_or_else(|| bad("messages are missing"))?;
    let request = ChatRequest {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        messages: messages.iter().map(role_and_text).collect(),
        tools: names(&body["tools"]),
        body,
    };
    find_model(&request.model, behaviour)?;
    Ok(request)
}

fn role_and_text(message: &Value) -> (String, String) {
    let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
    (text("role"), text("content"))
}

fn names(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).map(str::to_owned).collect()
}

/// The model of that name, or the refusal where there is none.
pub(super) fn find_model<'a>(
    name: &str,
    behaviour: &'a Behaviour,
) -> Result<&'a ServedModel, Reply> {
    let found = behaviour.models.iter().find(|it| it.name == name);
    found.ok_or_else(|| unknown_model(name, behaviour.dialect))
}

fn unknown_model(model: &str, dialect: Dialect) -> Reply {
    match dialect {
        Dialect::Ollama => Reply::json(
            404,
            &json!({"error": {"message": format!("model '{model}' not found"), "type": "not_found_error", "param": null, "code": null}}),
        ),
        Dialect::Vllm => Reply::json(
            404,
            &json!({"object": "error", "message": format!("The model `{model}` does not exist."), "type": "NotFoundError", "param": null, "code": 404}),
        ),
        Dialect::LlamaCpp => Reply::json(
            400,
            &json!({"error": {"code": 400, "message": format!("model '{model}' not found"), "type": "invalid_request_error"}}),
        ),
        Dialect::OpenAi | Dialect::LmStudio | Dialect::LmStudioOld => Reply::json(
            404,
            &json!({"error": {"message": "unknown model key", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}}),
        ),
    }
}

/// How a server refuses a prompt that is too long.
enum Refusal {
    /// As an HTTP error.
    Reply(Reply),
    /// As an error in a stream that began well.
    InStream(Value),
}

/// Refuses a prompt over the window, or cuts it silently as Ollama does.
fn fit_window(request: &mut ChatRequest, behaviour: &Behaviour) -> Option<Refusal> {
    let window = find_model(&request.model, behaviour).map_or(0, |it| it.context_tokens as usize);
    let tokens = request.prompt_tokens();
    if tokens <= window {
        return None;
    }
    let refuse = |status, body| Some(Refusal::Reply(Reply::json(status, &body)));
    match behaviour.dialect {
        Dialect::Ollama => {
            while request.prompt_tokens() > window && request.messages.len() > 1 {
                let oldest = request.messages.iter().position(|(role, _)| role != "system");
                request.messages.remove(oldest.unwrap_or(0));
            }
            None
        }
        Dialect::LlamaCpp => refuse(
            400,
            json!({"error": {
                "code": 400,
                "message": format!("request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"),
                "type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": window,
            }}),
        ),
        Dialect::LmStudio | Dialect::LmStudioOld => {
            Some(Refusal::InStream(json!({"error": {"message": format!(
                "Trying to keep the first {tokens} tokens when context the overflows. However, the model is loaded with context length of only {window} tokens, which is not enough."
            )}})))
        }
        Dialect::OpenAi | Dialect::Vllm => refuse(
            400,
            json!({"error": {
                "message": format!("This model's maximum context length is {window} tokens. However, you requested {tokens} tokens."),
                "type": "BadRequestError", "param": null, "code": 400,
            }}),
        ),
    }
}

async fn refuse(
    refusal: &Refusal,
    request: &ChatRequest,
    connection: &mut Connection,
) -> io::Result<Ended> {
    match refusal {
        Refusal::Reply(reply) => connection.reply(reply).await?,
        Refusal::InStream(error) if request.body["stream"] == json!(true) => {
            connection.begin_pieces("text/event-stream").await?;
            let event = format!("event: error\ndata: {error}\n\n");
            connection.piece(event.as_bytes()).await?;
            connection.end_pieces().await?;
        }
        Refusal::InStream(error) => connection.reply(&Reply::json(400, error)).await?,
    }
    Ok(Ended::Open)
}

/// What of a stream is sent, and how it ends.
struct Sending<'a> {
    frames: &'a [String],
    tail: Option<&'a str>,
    bytes_max: usize,
    end: StreamEnd,
}

/// How a stream ends.
enum StreamEnd {
    InOrder,
    Silent,
    Dropped,
}

impl<'a> Sending<'a> {
    fn new(frames: &'a [String], fault: &'a Fault) -> Self {
        let mut sending =
            Self { frames, tail: None, bytes_max: usize::MAX, end: StreamEnd::InOrder };
        match fault {
            Fault::Stall { after_bytes } => {
                sending.bytes_max = *after_bytes;
                sending.end = StreamEnd::Silent;
            }
            Fault::Drop { after_bytes } => {
                sending.bytes_max = *after_bytes;
                sending.end = StreamEnd::Dropped;
            }
            Fault::EndEarly { after_frames } => sending.frames = head(frames, *after_frames),
            Fault::ErrorFrame { after_frames, body } => {
                sending.frames = head(frames, *after_frames);
                sending.tail = Some(body);
            }
            Fault::Garbage { after_frames } => {
                sending.frames = head(frames, *after_frames);
                sending.tail = Some("{\"choices\": [nonsense");
            }
            Fault::None
            | Fault::Loading
            | Fault::TooMany { .. }
            | Fault::Status { .. }
            | Fault::Redirect { .. }
            | Fault::Page
            | Fault::Silence => {}
        }
        sending
    }

    fn bytes(&self, behaviour: &Behaviour) -> Vec<u8> {
        let events = self.frames.iter().map(String::as_str).chain(self.tail);
        let events: Vec<String> = events.map(|data| event(data, behaviour)).collect();
        let mut bytes = events.concat().into_bytes();
        bytes.truncate(self.bytes_max);
        bytes
    }
}

async fn stream(
    sending: &Sending<'_>,
    behaviour: &Behaviour,
    connection: &mut Connection,
) -> io::Result<Ended> {
    connection.begin_pieces("text/event-stream; charset=utf-8").await?;
    let bytes = sending.bytes(behaviour);
    let size = match behaviour.bytes_per_write {
        0 => bytes.len().max(1),
        size => size,
    };
    for piece in bytes.chunks(size) {
        connection.piece(piece).await?;
        // Lets the client read, so that the pieces do not become one again on the way.
        tokio::task::yield_now().await;
    }
    match sending.end {
        StreamEnd::InOrder => connection.end_pieces().await.map(|()| Ended::Open),
        StreamEnd::Dropped => Ok(Ended::Dropped),
        StreamEnd::Silent => {
            connection.closed().await?;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }
}

fn head(frames: &[String], count: usize) -> &[String] {
    &frames[..count.min(frames.len())]
}

fn event(data: &str, behaviour: &Behaviour) -> String {
    let mut event = format!("data: {data}\n\n");
    if behaviour.has(Quirk::Comments) {
        event.insert_str(0, ": ping\n:\n\n");
    }
    if behaviour.has(Quirk::CrLf) {
        event = event.replace('\n', "\r\n");
    }
    event
}

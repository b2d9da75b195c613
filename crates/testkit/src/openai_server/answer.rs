//! A thought as the server would send it: cut to the limit of tokens, then as JSON or events.

use serde_json::{Value, json};

use super::behaviour::{Behaviour, ChatRequest, Quirk, Thought};

/// Bytes of a piece of text or of arguments.
const PIECE_CHARS: usize = 3;

/// An answer that fits the limit of tokens.
pub(super) struct Answer<'a> {
    behaviour: &'a Behaviour,
    request: &'a ChatRequest,
    thought: Thought,
    is_cut: bool,
}

impl<'a> Answer<'a> {
    /// What the model says to a request.
    pub(super) fn new(behaviour: &'a Behaviour, request: &'a ChatRequest) -> Self {
        let mut thought = (behaviour.brain)(request);
        put_into_text(behaviour, &mut thought);
        let limit = request.body["max_tokens"].as_u64();
        let is_cut = limit.is_some_and(|tokens| cut(&mut thought, tokens));
        Self { behaviour, request, thought, is_cut }
    }

    /// The answer as one JSON object.
    pub(super) fn whole(&self) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.thought.text });
        if !self.thought.reasoning.is_empty() {
            message[self.reasoning_key()] = json!(self.thought.reasoning);
        }
        if !self.thought.calls.is_empty() {
            let calls = self.thought.calls.iter().enumerate();
            message["tool_calls"] = calls.map(|(at, call)| self.whole_call(at, call)).collect();
        }
        let mut whole = self.envelope("chat.completion");
        whole["choices"] =
            json!([{ "index": 0, "message": message, "finish_reason": self.finish_reason() }]);
        whole["usage"] = self.usage();
        whole
    }

    /// The answer as the data of events.
    pub(super) fn frames(&self) -> Vec<String> {
        let mut deltas = vec![json!({ "role": "assistant", "content": null })];
        if self.behaviour.has(Quirk::RoleFirst) {
            deltas.push(json!({ "content": "" }));
        }
        let key = self.reasoning_key();
        deltas.extend(pieces(&self.thought.reasoning).map(|piece| json!({ key: piece })));
        deltas.extend(pieces(&self.thought.text).map(|piece| json!({ "content": piece })));
        deltas.extend(self.call_deltas());
        let mut frames = Vec::new();
        for delta in deltas {
            frames
                .push(self.chunk(&json!([{ "index": 0, "delta": delta, "finish_reason": null }])));
            if self.behaviour.has(Quirk::EmptyChoices) {
                frames.push(self.chunk(&json!([])));
            }
        }
        let finish = self.finish_reason();
        frames.push(self.chunk(&json!([{ "index": 0, "delta": {}, "finish_reason": finish }])));
        frames.extend(self.counts());
        if !self.behaviour.has(Quirk::NoDone) {
            frames.push("[DONE]".to_owned());
        }
        frames
    }

    fn counts(&self) -> Option<String> {
        let mut last = self.envelope("chat.completion.chunk");
        last["choices"] = json!([]);
        let asked = self.request.body["stream_options"]["include_usage"] == json!(true);
        if self.behaviour.has(Quirk::Timings) {
            let usage = self.usage();
            last["timings"] = json!({
                "cache_n": 1,
                "prompt_n": self.request.prompt_tokens().saturating_sub(1),
                "predicted_n": usage["completion_tokens"],
            });
        } else if asked && !self.behaviour.has(Quirk::NoUsage) {
            last["usage"] = self.usage();
        } else {
            return None;
        }
        Some(last.to_string())
    }

    fn usage(&self) -> Value {
        let prompt = self.request.prompt_tokens();
        let completion = size(&self.thought).div_ceil(4);
        json!({
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": { "cached_tokens": 0 },
        })
    }

    fn chunk(&self, choices: &Value) -> String {
        let mut chunk = self.envelope("chat.completion.chunk");
        chunk["choices"] = choices.clone();
        chunk.to_string()
    }

    fn envelope(&self, object: &str) -> Value {
        json!({
            "id": "chatcmpl-1",
            "object": object,
            "created": 1,
            "model": self.request.model,
            "system_fingerprint": "fp_test",
        })
    }

    fn finish_reason(&self) -> &'static str {
        if self.is_cut {
            "length"
        } else if self.thought.calls.is_empty() || self.behaviour.has(Quirk::FinishStop) {
            "stop"
        } else {
            "tool_calls"
        }
    }

    fn reasoning_key(&self) -> &'static str {
        if self.behaviour.has(Quirk::ReasoningField) { "reasoning" } else { "reasoning_content" }
    }

    fn call_deltas(&self) -> Vec<Value> {
        let calls = self.thought.calls.iter().enumerate();
        if self.behaviour.has(Quirk::WholeCalls) {
            return calls
                .map(|(at, call)| json!({ "tool_calls": [self.whole_call(at, call)] }))
                .collect();
        }
        let mut by_call: Vec<Vec<Value>> =
            calls.map(|(at, call)| self.pieces_of_call(at, call)).collect();
        if !self.behaviour.has(Quirk::Interleaved) {
            return by_call.concat();
        }
        let mut deltas = Vec::new();
        while by_call.iter().any(|deltas| !deltas.is_empty()) {
            for call in &mut by_call {
                deltas.extend(call.drain(..call.len().min(1)));
            }
        }
        deltas
    }

    fn pieces_of_call(&self, at: usize, (name, arguments): &(String, String)) -> Vec<Value> {
        let mut first = self.whole_call(at, &(name.clone(), String::new()));
        first["function"]["arguments"] = json!("");
        let mut deltas = vec![first];
        for piece in pieces(arguments) {
            let mut delta = json!({ "index": at, "function": { "arguments": piece } });
            if self.behaviour.has(Quirk::EmptyNames) {
                delta["id"] = json!("");
                delta["function"]["name"] = json!("");
            }
            deltas.push(delta);
        }
        deltas.into_iter().map(|call| json!({ "tool_calls": [self.without_index(call)] })).collect()
    }

    fn whole_call(&self, at: usize, (name, arguments): &(String, String)) -> Value {
        let mut call = json!({
            "index": at,
            "id": format!("call_{at}"),
            "type": "function",
            "function": { "name": name, "arguments": arguments },
        });
        if self.behaviour.has(Quirk::ObjectArguments) {
            call["function"]["arguments"] = serde_json::from_str(arguments).unwrap_or_default();
        }
        let fields = call.as_object_mut().expect("it was made as an object");
        if self.behaviour.has(Quirk::NoCallId) {
            fields.remove("id");
        }
        self.without_index(call)
    }

    fn without_index(&self, mut call: Value) -> Value {
        if self.behaviour.has(Quirk::NoCallIndex)
            && let Some(fields) = call.as_object_mut()
        {
            fields.remove("index");
        }
        call
    }
}

/// Leaves in the text what the server would have had to take out of it.
fn put_into_text(behaviour: &Behaviour, thought: &mut Thought) {
    if behaviour.has(Quirk::CallsInText) {
        for (name, arguments) in std::mem::take(&mut thought.calls) {
            let call = format!(
                "<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>"
            );
            thought.text.push_str(&call);
        }
    }
    let open = match (behaviour.has(Quirk::ReasoningTags), behaviour.has(Quirk::ReasoningEndTag)) {
        (true, _) => "<think>\n",
        (false, true) => "",
        (false, false) => return,
    };
    let reasoning = std::mem::take(&mut thought.reasoning);
    thought.text = format!("{open}{reasoning}\n</think>\n\n{}", thought.text);
}

/// Cuts a thought to a number of tokens; true where something is lost.
fn cut(thought: &mut Thought, tokens: u64) -> bool {
    let mut bytes = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(4);
    let is_cut = size(thought) > bytes;
    let mut shorten = |text: &mut String| {
        let mut end = text.len().min(bytes);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        bytes -= end;
    };
    shorten(&mut thought.reasoning);
    shorten(&mut thought.text);
    for (_, arguments) in &mut thought.calls {
        shorten(arguments);
    }
    is_cut
}

fn size(thought: &Thought) -> usize {
    let calls: usize = thought.calls.iter().map(|(_, it)| it.len()).sum();
    thought.text.len() + thought.reasoning.len() + calls
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let pieces: Vec<String> =
        chars.chunks(PIECE_CHARS).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}

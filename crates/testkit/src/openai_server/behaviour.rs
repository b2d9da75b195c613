//! What a test asks of the server: which server it plays, what it thinks, what goes wrong.

use std::{fmt, sync::Arc};

use serde_json::Value;

/// Which server is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// An OpenAI-compatible server without anything of its own.
    OpenAi,
    /// Ollama.
    Ollama,
    /// LM Studio 0.4.
    LmStudio,
    /// LM Studio 0.3.
    LmStudioOld,
    /// llama.cpp's llama-server.
    LlamaCpp,
    /// vLLM.
    Vllm,
}

/// A model that the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedModel {
    /// Its key.
    pub name: String,
    /// Tokens of its window, a quarter of the bytes each.
    pub context_tokens: u32,
    /// Ollama only: the host that it really runs on.
    pub remote_host: Option<String>,
}

impl ServedModel {
    /// A local model with a window of 32,768 tokens.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), context_tokens: 32_768, remote_host: None }
    }
}

/// A chat request as the server read it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatRequest {
    /// The model asked.
    pub model: String,
    /// Role and text of each message.
    pub messages: Vec<(String, String)>,
    /// Names of the tools offered.
    pub tools: Vec<String>,
    /// The request as it came.
    pub body: Value,
}

impl ChatRequest {
    /// Text of the last message.
    pub fn last_text(&self) -> &str {
        self.messages.last().map_or("", |(_, text)| text)
    }

    /// Number of messages of a role.
    pub fn count(&self, role: &str) -> usize {
        self.messages.iter().filter(|(it, _)| it == role).count()
    }

    /// Tokens of the prompt: a quarter of the bytes of its texts.
    pub fn prompt_tokens(&self) -> usize {
        let bytes: usize = self.messages.iter().map(|(_, text)| text.len()).sum();
        bytes.div_ceil(4)
    }
}

/// What the model says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Thought {
    /// The text.
    pub text: String,
    /// The reasoning before it.
    pub reasoning: String,
    /// The tools called: name and arguments as JSON text.
    pub calls: Vec<(String, String)>,
}

impl Thought {
    /// A text and nothing else.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Calls and nothing else.
    pub fn calls<const N: usize>(calls: [(&str, Value); N]) -> Self {
        Self {
            calls: calls
                .into_iter()
                .map(|(name, arguments)| (name.to_owned(), arguments.to_string()))
                .collect(),
            ..Self::default()
        }
    }
}

/// The model: a thought for every request.
pub type Brain = Arc<dyn Fn(&ChatRequest) -> Thought + Send + Sync>;

/// How the server deviates from the protocol, all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Lines end with CRLF.
    CrLf,
    /// Comments between the events.
    Comments,
    /// Chunks with `choices: []` between the others.
    EmptyChoices,
    /// A chunk with nothing but the role comes first (vLLM).
    RoleFirst,
    /// No usage, though it is asked for.
    NoUsage,
    /// llama-server's `timings` on the last chunk.
    Timings,
    /// No `[DONE]`.
    NoDone,
    /// The finish reason is `stop` although tools are called.
    FinishStop,
    /// JSON in one piece, although a stream is asked for.
    WholeJson,
    /// Each call in one delta, as Ollama sends it.
    WholeCalls,
    /// Calls without an index.
    NoCallIndex,
    /// Calls without an id.
    NoCallId,
    /// Every delta of a call but the first has an empty name and id.
    EmptyNames,
    /// The pieces of several calls take turns.
    Interleaved,
    /// The arguments are an object and no text.
    ObjectArguments,
    /// Calls are left in the text as `<tool_call>`.
    CallsInText,
    /// Reasoning is in `reasoning`; without this it is in `reasoning_content`.
    ReasoningField,
    /// Reasoning is in the text, between tags.
    ReasoningTags,
    /// Reasoning is in the text, and only its end tag shows.
    ReasoningEndTag,
    /// The last vector comes first.
    VectorsReversed,
    /// Vectors without an index.
    NoVectorIndex,
    /// Vectors in base64, although numbers are asked for.
    VectorsInBase64,
    /// The last vector is missing.
    VectorMissing,
}

/// What goes wrong with one request for an answer or for vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// 503, as llama-server answers while it loads.
    Loading,
    /// 429 with `Retry-After`, in seconds.
    TooMany {
        /// Seconds.
        retry_after_s: u32,
    },
    /// An error with this status and body.
    Status {
        /// HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// A redirect.
    Redirect {
        /// Where to.
        location: String,
    },
    /// A page of HTML with status 200.
    Page,
    /// No reply at all.
    Silence,
    /// Silence after this many bytes of the stream.
    Stall {
        /// Bytes.
        after_bytes: usize,
    },
    /// The connection is dropped after this many bytes of the stream.
    Drop {
        /// Bytes.
        after_bytes: usize,
    },
    /// The stream ends in order after this many events, with no finish.
    EndEarly {
        /// Events.
        after_frames: usize,
    },
    /// An error in the stream after this many events.
    ErrorFrame {
        /// Events.
        after_frames: usize,
        /// The error, as JSON.
        body: String,
    },
    /// An event that is no JSON after this many events.
    Garbage {
        /// Events.
        after_frames: usize,
    },
}

/// All of it.
#[derive(Clone)]
pub struct Behaviour {
    /// Which server is played.
    pub dialect: Dialect,
    /// Its models.
    pub models: Vec<ServedModel>,
    /// Deviations, all the time.
    pub quirks: Vec<Quirk>,
    /// What goes wrong with the first request for an answer or for vectors, the second, and so on;
    /// then nothing does.
    pub faults: Vec<Fault>,
    /// Bytes that are written at once, so that events and characters are torn; 0 to not tear.
    pub bytes_per_write: usize,
    /// The key that requests for answers and vectors must carry.
    pub api_key: Option<String>,
    /// The model.
    pub brain: Brain,
}

impl Behaviour {
    /// A server with one model, `tiny`, that repeats what it is told.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            models: vec![ServedModel::new("tiny")],
            quirks: Vec::new(),
            faults: Vec::new(),
            bytes_per_write: 0,
            api_key: None,
            brain: Arc::new(|request| Thought::text(request.last_text())),
        }
    }

    /// The same with another model behind it.
    #[must_use]
    pub fn with_brain(
        mut self,
        brain: impl Fn(&ChatRequest) -> Thought + Send + Sync + 'static,
    ) -> Self {
        self.brain = Arc::new(brain);
        self
    }

    /// The same with these deviations.
    #[must_use]
    pub fn with_quirks(mut self, quirks: &[Quirk]) -> Self {
        self.quirks = quirks.to_vec();
        self
    }

    /// The same with these faults.
    #[must_use]
    pub fn with_faults(mut self, faults: &[Fault]) -> Self {
        self.faults = faults.to_vec();
        self
    }

    /// The same, written in pieces of this many bytes.
    #[must_use]
    pub const fn with_bytes_per_write(mut self, bytes: usize) -> Self {
        self.bytes_per_write = bytes;
        self
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Behaviour")
            .field("dialect", &self.dialect)
            .field("models", &self.models)
            .field("quirks", &self.quirks)
            .field("faults", &self.faults)
            .field("bytes_per_write", &self.bytes_per_write)
            .finish_non_exhaustive()
    }
}

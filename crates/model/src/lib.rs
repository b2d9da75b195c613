//! Adapters to model servers, and the scripted model; knows nothing of runs.
//!
//! ```text
//!   Models --by endpoint--> OpenAiModel   --> http, local only --> a model server
//!                     '---> ScriptedModel --> a file of turns <-- ScriptedTranscriber
//!
//!   HttpTranscriber --form--> http, local only --> a server that turns speech into text
//!
//!   OpenAiModel:  request  ->  exchange (limits)  ->  sse -> chunk -> accumulate  ->  answer
//!                 (pure)       (the only IO)          (pure, bounded)                 (pure:
//!                                                                    reasoning, salvage of calls)
//! ```
//!
//! One call is one try: nothing here repeats a request. What a failure means, and whether to try
//! again, follows from its kind ([`lao_port::ChatErrorKind`]).

mod accumulate;
mod answer;
mod call_id;
mod chunk;
mod cloud;
mod endpoint;
mod fault;
mod lenient;
mod models;
mod openai;
mod probe;
mod reasoning;
mod request;
mod salvage;
pub mod script;
mod sse;
mod transcribe;
mod transport;
mod vectors;

pub use accumulate::{ANSWER_BYTES_MAX, Accumulator, Collected, StreamFault, TOOL_CALLS_MAX};
pub use endpoint::{Delivery, Endpoint, LocalUrl, LocalUrlError, ServerKind};
pub use models::Models;
pub use openai::OpenAiModel;
pub use probe::{ProbeError, Probed, ProbedModel, default_ports, probe, probe_whisper_server};
pub use script::{Script, ScriptError, ScriptedModel, ScriptedTranscriber};
pub use sse::{FRAME_BYTES_MAX, Frame, FrameTooLong, SseParser};
pub use transcribe::{HttpTranscriber, SpeechRoute};

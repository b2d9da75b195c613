//! A model server that speaks the protocol over a real socket, for tests that do not wait inside
//! an asynchronous world of their own.

use std::fmt::Write as _;

use lao_testkit::openai_server::{Behaviour, OpenAiServer};
use tokio::runtime::{Builder, Runtime};

use super::sandbox::Sandbox;

/// Threads of the server; models of tests may hold one each while they think.
const THREADS: usize = 8;

/// A server; it ends when it is dropped.
pub(crate) struct ModelServer {
    pub(crate) server: OpenAiServer,
    runtime: Option<Runtime>,
}

impl ModelServer {
    /// Starts a server on a free port.
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        Self::start_with(|| OpenAiServer::start(behaviour))
    }

    /// Starts a server.
    pub(crate) fn start_with<F>(start: impl FnOnce() -> F) -> Self
    where
        F: Future<Output = std::io::Result<OpenAiServer>>,
    {
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
        let runtime = runtime.unwrap();
        let server = runtime.block_on(start()).unwrap();
        Self { server, runtime: Some(runtime) }
    }

    /// Writes a project whose models this server serves.
    pub(crate) fn write_project(&self, sandbox: &Sandbox) {
        sandbox.write("lao.toml", &config(self.server.base_url()));
        sandbox.write("plans/app.md", PLAN);
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        // A model that still thinks is not waited for.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// A plan of two greetings.
pub(crate) const PLAN: &str = "# Greetings\n\nWrite hello.txt and, after it, bye.txt.\n";

/// A configuration whose models are at an address.
pub(crate) fn config(base_url: &str) -> String {
    let mut text =
        format!("[endpoints.local]\nurl = \"{base_url}/v1\"\nconnect_timeout_ms = 2000\n");
    for role in ["planner", "coder", "reviewer"] {
        write!(text, "\n[roles.{role}]\nmodel = \"tiny\"\ncontext_tokens = 32768\n").unwrap();
    }
    text.push_str("\n[git]\nauthor_name = \"Ada\"\nauthor_email = \"ada@localhost\"\n");
    text
}

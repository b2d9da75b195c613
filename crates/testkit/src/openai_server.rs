//! A model server for tests: the OpenAI protocol over a real socket, spoken honestly.
//!
//! ```text
//!   request --> route --> the dialect's own routes (version, lists, properties)
//!                    |--> embeddings: the same refusals, then a vector for each text
//!                    '--> chat: refuse what a real server refuses, ask the brain, then send it
//!                         with the quirks and the fault that the test asked for
//! ```
//!
//! Answers come from the request and nothing else: unknown models, prompts over the window and
//! missing keys are refused in the words of the dialect, tokens are counted from what came, and
//! an answer longer than `max_tokens` is cut and says so.

mod answer;
mod behaviour;
mod chat;
mod embeddings;
mod http;
mod routes;

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub use self::{
    behaviour::{Behaviour, Brain, ChatRequest, Dialect, Fault, Quirk, ServedModel, Thought},
    http::Received,
};
use self::{chat::Ended, http::Connection};

/// A server on a free port of this machine; it ends when it is dropped.
#[derive(Debug)]
pub struct OpenAiServer {
    base_url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// What the connections share.
#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    faults: Mutex<VecDeque<Fault>>,
    received: Mutex<Vec<Received>>,
    counts: watch::Sender<Counts>,
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: usize,
    /// Answers that the client did not wait for.
    pub cancelled: usize,
}

impl OpenAiServer {
    /// Starts a server.
    pub async fn start(behaviour: Behaviour) -> io::Result<Self> {
        Self::start_at("127.0.0.1:0", behaviour).await
    }

    /// Starts a server at an address of this machine, as one that comes back does.
    pub async fn start_at(address: &str, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State {
            faults: Mutex::new(behaviour.faults.iter().cloned().collect()),
            behaviour,
            received: Mutex::default(),
            counts: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { base_url, state, accepting })
    }

    /// Where it is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Every request so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state.received().clone()
    }

    /// Bodies of the chat requests so far, in order.
    pub fn chats(&self) -> Vec<serde_json::Value> {
        self.bodies(chat::PATH)
    }

    /// Bodies of the requests for vectors so far, in order.
    pub fn embeddings(&self) -> Vec<serde_json::Value> {
        self.bodies(embeddings::PATH)
    }

    fn bodies(&self, path: &str) -> Vec<serde_json::Value> {
        self.received()
            .iter()
            .filter(|it| it.path == path)
            .map(|it| serde_json::from_str(&it.body).unwrap_or_default())
            .collect()
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        *self.state.counts.borrow()
    }

    /// Waits until a client gives up an answer.
    pub async fn cancelled(&self) {
        let mut counts = self.state.counts.subscribe();
        let waited = counts.wait_for(|counts| counts.cancelled > 0).await;
        assert!(waited.is_ok(), "the counts live as long as the server");
    }
}

impl Drop for OpenAiServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn received(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_fault(&self) -> Fault {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.pop_front().unwrap_or(Fault::None)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.counts.send_modify(|counts| counts.connections += 1);
        connections.spawn(serve(stream, Arc::clone(&state)));
    }
}

/// Serves one connection until it ends; how it ends is the client's business.
async fn serve(stream: TcpStream, state: Arc<State>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut connection = Connection::new(stream);
    while let Ok(Some(received)) = connection.receive().await {
        state.received().push(received.clone());
        let ended = if received.path == chat::PATH {
            chat::serve(&received, &state, &mut connection).await
        } else if received.path == embeddings::PATH {
            embeddings::serve(&received, &state, &mut connection).await
        } else {
            let reply = routes::reply(&received, &state.behaviour);
            connection.reply(&reply).await.map(|()| Ended::Open)
        };
        match ended {
            Ok(Ended::Open) => {}
            Ok(Ended::Dropped) => return,
            Err(_) => {
                state.counts.send_modify(|counts| counts.cancelled += 1);
                return;
            }
        }
    }
}

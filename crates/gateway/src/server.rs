//! The server's side of a run's socket: one task a client.
//!
//! ```text
//!   accept --(a free place)--> client: Hello, then line by line: request -> reply
//! ```
//!
//! A client that sends garbage is told so and may go on; one that sends too long a line, or nothing
//! for long, is sent away. None of them can hold up the run.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lao_event::{QuestionId, latest::QuestionAnswer};
use lao_kernel::{Command, Rejection, Retry};
use lao_protocol::{AnswerChoice, PROTOCOL_VERSION, Reply, Request, Update};
use tokio::{
    io::{AsyncWrite, BufReader},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use crate::{
    line::{self, Line},
    live::LiveRun,
    socket::{self, Listener, SocketError, SocketFile, Stream},
    units::names,
};

/// How many clients are served at the same time.
pub const CLIENTS_MAX: usize = 32;

/// The longest request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How long a client may be silent before its place goes to another.
const IDLE_MAX: Duration = Duration::from_mins(2);

/// How long clients may take to read what they are owed when the run is over.
const CLOSING_WAIT: Duration = Duration::from_secs(2);

/// The pause after a client that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Step keys that a rejection lists.
const KEYS_SHOWN_MAX: usize = 12;

/// Serves a run until it is dropped; the socket goes with it.
#[derive(Debug)]
pub struct ServerGuard {
    task: JoinHandle<()>,
    closing: watch::Sender<bool>,
    file: Option<SocketFile>,
}

impl ServerGuard {
    /// Removes the socket, takes no more requests, and lets clients read what they are owed, for
    /// two seconds at most. To be called when the run has left the process.
    pub async fn close(mut self) {
        drop(self.file.take());
        self.closing.send_replace(true);
        // Whoever has not read by now reads the journal.
        drop(timeout(CLOSING_WAIT, &mut self.task).await);
    }
}

impl Drop for ServerGuard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens on a socket and serves whoever connects. Must be called within a tokio runtime.
pub fn serve(live: LiveRun, path: &Path) -> Result<ServerGuard, SocketError> {
    let (listener, file) = socket::bind(path)?;
    let closing = watch::Sender::new(false);
    let task = tokio::spawn(accept(live, listener, closing.subscribe()));
    Ok(ServerGuard { task, closing, file: Some(file) })
}

/// Takes clients until the server closes, then waits for those it has.
async fn accept(live: LiveRun, listener: Listener, mut closing: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(_) => {
                // Such as no file descriptors left: it passes, or it does not; the run goes on.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let client = client(live.clone(), stream, place, closing.clone());
        // A client that went away is no matter.
        clients.spawn(async move { drop(client.await) });
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Serves one client to its end.
async fn client(
    live: LiveRun,
    stream: Stream,
    place: Option<OwnedSemaphorePermit>,
    mut closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let (reader, mut writer) = tokio::io::split(stream);
    if place.is_none() {
        let message = format!("{CLIENTS_MAX} clients are connected already: try again later");
        return send(&mut writer, &Reply::Rejected { message }).await;
    }
    let hello = Reply::Hello {
        protocol: PROTOCOL_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        run: live.id().as_str().to_owned(),
        pid: std::process::id(),
    };
    send(&mut writer, &hello).await?;
    let mut reader = BufReader::new(reader);
    loop {
        let read = tokio::select! {
            read = timeout(IDLE_MAX, line::read(&mut reader, REQUEST_BYTES_MAX)) => read,
            _ = closing.wait_for(|closing| *closing) => return Ok(()),
        };
        let Ok(read) = read else {
            return Ok(());
        };
        match read? {
            Line::End => return Ok(()),
            Line::TooLong => {
                let message = format!("a request has at most {REQUEST_BYTES_MAX} bytes");
                return send(&mut writer, &Reply::Rejected { message }).await;
            }
            Line::Whole(text) => match serde_json::from_slice(&text) {
                Ok(request) => serve_request(&live, &mut writer, request).await?,
                Err(error) => {
                    let message = format!(
                        "not a request: {error}; one is a JSON object on a line, such as \
                         {{\"request\":\"status\"}}"
                    );
                    send(&mut writer, &Reply::Rejected { message }).await?;
                }
            },
        }
    }
}

async fn send(writer: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    line::write(writer, reply).await
}

/// Answers one request.
async fn serve_request(
    live: &LiveRun,
    writer: &mut (impl AsyncWrite + Unpin),
    request: Request,
) -> io::Result<()> {
    let command = match request {
        Request::Status => {
            let status = Reply::Status(Box::new(live.status()));
            return send(writer, &status).await;
        }
        Request::Step { key } => return send(writer, &step(live, &key).await).await,
        Request::Events { from } => return events(live, writer, from).await,
        Request::Follow { from } => return follow(live, writer, from).await,
        Request::Backup { folder } => return send(writer, &backup(live, folder).await).await,
        Request::Stop => Command::Stop,
        Request::Cancel => Command::Cancel,
        Request::Retry { step } => Command::Retry(step.map_or(Retry::Failed, Retry::Step)),
        Request::Answer { question, answer, by } => Command::Answer {
            question: QuestionId(question),
            answer: match answer {
                AnswerChoice::Rerun => QuestionAnswer::Rerun,
                AnswerChoice::Skip => QuestionAnswer::Skip,
                AnswerChoice::Approve => QuestionAnswer::Approve,
                AnswerChoice::Deny => QuestionAnswer::Deny,
            },
            by,
        },
    };
    let reply = match live.command(command).await {
        Ok(()) => Reply::Done,
        Err(rejection) => Reply::Rejected { message: with_cure(live, &rejection) },
    };
    send(writer, &reply).await
}

async fn step(live: &LiveRun, key: &str) -> Reply {
    match live.step(key).await {
        Ok(Some(step)) => Reply::Step(Box::new(step)),
        Ok(None) => {
            Reply::Rejected { message: with_cure(live, &Rejection::UnknownStep(key.to_owned())) }
        }
        Err(error) => Reply::Rejected { message: error.to_string() },
    }
}

async fn backup(live: &LiveRun, folder: PathBuf) -> Reply {
    match live.backup(folder).await {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Rejected { message: error.to_string() },
    }
}

async fn events(
    live: &LiveRun,
    writer: &mut (impl AsyncWrite + Unpin),
    from: u64,
) -> io::Result<()> {
    let mut events = live.events(from);
    loop {
        let part = match events.next().await {
            Ok(part) => part,
            Err(error) => {
                let message = error.to_string();
                return send(writer, &Reply::Rejected { message }).await;
            }
        };
        if part.is_empty() {
            return send(writer, &Reply::Done).await;
        }
        for event in part {
            let update = Update::Event(event);
            send(writer, &Reply::Update(Box::new(update))).await?;
        }
    }
}

async fn follow(
    live: &LiveRun,
    writer: &mut (impl AsyncWrite + Unpin),
    from: u64,
) -> io::Result<()> {
    let mut updates = live.follow(from);
    while let Some(update) = updates.next().await {
        let update = Arc::unwrap_or_clone(update);
        send(writer, &Reply::Update(Box::new(update))).await?;
    }
    Ok(())
}

/// Why a command was turned down, and what helps.
fn with_cure(live: &LiveRun, rejection: &Rejection) -> String {
    let run = live.id();
    let cure = match rejection {
        Rejection::Ended => format!("`lao retry {run}` sends failed steps back"),
        Rejection::Stopping => format!("when it has stopped, `lao resume {run}` goes on"),
        Rejection::UnknownStep(_) => {
            let keys = live.keys();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            format!("it has {}", names(&keys, KEYS_SHOWN_MAX))
        }
        Rejection::NotFailed(_) | Rejection::NothingFailed => {
            format!("`lao show {run}` lists the steps, and only failed and parked ones are retried")
        }
        Rejection::UnknownQuestion(_) => {
            format!("`lao status {run}` lists the questions that wait")
        }
        Rejection::AnswerNotOffered(_) => {
            format!("`lao status {run}` says what may be answered")
        }
        Rejection::InsideAnother { .. } | Rejection::GraphUnusable(_) => {
            return rejection.to_string();
        }
        Rejection::AlreadyStarted
        | Rejection::NotRedone(_)
        | Rejection::NotStarted
        | Rejection::RoleMissing(_)
        | Rejection::NothingToDo
        | Rejection::SettingsTooLarge { .. }
        | Rejection::UnknownEffect(_)
        | Rejection::UnknownCall(_)
        | Rejection::NotInAttempt(_)
        | Rejection::ReportUnasked(_)
        | Rejection::ReportIncomplete(_) => return rejection.to_string(),
    };
    format!("{rejection}: {cure}")
}

//! The socket: requests and replies, clients that mean well and clients that do not.

#![cfg(unix)]

use std::{
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    sync::Arc,
};

use lao_gateway::{Client, ClientError, LiveRun, ServerGuard, live, offline, serve, server};
use lao_protocol::{AnswerChoice, Reply, Request, RunStatusCode, Update};
use lao_runtime::RunHandle;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    sync::Semaphore,
};

use crate::{
    feed::wait_for,
    world::{Project, Script},
};

/// A run that is served and stands at its first coder call.
struct Served {
    project: Project,
    gate: Arc<Semaphore>,
    handle: RunHandle,
    live: LiveRun,
    server: ServerGuard,
}

async fn served(tasks: usize) -> Served {
    let project = Project::new();
    let gate = Arc::new(Semaphore::new(0));
    let script = Script { tasks, gate: Some(Arc::clone(&gate)), ..Script::default() };
    let handle = project.begin(&script).await;
    let live = project.observe(&handle).await;
    let server = serve(live.clone(), &project.socket()).unwrap();
    wait_for(&live, |status| status.summary.tasks.running == 1).await;
    wait_for(&live, |status| status.in_flight.len() == 1).await;
    Served { project, gate, handle, live, server }
}

impl Served {
    async fn client(&self) -> Client {
        Client::connect(&self.project.socket()).await.unwrap()
    }

    async fn ask(&self, request: Request) -> Reply {
        self.client().await.request(&request).await.unwrap()
    }
}

fn rejection(reply: Reply) -> String {
    let Reply::Rejected { message } = reply else {
        panic!("not rejected: {reply:?}");
    };
    message
}

#[tokio::test]
async fn a_client_learns_how_the_run_stands() {
    let served = served(2).await;
    let mut client = served.client().await;
    assert_eq!(client.run(), served.project.folder.run.as_str());
    assert_eq!(client.pid(), std::process::id());
    let Reply::Status(status) = client.request(&Request::Status).await.unwrap() else {
        panic!("a status was asked for");
    };
    assert_eq!(*status, served.live.status());
    let key = "t1".to_owned();
    let Reply::Step(step) = client.request(&Request::Step { key }).await.unwrap() else {
        panic!("a step was asked for");
    };
    assert_eq!(step.key, "t1");
    assert!(!step.detail.unwrap().messages.is_empty());
    let summary = offline::summary(&served.project.folder).await;
    assert_eq!(summary, status.summary);
    let found = live(&served.project.folder).await.unwrap().unwrap();
    assert_eq!(found.run(), served.project.folder.run.as_str());
    served.handle.abort();
}

#[tokio::test]
async fn what_cannot_be_done_is_rejected_with_its_cure() {
    let served = served(2).await;
    let run = served.project.folder.run.to_string();
    let step = Request::Step { key: "t9".to_owned() };
    let message = rejection(served.ask(step).await);
    assert_eq!(message, "the run has no step \"t9\": it has plan, t1, t2");
    let retry = Request::Retry { step: Some("t1".to_owned()) };
    let message = rejection(served.ask(retry).await);
    assert!(message.starts_with("step \"t1\" has not failed: `lao show "), "{message}");
    let message = rejection(served.ask(Request::Retry { step: None }).await);
    assert!(message.starts_with("no step has failed"), "{message}");
    let answer = Request::Answer { question: 4, answer: AnswerChoice::Skip, by: "ada".to_owned() };
    let message = rejection(served.ask(answer).await);
    assert_eq!(
        message,
        format!(
            "question 4 does not wait for an answer: `lao status {run}` lists the questions that wait"
        )
    );
    served.handle.abort();
}

#[tokio::test]
async fn a_client_stops_the_run_and_another_hears_it() {
    let served = served(2).await;
    let mut follow = served.client().await.follow(1).await.unwrap();
    assert_eq!(served.ask(Request::Stop).await, Reply::Done);
    let message = rejection(served.ask(Request::Stop).await);
    assert!(message.contains("is being stopped already"), "{message}");
    served.gate.add_permits(1);
    let mut seqs = Vec::new();
    let status = loop {
        match follow.next().await.unwrap().unwrap() {
            Update::Event(event) => seqs.push(event.seq),
            Update::Finished(status) => break status,
            _ => {}
        }
    };
    assert_eq!(follow.next().await.unwrap(), None);
    assert_eq!(seqs, (1..=status.events).collect::<Vec<_>>());
    assert_eq!(status.summary.status, RunStatusCode::Interrupted);
}

#[tokio::test]
async fn a_client_cancels_the_run() {
    let served = served(2).await;
    assert_eq!(served.ask(Request::Cancel).await, Reply::Done);
    wait_for(&served.live, |status| status.summary.status == RunStatusCode::Cancelled).await;
    assert_eq!(served.live.status().exit_code, 6);
}

#[tokio::test]
async fn a_slow_follower_hears_every_event_before_the_server_closes() {
    let served = served(16).await;
    let follow = served.client().await.follow(3).await;
    served.gate.add_permits(10_000);
    served.handle.finished().await;
    let mut follow = follow.unwrap();
    // The socket is full and the feed far behind before the first line is read.
    let reading = async {
        let mut seqs = Vec::new();
        loop {
            match follow.next().await.unwrap().unwrap() {
                Update::Event(event) => seqs.push(event.seq),
                Update::Finished(status) => return (seqs, status),
                _ => {}
            }
        }
    };
    let ((seqs, status), ()) = tokio::join!(reading, served.server.close());
    assert!(status.events > 280);
    assert_eq!(seqs, (3..=status.events).collect::<Vec<_>>());
    assert!(!served.project.socket().exists());
}

#[tokio::test]
async fn events_end_with_now() {
    let served = served(2).await;
    let mut seqs = Vec::new();
    let mut client = served.client().await;
    let noted = client
        .events::<ClientError>(2, |event| {
            seqs.push(event.seq);
            Ok(())
        })
        .await;
    noted.unwrap();
    assert_eq!(seqs, (2..=served.live.last_seq()).collect::<Vec<_>>());
    // The connection is as good as before.
    assert!(matches!(client.request(&Request::Status).await.unwrap(), Reply::Status(_)));
    served.handle.abort();
}

/// Sends bytes and returns what comes after the greeting: replies by their first words.
async fn raw(path: &Path, bytes: &[u8]) -> Vec<String> {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The server may have said its word and gone before it read all.
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    let mut lines = BufReader::new(stream).lines();
    let mut replies: Vec<String> = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        replies.push(line.chars().take(40).collect());
    }
    assert!(replies.remove(0).starts_with(r#"{"reply":"hello""#));
    replies
}

#[tokio::test]
async fn hostile_lines_do_no_harm() {
    let served = served(1).await;
    let path = served.project.socket();
    let not_a_request = r#"{"reply":"rejected","message":"not a req"#;
    let status = r#"{"reply":"status","summary":{"run":"2026"#;
    let garbage = b"garbage\n\xff\xfe\n{\"request\":\"step\"}\n[]\n\n";
    let replies = raw(&path, garbage).await;
    assert_eq!(replies, [not_a_request; 5]);
    let replies = raw(&path, b"{\"request\":\"reboot\"}\n{\"request\":\"status\"}\n").await;
    assert_eq!(replies, [not_a_request, status]);
    let replies = raw(&path, b"{\"request\":\"status\"").await;
    assert_eq!(replies, [""; 0]);
    let too_long = vec![b'x'; server::REQUEST_BYTES_MAX + 1];
    let replies = raw(&path, &too_long).await;
    assert_eq!(replies, [r#"{"reply":"rejected","message":"a request"#]);
    let deep = vec![b'['; server::REQUEST_BYTES_MAX - 1];
    let replies = raw(&path, &[deep.as_slice(), b"\n"].concat()).await;
    assert_eq!(replies, [not_a_request]);
    assert_eq!(served.ask(Request::Stop).await, Reply::Done);
    served.handle.abort();
}

#[tokio::test]
async fn one_client_too_many_is_sent_away_and_a_place_comes_back() {
    let served = served(1).await;
    let mut clients = Vec::new();
    for _ in 0..server::CLIENTS_MAX {
        clients.push(served.client().await);
    }
    let refused = Client::connect(&served.project.socket()).await.unwrap_err();
    assert!(refused.to_string().contains("32 clients are connected already"), "{refused}");
    drop(clients.pop());
    // The server notices in its own time.
    while Client::connect(&served.project.socket()).await.is_err() {
        tokio::task::yield_now().await;
    }
    served.handle.abort();
}

#[tokio::test]
async fn a_dead_socket_means_not_live() {
    let project = Project::new();
    project.run(&Script { tasks: 1, ..Script::default() }).await;
    assert!(live(&project.folder).await.unwrap().is_none());
    let path = project.root.path().join("dead.sock");
    drop(UnixListener::bind(&path).unwrap());
    let mut manifest = project.folder.manifest().unwrap();
    manifest.socket = Some(path.clone());
    manifest.write(&project.folder.path).unwrap();
    assert!(live(&project.folder).await.unwrap().is_none());
    let refused = Client::connect(&path).await.unwrap_err();
    assert!(matches!(refused, ClientError::NotLive { .. }), "{refused}");
}

/// What a client makes of a process that greets it so.
async fn greeted(line: &'static [u8]) -> ClientError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(line).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest).await);
    };
    let connecting = async { Client::connect(&path).await.unwrap_err() };
    tokio::join!(serving, connecting).1
}

#[tokio::test]
async fn a_process_of_another_version_is_named() {
    let hello =
        b"{\"reply\":\"hello\",\"protocol\":9,\"program\":\"3.0.0\",\"run\":\"r\",\"pid\":7}\n";
    let refused = greeted(hello).await;
    assert_eq!(
        refused.to_string(),
        "process 7 runs lao 3.0.0, which speaks version 9 of the protocol, and this lao speaks 1: \
         use the same lao, or wait for the run to end"
    );
    let refused = greeted(b"hello\n").await;
    assert!(matches!(refused, ClientError::Garbage { .. }), "{refused}");
    let refused = greeted(b"{\"reply\":").await;
    assert!(matches!(refused, ClientError::Gone { .. }), "{refused}");
}

#[tokio::test]
async fn the_folder_of_the_socket_is_the_users_alone() {
    let served = served(1).await;
    let folder = served.project.socket();
    let mode = std::fs::metadata(folder.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    served.handle.abort();
    drop(served.server);
    assert!(!served.project.socket().exists());
}

#[tokio::test]
async fn a_journal_is_copied_while_the_run_goes_on() {
    let served = served(1).await;
    let to = served.project.folder.path.join("copy");
    std::fs::create_dir(&to).unwrap();
    served.client().await.backup(&to).await.unwrap();
    let copy = lao_journal::Reader::open(&to, &lao_journal::Options::default()).unwrap();
    assert_eq!(copy.verify().unwrap().seq, served.live.status().events);
    let nowhere = served.project.folder.path.join("nowhere");
    let refused = served.client().await.backup(&nowhere).await;
    assert!(matches!(refused, Err(ClientError::Refused { .. })), "{refused:?}");
    assert_eq!(served.ask(Request::Stop).await, Reply::Done);
}

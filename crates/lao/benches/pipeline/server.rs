//! A model server that answers at once: what it thinks follows from a few words of the request.
//!
//! One thread a connection and no JSON parser: it runs on the same processors as the program that
//! is measured, and must cost next to nothing.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// Bytes of the file of a task.
pub(crate) const PART_BYTES: usize = 600;
/// Files in one folder.
const FOLDER_FILES: usize = 25;

const MODELS: &str = r#"{"object":"list","data":[{"id":"bench-planner","object":"model"},{"id":"bench-coder","object":"model"},{"id":"bench-reviewer","object":"model"}]}"#;
const VERDICT: &str =
    r#"{"verdict":"approved","summary":"It does what the task says.","findings":[]}"#;

/// What the connections share.
#[derive(Default)]
struct Shared {
    delay: Duration,
    /// Bytes of the first request for each task.
    coder_prompts: Vec<usize>,
    at_once: usize,
    at_once_max: usize,
}

/// The server; it ends with the process.
pub(crate) struct Server {
    base_url: String,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let of_connections = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_connections);
                // A connection ends when its client does.
                thread::spawn(move || serve(&stream, &shared).ok());
            }
        });
        Self { base_url: format!("http://{address}"), shared }
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// How long each answer takes from now on.
    pub(crate) fn set_delay(&self, delay: Duration) {
        lock(&self.shared).delay = delay;
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget(&self) {
        let mut shared = lock(&self.shared);
        shared.coder_prompts.clear();
        shared.at_once_max = 0;
    }

    /// Bytes of the first request for each task since [`Server::forget`].
    pub(crate) fn coder_prompts(&self) -> Vec<usize> {
        lock(&self.shared).coder_prompts.clone()
    }

    /// The most answers that were under way at once since [`Server::forget`].
    pub(crate) fn most_at_once(&self) -> usize {
        lock(&self.shared).at_once_max
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("nothing panics while it is held")
}

/// Serves one connection until the client closes it.
fn serve(stream: &TcpStream, shared: &Mutex<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let Some((path, body)) = receive(&mut reader)? else {
            return Ok(());
        };
        let reply = match path.as_str() {
            "/v1/chat/completions" => chat(&body, shared),
            "/v1/models" => whole("200 OK", MODELS),
            _ => whole("404 Not Found", "{}"),
        };
        writer.write_all(reply.as_bytes())?;
    }
}

/// Path and body of the next request; none at the end.
fn receive(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<(String, String)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((path, String::from_utf8_lossy(&body).into_owned())))
}

fn whole(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn chat(body: &str, shared: &Mutex<Shared>) -> String {
    let answer = think(body, shared);
    let delay = {
        let mut shared = lock(shared);
        shared.at_once += 1;
        shared.at_once_max = shared.at_once_max.max(shared.at_once);
        shared.delay
    };
    if !delay.is_zero() {
        thread::sleep(delay);
    }
    lock(shared).at_once -= 1;
    answer
}

/// The answer to a request.
fn think(body: &str, shared: &Mutex<Shared>) -> String {
    if body.starts_with(r#"{"model":"bench-planner""#) {
        text(&tasks(body))
    } else if body.starts_with(r#"{"model":"bench-reviewer""#) {
        text(VERDICT)
    } else if body.contains(r#""role":"tool""#) {
        text("The file is written.")
    } else {
        lock(shared).coder_prompts.push(body.len());
        let path = body.find("parts/").map_or("", |at| &body[at..at + path(0).len()]);
        file_write(path)
    }
}

fn path(task: usize) -> String {
    format!("parts/{:03}/part-{task:04}.txt", task / FOLDER_FILES)
}

/// A task for every `make:` of the planner's part of the plan.
fn tasks(body: &str) -> String {
    let tasks: Vec<_> = body
        .split("make:")
        .skip(1)
        .filter_map(|rest| rest.get(..4)?.parse::<usize>().ok())
        .map(|task| {
            let path = path(task);
            format!(
                r#"{{"id":"p{task:04}","title":"Part {task:04}","description":"Write {path} with a few lines of text about part {task:04}, each of them whole.","files":["{path}"],"depends_on":[],"acceptance":["{path} exists"]}}"#
            )
        })
        .collect();
    format!(r#"{{"tasks":[{}]}}"#, tasks.join(","))
}

fn file_write(path: &str) -> String {
    let content = format!("{path}\\n").repeat(PART_BYTES / (path.len() + 1) + 1);
    let arguments = format!(r#"{{"path":"{path}","content":"{content}"}}"#);
    let call = format!(
        r#"{{"tool_calls":[{{"index":0,"id":"call_1","type":"function","function":{{"name":"file_write","arguments":{}}}}}]}}"#,
        quoted(&arguments)
    );
    stream(&call, "tool_calls")
}

fn text(text: &str) -> String {
    stream(&format!(r#"{{"content":{}}}"#, quoted(text)), "stop")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A streamed answer in one piece, finish, usage and end included.
fn stream(delta: &str, finish: &str) -> String {
    let chunk = |delta: &str, finish: &str, more: &str| {
        format!(
            r#"data: {{"id":"c","object":"chat.completion.chunk","model":"bench","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{more}}}"#
        )
    };
    let usage = r#","usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}"#;
    let events = [
        chunk(r#"{"role":"assistant"}"#, "null", ""),
        chunk(delta, "null", ""),
        chunk("{}", &quoted(finish), usage),
        "data: [DONE]".to_owned(),
    ];
    let body = events.join("\n\n") + "\n\n";
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    )
}

//! A worker process: started with nothing but its limits, heard frame by frame, ended as a group.

use std::{env, io, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::WorkerLimits;
use crate::{
    group::{Group, ending, lead_a_group},
    last_words::LastWords,
    protocol::{FrameError, MEMORY_ARGUMENT, PREFIX_BYTES, Reply, body_bytes, decode},
};

/// How long output is still read, and the end awaited, after the group was killed. Only a process
/// that left the group can hold a pipe open for longer.
const DRAIN: Duration = Duration::from_millis(500);

const CHUNK_BYTES: usize = 16 * 1024;

/// What a worker gets of the environment: where libraries and temporary files are, no secrets.
const ENVIRONMENT: [&str; 5] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "SystemRoot", "TEMP"];

/// A worker. Dropped, it is killed with all its children.
pub(super) struct Worker {
    /// Dropped before the child, so that its leader is still there to name it.
    group: Option<Group>,
    child: Child,
    /// Held open: its end tells the worker that nobody waits.
    input: ChildStdin,
    output: Source<ChildStdout>,
    error: Source<ChildStderr>,
    frames: Vec<u8>,
    last_words: LastWords,
}

/// A pipe with the room for what it has next.
struct Source<R> {
    pipe: R,
    chunk: Vec<u8>,
    is_open: bool,
}

impl<R: AsyncRead + Unpin> Source<R> {
    fn new(pipe: R) -> Self {
        Self { pipe, chunk: vec![0; CHUNK_BYTES], is_open: true }
    }

    /// Reads what is next; a failure ends a pipe as its end does.
    async fn next(&mut self) -> &[u8] {
        let read = self.pipe.read(&mut self.chunk).await.unwrap_or(0);
        self.is_open = read > 0;
        &self.chunk[..read]
    }
}

impl Worker {
    /// Starts a worker.
    pub(super) fn spawn(program: &Path, limits: &WorkerLimits) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg(MEMORY_ARGUMENT)
            .arg(limits.memory_bytes_max.to_string())
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(|name| Some((name, env::var_os(name)?))))
            // An engine that aborts would start a debugger.
            .env("GGML_NO_BACKTRACE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        lead_a_group(&mut command);
        let mut child = command.spawn()?;
        Ok(Self {
            group: Some(Group::of(&child)),
            input: child.stdin.take().expect("it is piped"),
            output: Source::new(child.stdout.take().expect("it is piped")),
            error: Source::new(child.stderr.take().expect("it is piped")),
            child,
            frames: Vec::new(),
            last_words: LastWords::default(),
        })
    }

    /// Says something. A worker that does not listen shows in what it says itself.
    pub(super) async fn say(&mut self, frame: &[u8]) {
        let Self { input, error, last_words, .. } = self;
        let mut said = std::pin::pin!(async {
            // It fails only where the worker has ended.
            input.write_all(frame).await.ok();
            input.flush().await.ok();
        });
        loop {
            tokio::select! {
                () = &mut said => return,
                bytes = error.next(), if error.is_open => last_words.push(bytes),
            }
        }
    }

    /// The next thing it says; none after the end of its output. It may be dropped at any point
    /// and called again.
    pub(super) async fn hear(&mut self) -> Result<Option<Reply>, FrameError> {
        loop {
            if let Some(reply) = self.next_frame()? {
                return Ok(Some(reply));
            }
            if !self.output.is_open {
                return if self.frames.is_empty() { Ok(None) } else { Err(FrameError::Cut) };
            }
            tokio::select! {
                bytes = self.output.next() => self.frames.extend_from_slice(bytes),
                bytes = self.error.next(), if self.error.is_open => self.last_words.push(bytes),
            }
        }
    }

    fn next_frame(&mut self) -> Result<Option<Reply>, FrameError> {
        let Some(prefix) = self.frames.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let end = PREFIX_BYTES + body_bytes(*prefix)?;
        let Some(body) = self.frames.get(PREFIX_BYTES..end) else { return Ok(None) };
        let reply = decode(body)?;
        self.frames.drain(..end);
        Ok(Some(reply))
    }

    /// Waits for a worker that closed its output to end by itself, and says how it did.
    pub(super) async fn ended(&mut self) -> Option<String> {
        let status = timeout(DRAIN, self.child.wait()).await.ok()?;
        status.ok().map(ending)
    }

    /// Ends it; the last it wrote to its standard error.
    pub(super) async fn end(&mut self) -> String {
        self.group = None;
        let Self { child, error, last_words, .. } = self;
        let drained = async {
            while error.is_open {
                last_words.push(error.next().await);
            }
            // One that was killed just now leaves no zombie.
            child.wait().await.ok();
        };
        timeout(DRAIN, drained).await.ok();
        self.last_words.text()
    }
}

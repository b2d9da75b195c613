//! Commands: run in the workspace, bounded in time and output, ended with all their children.
//!
//! A command's children end with it, whether it ends by itself, takes too long or is no longer
//! waited for: nothing goes on in the background unseen.

mod apart;
mod capture;
mod environment;
#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use std::{fmt, io, path::Path, pin::pin, process::Stdio, time::Duration};

use lao_event::latest::CommandOutcome;
use lao_port::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::{Instant, timeout},
};

use apart::Apart;
pub use apart::Piped;
use capture::Capture;
pub(crate) use platform::is_running;
#[cfg(not(unix))]
use portable as platform;
#[cfg(unix)]
use unix as platform;

/// How long output is still read after a command and its group have ended. Only a process that
/// left the group can hold the pipe open for longer.
const DRAIN_MS: u64 = 200;

const CHUNK_BYTES: usize = 16 * 1024;

/// A command to run.
#[derive(Debug)]
pub struct Job<'a> {
    /// Program and arguments.
    pub argv: &'a [String],
    /// Where it runs.
    pub folder: &'a Path,
    /// Variables that it sees besides those of this program that are no secrets.
    pub env: &'a [(String, String)],
    /// Its standard input; nothing where there is none.
    pub input: Option<&'a str>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// The most bytes of output that are kept.
    pub output_bytes_max: usize,
}

/// How a command went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub outcome: CommandOutcome,
    /// Standard output and error as they came, the middle left out where it is too long.
    pub output: String,
    /// The program was not found.
    pub is_unknown: bool,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

/// Programs, as the tools and checks run them.
pub trait Programs: fmt::Debug + Send + Sync {
    /// Runs a command to its end. Dropping the future ends the command and its children.
    fn run<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Ended>;

    /// Runs a command to its end, its output kept apart from its errors and whole. Dropping the
    /// future ends the command and its children.
    ///
    /// Programs that do not tell the two apart give what they have as both.
    fn pipe<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Piped> {
        let ended = self.run(job);
        Box::pin(async { Piped::from(ended.await) })
    }
}

/// The programs of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalPrograms;

impl Programs for LocalPrograms {
    fn run<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Ended> {
        Box::pin(run(job))
    }

    fn pipe<'a>(&'a self, job: &'a Job<'a>) -> BoxFuture<'a, Piped> {
        Box::pin(pipe(job))
    }
}

/// Which of its two outputs a command wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Output,
    Errors,
}

/// What is made of a command's outputs as they come.
trait Sink {
    /// Takes what came.
    fn take(&mut self, source: Source, bytes: &[u8]);

    /// There is no use in more: the command is to end.
    fn is_full(&self) -> bool;
}

/// Program and arguments that run a line of shell.
pub(crate) fn shell_argv(line: &str) -> Vec<String> {
    platform::SHELL.iter().map(|part| (*part).to_owned()).chain([line.to_owned()]).collect()
}

/// Runs a command to its end. Dropping the future ends the command and its children.
async fn run(job: &Job<'_>) -> Ended {
    let started = Instant::now();
    let mut capture = Capture::new(job.output_bytes_max);
    let (outcome, is_unknown) = match spawn(job) {
        Ok(child) => (supervise(child, job, &mut capture).await, false),
        Err(error) => (not_started(job, &error), is_missing_program(job, &error)),
    };
    Ended {
        outcome,
        output: capture.text(),
        is_unknown,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// The same, the outputs apart.
async fn pipe(job: &Job<'_>) -> Piped {
    let mut apart = Apart::new(job.output_bytes_max);
    let outcome = match spawn(job) {
        Ok(child) => supervise(child, job, &mut apart).await,
        Err(error) => not_started(job, &error),
    };
    apart.into_piped(outcome)
}

fn spawn(job: &Job<'_>) -> io::Result<Child> {
    let (program, arguments) = job
        .argv
        .split_first()
        .filter(|(program, _)| !program.is_empty())
        .ok_or_else(|| io::Error::other("the command names no program"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(job.folder)
        .stdin(if job.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    environment::apply(&mut command);
    command.envs(job.env.iter().map(|(name, value)| (name, value)));
    platform::lead_a_group(&mut command);
    command.spawn()
}

fn not_started(job: &Job<'_>, error: &io::Error) -> CommandOutcome {
    let program = job.argv.first().map_or("", String::as_str);
    let message = if !job.folder.is_dir() {
        format!("the workspace folder {} does not exist", job.folder.display())
    } else if is_missing_program(job, error) {
        format!("{program:?} is not installed or not in PATH")
    } else {
        format!("{program:?} could not be started: {error}")
    };
    CommandOutcome::NotStarted { message }
}

/// A folder that is missing is reported with the same error as a missing program.
fn is_missing_program(job: &Job<'_>, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound && job.folder.is_dir()
}

async fn supervise(mut child: Child, job: &Job<'_>, sink: &mut impl Sink) -> CommandOutcome {
    let mut group = Some(platform::Group::of(&child));
    let mut pipes = Pipes {
        output: child.stdout.take().expect("it is piped"),
        error: child.stderr.take().expect("it is piped"),
        chunks: (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]),
        open: (true, true),
    };
    let mut feeding = pin!(feed(child.stdin.take(), job.input));
    let mut is_fed = false;
    let end = timeout(Duration::from_millis(job.timeout_ms), async {
        loop {
            tokio::select! {
                biased;
                end = child.wait() => return end,
                () = &mut feeding, if !is_fed => is_fed = true,
                () = pipes.read_into(sink), if pipes.is_open() => {}
            }
            if sink.is_full() && group.take().is_some() {
                // Its end is awaited as any other; one that is over already has nothing to kill.
                child.start_kill().ok();
            }
        }
    })
    .await;
    drop(group);
    let drained = async {
        while pipes.is_open() {
            pipes.read_into(sink).await;
        }
        // One that was killed just now leaves no zombie; its end is already known.
        child.wait().await.ok();
    };
    // What is still unread after this belongs to a process that left the group on purpose.
    timeout(Duration::from_millis(DRAIN_MS), drained).await.ok();
    match end {
        Err(_) => CommandOutcome::TimedOut,
        Ok(Ok(status)) => CommandOutcome::Exited { code: platform::exit_code(status) },
        Ok(Err(error)) => {
            CommandOutcome::NotStarted { message: format!("its end could not be awaited: {error}") }
        }
    }
}

/// Gives a command its input and closes it. One that does not want all of it is free to.
async fn feed(stdin: Option<ChildStdin>, input: Option<&str>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        stdin.write_all(input.as_bytes()).await.ok();
    }
}

struct Pipes<O, E> {
    output: O,
    error: E,
    chunks: (Vec<u8>, Vec<u8>),
    open: (bool, bool),
}

impl<O: AsyncRead + Unpin, E: AsyncRead + Unpin> Pipes<O, E> {
    fn is_open(&self) -> bool {
        self.open.0 || self.open.1
    }

    /// Reads what either pipe has next.
    async fn read_into(&mut self, sink: &mut impl Sink) {
        let Self { output, error, chunks, open } = self;
        tokio::select! {
            read = output.read(&mut chunks.0), if open.0 => {
                open.0 = keep((Source::Output, &chunks.0), read.ok(), sink);
            }
            read = error.read(&mut chunks.1), if open.1 => {
                open.1 = keep((Source::Errors, &chunks.1), read.ok(), sink);
            }
        }
    }
}

/// Keeps what was read; a failure ends a pipe as its end does.
fn keep((source, chunk): (Source, &[u8]), read: Option<usize>, sink: &mut impl Sink) -> bool {
    match read {
        Some(0) | None => false,
        Some(size) => {
            sink.take(source, &chunk[..size]);
            true
        }
    }
}

//! The built-in tools on a local workspace.
//!
//! No state of its own beyond the workspace: every call can be repeated after a crash.

mod prepare;
mod read;
mod search;

use std::sync::Arc;

use lao_event::{
    Hash, ShellAccess,
    latest::{CommandOutcome, FileWriteOutcome, ToolOutcome},
};
use lao_port::{
    BoxFuture, CommandReply, CommandRun, FileWrite, Prepared, ToolReply, ToolRequest, Toolbox,
};

use crate::{
    blocking::blocking,
    process::{Job, LocalPrograms, Programs},
    workspace::Workspace,
};

/// Bounds on the tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolLimits {
    /// The most bytes of one tool's output that go back to the model.
    pub output_bytes_max: usize,
    /// Whether the shell may be used.
    pub shell: ShellAccess,
    /// How long one shell command may take, in milliseconds.
    pub shell_timeout_ms: u64,
}

/// The built-in tools, bound to one workspace. Its futures need a tokio runtime.
#[derive(Debug, Clone)]
pub struct LocalToolbox {
    bench: Arc<Bench>,
    programs: Arc<dyn Programs>,
}

/// What the tools work with.
#[derive(Debug)]
struct Bench {
    workspace: Arc<Workspace>,
    limits: ToolLimits,
}

impl LocalToolbox {
    /// Tools on a workspace.
    pub fn new(workspace: Arc<Workspace>, limits: ToolLimits) -> Self {
        let bench = Arc::new(Bench { workspace, limits });
        Self { bench, programs: Arc::new(LocalPrograms) }
    }

    /// The same tools with other programs than those of this machine.
    #[must_use]
    pub fn with_programs(self, programs: Arc<dyn Programs>) -> Self {
        Self { programs, ..self }
    }

    fn at_the_bench<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bench) -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let bench = Arc::clone(&self.bench);
        Box::pin(blocking(move || work(&bench)))
    }
}

impl Toolbox for LocalToolbox {
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared> {
        let request = request.clone();
        self.at_the_bench(move |bench| bench.prepare(&request))
    }

    fn read<'a>(&'a self, tool: &'a str, arguments: &'a str) -> BoxFuture<'a, ToolReply> {
        let (tool, arguments) = (tool.to_owned(), arguments.to_owned());
        self.at_the_bench(move |bench| {
            let (outcome, text) = match bench.read(&tool, &arguments) {
                Ok(text) => (ToolOutcome::Succeeded, text),
                Err(text) => (ToolOutcome::Failed, text),
            };
            ToolReply { outcome, text }
        })
    }

    fn write<'a>(&'a self, write: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome> {
        let write = write.clone();
        self.at_the_bench(move |bench| bench.write(&write))
    }

    fn run<'a>(&'a self, command: &'a CommandRun) -> BoxFuture<'a, CommandReply> {
        Box::pin(self.bench.run(command, self.programs.as_ref()))
    }
}

impl Bench {
    fn write(&self, write: &FileWrite) -> FileWriteOutcome {
        match self.workspace.path(&write.path) {
            Ok(path) if path.to_string() == write.path => {
                let before: Option<Hash> = write.before;
                self.workspace.replace(&path, before, write.after.as_deref())
            }
            Ok(path) => FileWriteOutcome::Failed {
                message: format!("{} now leads to {path} through a link", write.path),
            },
            Err(error) => FileWriteOutcome::Failed { message: error.to_string() },
        }
    }

    async fn run(&self, command: &CommandRun, programs: &dyn Programs) -> CommandReply {
        let job = Job {
            argv: &command.argv,
            folder: self.workspace.root(),
            env: &[],
            input: None,
            timeout_ms: command.timeout_ms,
            output_bytes_max: self.limits.output_bytes_max.saturating_sub(HEADLINE_BYTES),
        };
        let ended = programs.run(&job).await;
        CommandReply {
            text: format!("{}\n{}", headline(&ended.outcome, command.timeout_ms), ended.output),
            outcome: ended.outcome,
        }
    }
}

/// Bytes kept free for the line that says how a command ended.
const HEADLINE_BYTES: usize = 200;

fn headline(outcome: &CommandOutcome, timeout_ms: u64) -> String {
    match outcome {
        CommandOutcome::Exited { code } => format!("exit code {code}"),
        CommandOutcome::TimedOut => {
            format!("ended after {timeout_ms} ms, with everything it had started: too slow")
        }
        CommandOutcome::NotStarted { message } => format!("not started: {message}"),
        CommandOutcome::Unknown => "it is not known how it ended".to_owned(),
    }
}

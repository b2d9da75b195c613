//! The world under watch: every call is recorded, and one of them may be in trouble.

use std::sync::{Arc, Mutex, MutexGuard};

use lao_event::{
    EffectId, Hash,
    latest::{CommitOutcome, FileWriteOutcome, ReadForm, WorkspaceOutcome},
};
use lao_port::{
    ActionError, Actions, BoxFuture, Chat, ChatAnswer, ChatError, CommandReply, CommandRun,
    CommitRequest, Embed, FileWrite, FlowWorld, Model, OnProgress, OnTranscribed, Prepared,
    ProgramFailure, ProgramOutput, ProgramRun, Repository, ToolReply, ToolRequest, Toolbox,
    TranscribeError, TranscribeRequest, Transcriber, Transcript, Verifier, VerifyReport,
    VerifyRequest, WorkspaceRequest, World, Written,
};

use crate::{
    prompt::PromptKey,
    trouble::{Gate, Trouble},
};

/// A call of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A model was asked.
    Model {
        /// What.
        prompt: PromptKey,
        /// It gave an answer.
        answered: bool,
    },
    /// A tool call was looked at.
    Prepare {
        /// The tool's name.
        name: String,
    },
    /// A tool that only reads.
    Read {
        /// The tool's name.
        tool: String,
    },
    /// A file was written or deleted.
    Write {
        /// Relative to the workspace.
        path: String,
        /// What had to be there.
        before: Option<Hash>,
        /// What was to be there.
        after: Option<Hash>,
        /// What came of it; `None` when that is not known.
        outcome: Option<FileWriteOutcome>,
    },
    /// A command was run.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Speech was turned into text.
    Transcribe {
        /// The file's name.
        file: String,
        /// It is text now.
        done: bool,
    },
    /// The verifier was at work.
    Checks,
    /// The workspace was made ready.
    Workspace,
    /// A commit was made.
    Commit {
        /// For which effect.
        effect: EffectId,
        /// Key of the step.
        step: String,
    },
}

/// Watches a world.
#[derive(Debug)]
pub struct Watch {
    gate: Gate,
    calls: Mutex<Vec<Call>>,
}

impl Watch {
    /// A watch that makes this trouble.
    pub fn new(trouble: Option<Trouble>) -> Arc<Self> {
        Arc::new(Self { gate: Gate::new(trouble), calls: Mutex::new(Vec::new()) })
    }

    /// The same world, watched. The clock is left as it is.
    pub fn over(self: &Arc<Self>, world: World) -> World {
        let World { model, tools, verifier, repository, clock, flow } = world;
        World {
            model: Arc::new(self.watched(model)),
            tools: Arc::new(self.watched(tools)),
            verifier: Arc::new(self.watched(verifier)),
            repository: Arc::new(self.watched(repository)),
            clock,
            flow: FlowWorld {
                actions: Arc::new(self.watched(flow.actions)),
                transcriber: Arc::new(self.watched(flow.transcriber)),
                ..flow
            },
        }
    }

    fn watched<T: ?Sized>(self: &Arc<Self>, inner: Arc<T>) -> Watched<T> {
        Watched { inner, watch: Arc::clone(self) }
    }

    /// The calls so far, in the order they began.
    pub fn calls(&self) -> Vec<Call> {
        self.log().clone()
    }

    /// Lets the next call panic before it does anything.
    pub fn arm(&self) {
        self.gate.arm();
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.gate.calls()
    }

    /// Waits until a call hangs.
    pub async fn hanging(&self) {
        self.gate.hanging().await;
    }

    fn log(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().expect("nothing panics while it is held")
    }

    /// Notes a call and lets it do its work; `after` notes what came of it.
    async fn record<T>(
        &self,
        call: Call,
        work: BoxFuture<'_, T>,
        after: impl FnOnce(&T, &mut Call),
    ) -> T {
        let place = {
            let mut log = self.log();
            log.push(call);
            log.len() - 1
        };
        let number = self.gate.enter().await;
        let result = work.await;
        after(&result, &mut self.log()[place]);
        self.gate.leave(number).await;
        result
    }
}

/// A port under watch.
struct Watched<T: ?Sized> {
    inner: Arc<T>,
    watch: Arc<Watch>,
}

impl Model for Watched<dyn Model> {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        let call = Call::Model { prompt: PromptKey::of_chat(chat), answered: false };
        let work = self.inner.chat(chat, on_progress);
        Box::pin(self.watch.record(call, work, |result, call| {
            if let Call::Model { answered, .. } = call {
                *answered = result.is_ok();
            }
        }))
    }

    fn embed<'a>(&'a self, embed: &'a Embed) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ChatError>> {
        // It changes nothing and costs little, so nobody counts it.
        Box::pin(async move {
            let number = self.watch.gate.enter().await;
            let vectors = self.inner.embed(embed).await;
            self.watch.gate.leave(number).await;
            vectors
        })
    }
}

impl Toolbox for Watched<dyn Toolbox> {
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared> {
        let call = Call::Prepare { name: request.name.clone() };
        Box::pin(self.watch.record(call, self.inner.prepare(request), |_, _| ()))
    }

    fn read<'a>(&'a self, tool: &'a str, arguments: &'a str) -> BoxFuture<'a, ToolReply> {
        let call = Call::Read { tool: tool.to_owned() };
        Box::pin(self.watch.record(call, self.inner.read(tool, arguments), |_, _| ()))
    }

    fn write<'a>(&'a self, write: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome> {
        let call = Call::Write {
            path: write.path.clone(),
            before: write.before,
            after: write.after.as_ref().map(|text| Hash::of(text.as_bytes())),
            outcome: None,
        };
        Box::pin(self.watch.record(call, self.inner.write(write), |result, call| {
            if let Call::Write { outcome, .. } = call {
                *outcome = Some(result.clone());
            }
        }))
    }

    fn run<'a>(&'a self, command: &'a CommandRun) -> BoxFuture<'a, CommandReply> {
        let call = Call::Command { argv: command.argv.clone() };
        Box::pin(self.watch.record(call, self.inner.run(command), |_, _| ()))
    }
}

impl Actions for Watched<dyn Actions> {
    fn before<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ActionError>> {
        self.inner.before(path)
    }

    fn moment(&self, text: &str) -> Result<i64, ActionError> {
        self.inner.moment(text)
    }

    fn hash<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Hash, ActionError>> {
        self.inner.hash(path)
    }

    fn absolute(&self, path: &str) -> String {
        self.inner.absolute(path)
    }

    fn read<'a>(
        &'a self,
        path: &'a str,
        form: ReadForm,
    ) -> BoxFuture<'a, Result<String, ActionError>> {
        let call = Call::Read { tool: path.to_owned() };
        Box::pin(self.watch.record(call, self.inner.read(path, form), |_, _| ()))
    }

    fn list<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, ActionError>> {
        let call = Call::Read { tool: pattern.to_owned() };
        Box::pin(self.watch.record(call, self.inner.list(pattern), |_, _| ()))
    }

    fn write<'a>(
        &'a self,
        path: &'a str,
        before: Option<Hash>,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Written, ActionError>> {
        let after = Some(Hash::of(text.as_bytes()));
        let call = Call::Write { path: path.to_owned(), before, after, outcome: None };
        Box::pin(self.watch.record(call, self.inner.write(path, before, text), |_, _| ()))
    }

    fn run<'a>(
        &'a self,
        program: &'a ProgramRun,
    ) -> BoxFuture<'a, Result<ProgramOutput, ProgramFailure>> {
        let call = Call::Command { argv: program.argv.clone() };
        Box::pin(self.watch.record(call, self.inner.run(program), |_, _| ()))
    }
}

impl Transcriber for Watched<dyn Transcriber> {
    fn transcribe<'a>(
        &'a self,
        request: &'a TranscribeRequest,
        on_progress: OnTranscribed<'a>,
    ) -> BoxFuture<'a, Result<Transcript, TranscribeError>> {
        let call = Call::Transcribe { file: file_name(&request.file).to_owned(), done: false };
        let work = self.inner.transcribe(request, on_progress);
        Box::pin(self.watch.record(call, work, |result, call| {
            if let Call::Transcribe { done, .. } = call {
                *done = result.is_ok();
            }
        }))
    }
}

/// The last part of a path: what is before it differs from project to project.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Verifier for Watched<dyn Verifier> {
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport> {
        Box::pin(self.watch.record(Call::Checks, self.inner.verify(request), |_, _| ()))
    }
}

impl Repository for Watched<dyn Repository> {
    fn prepare<'a>(&'a self, request: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome> {
        Box::pin(self.watch.record(Call::Workspace, self.inner.prepare(request), |_, _| ()))
    }

    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome> {
        let call = Call::Commit { effect: request.effect, step: request.step.clone() };
        Box::pin(self.watch.record(call, self.inner.commit(request), |_, _| ()))
    }
}

//! Work of the world, waited for in place: while a tool writes or a check runs nothing else moves,
//! so that time stands still and every run of a scenario does the same in the same order.

use std::{
    panic,
    sync::{Arc, OnceLock},
    thread,
};

use lao_event::{
    Hash,
    latest::{CommitOutcome, FileWriteOutcome, ReadForm, WorkspaceOutcome},
};
use lao_port::{
    ActionError, Actions, BoxFuture, CommandReply, CommandRun, CommitRequest, FileWrite, Prepared,
    ProgramFailure, ProgramOutput, ProgramRun, Repository, ToolReply, ToolRequest, Toolbox,
    Verifier, VerifyReport, VerifyRequest, WorkspaceRequest, Written,
};
use tokio::runtime::{Builder, Runtime};

/// A port whose work is waited for in place.
pub(crate) struct Aside<T: ?Sized>(pub(crate) Arc<T>);

/// Does some work in real time, on threads beside those of the scenarios.
pub(crate) fn aside<T: Send>(work: BoxFuture<'_, T>) -> T {
    static REAL: OnceLock<Runtime> = OnceLock::new();
    let real = REAL.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("the system gives a thread")
    });
    let done = thread::scope(|scope| scope.spawn(|| real.block_on(work)).join());
    done.unwrap_or_else(|cause| panic::resume_unwind(cause))
}

impl Toolbox for Aside<dyn Toolbox> {
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared> {
        Box::pin(async { aside(self.0.prepare(request)) })
    }

    fn read<'a>(&'a self, tool: &'a str, arguments: &'a str) -> BoxFuture<'a, ToolReply> {
        Box::pin(async move { aside(self.0.read(tool, arguments)) })
    }

    fn write<'a>(&'a self, write: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome> {
        Box::pin(async { aside(self.0.write(write)) })
    }

    fn run<'a>(&'a self, command: &'a CommandRun) -> BoxFuture<'a, CommandReply> {
        Box::pin(async { aside(self.0.run(command)) })
    }
}

impl Verifier for Aside<dyn Verifier> {
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport> {
        Box::pin(async { aside(self.0.verify(request)) })
    }
}

impl Repository for Aside<dyn Repository> {
    fn prepare<'a>(&'a self, request: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome> {
        Box::pin(async { aside(self.0.prepare(request)) })
    }

    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome> {
        Box::pin(async { aside(self.0.commit(request)) })
    }
}

impl Actions for Aside<dyn Actions> {
    fn before<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ActionError>> {
        Box::pin(async { aside(self.0.before(path)) })
    }

    fn moment(&self, text: &str) -> Result<i64, ActionError> {
        self.0.moment(text)
    }

    fn hash<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Hash, ActionError>> {
        Box::pin(async { aside(self.0.hash(path)) })
    }

    fn absolute(&self, path: &str) -> String {
        self.0.absolute(path)
    }

    fn read<'a>(
        &'a self,
        path: &'a str,
        form: ReadForm,
    ) -> BoxFuture<'a, Result<String, ActionError>> {
        Box::pin(async move { aside(self.0.read(path, form)) })
    }

    fn list<'a>(&'a self, pattern: &'a str) -> BoxFuture<'a, Result<Vec<String>, ActionError>> {
        Box::pin(async { aside(self.0.list(pattern)) })
    }

    fn write<'a>(
        &'a self,
        path: &'a str,
        before: Option<Hash>,
        text: &'a str,
    ) -> BoxFuture<'a, Result<Written, ActionError>> {
        Box::pin(async move { aside(self.0.write(path, before, text)) })
    }

    fn run<'a>(
        &'a self,
        program: &'a ProgramRun,
    ) -> BoxFuture<'a, Result<ProgramOutput, ProgramFailure>> {
        // Its programs are played, in played time; what is real of them is waited for there.
        self.0.run(program)
    }
}

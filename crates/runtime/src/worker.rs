//! Workers: one actor for each effect in flight. It asks the world, reports, and ends.
//!
//! ```text
//!   Run --spawns, linked--> Worker --port--> world
//!   Run <----- Done(command) ----'
//! ```
//!
//! A worker that panics is told to its run by supervision, which gives the effect back to the
//! kernel as lost.

use std::sync::Arc;

use lao_event::{
    Hash,
    latest::{CheckReport, CommandReport, CommitOutcome},
};
use lao_history::{ContentError, Contents};
use lao_kernel::{BeforeFile, Command, ToolPlan};
use lao_port::{
    ChangedFile, CommandRun, CommitRequest, FileWrite, Prepared, PreparedAction, ToolRequest,
    TrailText, VerifyReport, VerifyRequest, VerifyTask, WorkspaceRequest, World,
};
use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, SpawnErr,
    SupervisionEvent,
};
use tokio::sync::broadcast;

use crate::{
    action,
    job::{ChecksJob, CommitJob, Job},
    model_call::{self, RetryPolicy},
    notice::Notice,
    permits::Permits,
    secrets,
};

/// What every worker of a run needs.
#[derive(Clone)]
pub(crate) struct WorkerContext {
    pub world: World,
    pub contents: Contents,
    pub permits: Permits,
    pub retry: RetryPolicy,
    pub notices: broadcast::Sender<Notice>,
    pub run_id: lao_event::RunId,
}

impl WorkerContext {
    /// Tells whoever listens; nobody has to.
    pub(crate) fn notify(&self, notice: Notice) {
        drop(self.notices.send(notice));
    }
}

/// Told the result of a worker.
pub(crate) type OnDone = Box<dyn FnOnce(ActorId, Command) + Send>;

/// Starts a worker, linked to its run, and returns its id.
pub(crate) fn spawn(
    context: Arc<WorkerContext>,
    job: Job,
    on_done: OnDone,
    run: ActorCell,
) -> Result<ActorCell, SpawnErr> {
    let arguments = WorkerArguments { context, job, on_done };
    let (worker, _join) =
        ActorRuntime::<Worker>::spawn_linked_instant(None, Worker, arguments, run)?;
    Ok(worker.get_cell())
}

struct Worker;

struct WorkerArguments {
    context: Arc<WorkerContext>,
    job: Job,
    on_done: OnDone,
}

/// The one message: do it.
enum WorkerMessage {
    Work,
}

impl Actor for Worker {
    type Msg = WorkerMessage;
    type State = Option<WorkerArguments>;
    type Arguments = WorkerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        arguments: WorkerArguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        myself.cast(WorkerMessage::Work)?;
        Ok(Some(arguments))
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: WorkerMessage,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let WorkerMessage::Work = message;
        if let Some(WorkerArguments { context, job, on_done }) = state.take() {
            let command = work(&context, job).await?;
            on_done(myself.get_id(), command);
        }
        myself.stop(None);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Self::Msg>,
        _event: SupervisionEvent,
        _state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children.
        Ok(())
    }
}

/// Does a job. An error (a text that is missing from the blob store) loses the effect.
async fn work(context: &WorkerContext, job: Job) -> Result<Command, ContentError> {
    let world = &context.world;
    let contents = &context.contents;
    Ok(match job {
        Job::Prepare { call, name, arguments } => {
            let request = ToolRequest { name, arguments: contents.text(&arguments)? };
            let Prepared { tool, repair, action } = world.tools.prepare(&request).await;
            let action = secrets::permitted(contents.redactor(), &request, action);
            let plan = tool_plan(contents, action)?;
            Command::ToolPrepared { call, tool, repair, plan }
        }
        Job::Workspace { effect, workspace, git } => {
            let request = WorkspaceRequest { run: context.run_id.clone(), workspace, git };
            Command::WorkspaceEnded { effect, outcome: world.repository.prepare(&request).await }
        }
        Job::Model(job) => model_call::run(context, &job).await,
        tool @ (Job::Read { .. } | Job::Write { .. } | Job::Command { .. }) => {
            use_tool(context, tool).await?
        }
        Job::Checks(job) => checks(context, *job).await?,
        Job::Commit(job) => commit(context, *job).await?,
        Job::Look(request) => action::look(context, &request).await?,
        Job::Action(job) => action::act(context, *job).await?,
    })
}

/// Carries out a tool call that was allowed.
async fn use_tool(context: &WorkerContext, job: Job) -> Result<Command, ContentError> {
    let tools = &context.world.tools;
    let contents = &context.contents;
    Ok(match job {
        Job::Read { effect, tool, arguments } => {
            let reply = tools.read(&tool, &contents.text(&arguments)?).await;
            Command::ToolCallEnded { effect, outcome: reply.outcome, reply: reply.text }
        }
        Job::Write { effect, path, before, after } => {
            let after = after.map(|after| contents.text(&after)).transpose()?;
            let outcome = tools.write(&FileWrite { path, before, after }).await;
            Command::FileWriteEnded { effect, outcome }
        }
        Job::Command { effect, argv, timeout_ms } => {
            let reply = tools.run(&CommandRun { argv, timeout_ms }).await;
            Command::CommandEnded { effect, outcome: reply.outcome, reply: reply.text }
        }
        Job::Prepare { .. }
        | Job::Workspace { .. }
        | Job::Model(_)
        | Job::Checks(_)
        | Job::Commit(_)
        | Job::Look(_)
        | Job::Action(_) => unreachable!("the caller passes allowed tool calls"),
    })
}

fn tool_plan(contents: &Contents, action: PreparedAction) -> Result<ToolPlan, ContentError> {
    Ok(match action {
        PreparedAction::Read { arguments } => ToolPlan::Read { arguments },
        PreparedAction::Write { path, before, after, reply } => {
            let before = before
                .map(|bytes| {
                    let hash = Hash::of(&bytes);
                    contents.keep(bytes).map(|content| BeforeFile { hash, content })
                })
                .transpose()?;
            ToolPlan::Write { path, before, after, reply }
        }
        PreparedAction::Command { argv, timeout_ms } => ToolPlan::Command { argv, timeout_ms },
        PreparedAction::TodoSet { items } => ToolPlan::TodoSet { items },
        PreparedAction::TodoGet => ToolPlan::TodoGet,
        PreparedAction::Denied { rule, reply } => ToolPlan::Denied { rule, reply },
        PreparedAction::Invalid { reply } => ToolPlan::Invalid { reply },
    })
}

async fn checks(context: &WorkerContext, job: ChecksJob) -> Result<Command, ContentError> {
    let contents = &context.contents;
    let mut tasks = Vec::with_capacity(job.tasks.len());
    for task in job.tasks {
        let changed = task
            .changed
            .into_iter()
            .map(|(path, base)| ChangedFile {
                path,
                // A file that was no text before has no diff.
                base: base.and_then(|base| contents.text(&base).ok()),
            })
            .collect();
        tasks.push(VerifyTask {
            step: task.step,
            files: task.files,
            deletes: task.deletes,
            changed,
            todo_open: task.todo_open,
        });
    }
    let request = VerifyRequest {
        tasks,
        commands: job.commands,
        placeholders: job.placeholders,
        diff_bytes_max: job.diff_bytes_max,
    };
    let VerifyReport { tasks, commands } = context.world.verifier.verify(&request).await;
    let reports = tasks
        .into_iter()
        .map(|report| CheckReport {
            step: report.step,
            findings: report.findings,
            diff: report.diff.into(),
        })
        .collect();
    let commands = commands
        .into_iter()
        .map(|command| CommandReport {
            name: command.name,
            outcome: command.outcome,
            output: command.output.into(),
            elapsed_ms: command.elapsed_ms,
        })
        .collect();
    Ok(Command::ChecksEnded { effect: job.effect, reports, commands })
}

async fn commit(context: &WorkerContext, job: CommitJob) -> Result<Command, ContentError> {
    let commit = job.commit;
    let effect = commit.effect;
    let mut trail = Vec::with_capacity(commit.trail.len());
    for file in commit.trail {
        trail.push(TrailText { path: file.path, text: context.contents.text(&file.content)? });
    }
    let request = CommitRequest {
        run: job.run,
        effect,
        step: job.step_key,
        subject: commit.subject,
        body: commit.body,
        paths: commit.paths,
        trail,
        sweep: commit.sweep,
        dirty: job.dirty,
        git: job.git,
        workspace: job.workspace,
    };
    let outcome: CommitOutcome = context.world.repository.commit(&request).await;
    Ok(Command::CommitEnded { effect, outcome })
}

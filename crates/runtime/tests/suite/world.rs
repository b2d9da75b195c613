//! A world where everything goes well at once, but for coders, who may be held back.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lao_event::{
    Role,
    latest::{
        CommandOutcome, CommitOutcome, FileWriteOutcome, FinishReason, Timing, ToolOutcome, Usage,
        WorkspaceOutcome,
    },
};
use lao_port::{
    BoxFuture, Chat, ChatAnswer, ChatError, ChatMessage, ChatToolCall, CommandReply, CommandRun,
    CommitRequest, FileWrite, Model, OnProgress, Prepared, PreparedAction, Repository, TaskReport,
    ToolReply, ToolRequest, Toolbox, Verifier, VerifyReport, VerifyRequest, WorkspaceRequest,
    World,
};
use lao_testkit::TestClock;
use tokio::sync::watch;

/// The world, and what a test sees of it.
pub(crate) struct Easy {
    tasks: usize,
    /// Coders answer when it is open.
    pub(crate) open: watch::Sender<bool>,
    /// Coders that were asked for the first time.
    asked: watch::Sender<usize>,
    /// Questions that are being answered.
    asking: AtomicUsize,
    /// The most there ever were at once.
    pub(crate) asking_most: AtomicUsize,
    pub(crate) clock: Arc<TestClock>,
}

impl Easy {
    /// A world where plans have so many tasks.
    pub(crate) fn new(tasks: usize) -> Arc<Self> {
        Arc::new(Self {
            tasks,
            open: watch::Sender::new(true),
            asked: watch::Sender::default(),
            asking: AtomicUsize::new(0),
            asking_most: AtomicUsize::new(0),
            clock: Arc::new(TestClock::new()),
        })
    }

    pub(crate) fn ports(self: &Arc<Self>) -> World {
        World {
            model: self.clone(),
            tools: self.clone(),
            verifier: self.clone(),
            repository: self.clone(),
            flow: lao_port::FlowWorld::default(),
            clock: self.clock.clone(),
        }
    }

    /// How many coders were asked to begin.
    pub(crate) fn coders(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until so many coders were asked to begin.
    pub(crate) async fn coders_are(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| *asked >= count).await.unwrap();
    }

    async fn code(&self, chat: &Chat) -> ChatAnswer {
        if chat.messages.len() > 2 {
            return said("The file is written.");
        }
        self.asked.send_modify(|asked| *asked += 1);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        let call = ChatToolCall {
            id: "call_1".to_owned(),
            name: "file_write".to_owned(),
            arguments: format!("{}.txt", chat.step),
        };
        ChatAnswer { tool_calls: vec![call], finish: FinishReason::ToolCalls, ..said("") }
    }
}

fn said(text: &str) -> ChatAnswer {
    ChatAnswer {
        text: text.to_owned(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage { prompt_tokens: 10, cached_tokens: 0, completion_tokens: 10 },
        timing: Timing { first_token_ms: 1, total_ms: 2 },
        model: "easy".to_owned(),
        server: None,
    }
}

fn plan(tasks: usize) -> String {
    let task = |number: usize| {
        format!(
            r#"{{"id":"p{number}","title":"Part {number}","description":"Write it.","files":["t{number}.txt"],"depends_on":[],"acceptance":[]}}"#
        )
    };
    let tasks: Vec<String> = (1..=tasks).map(task).collect();
    format!(r#"{{"tasks":[{}]}}"#, tasks.join(","))
}

impl Model for Easy {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        _on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        Box::pin(async move {
            assert!(matches!(chat.messages.first(), Some(ChatMessage::System(_))));
            let asking = self.asking.fetch_add(1, Ordering::SeqCst) + 1;
            self.asking_most.fetch_max(asking, Ordering::SeqCst);
            // Whoever else may ask does so meanwhile.
            tokio::task::yield_now().await;
            let answer = match chat.role {
                Role::Planner => said(&plan(self.tasks)),
                Role::Reviewer => said(r#"{"verdict":"approved","summary":"","findings":[]}"#),
                Role::Coder | Role::Analyst | Role::Pilot | Role::Embedder | Role::Transcriber => {
                    self.code(chat).await
                }
            };
            self.asking.fetch_sub(1, Ordering::SeqCst);
            Ok(answer)
        })
    }
}

impl Toolbox for Easy {
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared> {
        let action = PreparedAction::Write {
            path: request.arguments.clone(),
            before: None,
            after: Some("A greeting.\n".to_owned()),
            reply: "Created the file.".to_owned(),
        };
        let prepared = Prepared { tool: request.name.clone(), repair: None, action };
        Box::pin(async { prepared })
    }

    fn read<'a>(&'a self, _tool: &'a str, _arguments: &'a str) -> BoxFuture<'a, ToolReply> {
        Box::pin(async { ToolReply { outcome: ToolOutcome::Succeeded, text: String::new() } })
    }

    fn write<'a>(&'a self, _write: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome> {
        Box::pin(async { FileWriteOutcome::Written })
    }

    fn run<'a>(&'a self, _command: &'a CommandRun) -> BoxFuture<'a, CommandReply> {
        let outcome = CommandOutcome::Exited { code: 0 };
        Box::pin(async { CommandReply { outcome, text: String::new() } })
    }
}

impl Verifier for Easy {
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport> {
        let report = |task: &lao_port::VerifyTask| TaskReport {
            step: task.step,
            findings: Vec::new(),
            diff: "+A greeting.\n".to_owned(),
        };
        let tasks = request.tasks.iter().map(report).collect();
        Box::pin(async { VerifyReport { tasks, commands: Vec::new() } })
    }
}

impl Repository for Easy {
    fn prepare<'a>(&'a self, _request: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome> {
        Box::pin(async { WorkspaceOutcome::Ready { base: None, dirty: Vec::new() } })
    }

    fn commit<'a>(&'a self, _request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome> {
        Box::pin(async { CommitOutcome::Made { id: "0".repeat(40) } })
    }
}

//! A world without servers, tools and git: every role answers at once, unless a gate holds it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use lao_event::{
    Content, GitSettings, Limits, OnUnknown, Role, RoleSettings, RunId, Settings, ShellAccess,
    ToolSpec, VerifierSettings, WorkspaceSettings,
    latest::{
        CommandOutcome, CommitOutcome, Definition, FileWriteOutcome, Finding, FinishReason,
        PlanDefinition, Timing, ToolOutcome, Usage, WorkspaceOutcome,
    },
};
use lao_gateway::LiveRun;
use lao_history::{Contents, RunFolder, RunsFolder};
use lao_journal::Options;
use lao_kernel::Start;
use lao_port::{
    BoxFuture, Chat, ChatAnswer, ChatError, ChatErrorKind, ChatMessage, ChatToolCall, Clock,
    CommandReply, CommandRun, CommitRequest, FileWrite, Model, OnProgress, Prepared,
    PreparedAction, Progress, Repository, TaskReport, ToolReply, ToolRequest, Toolbox, Verifier,
    VerifyReport, VerifyRequest, WorkspaceRequest, World,
};
use lao_runtime::{Begin, Permits, RetryPolicy, RunHandle, RunSpec, Supervisor};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// When the fake clock starts, milliseconds since 1970.
pub(crate) const START_MS: i64 = 1_795_000_000_000;

/// What the fake world does.
#[derive(Clone)]
pub(crate) struct Script {
    /// Number of tasks; each needs the one before where `chained`.
    pub tasks: usize,
    pub chained: bool,
    /// Steps whose coder is refused by its server.
    pub refused: BTreeSet<String>,
    /// The verifier has a finding at its first look.
    pub finding: bool,
    /// Coders wait for a permit of it.
    pub gate: Option<Arc<Semaphore>>,
    /// Bytes of the files that coders write.
    pub file_bytes: usize,
    /// How often the clock tells the time before it panics, once.
    pub stamps_left: Arc<AtomicI64>,
    /// How far the clock is set wrong, in milliseconds, look by look and again from the first.
    pub clock_off_ms: &'static [i64],
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tasks: 1,
            chained: false,
            refused: BTreeSet::new(),
            finding: false,
            gate: None,
            file_bytes: 7,
            stamps_left: Arc::new(AtomicI64::new(i64::MAX)),
            clock_off_ms: &[0],
        }
    }
}

/// A project in a temporary folder.
pub(crate) struct Project {
    pub root: TempDir,
    pub folder: RunFolder,
    pub contents: Contents,
}

impl Project {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let runs = RunsFolder::new(root.path().join(".lao"));
        let run = RunId::new(u64::try_from(START_MS).unwrap(), 7);
        Self { folder: runs.run(&run), contents: runs.contents().unwrap(), root }
    }

    /// Where the tests let the run listen.
    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.root.path().join("s").join("run.sock")
    }

    pub(crate) fn spec(&self, script: &Script) -> RunSpec {
        RunSpec {
            folder: self.folder.clone(),
            contents: self.contents.clone(),
            world: world(script),
            permits: Permits::default(),
            retry: RetryPolicy::default(),
            journal: Options::default(),
            program: "0.1.0".to_owned(),
            socket: Some(self.socket()),
            labels: [(lao_gateway::LABEL_SOURCE.to_owned(), json!("plans/app.md"))].into(),
        }
    }

    pub(crate) fn start(&self) -> Begin {
        let text: Content = "# App\n\nWrite it.\n".into();
        Begin::Start(Box::new(Start {
            run: self.folder.run.clone(),
            program: "0.1.0".to_owned(),
            steps: Vec::new(),
            definition: Definition::Plan(PlanDefinition {
                title: "App".to_owned(),
                path: "plans/app.md".to_owned(),
                text: text.clone(),
                chunks: vec![text],
            }),
            settings: settings(self),
            seed: 1,
        }))
    }

    pub(crate) async fn begin(&self, script: &Script) -> RunHandle {
        let supervisor = Supervisor::spawn().await.unwrap();
        supervisor.begin(self.spec(script), self.start()).await.unwrap()
    }

    pub(crate) async fn observe(&self, handle: &RunHandle) -> LiveRun {
        LiveRun::observe(handle.clone(), self.folder.clone(), self.contents.clone()).await
    }

    /// Runs a script to its end, with nobody watching.
    pub(crate) async fn run(&self, script: &Script) {
        self.begin(script).await.finished().await;
    }
}

fn settings(project: &Project) -> Settings {
    let role = |role: Role, model: &str| RoleSettings {
        role,
        endpoint: "local".to_owned(),
        model: model.to_owned(),
        context_tokens: 32_000,
        output_tokens_max: 2_000,
        temperature_milli: None,
        top_p_milli: None,
        repetition_penalty_milli: None,
        seed: None,
        tools: true,
        json_schema: false,
        instructions: None,
    };
    Settings {
        roles: vec![
            role(Role::Planner, "qwen3"),
            role(Role::Coder, "qwen3-coder"),
            role(Role::Reviewer, "qwen3"),
        ],
        // Of the clock that nobody sets; no run here takes so long by it.
        limits: Limits { attempt_time_limit_ms: Some(3_600_000), ..Limits::default() },
        verifier: VerifierSettings::default(),
        git: GitSettings { enabled: true, ..GitSettings::default() },
        workspace: WorkspaceSettings::Worktree {
            path: project.root.path().join("work").display().to_string(),
            repository: "/home/ada/app".to_owned(),
            branch: "lao/app".to_owned(),
        },
        shell: ShellAccess::default(),
        shell_timeout_ms: 1000,
        on_unknown: OnUnknown::default(),
        tools: vec![ToolSpec {
            name: "file_write".to_owned(),
            description: "Writes a file.".to_owned(),
            parameters: "{}".to_owned(),
        }],
    }
}

fn world(script: &Script) -> World {
    World {
        model: Arc::new(FakeModel(script.clone())),
        tools: Arc::new(FakeTools),
        verifier: Arc::new(FakeVerifier { finds: script.finding, looks: AtomicU32::new(0) }),
        repository: Arc::new(FakeRepository),
        flow: lao_port::FlowWorld::default(),
        clock: Arc::new(FakeClock {
            ticks: AtomicI64::new(0),
            stamps_left: Arc::clone(&script.stamps_left),
            off_ms: script.clock_off_ms,
        }),
    }
}

/// Every look at it takes ten milliseconds.
struct FakeClock {
    ticks: AtomicI64,
    stamps_left: Arc<AtomicI64>,
    off_ms: &'static [i64],
}

impl Clock for FakeClock {
    fn wall_ms(&self) -> i64 {
        if self.stamps_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.stamps_left.store(i64::MAX, Ordering::Relaxed);
            panic!("the clock has stopped");
        }
        let ticks = self.ticks.fetch_add(10, Ordering::Relaxed);
        let look = usize::try_from(ticks / 10).unwrap();
        START_MS + ticks + self.off_ms[look % self.off_ms.len()]
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.ticks.load(Ordering::Relaxed)).unwrap() * 1_000_000
    }
}

struct FakeModel(Script);

impl Model for FakeModel {
    fn chat<'a>(
        &'a self,
        chat: &'a Chat,
        on_progress: OnProgress<'a>,
    ) -> BoxFuture<'a, Result<ChatAnswer, ChatError>> {
        Box::pin(async move {
            match chat.role {
                Role::Planner => Ok(answer(self.plan())),
                Role::Reviewer => Ok(answer(
                    json!({"verdict": "approved", "summary": "It fits.", "findings": []})
                        .to_string(),
                )),
                _ => {
                    on_progress(Progress::Pieces(12));
                    self.code(chat).await
                }
            }
        })
    }
}

impl FakeModel {
    fn plan(&self) -> String {
        let task = |number: usize| {
            let needs: Vec<String> = (self.0.chained && number > 1)
                .then(|| format!("t{}", number - 1))
                .into_iter()
                .collect();
            json!({
                "id": format!("t{number}"), "title": format!("Task {number}"),
                "description": "Write a file.", "files": [format!("src/{number}.py")],
                "depends_on": needs, "acceptance": ["the file is there"],
            })
        };
        let tasks: Vec<_> = (1..=self.0.tasks).map(task).collect();
        json!({ "tasks": tasks }).to_string()
    }

    async fn code(&self, chat: &Chat) -> Result<ChatAnswer, ChatError> {
        if let Some(gate) = &self.0.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.0.refused.contains(&chat.step) {
            return Err(ChatError {
                kind: ChatErrorKind::Refused,
                message: "http://127.0.0.1:1234 answered 400: no".to_owned(),
                retry_after_ms: None,
            });
        }
        if matches!(chat.messages.last(), Some(ChatMessage::Tool { .. })) {
            return Ok(answer("Done.".to_owned()));
        }
        let number = chat.step.trim_start_matches('t');
        let content = "x".repeat(self.0.file_bytes);
        let mut call = answer("I write the file.".to_owned());
        call.finish = FinishReason::ToolCalls;
        call.tool_calls = vec![ChatToolCall {
            id: format!("call-{number}"),
            name: "file_write".to_owned(),
            arguments: json!({"path": format!("src/{number}.py"), "content": content}).to_string(),
        }];
        Ok(call)
    }
}

fn answer(text: String) -> ChatAnswer {
    ChatAnswer {
        text,
        reasoning: String::new(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage { prompt_tokens: 100, cached_tokens: 0, completion_tokens: 20 },
        timing: Timing { first_token_ms: 5, total_ms: 50 },
        model: "qwen3".to_owned(),
        server: None,
    }
}

struct FakeTools;

impl Toolbox for FakeTools {
    fn prepare<'a>(&'a self, request: &'a ToolRequest) -> BoxFuture<'a, Prepared> {
        let arguments: serde_json::Value = serde_json::from_str(&request.arguments).unwrap();
        let text = move |key: &str| arguments[key].as_str().unwrap().to_owned();
        Box::pin(async move {
            Prepared {
                tool: request.name.clone(),
                repair: None,
                action: PreparedAction::Write {
                    path: text("path"),
                    before: None,
                    after: Some(text("content")),
                    reply: "written".to_owned(),
                },
            }
        })
    }

    fn read<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ToolReply> {
        Box::pin(async { ToolReply { outcome: ToolOutcome::Failed, text: String::new() } })
    }

    fn write<'a>(&'a self, _: &'a FileWrite) -> BoxFuture<'a, FileWriteOutcome> {
        Box::pin(async { FileWriteOutcome::Written })
    }

    fn run<'a>(&'a self, _: &'a CommandRun) -> BoxFuture<'a, CommandReply> {
        Box::pin(async { CommandReply { outcome: CommandOutcome::TimedOut, text: String::new() } })
    }
}

struct FakeVerifier {
    finds: bool,
    looks: AtomicU32,
}

impl Verifier for FakeVerifier {
    fn verify<'a>(&'a self, request: &'a VerifyRequest) -> BoxFuture<'a, VerifyReport> {
        let first = self.looks.fetch_add(1, Ordering::Relaxed) == 0;
        let findings = (first && self.finds).then(|| Finding {
            file: Some("src/1.py".to_owned()),
            line: Some(3),
            rule: "placeholder".to_owned(),
            message: "a placeholder stands where code should".to_owned(),
            hint: "write the code".to_owned(),
        });
        let findings: Vec<Finding> = findings.into_iter().collect();
        Box::pin(async move {
            let report =
                |step| TaskReport { step, findings: findings.clone(), diff: "+x\n".to_owned() };
            VerifyReport {
                tasks: request.tasks.iter().map(|task| report(task.step)).collect(),
                commands: Vec::new(),
            }
        })
    }
}

struct FakeRepository;

impl Repository for FakeRepository {
    fn prepare<'a>(&'a self, _: &'a WorkspaceRequest) -> BoxFuture<'a, WorkspaceOutcome> {
        Box::pin(async { WorkspaceOutcome::Ready { base: None, dirty: Vec::new() } })
    }

    fn commit<'a>(&'a self, request: &'a CommitRequest) -> BoxFuture<'a, CommitOutcome> {
        Box::pin(async { CommitOutcome::Made { id: format!("{:040x}", request.effect.0) } })
    }
}

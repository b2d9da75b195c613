//! One value and more of every event: what the golden bytes are made of.
//!
//! Together they show every variant of every enum inside a payload, and numbers of every width.

use lao_event::{
    Attempt, CallId, Content, ConversationId, EffectId, Event, Hash, QuestionId, Role, RunId,
    StepId, latest::*,
};

use super::{any::AnyEvent, flows, triggers};

/// A named value of an event.
pub(crate) struct Sample {
    /// The golden's name, unique within its event.
    pub name: &'static str,
    /// The value.
    pub event: AnyEvent,
}

/// Every sample of every event, in the order of the type numbers.
pub(crate) fn all() -> Vec<Sample> {
    let of_triggers = triggers::all()
        .into_iter()
        .map(|(name, event)| Sample { name, event: AnyEvent::Trigger(event) });
    [
        runs(),
        flows::workflows(),
        steps(),
        flows::workflow_steps(),
        step_starts(),
        step_ends(),
        step_stops(),
        model_calls(),
        model_answers(),
        model_failures(),
        tool_verdicts(),
        reads(),
        writes(),
        write_ends(),
        commands(),
        checks(),
        reviews(),
        workspaces(),
        commits(),
        questions(),
        flows::looks(),
        flows::actions(),
        flows::action_ends(),
        flows::outputs(),
    ]
    .concat()
    .into_iter()
    .map(|(name, event)| Sample { name, event: AnyEvent::Run(event) })
    .chain(of_triggers)
    .collect()
}

pub(super) type Named = (&'static str, Event);

pub(super) fn run_id() -> RunId {
    RunId::new(1_795_195_597_123, 0x00ab_cdef)
}

pub(super) fn blob(seed: &str, size_bytes: u64) -> Content {
    Content::Blob { hash: Hash::of(seed.as_bytes()), size_bytes }
}

fn call(answer: u64, index: u32) -> CallId {
    CallId { answer: EffectId(answer), index }
}

fn finding(place: Option<(&str, u32)>) -> Finding {
    Finding {
        file: place.map(|(file, _)| file.to_owned()),
        line: place.map(|(_, line)| line),
        rule: "json".to_owned(),
        message: "expected `,` – found `}`".to_owned(),
        hint: "add a comma".to_owned(),
    }
}

fn runs() -> Vec<Named> {
    let plan = PlanDefinition {
        title: "App".to_owned(),
        path: "plans/app.md".to_owned(),
        text: blob("the whole plan", 70_000),
        chunks: vec![Content::from("# App\n"), blob("second part", 20_000)],
    };
    let started = RunStarted {
        run: run_id(),
        program: "0.1.0".to_owned(),
        definition: Definition::Plan(plan),
        settings: Content::from(r#"{"roles":[]}"#),
        seed: u64::MAX,
    };
    let resumed = |settings: Option<Content>| RunResumed { program: "0.1.1".to_owned(), settings };
    let other_settings = Some(Content::from(r#"{"roles":[]}"#));
    let never_written = Some(blob("settings", 300_000));
    let mut named: Vec<Named> = vec![
        ("plan", started.into()),
        ("as before", resumed(None).into()),
        ("other settings", resumed(other_settings).into()),
        ("settings as a blob, never written", resumed(never_written).into()),
    ];
    for (name, reason) in stop_reasons() {
        let reason_again = reason.clone();
        named.push((name, RunStopping { reason }.into()));
        named.push((name, RunStopped { reason: reason_again }.into()));
    }
    for (name, outcome) in [
        ("succeeded", RunOutcome::Succeeded),
        ("failed", RunOutcome::Failed),
        ("cancelled", RunOutcome::Cancelled),
    ] {
        named.push((name, RunEnded { outcome }.into()));
    }
    let redone = forked(vec![StepId(3), StepId(70_000)]);
    let never_written = RunForked { settings: blob("settings", 300_000), ..forked(Vec::new()) };
    named.push(("as it was", forked(Vec::new()).into()));
    named.push(("two tasks again", redone.into()));
    named.push(("settings as a blob, never written", never_written.into()));
    named
}

fn forked(redone: Vec<StepId>) -> RunForked {
    RunForked {
        run: RunId::new(1_795_195_600_000, 0x0012_3456),
        parent: run_id(),
        seq: 300,
        head: Hash::of(b"head"),
        program: "0.1.1".to_owned(),
        settings: Content::from(r#"{"roles":[]}"#),
        redone,
    }
}

fn stop_reasons() -> Vec<(&'static str, StopReason)> {
    let endpoint = || "studio".to_owned();
    vec![
        ("interrupted", StopReason::Interrupted),
        (
            "server unreachable",
            StopReason::ServerUnreachable {
                endpoint: endpoint(),
                message: "connection refused".to_owned(),
            },
        ),
        (
            "model missing",
            StopReason::ModelMissing { endpoint: endpoint(), message: "no such model".to_owned() },
        ),
        ("parked", StopReason::Parked),
        ("effect lost too often", StopReason::EffectLostTooOften { effect: EffectId(300) }),
        (
            "workspace unusable",
            StopReason::WorkspaceUnusable { message: "read-only folder".to_owned() },
        ),
        ("cancelled", StopReason::Cancelled),
    ]
}

fn steps() -> Vec<Named> {
    let planning = NewStep {
        key: "plan".to_owned(),
        title: "Plan the tasks".to_owned(),
        needs: Vec::new(),
        definition: StepDefinition::Planning { chunk: 0 },
    };
    let task = NewStep {
        key: "t1".to_owned(),
        title: "Größe".to_owned(),
        needs: vec![StepId(0), StepId(70_000)],
        definition: StepDefinition::Task(TaskDefinition {
            description: Content::from("Write it."),
            files: vec!["src/main.rs".to_owned()],
            deletes: vec!["old.rs".to_owned()],
            acceptance: vec!["it builds".to_owned(), "it runs".to_owned()],
        }),
    };
    let large = NewStep {
        key: "t2".to_owned(),
        definition: StepDefinition::Task(TaskDefinition {
            description: blob("a long description", 16_385),
            files: Vec::new(),
            deletes: Vec::new(),
            acceptance: Vec::new(),
        }),
        ..task.clone()
    };
    vec![
        ("at the start", StepsAdded { by: None, steps: vec![planning] }.into()),
        ("by a planner", StepsAdded { by: Some(StepId(0)), steps: vec![task, large] }.into()),
    ]
}

fn step_starts() -> Vec<Named> {
    let started = |cause: StartCause| {
        let attempt = if cause == StartCause::Ready { 1 } else { 251 };
        StepStarted { step: StepId(250), attempt: Attempt(attempt), cause }.into()
    };
    vec![
        ("ready", started(StartCause::Ready)),
        ("rework", started(StartCause::Rework)),
        ("rejected", started(StartCause::Rejected)),
        ("window full", started(StartCause::WindowFull)),
        ("stuck", started(StartCause::Stuck)),
        ("timed out", started(StartCause::TimedOut)),
        ("failed", started(StartCause::Failed)),
    ]
}

fn step_ends() -> Vec<Named> {
    let ended = |outcome: StepOutcome| StepEnded { step: StepId(251), outcome }.into();
    let failed =
        |reason: FailureReason| ended(StepOutcome::Failed { reason, message: "why".to_owned() });
    vec![
        ("succeeded", ended(StepOutcome::Succeeded)),
        ("model failed", failed(FailureReason::ModelFailed)),
        ("plan unusable", failed(FailureReason::PlanUnusable)),
        ("checks red", failed(FailureReason::ChecksRed)),
        ("not approved", failed(FailureReason::NotApproved)),
        ("review unreadable", failed(FailureReason::ReviewUnreadable)),
        ("coder stuck", failed(FailureReason::CoderStuck)),
        ("timed out", failed(FailureReason::TimedOut)),
        (
            "skipped: upstream failed",
            ended(StepOutcome::Skipped(SkipReason::UpstreamFailed { step: StepId(65_536) })),
        ),
        ("skipped: cancelled", ended(StepOutcome::Skipped(SkipReason::Cancelled))),
        ("action failed", failed(FailureReason::ActionFailed)),
        ("output unusable", failed(FailureReason::OutputUnusable)),
        ("expression failed", failed(FailureReason::ExpressionFailed)),
        ("assertion failed", failed(FailureReason::AssertionFailed)),
        ("denied", failed(FailureReason::Denied)),
        ("inside failed", failed(FailureReason::InsideFailed)),
        ("skipped: condition false", ended(StepOutcome::Skipped(SkipReason::ConditionFalse))),
        ("skipped: not needed", ended(StepOutcome::Skipped(SkipReason::NotNeeded))),
    ]
}

fn step_stops() -> Vec<Named> {
    let parked = |reason: ParkReason| StepParked { step: StepId(3), reason }.into();
    vec![
        ("question", parked(ParkReason::Question { question: QuestionId(1) })),
        (
            "commit failed",
            parked(ParkReason::CommitFailed { message: "index.lock is held".to_owned() }),
        ),
        ("step", StepRetried { step: StepId(3) }.into()),
        ("attempt", StepTimedOut { step: StepId(3), attempt: Attempt(2) }.into()),
        (
            "two problems",
            AnswerRejected {
                step: StepId(0),
                problems: vec!["no title".to_owned(), "a circle".to_owned()],
            }
            .into(),
        ),
    ]
}

fn messages() -> Vec<Message> {
    let content = || Content::from("text");
    vec![
        Message::System { content: content() },
        Message::User { content: blob("a long text", 1 << 33) },
        Message::Assistant {
            content: content(),
            tool_calls: vec![ToolCall {
                id: "call_1".to_owned(),
                name: "file_read".to_owned(),
                arguments: Content::from(r#"{"path":"a"}"#),
            }],
        },
        Message::Tool { id: "call_1".to_owned(), name: "file_read".to_owned(), content: content() },
    ]
}

fn model_calls() -> Vec<Named> {
    let started = |role: Role, format: AnswerFormat| -> Event {
        let appended = if role == Role::Coder { messages() } else { Vec::new() };
        ModelCallStarted {
            effect: EffectId(1 << 40),
            step: StepId(2),
            conversation: ConversationId(7),
            role,
            appended,
            message_count: 4,
            prompt: Hash::of(b"prompt"),
            request: ModelRequest {
                endpoint: "studio".to_owned(),
                model: "qwen".to_owned(),
                format,
                tools: role == Role::Coder,
                output_tokens_max: 4096,
            },
        }
        .into()
    };
    let json = AnswerFormat::Json {
        name: "tasks".to_owned(),
        schema: Content::from(r#"{"type":"object"}"#),
    };
    vec![
        ("planner", started(Role::Planner, json.clone())),
        ("coder", started(Role::Coder, AnswerFormat::Text)),
        ("reviewer", started(Role::Reviewer, json)),
        ("analyst", started(Role::Analyst, AnswerFormat::Text)),
        ("pilot", started(Role::Pilot, AnswerFormat::Text)),
        ("embedder", started(Role::Embedder, AnswerFormat::Text)),
        ("transcriber", started(Role::Transcriber, AnswerFormat::Text)),
    ]
}

fn model_answers() -> Vec<Named> {
    let answered = |finish: FinishReason| {
        let calls = finish == FinishReason::ToolCalls;
        let tool_calls = calls.then(|| ToolCall {
            id: "c".to_owned(),
            name: "grep".to_owned(),
            arguments: blob("arguments", 16_500),
        });
        let answer = Answer {
            text: Content::from("done"),
            reasoning: Content::empty(),
            tool_calls: tool_calls.into_iter().collect(),
            finish,
            usage: Usage { prompt_tokens: 250, cached_tokens: 251, completion_tokens: 65_535 },
            timing: Timing { first_token_ms: 65_536, total_ms: 1 << 32 },
            model: "qwen".to_owned(),
            server: calls.then(|| "b4321".to_owned()),
        };
        ModelCallEnded {
            effect: EffectId(3),
            outcome: ModelOutcome::Answered(answer),
            failed_tries: Vec::new(),
        }
        .into()
    };
    vec![
        ("stop", answered(FinishReason::Stop)),
        ("length", answered(FinishReason::Length)),
        ("tool calls", answered(FinishReason::ToolCalls)),
        ("content filter", answered(FinishReason::ContentFilter)),
    ]
}

fn model_failures() -> Vec<Named> {
    let failed = |kind: FailureKind| {
        ModelCallEnded {
            effect: EffectId(3),
            outcome: ModelOutcome::Failed(ModelFailure {
                kind,
                message: "the server said no".to_owned(),
            }),
            failed_tries: vec!["HTTP 503".to_owned()],
        }
        .into()
    };
    vec![
        ("unreachable", failed(FailureKind::Unreachable)),
        ("model missing", failed(FailureKind::ModelMissing)),
        ("window exceeded", failed(FailureKind::WindowExceeded)),
        ("refused", failed(FailureKind::Refused)),
        ("server failed", failed(FailureKind::ServerFailed)),
        ("unreadable", failed(FailureKind::Unreadable)),
        ("timed out", failed(FailureKind::TimedOut)),
        ("script mismatch", failed(FailureKind::ScriptMismatch)),
        ("aborted", failed(FailureKind::Aborted)),
    ]
}

fn tool_verdicts() -> Vec<Named> {
    let decided = |verdict: ToolVerdict, repair: Option<&str>| {
        ToolDecided {
            step: StepId(1),
            call: call(252, 0),
            tool: "shell".to_owned(),
            verdict,
            repair: repair.map(str::to_owned),
        }
        .into()
    };
    vec![
        (
            "allowed",
            decided(
                ToolVerdict::Allowed { rule: "shell-on".to_owned() },
                Some("a quote was closed"),
            ),
        ),
        (
            "denied",
            decided(
                ToolVerdict::Denied {
                    rule: "shell-off".to_owned(),
                    reply: Content::from("not offered"),
                },
                None,
            ),
        ),
        ("invalid", decided(ToolVerdict::Invalid { reply: blob("a long reply", 17_000) }, None)),
    ]
}

fn reads() -> Vec<Named> {
    let started = ToolCallStarted {
        effect: EffectId(4),
        step: StepId(1),
        call: call(3, 2),
        tool: "file_read".to_owned(),
        arguments: Content::from(r#"{"path":"a.rs"}"#),
    };
    let ended = |outcome: ToolOutcome, reply: Content| {
        ToolCallEnded { effect: EffectId(4), outcome, reply }.into()
    };
    let large = ToolCallStarted { arguments: blob("long arguments", 20_000), ..started.clone() };
    vec![
        ("read", started.into()),
        ("long arguments", large.into()),
        ("succeeded", ended(ToolOutcome::Succeeded, blob("a file", 30_000))),
        ("failed", ended(ToolOutcome::Failed, Content::from("no such file"))),
    ]
}

fn writes() -> Vec<Named> {
    let started = |before: Before, after: Option<Content>| {
        FileWriteStarted {
            effect: EffectId(5),
            step: StepId(1),
            call: call(3, 0),
            path: "src/größe.rs".to_owned(),
            before,
            after,
            reply: Content::from("written"),
        }
        .into()
    };
    vec![
        ("new file", started(Before::Absent, Some(Content::from("fn main() {}\n")))),
        (
            "known file",
            started(Before::Known { hash: Hash::of(b"before") }, Some(blob("after", 100_000))),
        ),
        ("deleted file", started(Before::Kept(Content::from("old\n")), None)),
    ]
}

fn write_ends() -> Vec<Named> {
    let ended = |outcome: FileWriteOutcome| FileWriteEnded { effect: EffectId(5), outcome }.into();
    vec![
        ("written", ended(FileWriteOutcome::Written)),
        ("already written", ended(FileWriteOutcome::AlreadyWritten)),
        (
            "conflict",
            ended(FileWriteOutcome::Conflict { found: Some(Hash::of(b"somebody else's")) }),
        ),
        ("conflict: gone", ended(FileWriteOutcome::Conflict { found: None })),
        ("failed", ended(FileWriteOutcome::Failed { message: "disk full".to_owned() })),
    ]
}

fn command_outcomes() -> Vec<(&'static str, CommandOutcome)> {
    vec![
        ("exited", CommandOutcome::Exited { code: 0 }),
        ("exited red", CommandOutcome::Exited { code: -70_000 }),
        ("timed out", CommandOutcome::TimedOut),
        ("not started", CommandOutcome::NotStarted { message: "no such program".to_owned() }),
        ("unknown", CommandOutcome::Unknown),
    ]
}

fn commands() -> Vec<Named> {
    let started = CommandStarted {
        effect: EffectId(6),
        step: StepId(1),
        call: call(3, 1),
        argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
        timeout_ms: 120_000,
    };
    let todo = |items: Vec<TodoItem>| TodoSet { step: StepId(1), call: call(3, 3), items };
    let item = |text: &str, done: bool| TodoItem { text: text.to_owned(), done };
    let mut named: Vec<Named> = vec![
        ("shell", started.into()),
        ("empty", todo(Vec::new()).into()),
        ("two items", todo(vec![item("look", true), item("write", false)]).into()),
    ];
    named.extend(command_outcomes().into_iter().map(|(name, outcome)| {
        let reply = match outcome {
            CommandOutcome::TimedOut => blob("long output", 16_400),
            CommandOutcome::Exited { .. }
            | CommandOutcome::NotStarted { .. }
            | CommandOutcome::Unknown => Content::from("output"),
        };
        let ended = CommandEnded { effect: EffectId(6), outcome, reply };
        (name, ended.into())
    }));
    named
}

fn checks() -> Vec<Named> {
    let started = |steps: Vec<StepId>, scope: ChecksScope| {
        ChecksStarted { effect: EffectId(7), steps, scope }.into()
    };
    let commands: Vec<CommandReport> = command_outcomes()
        .into_iter()
        .map(|(name, outcome)| CommandReport {
            name: name.to_owned(),
            outcome,
            output: Content::from("ok"),
            elapsed_ms: 1_500,
        })
        .collect();
    let red = ChecksEnded {
        effect: EffectId(7),
        reports: vec![
            CheckReport {
                step: StepId(1),
                findings: vec![finding(Some(("a.json", 66_000))), finding(None)],
                diff: Content::from("+1"),
            },
            CheckReport {
                step: StepId(2),
                findings: Vec::new(),
                diff: blob("a long diff", 40_000),
            },
        ],
        commands,
    };
    vec![
        ("task", started(vec![StepId(1)], ChecksScope::Task)),
        ("wave", started(vec![StepId(1), StepId(2)], ChecksScope::Wave)),
        ("red", red.into()),
    ]
}

fn reviews() -> Vec<Named> {
    let given = |verdict: Verdict, findings: Vec<Finding>| {
        ReviewGiven {
            step: StepId(1),
            verdict,
            summary: "It does what it should.".to_owned(),
            findings,
        }
        .into()
    };
    vec![
        ("approved", given(Verdict::Approved, Vec::new())),
        ("rework", given(Verdict::Rework, vec![finding(Some(("a.rs", 1)))])),
        ("rejected", given(Verdict::Rejected, vec![finding(None)])),
    ]
}

fn workspaces() -> Vec<Named> {
    let ended = |outcome: WorkspaceOutcome| WorkspaceEnded { effect: EffectId(1), outcome }.into();
    vec![
        ("workspace", WorkspaceStarted { effect: EffectId(1) }.into()),
        (
            "ready",
            ended(WorkspaceOutcome::Ready {
                base: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
                dirty: vec!["notes.txt".to_owned()],
            }),
        ),
        ("ready without git", ended(WorkspaceOutcome::Ready { base: None, dirty: Vec::new() })),
        ("unusable", ended(WorkspaceOutcome::Unusable { message: "read-only folder".to_owned() })),
    ]
}

fn commits() -> Vec<Named> {
    let started = |phase: CommitPhase, sweep: bool| {
        CommitStarted {
            effect: EffectId(8),
            step: StepId(1),
            phase,
            subject: "code(t1): Größe".to_owned(),
            body: "Attempt 2.".to_owned(),
            paths: vec![
                CommitPath { path: "a.rs".to_owned(), hash: Some(Hash::of(b"a")) },
                CommitPath { path: "old.rs".to_owned(), hash: None },
            ],
            trail: vec![
                TrailFile {
                    path: "LAO_PLAN.md".to_owned(),
                    content: blob("the whole plan", 70_000),
                },
                TrailFile { path: "LAO_TASKS.json".to_owned(), content: Content::from("{}\n") },
            ],
            sweep,
        }
        .into()
    };
    let ended = |outcome: CommitOutcome| CommitEnded { effect: EffectId(8), outcome }.into();
    vec![
        ("planning", started(CommitPhase::Planning, false)),
        ("code", started(CommitPhase::Code, true)),
        ("review", started(CommitPhase::Review, false)),
        (
            "made",
            ended(CommitOutcome::Made {
                id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            }),
        ),
        ("unchanged", ended(CommitOutcome::Unchanged)),
        ("failed", ended(CommitOutcome::Failed { message: "index.lock is held".to_owned() })),
    ]
}

fn questions() -> Vec<Named> {
    let asked = |subject: QuestionSubject| {
        QuestionAsked { question: QuestionId(2), step: StepId(1), effect: EffectId(6), subject }
            .into()
    };
    let answered = |answer: QuestionAnswer| {
        QuestionAnswered { question: QuestionId(2), answer, by: "ada".to_owned() }.into()
    };
    let lost = |effects: Vec<EffectId>, cause: LossCause| EffectsLost { effects, cause }.into();
    vec![
        (
            "command unknown",
            asked(QuestionSubject::CommandUnknown { argv: vec!["make".to_owned()] }),
        ),
        ("file conflict", asked(QuestionSubject::FileConflict { path: "a.rs".to_owned() })),
        ("approval", asked(QuestionSubject::Approval { message: "Send the größe?".to_owned() })),
        ("rerun", answered(QuestionAnswer::Rerun)),
        ("skip", answered(QuestionAnswer::Skip)),
        ("approve", answered(QuestionAnswer::Approve)),
        ("deny", answered(QuestionAnswer::Deny)),
        ("process ended", lost(vec![EffectId(6), EffectId(1 << 50)], LossCause::ProcessEnded)),
        (
            "worker panicked",
            lost(
                vec![EffectId(6)],
                LossCause::WorkerPanicked { message: "index out of bounds".to_owned() },
            ),
        ),
    ]
}

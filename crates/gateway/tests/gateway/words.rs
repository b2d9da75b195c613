//! Words for every type of event.

mod workflows;

use std::collections::BTreeSet;

use lao_event::{
    Attempt, CallId, Content, ConversationId, EffectId, Event, Hash, QuestionId, Role, RunId,
    StepId, latest::*,
};
use lao_gateway::Narrator;
use lao_history::{Recorded, StoredEvent};

const PLAN: StepId = StepId(0);
const T1: StepId = StepId(1);
const T2: StepId = StepId(2);
const CALL: CallId = CallId { answer: EffectId(2), index: 0 };

fn text(text: &str) -> Content {
    text.into()
}

fn new_step(key: &str, definition: StepDefinition) -> NewStep {
    NewStep { key: key.to_owned(), title: key.to_owned(), needs: Vec::new(), definition }
}

fn task(key: &str) -> NewStep {
    let task = TaskDefinition {
        description: text("Write it."),
        files: Vec::new(),
        deletes: Vec::new(),
        acceptance: Vec::new(),
    };
    new_step(key, StepDefinition::Task(task))
}

fn run() -> Vec<Event> {
    let definition = Definition::Plan(PlanDefinition {
        title: "App".to_owned(),
        path: "plans/app.md".to_owned(),
        text: text("# App"),
        chunks: vec![text("# App")],
    });
    let started = RunStarted {
        run: RunId::new(0, 0),
        program: "0.1.0".to_owned(),
        definition,
        settings: text("{}"),
        seed: 1,
    };
    let planning = new_step("plan", StepDefinition::Planning { chunk: 0 });
    vec![
        started.into(),
        StepsAdded { by: None, steps: vec![planning] }.into(),
        StepsAdded { by: Some(PLAN), steps: vec![task("t1"), task("t2")] }.into(),
        StepsAdded { by: Some(PLAN), steps: Vec::new() }.into(),
        RunResumed { program: "0.1.0".to_owned(), settings: None }.into(),
        forked(Vec::new()).into(),
        forked(vec![T1, T2]).into(),
    ]
}

fn forked(redone: Vec<StepId>) -> RunForked {
    RunForked {
        run: RunId::new(1000, 0),
        parent: RunId::new(0, 0),
        seq: 3,
        head: Hash::of(b"head"),
        program: "0.1.0".to_owned(),
        settings: text("{}"),
        redone,
    }
}

fn ends() -> Vec<Event> {
    let message = || "connection refused".to_owned();
    let endpoint = || "local".to_owned();
    let reasons = [
        StopReason::Interrupted,
        StopReason::ServerUnreachable { endpoint: endpoint(), message: message() },
        StopReason::ModelMissing { endpoint: endpoint(), message: "no model qwen3".to_owned() },
        StopReason::Parked,
        StopReason::EffectLostTooOften { effect: EffectId(2) },
        StopReason::WorkspaceUnusable { message: "it is a file".to_owned() },
        StopReason::Cancelled,
    ];
    let mut events: Vec<Event> = reasons.map(|reason| RunStopping { reason }.into()).into();
    events.push(RunStopped { reason: StopReason::Interrupted }.into());
    let outcomes = [RunOutcome::Succeeded, RunOutcome::Failed, RunOutcome::Cancelled];
    events.extend(outcomes.map(|outcome| RunEnded { outcome }.into()));
    events
}

fn steps() -> Vec<Event> {
    let started =
        |(attempt, cause)| StepStarted { step: T1, attempt: Attempt(attempt), cause }.into();
    let mut events: Vec<Event> = [
        (1, StartCause::Ready),
        (2, StartCause::Rework),
        (3, StartCause::Rejected),
        (2, StartCause::WindowFull),
        (2, StartCause::Stuck),
    ]
    .map(started)
    .into();
    let failed = StepOutcome::Failed {
        reason: FailureReason::ChecksRed,
        message: "pytest: 2 failed\nlong output".to_owned(),
    };
    let outcomes = [
        (T1, StepOutcome::Succeeded),
        (T1, failed),
        (T2, StepOutcome::Skipped(SkipReason::UpstreamFailed { step: T1 })),
        (T2, StepOutcome::Skipped(SkipReason::Cancelled)),
    ];
    events.extend(outcomes.map(|(step, outcome)| StepEnded { step, outcome }.into()));
    let reasons = [
        ParkReason::Question { question: QuestionId(1) },
        ParkReason::CommitFailed { message: "index.lock is held".to_owned() },
    ];
    events.extend(reasons.map(|reason| StepParked { step: T1, reason }.into()));
    let problems = vec!["no task has files".to_owned(), "t1 needs itself".to_owned()];
    events.extend([
        StepRetried { step: T1 }.into(),
        StepTimedOut { step: T1, attempt: Attempt(2) }.into(),
        AnswerRejected { step: PLAN, problems }.into(),
    ]);
    events
}

fn answered(finish: FinishReason, calls: usize) -> ModelOutcome {
    let call = |index: usize| ToolCall {
        id: index.to_string(),
        name: "grep".to_owned(),
        arguments: text("{}"),
    };
    ModelOutcome::Answered(Answer {
        text: text("Done."),
        reasoning: text(""),
        tool_calls: (0..calls).map(call).collect(),
        finish,
        usage: Usage { prompt_tokens: 1000, cached_tokens: 0, completion_tokens: 1312 },
        timing: Timing { first_token_ms: 80, total_ms: 2100 },
        model: "qwen3".to_owned(),
        server: None,
    })
}

/// Effects are numbered in the order of this list.
fn effects() -> Vec<Event> {
    let request = ModelRequest {
        endpoint: "local".to_owned(),
        model: "qwen3".to_owned(),
        format: AnswerFormat::Text,
        tools: true,
        output_tokens_max: 100,
    };
    let write = |effect, after| FileWriteStarted {
        effect: EffectId(effect),
        step: T1,
        call: CALL,
        path: "src/app.py".to_owned(),
        before: Before::Absent,
        after,
        reply: text("written"),
    };
    let checks = |effect, steps, scope| ChecksStarted { effect: EffectId(effect), steps, scope };
    vec![
        WorkspaceStarted { effect: EffectId(1) }.into(),
        ModelCallStarted {
            effect: EffectId(2),
            step: T1,
            conversation: ConversationId(1),
            role: Role::Coder,
            appended: Vec::new(),
            message_count: 0,
            prompt: Hash([0; 32]),
            request,
        }
        .into(),
        ToolCallStarted {
            effect: EffectId(3),
            step: T1,
            call: CALL,
            tool: "grep".to_owned(),
            arguments: text("{}"),
        }
        .into(),
        write(4, Some(text(&"x".repeat(1204)))).into(),
        write(5, None).into(),
        CommandStarted {
            effect: EffectId(6),
            step: T1,
            call: CALL,
            argv: vec!["cargo".to_owned(), "test".to_owned()],
            timeout_ms: 1000,
        }
        .into(),
        checks(7, vec![T1], ChecksScope::Task).into(),
        checks(8, vec![T1, T2], ChecksScope::Wave).into(),
        CommitStarted {
            effect: EffectId(9),
            step: T1,
            phase: CommitPhase::Code,
            subject: "t1: Write the app".to_owned(),
            body: String::new(),
            paths: Vec::new(),
            trail: Vec::new(),
            sweep: false,
        }
        .into(),
    ]
}

fn model_ends() -> Vec<Event> {
    let failed = ModelOutcome::Failed(ModelFailure {
        kind: FailureKind::ServerFailed,
        message: "HTTP 500: out of memory".to_owned(),
    });
    let ended = |(outcome, tries): (ModelOutcome, usize)| {
        ModelCallEnded { effect: EffectId(2), outcome, failed_tries: vec!["cut".to_owned(); tries] }
            .into()
    };
    [
        (answered(FinishReason::ToolCalls, 2), 0),
        (answered(FinishReason::Stop, 0), 1),
        (answered(FinishReason::Length, 0), 0),
        (answered(FinishReason::ContentFilter, 0), 0),
        (failed, 2),
    ]
    .map(ended)
    .into()
}

fn tool_ends() -> Vec<Event> {
    let decided = |tool: &str, verdict, repair| ToolDecided {
        step: T1,
        call: CALL,
        tool: tool.to_owned(),
        verdict,
        repair,
    };
    let rule = || "the workspace".to_owned();
    let invalid = ToolVerdict::Invalid { reply: text("\nthere is no tool grip\nuse grep") };
    let mended = Some("a quote was missing".to_owned());
    let denied = ToolVerdict::Denied { rule: rule(), reply: text("shell is off") };
    let tool_ended =
        |outcome, reply: Content| ToolCallEnded { effect: EffectId(3), outcome, reply };
    let todo = |done| TodoItem { text: "tests".to_owned(), done };
    let mut events = vec![
        decided("grep", ToolVerdict::Allowed { rule: rule() }, mended).into(),
        decided("shell", denied, None).into(),
        decided("", invalid, None).into(),
        tool_ended(ToolOutcome::Succeeded, text("12 lines")).into(),
        tool_ended(ToolOutcome::Failed, text("no such file")).into(),
        TodoSet { step: T1, call: CALL, items: vec![todo(true), todo(false)] }.into(),
    ];
    let written = |(effect, outcome)| FileWriteEnded { effect: EffectId(effect), outcome }.into();
    let failed = || FileWriteOutcome::Failed { message: "disk full".to_owned() };
    let conflict = |found| FileWriteOutcome::Conflict { found };
    events.extend(
        [
            (4, FileWriteOutcome::Written),
            (5, FileWriteOutcome::Written),
            (4, FileWriteOutcome::AlreadyWritten),
            (5, FileWriteOutcome::AlreadyWritten),
            (4, conflict(Some(Hash([1; 32])))),
            (4, conflict(None)),
            (4, failed()),
            (5, failed()),
        ]
        .map(written),
    );
    let ended = |outcome| CommandEnded { effect: EffectId(6), outcome, reply: text("") }.into();
    events.extend(
        [
            CommandOutcome::Exited { code: 101 },
            CommandOutcome::TimedOut,
            CommandOutcome::NotStarted { message: "no such program".to_owned() },
            CommandOutcome::Unknown,
        ]
        .map(ended),
    );
    events
}

fn check_ends() -> Vec<Event> {
    let finding = |file: Option<&str>, line| Finding {
        file: file.map(str::to_owned),
        line,
        rule: "command:test".to_owned(),
        message: "test_remove failed\nKeyError".to_owned(),
        hint: String::new(),
    };
    let report = |step, findings| CheckReport { step, findings, diff: text("") };
    let command = |code| CommandReport {
        name: "pytest".to_owned(),
        outcome: CommandOutcome::Exited { code },
        output: text(""),
        elapsed_ms: 10,
    };
    let ended = |(effect, reports, commands)| {
        ChecksEnded { effect: EffectId(effect), reports, commands }.into()
    };
    let mut events: Vec<Event> = [
        (7, vec![report(T1, Vec::new())], Vec::new()),
        (7, vec![report(T1, Vec::new())], vec![command(0)]),
        (7, vec![report(T1, vec![finding(Some("a.py"), Some(3))])], vec![command(1)]),
        (
            8,
            vec![
                report(T1, vec![finding(Some("a.py"), None)]),
                report(T2, vec![finding(None, None)]),
            ],
            Vec::new(),
        ),
    ]
    .map(ended)
    .into();
    let review = |verdict, findings| {
        ReviewGiven { step: T1, verdict, summary: "It fits.".to_owned(), findings }.into()
    };
    events.extend([
        review(Verdict::Approved, Vec::new()),
        review(Verdict::Rework, vec![finding(None, None)]),
        review(Verdict::Rejected, Vec::new()),
    ]);
    events
}

fn repository_ends() -> Vec<Event> {
    let ready = |base: Option<&str>, dirty: &[&str]| WorkspaceOutcome::Ready {
        base: base.map(str::to_owned),
        dirty: dirty.iter().map(|path| (*path).to_owned()).collect(),
    };
    let unusable = WorkspaceOutcome::Unusable { message: "it is a file".to_owned() };
    let id = "0123456789abcdef0123456789abcdef01234567".to_owned();
    let commit = |outcome| CommitEnded { effect: EffectId(9), outcome }.into();
    let mut events: Vec<Event> = [ready(None, &[]), ready(Some(&id), &["notes.txt"]), unusable]
        .map(|outcome| WorkspaceEnded { effect: EffectId(1), outcome }.into())
        .into();
    events.extend([
        commit(CommitOutcome::Made { id }),
        commit(CommitOutcome::Unchanged),
        commit(CommitOutcome::Failed { message: "index.lock is held".to_owned() }),
    ]);
    events
}

fn questions() -> Vec<Event> {
    let argv = vec!["make".to_owned(), "install".to_owned()];
    let path = "src/app.py".to_owned();
    let asked = |question, subject| {
        QuestionAsked { question: QuestionId(question), step: T1, effect: EffectId(6), subject }
            .into()
    };
    let answered = |question, answer| {
        QuestionAnswered { question: QuestionId(question), answer, by: "ada".to_owned() }.into()
    };
    let lost = |effects: &[u64], cause| {
        EffectsLost { effects: effects.iter().map(|id| EffectId(*id)).collect(), cause }.into()
    };
    let panicked = || LossCause::WorkerPanicked { message: "index out of bounds".to_owned() };
    vec![
        asked(1, QuestionSubject::CommandUnknown { argv }),
        asked(2, QuestionSubject::FileConflict { path }),
        answered(1, QuestionAnswer::Rerun),
        answered(2, QuestionAnswer::Skip),
        lost(&[2, 4, 6], LossCause::ProcessEnded),
        lost(&[2], panicked()),
        lost(&[2, 9], panicked()),
    ]
}

fn everything() -> Vec<Event> {
    let parts = [
        run(),
        effects(),
        steps(),
        model_ends(),
        tool_ends(),
        check_ends(),
        repository_ends(),
        questions(),
        workflows::everything(),
        ends(),
    ];
    parts.into_iter().flatten().collect()
}

fn published((seq, event): (u64, Event)) -> Recorded {
    Recorded { seq, wall_ms: 1_795_000_000_000, monotonic_ns: 0, cause: 0, noted: false, event }
}

/// The words of some events, each with its step and name.
fn told(events: Vec<Event>) -> String {
    let mut narrator = Narrator::new();
    for published in (1..).zip(everything()).map(published) {
        narrator.note(&published);
    }
    let line = |published: Recorded| {
        let view = narrator.view(&published);
        let step = view.step.as_deref().unwrap_or("-");
        format!("{step:<4} {:<16} {}", view.event, view.text)
    };
    let lines: Vec<String> = (1..).zip(events).map(published).map(line).collect();
    lines.join("\n")
}

#[test]
fn every_type_of_event_is_told_here() {
    let told: BTreeSet<&str> = everything().iter().map(Event::name).collect();
    let all: BTreeSet<&str> = Event::TYPES.iter().map(|(_, name)| *name).collect();
    assert_eq!(told, all);
}

#[test]
fn an_event_comes_with_every_field() {
    let retried = published((7, StepRetried { step: T1 }.into()));
    let view = Narrator::new().view(&retried);
    assert_eq!((view.seq, view.time_ms), (7, 1_795_000_000_000));
    assert_eq!(view.event, "StepRetried");
    assert_eq!(view.data, serde_json::json!({ "event": "step_retried", "step": 1 }));
}

#[test]
fn how_a_run_begins() {
    insta::assert_snapshot!(told(run()), @r#"
    -    RunStarted       started "App" (plans/app.md)
    -    StepsAdded       added 1 step: plan
    plan StepsAdded       added 2 steps: t1, t2
    plan StepsAdded       added no steps
    -    RunResumed       resumed by lao 0.1.0
    -    RunForked        branched off 19700101-000000-00000 after event 3
    -    RunForked        branched off 19700101-000000-00000 after event 3, to do again: t1, t2
    "#);
}

#[test]
fn what_is_under_way() {
    insta::assert_snapshot!(told(effects()), @r#"
    -    WorkspaceStarted making the workspace ready
    t1   ModelCallStarted asking the coder (qwen3)
    t1   ToolCallStarted  running grep
    t1   FileWriteStarted writing src/app.py
    t1   FileWriteStarted deleting src/app.py
    t1   CommandStarted   running `cargo test`
    t1   ChecksStarted    checking
    -    ChecksStarted    checking the whole project for t1, t2
    t1   CommitStarted    committing "t1: Write the app"
    "#);
}

#[test]
fn how_steps_go() {
    insta::assert_snapshot!(told(steps()), @r#"
    t1   StepStarted      starting attempt 1
    t1   StepStarted      starting attempt 2: the reviewer asked for changes
    t1   StepStarted      starting attempt 3: the reviewer rejected the work
    t1   StepStarted      starting attempt 2: the conversation outgrew the model's window
    t1   StepStarted      starting attempt 2: the coder did not come to an end
    t1   StepEnded        t1 is done
    t1   StepEnded        t1 failed (checks_red): pytest: 2 failed
    t2   StepEnded        t2 skipped: t1 failed
    t2   StepEnded        t2 skipped: the run was cancelled
    t1   StepParked       t1 waits for the answer to question 1
    t1   StepParked       t1 waits: its commit could not be made: index.lock is held
    t1   StepRetried      t1 goes back to pending
    t1   StepTimedOut     the time of attempt 2 is up; it ends at its next move
    plan AnswerRejected   the answer could not be used: no task has files; t1 needs itself
    "#);
}

#[test]
fn what_models_answer() {
    insta::assert_snapshot!(told(model_ends()), @r#"
    t1   ModelCallEnded   coder (qwen3) answered in 2.1 s, 1,312 tokens: 2 tool calls
    t1   ModelCallEnded   coder (qwen3) answered in 2.1 s, 1,312 tokens, after a failed try
    t1   ModelCallEnded   coder (qwen3) answered in 2.1 s, 1,312 tokens, cut at the token limit
    t1   ModelCallEnded   coder (qwen3) answered in 2.1 s, 1,312 tokens, the rest withheld by the server
    t1   ModelCallEnded   coder (qwen3) gave no answer, after 2 failed tries: HTTP 500: out of memory
    "#);
}

#[test]
fn what_tools_do() {
    insta::assert_snapshot!(told(tool_ends()), @r#"
    t1   ToolDecided      grep allowed by the workspace (mended: a quote was missing)
    t1   ToolDecided      shell denied by the workspace: shell is off
    t1   ToolDecided      a call of an unknown tool could not be served: there is no tool grip
    t1   ToolCallEnded    grep returned 8 bytes
    t1   ToolCallEnded    grep could not: no such file
    t1   TodoSet          to-do list: 1 of 2 done
    t1   FileWriteEnded   wrote src/app.py (1,204 bytes)
    t1   FileWriteEnded   deleted src/app.py
    t1   FileWriteEnded   src/app.py had been written already
    t1   FileWriteEnded   src/app.py had been deleted already
    t1   FileWriteEnded   left src/app.py alone: somebody else changed it
    t1   FileWriteEnded   left src/app.py alone: somebody else deleted it
    t1   FileWriteEnded   could not write src/app.py: disk full
    t1   FileWriteEnded   could not delete src/app.py: disk full
    t1   CommandEnded     `cargo test` ended with exit code 101
    t1   CommandEnded     `cargo test` took too long and was ended
    t1   CommandEnded     `cargo test` could not be started: no such program
    t1   CommandEnded     `cargo test` was under way when the process ended, and is not run again
    "#);
}

#[test]
fn what_is_found() {
    insta::assert_snapshot!(told(check_ends()), @r#"
    t1   ChecksEnded      the checks are green
    t1   ChecksEnded      the checks are green, 1 command ran
    t1   ChecksEnded      1 finding, first a.py:3: test_remove failed; pytest ended with exit code 1
    -    ChecksEnded      2 findings in 2 tasks, first a.py: test_remove failed
    t1   ReviewGiven      review: approved: It fits.
    t1   ReviewGiven      review: rework (1 finding): It fits.
    t1   ReviewGiven      review: rejected: It fits.
    "#);
}

#[test]
fn what_git_did() {
    insta::assert_snapshot!(told(repository_ends()), @r#"
    -    WorkspaceEnded   the workspace is ready
    -    WorkspaceEnded   the workspace is ready, on commit 0123456789; 1 file changed and not committed
    -    WorkspaceEnded   the workspace cannot be used: it is a file
    t1   CommitEnded      committed 0123456789 "t1: Write the app"
    t1   CommitEnded      nothing to commit for "t1: Write the app"
    t1   CommitEnded      could not commit "t1: Write the app": index.lock is held
    "#);
}

#[test]
fn what_is_asked_and_lost() {
    insta::assert_snapshot!(told(questions()), @r#"
    t1   QuestionAsked    question 1: `make install` was started and a crash hid whether it ended. Run it again?
    t1   QuestionAsked    question 2: somebody else changed src/app.py, which was about to be written. Try again, or go on without?
    t1   QuestionAnswered question 1 answered by ada: rerun
    t1   QuestionAnswered question 2 answered by ada: skip
    -    EffectsLost      the process had ended while asking the coder (qwen3), writing src/app.py, running `cargo test`: the outcome is not known
    t1   EffectsLost      a worker panicked while asking the coder (qwen3): index out of bounds
    -    EffectsLost      a worker panicked while asking the coder (qwen3), committing "t1: Write the app": index out of bounds
    "#);
}

#[test]
fn how_a_run_ends() {
    insta::assert_snapshot!(told(ends()), @r#"
    -    RunStopping      stopping: it was interrupted
    -    RunStopping      stopping: the model server local cannot be reached: connection refused
    -    RunStopping      stopping: the model server local lacks a model: no model qwen3
    -    RunStopping      stopping: nothing can go on before a person acts
    -    RunStopping      stopping: effect #2 was lost to crashes too often
    -    RunStopping      stopping: the workspace cannot be used: it is a file
    -    RunStopping      stopping: a person cancelled it
    -    RunStopped       stopped: it was interrupted
    -    RunEnded         the run is done
    -    RunEnded         the run ended with failed steps
    -    RunEnded         the run was cancelled
    "#);
}

#[test]
fn an_event_of_a_newer_program_is_shown_as_such() {
    let stored = StoredEvent::Unknown { seq: 9, wall_ms: 5, event_type: 99, schema_version: 2 };
    let view = Narrator::new().view_stored(&stored);
    assert_eq!((view.seq, view.time_ms, view.event.as_str()), (9, 5, "Unknown99"));
    assert_eq!(view.text, "an event of type 99, version 2, which a newer lao wrote");
}

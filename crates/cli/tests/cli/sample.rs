//! Values as real runs have them, and the check that all snapshots go through.

use jiff::tz::{TimeZone, offset};
use lao_cli::{Style, style::Color};
use lao_protocol::{
    CommitView, ContentView, EventView, FailureView, FindingView, GraphStep, GraphView,
    InFlightView, MessageView, QuestionView, RoleTotals, RunStatus, RunStatusCode, RunSummary,
    StepCounts, StepDetail, StepStatus, StepView, TodoView,
};
use serde_json::{Value, json};

/// 2026-03-02 21:14:05 UTC.
pub(crate) const START_MS: i64 = 1_772_486_045_000;

pub(crate) const RUN: &str = "20260302-211405-x7k2q";

/// Compares with the snapshot of that name; escape sequences are written out.
pub(crate) fn check(name: &str, text: &str) {
    let shown = text.replace('\u{1b}', "<ESC>");
    insta::with_settings!({
        snapshot_path => "../snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, shown);
    });
}

/// Seventeen minutes after the start, one hour east of Greenwich.
pub(crate) fn style(width_columns: usize, color: Color) -> Style {
    Style { width_columns, color, zone: TimeZone::fixed(offset(1)), now_ms: START_MS + 17 * 60_000 }
}

/// The three ways every renderer is looked at.
pub(crate) fn in_every_style(name: &str, render: impl Fn(&Style) -> String) {
    check(&format!("{name}-wide"), &render(&style(100, Color::Off)));
    check(&format!("{name}-narrow"), &render(&style(44, Color::Off)));
    check(&format!("{name}-color"), &render(&style(80, Color::On)));
}

pub(crate) fn summary(state: RunStatusCode) -> RunSummary {
    RunSummary {
        run: RUN.to_owned(),
        kind: "plan".to_owned(),
        title: "A to-do list for the terminal".to_owned(),
        source: "plans/todo.md".to_owned(),
        status: state,
        started_ms: START_MS,
        last_event_ms: START_MS + 754_000,
        pid: None,
        tasks: StepCounts::default(),
        parent: None,
    }
}

pub(crate) fn counts(steps: &[StepView]) -> StepCounts {
    let mut counts = StepCounts::default();
    for step in steps.iter().filter(|step| step.kind == "task") {
        counts.total += 1;
        *match step.status {
            StepStatus::Pending => &mut counts.pending,
            StepStatus::Running => &mut counts.running,
            StepStatus::Parked => &mut counts.parked,
            StepStatus::Succeeded => &mut counts.succeeded,
            StepStatus::Failed => &mut counts.failed,
            StepStatus::Skipped => &mut counts.skipped,
        } += 1;
    }
    counts
}

pub(crate) fn step(key: &str, title: &str, status: StepStatus) -> StepView {
    let ran = !matches!(status, StepStatus::Pending | StepStatus::Skipped);
    StepView {
        key: key.to_owned(),
        title: title.to_owned(),
        kind: if key == "plan" { "planning" } else { "task" }.to_owned(),
        status,
        activity: None,
        attempts: ran.into(),
        needs: Vec::new(),
        failure: None,
        findings: 0,
        files: Vec::new(),
        commits: Vec::new(),
        elapsed_ms: if ran { 93_400 } else { 0 },
        detail: None,
    }
}

fn planned() -> StepView {
    StepView {
        commits: vec![commit("4be0a913c2", "plan: A to-do list for the terminal")],
        elapsed_ms: 21_700,
        ..step("plan", "Plan the work", StepStatus::Succeeded)
    }
}

fn stored() -> StepView {
    StepView {
        attempts: 2,
        findings: 1,
        files: vec!["src/store.py".to_owned(), "tests/test_store.py".to_owned()],
        commits: vec![
            commit("90c1d2aa41", "t1: Store items in a file"),
            commit("b7712f0e5d", "t1: review: approved"),
        ],
        ..step("t1", "Store items in a file", StepStatus::Succeeded)
    }
}

fn commit(id: &str, subject: &str) -> CommitView {
    CommitView { id: format!("{id}{}", "0".repeat(30)), subject: subject.to_owned() }
}

pub(crate) fn needing(mut step: StepView, needs: &[&str]) -> StepView {
    step.needs = needs.iter().map(|key| (*key).to_owned()).collect();
    step
}

fn failing(mut step: StepView, kind: &str, message: &str, next: Option<&str>) -> StepView {
    step.failure = Some(FailureView {
        kind: kind.to_owned(),
        message: message.to_owned(),
        next: next.map(str::to_owned),
    });
    step
}

fn roles() -> Vec<RoleTotals> {
    vec![
        RoleTotals {
            role: "planner".to_owned(),
            model: "qwen3:14b".to_owned(),
            calls: 1,
            prompt_tokens: 1_842,
            completion_tokens: 614,
            total_ms: 21_300,
        },
        RoleTotals {
            role: "coder".to_owned(),
            model: "qwen3-coder:30b-a3b-instruct-q4_K_M".to_owned(),
            calls: 31,
            prompt_tokens: 412_906,
            completion_tokens: 18_211,
            total_ms: 466_000,
        },
        RoleTotals {
            role: "reviewer".to_owned(),
            model: "qwen3:14b".to_owned(),
            calls: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            total_ms: 0,
        },
    ]
}

pub(crate) fn status(state: RunStatusCode, exit_code: u8, steps: Vec<StepView>) -> RunStatus {
    RunStatus {
        summary: RunSummary { tasks: counts(&steps), ..summary(state) },
        stopped_because: None,
        exit_code,
        workspace: "/home/ada/todo/todo".to_owned(),
        branch: None,
        repository: None,
        findings: steps.iter().map(|step| step.findings).sum(),
        commits: steps.iter().map(|step| u32::try_from(step.commits.len()).expect("few")).sum(),
        steps,
        in_flight: Vec::new(),
        questions: Vec::new(),
        roles: roles(),
        events: 1_204,
        active_ms: 754_000,
    }
}

pub(crate) fn succeeded() -> RunStatus {
    let steps = vec![
        planned(),
        stored(),
        needing(step("t2", "List items", StepStatus::Succeeded), &["t1"]),
    ];
    RunStatus {
        workspace: "/home/ada/todo/.lao/worktrees/todo".to_owned(),
        branch: Some("lao/todo".to_owned()),
        repository: Some("/home/ada/my projects/todo".to_owned()),
        ..status(RunStatusCode::Succeeded, 0, steps)
    }
}

pub(crate) fn failed() -> RunStatus {
    let red = StepView {
        attempts: 3,
        findings: 7,
        files: vec!["src/cli.py".to_owned()],
        ..step("t2", "Parse the command line: add, done, list and remove", StepStatus::Failed)
    };
    let steps = vec![
        planned(),
        stored(),
        failing(
            needing(red, &["t1"]),
            "checks_red",
            "python -m pytest: 2 failed, 5 passed\nFAILED tests/test_cli.py::test_remove",
            Some("lao retry x7k2q --step t2"),
        ),
        failing(
            needing(step("t3", "Write the manual", StepStatus::Skipped), &["t2"]),
            "upstream_failed",
            "step t2 failed",
            None,
        ),
    ];
    status(RunStatusCode::Failed, 4, steps)
}

pub(crate) fn running() -> RunStatus {
    let coding = StepView {
        activity: Some("coding, turn 3".to_owned()),
        ..step("t2", "Parse the command line", StepStatus::Running)
    };
    let mut steps = vec![planned(), stored(), needing(coding, &["t1"])];
    steps.extend((3..16).map(|number| {
        let title = format!("Feature number {number}");
        needing(step(&format!("t{number}"), &title, StepStatus::Pending), &["t2"])
    }));
    let mut status = status(RunStatusCode::Running, 130, steps);
    status.summary.pid = Some(4711);
    status.in_flight.push(InFlightView {
        effect: 48,
        step: Some("t2".to_owned()),
        text: "asking the coder (qwen3-coder:30b)".to_owned(),
        since_ms: START_MS + 16 * 60_000,
        on_resume: "is asked again".to_owned(),
    });
    status
}

pub(crate) fn parked() -> RunStatus {
    let waiting = failing(
        step("t2", "Publish the package", StepStatus::Parked),
        "question",
        "question 5 waits for an answer",
        None,
    );
    let mut status = status(RunStatusCode::Parked, 5, vec![planned(), stored(), waiting]);
    status.stopped_because = Some("nothing can go on before a person answers".to_owned());
    status.questions.push(QuestionView {
        question: 5,
        step: "t2".to_owned(),
        text: "`make install` was started and a crash hid whether it ended. Run it again?"
            .to_owned(),
        choices: vec!["rerun".to_owned(), "skip".to_owned()],
    });
    status
}

pub(crate) fn interrupted() -> RunStatus {
    let mut status = running();
    status.summary.pid = None;
    status.summary.status = RunStatusCode::Interrupted;
    status.exit_code = 7;
    status.stopped_because =
        Some("the server local (http://127.0.0.1:11434) stayed away for 10 min".to_owned());
    status
}

/// A step of a workflow that gave something.
pub(crate) fn prompted() -> StepView {
    let mut step = step("summary", "Five bullets", StepStatus::Succeeded);
    "prompt".clone_into(&mut step.kind);
    step.needs = vec!["text".to_owned()];
    step.detail = Some(StepDetail {
        output: Some("- Call Bob\n- Send the slides to everybody who was there".to_owned()),
        ..StepDetail::default()
    });
    step
}

/// A workflow that has not begun.
pub(crate) fn graph() -> GraphView {
    let step = |key: &str, kind: &str, needs: &[&str]| GraphStep {
        key: key.to_owned(),
        title: format!("The {key}"),
        kind: kind.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        when: None,
        status: None,
    };
    let own = str::to_owned;
    GraphView {
        title: own("Voice notes"),
        source: own("workflows/voice-notes.yaml"),
        run: None,
        inputs: vec![(own("folder"), own("./inbox"))],
        models: vec![(own("analyst"), own("qwen3:8b"), own("local"))],
        steps: vec![
            step("text", "transcribe", &[]),
            step("summary", "prompt", &["text"]),
            GraphStep {
                when: Some(own("${{ steps.text.output != '' }}")),
                ..step("tasks", "prompt", &["text"])
            },
            step("save", "write", &["summary", "tasks"]),
        ],
    }
}

pub(crate) fn detailed() -> StepView {
    let mut step = failed().steps.swap_remove(2);
    step.commits.push(commit("c0ffee1234", "t2: Parse the command line"));
    step.detail = Some(StepDetail {
        description:
            "Add a command line with the commands add, done, list and remove.\n\nUse argparse."
                .to_owned(),
        claimed_files: vec!["src/cli.py".to_owned()],
        acceptance: vec!["`todo list` prints one item a line".to_owned()],
        messages: vec![
            message((12, "system"), "You write code with tools.", &[]),
            message((12, "user"), "# Task t2\n\tAdd a command line.", &[]),
            message(
                (13, "assistant"),
                "I look at the store first.",
                &["file_read({\"path\":\"src/store.py\"})"],
            ),
            MessageView {
                content: ContentView::Blob {
                    hash: "9f86d081884c7d65".to_owned(),
                    size_bytes: 48_211,
                },
                ..message((15, "tool"), "", &[])
            },
        ],
        findings: vec![
            FindingView {
                by: "verifier".to_owned(),
                file: Some("tests/test_cli.py".to_owned()),
                line: Some(41),
                rule: "command:test".to_owned(),
                message: "test_remove failed: KeyError: 'id'".to_owned(),
                hint: "remove takes the item's number, not its id".to_owned(),
            },
            FindingView {
                by: "reviewer".to_owned(),
                file: None,
                line: None,
                rule: "acceptance".to_owned(),
                message: "list prints everything on one line".to_owned(),
                hint: String::new(),
            },
        ],
        todo: vec![
            TodoView { text: "argparse with subcommands".to_owned(), done: true },
            TodoView { text: "tests for remove".to_owned(), done: false },
        ],
        review: Some("rework: list must print one item a line".to_owned()),
        output: None,
        cached: None,
    });
    step
}

fn message((seq, from): (u64, &str), text: &str, tool_calls: &[&str]) -> MessageView {
    MessageView {
        seq,
        role: "coder".to_owned(),
        from: from.to_owned(),
        content: ContentView::Text(text.to_owned()),
        tool_calls: tool_calls.iter().map(|call| (*call).to_owned()).collect(),
    }
}

/// An event `second` seconds after the start.
pub(crate) fn event(
    (seq, second): (u64, i64),
    (name, step): (&str, Option<&str>),
    text: &str,
    data: Value,
) -> EventView {
    EventView {
        seq,
        time_ms: START_MS + second * 1000,
        event: name.to_owned(),
        step: step.map(str::to_owned),
        text: text.to_owned(),
        data,
    }
}

/// The events of a short run with a task that succeeds, one that fails and one that is skipped.
pub(crate) fn events() -> Vec<EventView> {
    let plan = json!({"definition": {"plan": {"title": "A to-do list"}}});
    let plan_step = json!({"steps": [{"key": "plan", "title": "Plan the work", "definition": {"planning": {"chunk": 0}}}]});
    let tasks = json!({"steps": [
        {"key": "t1", "title": "Store items", "definition": {"task": {}}},
        {"key": "t2", "title": "List items", "definition": {"task": {}}},
        {"key": "t3", "title": "Write the manual", "definition": {"task": {}}},
    ]});
    let red = json!({"outcome": {"failed": {"reason": "checks_red", "message": "tests fail"}}});
    let skipped = json!({"outcome": {"skipped": {"upstream_failed": {"step": 2}}}});
    let good = json!({"outcome": "succeeded"});
    let none = Value::Null;
    vec![
        event((1, 0), ("RunStarted", None), "run of plans/todo.md started", plan),
        event((2, 0), ("StepsAdded", None), "1 step added: plan", plan_step),
        event((3, 0), ("StepStarted", Some("plan")), "attempt 1 started", none.clone()),
        event(
            (4, 0),
            ("ModelCallStarted", Some("plan")),
            "asking the planner (qwen3:14b)",
            none.clone(),
        ),
        event(
            (5, 20),
            ("ModelCallEnded", Some("plan")),
            "the planner answered: 614 tokens in 20 s",
            none.clone(),
        ),
        event((6, 20), ("StepsAdded", Some("plan")), "3 steps added: t1, t2, t3", tasks),
        event((7, 20), ("StepEnded", Some("plan")), "succeeded", good.clone()),
        event((8, 21), ("StepStarted", Some("t1")), "attempt 1 started", none.clone()),
        event(
            (9, 21),
            ("ModelCallStarted", Some("t1")),
            "asking the coder (qwen3-coder:30b)",
            none.clone(),
        ),
        event((10, 60), ("FileWriteEnded", Some("t1")), "src/store.py written", none.clone()),
        event((11, 61), ("ChecksEnded", Some("t1")), "checks passed", none.clone()),
        event((12, 70), ("StepEnded", Some("t1")), "succeeded", good),
        event((13, 70), ("StepStarted", Some("t2")), "attempt 1 started", none.clone()),
        event(
            (14, 70),
            ("ModelCallStarted", Some("t2")),
            "asking the coder (qwen3-coder:30b)",
            none.clone(),
        ),
        event((15, 400), ("StepEnded", Some("t2")), "failed: checks red: tests fail", red),
        event((16, 400), ("StepEnded", Some("t3")), "skipped: t2 failed", skipped),
        event((17, 400), ("RunEnded", None), "failed", none),
    ]
}

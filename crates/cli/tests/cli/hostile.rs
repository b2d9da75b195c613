//! Whatever a model, a server or a file name says: nothing panics, and no terminal obeys it.

use lao_cli::{
    CliError, ExitCode, LiveView, Output, Style,
    args::Verbosity,
    render,
    render::{
        ConfigLine, DoctorLine, DoctorState, InitReport, JournalProblem, JournalReport, ModelLine,
        StepLine, ValidLine, WatchEvent, WatchLine,
    },
    style::Color,
};
use lao_protocol::{
    CommitView, ContentView, EventView, FailureView, FindingView, GraphStep, GraphView,
    InFlightView, MessageView, QuestionView, RunStatus, RunStatusCode, StepDetail, StepStatus,
    StepView, TodoView, Update,
};
use proptest::prelude::*;

use crate::sample::{self, style};

/// Text with a good share of what terminals obey.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned()),
        Just("\u{9b}31m\u{85}\u{7f}".to_owned()),
        Just("\r\n\t\u{8}".to_owned()),
        Just("\u{202e}\u{200b}\u{2028}".to_owned()),
        Just("東京 👩‍👩‍👧 e\u{301}".to_owned()),
        "[a-z -]{0,12}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// A status in which every text is the same hostile one.
fn hostile_status(text: &str, state: RunStatusCode) -> RunStatus {
    let each = [
        StepStatus::Pending,
        StepStatus::Running,
        StepStatus::Parked,
        StepStatus::Succeeded,
        StepStatus::Failed,
        StepStatus::Skipped,
    ];
    let steps = each.map(|state| hostile_step(text, state)).to_vec();
    let mut status = sample::status(state, 4, steps);
    let own = || text.to_owned();
    status.summary.run = own();
    status.summary.title = own();
    status.summary.source = own();
    status.stopped_because = Some(own());
    status.workspace = own();
    status.branch = Some(own());
    status.repository = Some(own());
    status.roles[0].role = own();
    status.roles[0].model = own();
    status.in_flight.push(InFlightView {
        effect: u64::MAX,
        step: Some(own()),
        text: own(),
        since_ms: i64::MIN,
        on_resume: own(),
    });
    status.questions.push(QuestionView {
        question: 1,
        step: own(),
        text: own(),
        choices: vec![own()],
    });
    status
}

fn hostile_step(text: &str, status: StepStatus) -> StepView {
    let own = || text.to_owned();
    StepView {
        key: own(),
        title: own(),
        kind: own(),
        activity: Some(own()),
        needs: vec![own()],
        failure: Some(FailureView { kind: own(), message: own(), next: Some(own()) }),
        files: vec![own()],
        commits: vec![CommitView { id: own(), subject: own() }],
        detail: Some(hostile_detail(text)),
        ..sample::step("t1", "", status)
    }
}

fn hostile_detail(text: &str) -> StepDetail {
    let own = || text.to_owned();
    StepDetail {
        description: own(),
        claimed_files: vec![own()],
        acceptance: vec![own()],
        messages: vec![MessageView {
            seq: 1,
            role: own(),
            from: own(),
            content: ContentView::Text(own()),
            tool_calls: vec![own()],
        }],
        findings: vec![FindingView {
            by: own(),
            file: Some(own()),
            line: Some(1),
            rule: own(),
            message: own(),
            hint: own(),
        }],
        todo: vec![TodoView { text: own(), done: true }],
        review: Some(own()),
        output: Some(own()),
        cached: Some(own()),
    }
}

fn hostile_event(text: &str) -> EventView {
    EventView {
        seq: u64::MAX,
        time_ms: i64::MAX,
        event: text.to_owned(),
        step: Some(text.to_owned()),
        text: text.to_owned(),
        data: serde_json::json!({"steps": text, "outcome": [text]}),
    }
}

fn reports(text: &str, style: &Style) -> Vec<String> {
    let own = || text.to_owned();
    let error = CliError::new(ExitCode::Internal, text).hint(text).cause(text);
    vec![
        error.to_text(style),
        error.to_json(),
        render::doctor(
            &[DoctorLine {
                state: DoctorState::Problem,
                subject: own(),
                message: own(),
                cure: Some(own()),
                code: ExitCode::Internal,
            }],
            style,
        ),
        render::config(&[ConfigLine { key: own(), value: own(), source: own() }], style),
        render::init(
            &InitReport {
                folder: own(),
                silent: vec![own()],
                roles_missing: vec![own()],
                ..InitReport::default()
            },
            style,
        ),
        render::journal(
            &[JournalReport {
                run: own(),
                deep: true,
                events: 1,
                blobs: 1,
                size_bytes: 1,
                sealed: false,
                head: Some(own()),
                problems: vec![JournalProblem { seq: None, message: own(), hint: Some(own()) }],
                affected: None,
            }],
            style,
        ),
    ]
}

/// What commands about workflows print.
fn of_workflows(text: &str, style: &Style) -> Vec<String> {
    let own = || text.to_owned();
    let step = |key: String, needs| GraphStep {
        key,
        title: own(),
        kind: own(),
        needs,
        when: Some(own()),
        status: Some(StepStatus::Failed),
    };
    let graph = GraphView {
        title: own(),
        source: own(),
        run: Some(own()),
        inputs: vec![(own(), own())],
        models: vec![(own(), own(), own())],
        steps: vec![step(own(), Vec::new()), step(format!("{text}2"), vec![own()])],
    };
    let valid = ValidLine { path: own(), valid: true, steps: 1, problems: Vec::new() };
    let line = StepLine { name: own(), usage: own(), meaning: own(), own: true };
    let model = ModelLine {
        engine: own(),
        name: own(),
        size_bytes: u64::MAX,
        hash: own(),
        source: own(),
        published: Some(own()),
    };
    let watched = WatchLine {
        time_ms: i64::MAX,
        workflow: own(),
        event: WatchEvent::Trouble,
        run: Some(own()),
        text: own(),
    };
    vec![
        render::graph::text(&graph, style),
        render::graph::mermaid(&graph),
        render::graph::dot(&graph),
        render::graph::svg(&graph),
        render::flow_plan(&graph, style),
        render::valid(&valid, style),
        render::steps(&[line], style),
        render::models(&[model], style),
        render::watch_line(&watched, style),
    ]
}

fn views(text: &str, state: RunStatusCode, style: &Style) -> Vec<String> {
    let status = hostile_status(text, state);
    let mut pages = vec![
        render::runs(std::slice::from_ref(&status.summary), (render::RunsOrder::Newest, 1), style),
        render::status(&status, style),
        render::show(&status, style),
        render::summary(&status, style),
        render::resume(&status, style),
        render::log_line(&hostile_event(text), style),
        render::json::line(&status),
    ];
    pages.extend(status.steps.iter().map(|step| render::step(&status, step, style)));
    pages
}

/// Nothing but text, line ends and the colours that are ours.
pub(crate) fn harmless(page: &str) -> bool {
    let ours = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[2m",
        "\u{1b}[32m",
        "\u{1b}[33m",
        "\u{1b}[36m",
        "\u{1b}[31m",
    ];
    let text = ours.iter().fold(page.to_owned(), |text, code| text.replace(code, ""));
    let misleads = |letter: char| {
        letter.is_control() && letter != '\n'
            || ('\u{202a}'..='\u{202e}').contains(&letter)
            || ('\u{2066}'..='\u{2069}').contains(&letter)
    };
    !text.contains(misleads)
}

const STATES: [RunStatusCode; 4] = [
    RunStatusCode::Failed,
    RunStatusCode::Parked,
    RunStatusCode::Succeeded,
    RunStatusCode::Cancelled,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_reaches_a_terminal_as_a_command(
        text in text(),
        columns in prop_oneof![0_usize..12, 12_usize..200, Just(usize::MAX)],
        state in prop::sample::select(&STATES[..]),
        colored in any::<bool>(),
    ) {
        let color = if colored { Color::On } else { Color::Off };
        let style = style(columns, color);
        let pages = [
            views(&text, state, &style),
            reports(&text, &style),
            of_workflows(&text, &style),
        ];
        for page in pages.concat() {
            prop_assert!(harmless(&page), "{page:?}");
        }
    }

    #[test]
    fn live_views_survive_any_update(text in text(), second in any::<i32>()) {
        let mut plain = LiveView::plain(
            Output::to(Box::new(std::io::sink())),
            style(40, Color::On),
            Verbosity::Everything,
        );
        let own = || text.clone();
        let updates = [
            Update::Event(hostile_event(&text)),
            Update::Tokens { step: own(), role: own(), tokens: u64::MAX, tokens_per_second_milli: u64::MAX },
            Update::Transcribed { step: own(), done_milli: u32::MAX },
            Update::Retrying { step: own(), endpoint: own(), message: own(), tries: u32::MAX, pause_ms: u64::MAX },
            Update::Waiting { step: own(), endpoint: own(), message: own(), waited_ms: u64::MAX, wait_ms_max: 0 },
            Update::DiskSlow { waited_ms: u64::MAX },
            Update::DiskCaughtUp { waited_ms: u64::MAX },
            Update::WorkerRestarted { doing: own(), message: own() },
            Update::Finished(Box::new(hostile_status(&text, RunStatusCode::Failed))),
        ];
        for update in &updates {
            plain.update(update, i64::from(second) * 1000);
            plain.tick(i64::MAX);
            plain.tick(i64::MIN);
        }
    }
}

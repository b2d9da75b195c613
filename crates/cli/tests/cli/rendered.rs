//! Every renderer, wide, narrow and in colour.

use lao_cli::{
    ExitCode, render,
    render::{
        Affected, AffectedEvents, ConfigLine, DoctorLine, DoctorState, FileOutcome, InitFile,
        InitReport, InitRole, InitServer, JournalProblem, JournalReport, ModelLine, StepLine,
        ValidLine, WatchEvent, WatchLine,
    },
    style::Color,
};
use lao_protocol::{RunStatusCode, RunSummary, StepStatus};

use crate::sample::{self, check, in_every_style, style};

#[test]
fn runs() {
    let runs = [
        RunSummary { pid: Some(4711), ..sample::running().summary },
        sample::failed().summary,
        RunSummary {
            run: "20260228-010203-a1b2c".to_owned(),
            title: "Übersetzungen für 東京 und anderswo, mit einem langen Titel".to_owned(),
            ..sample::succeeded().summary
        },
        RunSummary {
            title: "journal ends in the middle of event 88".to_owned(),
            ..sample::summary(RunStatusCode::Unreadable)
        },
    ];
    in_every_style("runs", |style| render::runs(&runs, (render::RunsOrder::Newest, 3), style));
    check("runs-none", &render::runs(&[], (render::RunsOrder::Newest, 0), &style(80, Color::Off)));
}

#[test]
fn status() {
    in_every_style("status-running", |style| render::status(&sample::running(), style));
    in_every_style("status-parked", |style| render::status(&sample::parked(), style));
    in_every_style("status-interrupted", |style| render::status(&sample::interrupted(), style));
}

#[test]
fn show() {
    in_every_style("show-run", |style| render::show(&sample::failed(), style));
    let step = sample::detailed();
    in_every_style("show-step", |style| render::step(&sample::failed(), &step, style));
    let step = sample::prompted();
    in_every_style("show-step-output", |style| render::step(&sample::succeeded(), &step, style));
}

#[test]
fn graph() {
    let fresh = sample::graph();
    in_every_style("graph", |style| render::graph::text(&fresh, style));
    in_every_style("dry-run", |style| render::flow_plan(&fresh, style));
    let mut run = fresh.clone();
    run.run = Some(sample::RUN.to_owned());
    let states =
        [StepStatus::Succeeded, StepStatus::Running, StepStatus::Skipped, StepStatus::Pending];
    for (step, state) in run.steps.iter_mut().zip(states) {
        step.status = Some(state);
    }
    in_every_style("graph-run", |style| render::graph::text(&run, style));
    check("graph-mermaid", &render::graph::mermaid(&run));
    check("graph-dot", &render::graph::dot(&run));
    check("graph-svg", &render::graph::svg(&run));
}

/// Whoever draws a graph reads labels, not instructions.
#[test]
fn a_label_cannot_leave_its_quotes() {
    let mut view = sample::graph();
    view.title = "a\"; b \\".to_owned();
    view.steps[0].key = "\"] --> x[\"<b>&\\".to_owned();
    check("graph-mermaid-quoted", &render::graph::mermaid(&view));
    check("graph-dot-quoted", &render::graph::dot(&view));
    check("graph-svg-quoted", &render::graph::svg(&view));
}

#[test]
fn what_commands_about_workflows_list() {
    let own = str::to_owned;
    let step = |usage: &str, meaning: &str, is_own| StepLine {
        name: usage.split(' ').next().unwrap_or_default().to_owned(),
        usage: usage.to_owned(),
        meaning: meaning.to_owned(),
        own: is_own,
    };
    let steps = [
        step("translate LANGUAGE", "Translate the text.", false),
        step("tone", "Say it more kindly.", true),
    ];
    in_every_style("steps", |style| render::steps(&steps, style));
    let model = ModelLine {
        engine: own("whisper"),
        name: own("base"),
        size_bytes: 147_951_465,
        hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        source: own("/home/ada/Downloads/mine.bin"),
        published: None,
    };
    let published = ModelLine {
        name: "base.en".to_owned(),
        source: "ggml-base.en.bin".to_owned(),
        published: Some("base.en".to_owned()),
        ..model.clone()
    };
    let lines = [model, published];
    in_every_style("models", |style| render::models(&lines, style));
    in_every_style("models-none", |style| render::models(&[], style));
    let valid = ValidLine { path: own("flow.yaml"), valid: true, steps: 4, problems: Vec::new() };
    in_every_style("valid", |style| render::valid(&valid, style));
}

#[test]
fn watched() {
    let line = |event, run: Option<&str>, text: &str| WatchLine {
        time_ms: sample::START_MS,
        workflow: "voice-notes".to_owned(),
        event,
        run: run.map(str::to_owned),
        text: text.to_owned(),
    };
    let run = Some(sample::RUN);
    let lines = [
        line(WatchEvent::Ready, None, "watching ./inbox"),
        line(WatchEvent::Fired, run, "inbox/monday.m4a"),
        line(WatchEvent::Resumed, run, "inbox/monday.m4a"),
        line(WatchEvent::Succeeded, run, "done"),
        line(WatchEvent::Failed, run, "text: the recording is cut"),
        line(WatchEvent::Stopped, run, "the server does not answer"),
        line(WatchEvent::Trouble, None, "./inbox cannot be read"),
    ];
    in_every_style("watched", |style| {
        lines.iter().map(|line| render::watch_line(line, style)).collect()
    });
}

#[test]
fn summary() {
    in_every_style("summary-done", |style| render::summary(&sample::succeeded(), style));
    in_every_style("summary-failed", |style| render::summary(&sample::failed(), style));
}

#[test]
fn resume() {
    in_every_style("resume", |style| render::resume(&sample::interrupted(), style));
    let quiet = sample::status(RunStatusCode::Interrupted, 130, Vec::new());
    check("resume-empty", &render::resume(&quiet, &style(80, Color::Off)));
}

#[test]
fn log() {
    in_every_style("log", |style| {
        sample::events().iter().map(|event| render::log_line(event, style) + "\n").collect()
    });
}

fn checkup() -> Vec<DoctorLine> {
    let line = |state, subject: &str, message: &str, cure: Option<&str>| DoctorLine {
        state,
        subject: subject.to_owned(),
        message: message.to_owned(),
        cure: cure.map(str::to_owned),
        code: ExitCode::ServerUnavailable,
    };
    vec![
        line(DoctorState::Ok, "server", "Ollama answers at http://127.0.0.1:11434 in 3 ms", None),
        line(
            DoctorState::Problem,
            "models",
            "the coder's model qwen3-coder:30b is not on the server local, which has qwen3:14b and nomic-embed-text",
            Some("ollama pull qwen3-coder:30b, or set models.coder.key"),
        ),
        line(
            DoctorState::Warning,
            "git",
            "no user.name is configured",
            Some("git config --global user.name NAME"),
        ),
        line(DoctorState::Ok, "disk", "1.2 TiB free", None),
    ]
}

#[test]
fn doctor() {
    let lines = checkup();
    in_every_style("doctor", |style| render::doctor(&lines, style));
    assert_eq!(DoctorLine::exit_code(&lines), ExitCode::ServerUnavailable);
    let fine = &lines[..1];
    assert_eq!(DoctorLine::exit_code(fine), ExitCode::Done);
    check("doctor-fine", &render::doctor(fine, &style(80, Color::Off)));
}

#[test]
fn config() {
    let line = |key: &str, value: &str, source: &str| ConfigLine {
        key: key.to_owned(),
        value: value.to_owned(),
        source: source.to_owned(),
    };
    let lines = [
        line("endpoints.local.url", "\"http://127.0.0.1:11434/v1\"", "lao.toml:4"),
        line("git.enabled", "false", "flag --set"),
        line("orchestration.tasks_in_parallel", "1", "built-in"),
    ];
    in_every_style("config", |style| render::config(&lines, style));
}

#[test]
fn init() {
    let file = |path: &str, outcome| InitFile { path: path.to_owned(), outcome };
    let found = InitReport {
        folder: "/home/ada/todo".to_owned(),
        files: vec![
            file("lao.toml", FileOutcome::Created),
            file("plans/", FileOutcome::Kept),
            file(".gitignore", FileOutcome::Extended),
        ],
        servers: vec![InitServer {
            name: "Ollama".to_owned(),
            url: "http://127.0.0.1:11434".to_owned(),
            models: vec!["qwen3:14b".to_owned(), "qwen3-coder:30b".to_owned()],
        }],
        silent: vec!["http://127.0.0.1:1234".to_owned()],
        roles: vec![InitRole {
            role: "coder".to_owned(),
            model: "qwen3-coder:30b".to_owned(),
            endpoint: "local".to_owned(),
            why: "named for coding".to_owned(),
        }],
        roles_missing: vec!["embedder".to_owned()],
    };
    in_every_style("init", |style| render::init(&found, style));
    let alone = InitReport {
        servers: Vec::new(),
        roles: Vec::new(),
        roles_missing: Vec::new(),
        silent: vec!["http://127.0.0.1:11434".to_owned(), "http://127.0.0.1:1234".to_owned()],
        ..found
    };
    check("init-alone", &render::init(&alone, &style(80, Color::Off)));
}

#[test]
fn journal() {
    let good = JournalReport {
        run: sample::RUN.to_owned(),
        deep: true,
        events: 1_204,
        blobs: 31,
        size_bytes: 1_612_800,
        sealed: true,
        head: Some("9f86d081".to_owned()),
        problems: Vec::new(),
        affected: None,
    };
    let bad = JournalReport {
        run: "20260228-010203-a1b2c".to_owned(),
        events: 87,
        sealed: false,
        problems: vec![JournalProblem {
            seq: Some(88),
            message: "the chain hash does not fit: the event was changed after it was written"
                .to_owned(),
            hint: Some("restore the folder from a backup; events 1 to 87 can be read".to_owned()),
        }],
        affected: Some(Affected {
            from: 88,
            events: vec![AffectedEvents { event: "StepEnded".to_owned(), count: 2 }],
            steps: vec!["t1".to_owned(), "t2".to_owned()],
        }),
        ..good.clone()
    };
    assert_eq!(JournalReport::exit_code(std::slice::from_ref(&good)), ExitCode::Done);
    let reports = [good, bad];
    assert_eq!(JournalReport::exit_code(&reports), ExitCode::JournalUnavailable);
    in_every_style("journal", |style| render::journal(&reports, style));
}

#[test]
fn no_line_is_wider_than_the_terminal_where_text_can_give_way() {
    for columns in [60, 80, 120] {
        let style = style(columns, Color::Off);
        let pages = [
            render::runs(&[sample::failed().summary], (render::RunsOrder::Newest, 1), &style),
            render::summary(&sample::failed(), &style),
            render::show(&sample::failed(), &style),
            render::step(&sample::failed(), &sample::detailed(), &style),
            render::step(&sample::succeeded(), &sample::prompted(), &style),
            render::doctor(&checkup(), &style),
        ];
        for line in pages.iter().flat_map(|page| page.lines()) {
            // Commands are for copying: they are never cut.
            let is_command = line.trim_start().starts_with("git ");
            let width = lao_cli::text::width(line);
            assert!(width <= columns || is_command, "{width} columns: {line}");
        }
    }
}

#[test]
fn next_commands_fit_every_state() {
    let at = |state| render::status(&sample::status(state, 1, Vec::new()), &style(80, Color::Off));
    assert!(at(RunStatusCode::Planning).contains("lao log x7k2q -f"));
    assert!(at(RunStatusCode::Stopping).contains("lao cancel x7k2q"));
    assert!(at(RunStatusCode::Cancelled).contains("lao run plans/todo.md --again"));
    assert!(at(RunStatusCode::Unreadable).contains("lao journal check x7k2q"));
    assert!(at(RunStatusCode::Failed).contains("lao retry x7k2q"));
    assert!(at(RunStatusCode::Parked).contains("lao resume x7k2q"));
    assert!(at(RunStatusCode::Succeeded).contains("lao show x7k2q"));
}

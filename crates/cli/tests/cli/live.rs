//! Live views over a sequence of updates.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use clap::Parser;
use lao_cli::{
    Cli, LiveView, Output,
    args::Verbosity,
    output::Listener,
    progress::ProgressMode,
    style::{Color, StreamKind},
};
use lao_protocol::Update;

use crate::sample::{self, START_MS, check, style};

/// A sink that can be read afterwards.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn output(&self) -> Output {
        Output::to(Box::new(self.clone()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A reader that leaves after so many bytes.
struct Leaving(usize, io::ErrorKind);

impl Write for Leaving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(self.1.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tokens(step: &str, tokens: u64) -> Update {
    Update::Tokens {
        step: step.to_owned(),
        role: "coder".to_owned(),
        tokens,
        tokens_per_second_milli: 41_234,
    }
}

fn waiting(step: &str, waited_ms: u64) -> Update {
    Update::Waiting {
        step: step.to_owned(),
        endpoint: "local".to_owned(),
        message: "connection refused".to_owned(),
        waited_ms,
        wait_ms_max: 600_000,
    }
}

/// The whole run, second by second: tokens, a retry, a slow disk, a server that goes away and comes
/// back.
fn play(view: &mut LiveView) {
    let events = sample::events();
    for second in 0..=400 {
        let now_ms = START_MS + second * 1000;
        for event in events.iter().filter(|event| event.time_ms == now_ms) {
            view.update(&Update::Event(event.clone()), now_ms);
        }
        let waited_ms = u64::try_from((second - 100) * 1000).unwrap_or(0);
        match second {
            22..=59 => drop(view.update(&tokens("t1", 41 * (second - 21).unsigned_abs()), now_ms)),
            95 => drop(view.update(
                &Update::Retrying {
                    step: "t2".to_owned(),
                    endpoint: "local".to_owned(),
                    message: "the stream broke off".to_owned(),
                    tries: 1,
                    pause_ms: 2_000,
                },
                now_ms,
            )),
            97 => drop(view.update(&Update::DiskSlow { waited_ms: 2_000 }, now_ms)),
            98 => drop(view.update(&Update::DiskCaughtUp { waited_ms: 3_100 }, now_ms)),
            100..=170 => drop(view.update(&waiting("t2", waited_ms), now_ms)),
            171..=399 => drop(view.update(&tokens("t2", second.unsigned_abs()), now_ms)),
            _ => {}
        }
        view.tick(now_ms);
    }
    let end_ms = START_MS + 400_000;
    view.update(&Update::Finished(Box::new(sample::failed())), end_ms);
    view.finish();
}

fn played_plain(verbosity: Verbosity) -> String {
    let paper = Paper::default();
    let mut view = LiveView::plain(paper.output(), style(usize::MAX, Color::Off), verbosity);
    play(&mut view);
    paper.text()
}

#[test]
fn a_pipe_gets_dated_lines() {
    check("live-plain", &played_plain(Verbosity::Normal));
    check("live-plain-verbose", &played_plain(Verbosity::Verbose));
}

#[test]
fn everything_means_every_event() {
    let text = played_plain(Verbosity::Everything);
    for event in sample::events() {
        assert!(text.contains(&event.text), "{} is missing", event.text);
    }
}

#[test]
fn own_words_are_dated_too() {
    let paper = Paper::default();
    let mut view =
        LiveView::plain(paper.output(), style(usize::MAX, Color::Off), Verbosity::Normal);
    view.say("stopping: t2 is asking the coder; Ctrl-C again ends at once", START_MS);
    assert_eq!(
        paper.text(),
        "2026-03-02 22:14:05  -       stopping: t2 is asking the coder; Ctrl-C again ends at once\n"
    );
}

#[test]
fn json_is_every_update_one_a_line() {
    let paper = Paper::default();
    let mut view = LiveView::json(paper.output(), Verbosity::Normal);
    play(&mut view);
    let text = paper.text();
    let updates: Vec<Update> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(updates[0], Update::Event(sample::events().remove(0)));
    assert!(matches!(updates.last(), Some(Update::Finished(_))));
    assert_eq!(updates.len(), 17 + 38 + 1 + 2 + 71 + 229 + 1);
}

#[test]
fn quiet_json_is_the_end_alone() {
    let paper = Paper::default();
    play(&mut LiveView::json(paper.output(), Verbosity::Quiet));
    assert_eq!(paper.text().lines().count(), 1);
    assert!(paper.text().starts_with("{\"update\":\"finished\""));
}

#[test]
fn a_reader_who_leaves_ends_the_output_and_nothing_else() {
    let output = Output::to(Box::new(Leaving(200, io::ErrorKind::BrokenPipe)));
    let mut view = LiveView::plain(output, style(usize::MAX, Color::Off), Verbosity::Everything);
    play(&mut view);
    assert_eq!(view.listener(), Listener::Gone);
}

#[test]
fn a_full_disk_is_told_and_a_closed_pipe_is_not() {
    let mut gone = Output::to(Box::new(Leaving(3, io::ErrorKind::BrokenPipe)));
    assert_eq!(gone.line("hello"), Listener::Gone);
    assert_eq!(gone.line("again"), Listener::Gone);
    gone.finish().unwrap();

    let mut full = Output::to(Box::new(Leaving(3, io::ErrorKind::StorageFull)));
    assert_eq!(full.line("hello"), Listener::Gone);
    assert_eq!(full.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn the_form_follows_the_flags_and_the_stream() {
    let choose = |line: &str, stream| {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        ProgressMode::choose(&cli.global, stream)
    };
    assert_eq!(choose("lao run", StreamKind::Terminal), ProgressMode::Bars);
    assert_eq!(choose("lao run", StreamKind::Pipe), ProgressMode::Plain);
    assert_eq!(choose("lao run -q", StreamKind::Terminal), ProgressMode::Silent);
    assert_eq!(choose("lao run --json", StreamKind::Terminal), ProgressMode::Json);
    assert_eq!(choose("lao run --json -q", StreamKind::Pipe), ProgressMode::Json);
}

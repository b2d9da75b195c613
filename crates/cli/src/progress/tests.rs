//! The block on a terminal, as a terminal shows it.

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use jiff::tz::TimeZone;
use lao_protocol::{EventView, Update};
use serde_json::{Value, json};

use super::{LiveView, Sink, bars::Bars};
use crate::{
    Style,
    args::Verbosity,
    style::{Color, terminal_width_columns},
};

const START_MS: i64 = 1_772_486_045_000;

fn view(terminal: &InMemoryTerm, measure: fn() -> usize) -> LiveView {
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let style =
        Style { width_columns: 0, color: Color::Off, zone: TimeZone::UTC, now_ms: START_MS };
    LiveView::with_sink(Sink::Bars(Bars::new(target, style, measure)), Verbosity::Normal)
}

fn event(
    (second, name): (i64, &str),
    step: Option<&str>,
    text: &str,
    data: Value,
) -> (Update, i64) {
    let time_ms = START_MS + second * 1000;
    let event = EventView {
        seq: 1,
        time_ms,
        event: name.to_owned(),
        step: step.map(str::to_owned),
        text: text.to_owned(),
        data,
    };
    (Update::Event(event), time_ms)
}

fn task(key: &str, title: &str) -> Value {
    json!({"key": key, "title": title, "definition": {"task": {}}})
}

fn start(view: &mut LiveView) {
    let steps = json!({"steps": [
        task("t1", "Store items"), task("t2", "List items"), task("t3", "Remove items"),
        task("t4", "Write the manual"),
    ]});
    let none = Value::Null;
    let failed = json!({"outcome": {"failed": {"reason": "checks_red", "message": "tests"}}});
    let updates = [
        event((0, "RunStarted"), None, "run started", none.clone()),
        event((1, "StepsAdded"), Some("plan"), "4 steps added", steps),
        event((1, "StepStarted"), Some("t1"), "attempt 1 started", none.clone()),
        event((2, "StepEnded"), Some("t1"), "succeeded", json!({"outcome": "succeeded"})),
        event((2, "StepStarted"), Some("t2"), "attempt 1 started", none.clone()),
        event((3, "StepStarted"), Some("t3"), "attempt 1 started", none.clone()),
        event((3, "ModelCallStarted"), Some("t3"), "asking the coder (qwen3)", none),
        event((4, "StepEnded"), Some("t2"), "failed: checks red", failed),
    ];
    for (update, now_ms) in &updates {
        view.update(update, *now_ms);
    }
    let tokens = Update::Tokens {
        step: "t3".to_owned(),
        role: "coder".to_owned(),
        tokens: 312,
        tokens_per_second_milli: 41_234,
    };
    view.update(&tokens, START_MS + 9_000);
}

#[test]
fn the_block_shows_tasks_by_state_and_who_does_what() {
    let terminal = InMemoryTerm::new(20, 90);
    let mut view = view(&terminal, || 90);
    start(&mut view);
    insta::assert_snapshot!(terminal.contents(), @r"
    2026-03-02 21:14:05  -       run started
    2026-03-02 21:14:06  plan    4 steps added
    2026-03-02 21:14:07  t1      succeeded
    2026-03-02 21:14:09  t2      failed: checks red
    ##########---------- 1/4 done · 1 running · 1 failed · 1 waiting · 9 s
      t3 · asking the coder (qwen3) · 312 tokens, 41.2/s · 6 s · Remove items
    ");
}

#[test]
fn a_narrow_terminal_gets_lines_that_fit() {
    let terminal = InMemoryTerm::new(20, 40);
    let mut view = view(&terminal, || 40);
    start(&mut view);
    view.tick(START_MS + 70_000);
    insta::assert_snapshot!(terminal.contents(), @r"
    2026-03-02 21:14:05  -       run started
    2026-03-02 21:14:06  plan    4 steps add
    ed
    2026-03-02 21:14:07  t1      succeeded
    2026-03-02 21:14:09  t2      failed: che
    cks red
    ##########---------- 1/4 done · 1 runn…
      t3 · asking the coder (qwen3) · 312 …
    ");
}

#[test]
fn a_server_that_is_away_is_seen_at_once() {
    let terminal = InMemoryTerm::new(20, 90);
    let mut view = view(&terminal, || 90);
    start(&mut view);
    for second in [0, 5, 40] {
        let waiting = Update::Waiting {
            step: "t3".to_owned(),
            endpoint: "local".to_owned(),
            message: "connection refused".to_owned(),
            waited_ms: second * 1000,
            wait_ms_max: 600_000,
        };
        view.update(&waiting, START_MS + 10_000 + i64::try_from(second).unwrap() * 1000);
    }
    insta::assert_snapshot!(terminal.contents(), @r"
    2026-03-02 21:14:05  -       run started
    2026-03-02 21:14:06  plan    4 steps added
    2026-03-02 21:14:07  t1      succeeded
    2026-03-02 21:14:09  t2      failed: checks red
    2026-03-02 21:14:15  t3      waiting for the server local (0 s of at most 10 min 00 s): co
    nnection refused
    2026-03-02 21:14:55  t3      waiting for the server local (40 s of at most 10 min 00 s): c
    onnection refused
    ##########---------- 1/4 done · 1 running · 1 failed · 1 waiting · 50 s
      t3 · waiting for local: connection refused · 47 s · Remove items
    ");
}

#[test]
fn the_end_leaves_the_landmarks_and_nothing_of_the_block() {
    let terminal = InMemoryTerm::new(20, 90);
    let mut view = view(&terminal, || 90);
    start(&mut view);
    view.finish();
    view.tick(START_MS + 20_000);
    let shown = terminal.contents();
    assert!(!shown.contains("done"), "{shown}");
    assert!(shown.contains("failed: checks red"), "{shown}");
}

#[test]
fn a_view_that_is_dropped_takes_its_block_along() {
    let terminal = InMemoryTerm::new(20, 90);
    let mut view = view(&terminal, || 90);
    start(&mut view);
    assert!(terminal.contents().contains("1/4 done"));
    drop(view);
    assert!(!terminal.contents().contains("1/4 done"));
}

#[test]
fn many_active_steps_are_counted_instead_of_listed() {
    let terminal = InMemoryTerm::new(30, 90);
    let mut view = view(&terminal, || 90);
    for number in 0..30 {
        let key = format!("t{number}");
        let (update, now_ms) = event((1, "StepStarted"), Some(&key), "started", Value::Null);
        view.update(&update, now_ms);
    }
    assert!(terminal.contents().contains("and 22 more"));
}

#[test]
fn a_terminal_that_tells_no_width_still_has_one() {
    assert!(terminal_width_columns() >= 20);
}

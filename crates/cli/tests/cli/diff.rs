//! Diffs as they are shown, whatever they hold.

use lao_cli::{render, style::Color};
use lao_protocol::{
    DiffAttempt, DiffBy, DiffChange, DiffFirst, DiffHunk, DiffKind, DiffPiece, DiffPresence,
    DiffRun, DiffSides, DiffStep, DiffStepSide, DiffText, DiffTextOf, DiffTotals, DiffValue,
    RunDiffView, StepStatus,
};
use proptest::prelude::*;

use crate::{
    hostile::{harmless, text},
    sample::style,
};

fn both<T: Clone>(value: &T) -> DiffSides<T> {
    DiffSides { a: value.clone(), b: value.clone() }
}

/// A diff in which every text is the same hostile one.
fn hostile(text: &str) -> RunDiffView {
    let own = || text.to_owned();
    let hunk = DiffHunk {
        line: both(&u64::MAX.saturating_sub(1_000_000)),
        pieces: vec![DiffPiece::Same(own()), DiffPiece::Changed(both(&own()))],
    };
    let texts = [DiffBy::Words, DiffBy::Lines].map(|by| DiffText {
        of: DiffTextOf::Reply,
        by,
        presence: DiffPresence::Both,
        hunks: vec![hunk.clone(), hunk.clone()],
        more_lines: both(&1),
    });
    let change = DiffChange {
        kind: DiffKind::Call,
        presence: DiffPresence::Both,
        seq: both(&Some(u64::MAX)),
        role: Some(own()),
        turn: Some(both(&Some(1))),
        subject: Some(own()),
        values: vec![DiffValue { name: own(), a: Some(own()), b: Some(own()) }],
        texts: texts.to_vec(),
    };
    let run = DiffRun {
        run: own(),
        title: own(),
        last_seq: u64::MAX,
        started_ms: i64::MIN,
        end: own(),
        totals: DiffTotals { events: u64::MAX, ..DiffTotals::default() },
    };
    let side = DiffStepSide {
        title: own(),
        status: Some(StepStatus::Failed),
        attempts: 1,
        prompt_tokens: 1,
        completion_tokens: 1,
        elapsed_ms: u64::MAX,
    };
    let attempt = DiffAttempt {
        attempt: 1,
        retries: 1,
        presence: DiffPresence::OnlyB,
        changes: vec![change.clone()],
    };
    RunDiffView {
        identical: false,
        runs: both(&run),
        first: Some(DiffFirst { step: Some(own()), attempt: Some(1), change: change.clone() }),
        changes: vec![change.clone()],
        steps: vec![DiffStep {
            key: own(),
            presence: DiffPresence::Both,
            sides: both(&Some(side)),
            changes: vec![change],
            attempts: vec![attempt],
        }],
    }
}

/// The page without the tags and entities that are ours.
fn without_markup(page: &str) -> String {
    let body = page.split_once("</head>").unwrap().1;
    let mut rest = String::new();
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            _ => rest.push(letter),
        }
    }
    rest
}

proptest! {
    #[test]
    fn no_terminal_obeys_a_diff(text in text(), columns in 20_usize..120) {
        let view = hostile(&text);
        for color in [Color::On, Color::Off] {
            let page = render::diff(&view, &style(columns, color));
            prop_assert!(harmless(&page), "{page:?}");
        }
        let page = render::diff_html(&view, &style(columns, Color::Off));
        prop_assert!(harmless(&page), "{page:?}");
    }

    #[test]
    fn no_browser_obeys_a_diff(text in "[<>&\"'/a-z =!-]{1,40}") {
        let view = hostile(&text);
        let plain = hostile("x");
        let page = render::diff_html(&view, &style(80, Color::Off));
        // As many tags as with a text that has none.
        let tags = |page: &str| page.matches('<').count();
        let expected = tags(&render::diff_html(&plain, &style(80, Color::Off)));
        prop_assert_eq!(tags(&page), expected);
        prop_assert!(!without_markup(&page).contains(['<', '>', '"']), "{page}");
    }
}

#[test]
fn nothing_is_said_of_runs_that_do_not_differ() {
    let mut view = hostile("x");
    view.first = None;
    assert_eq!(render::diff(&view, &style(80, Color::On)), "");
}

//! Texts beside each other.

use lao_replay::diff::{Grain, Hunk, Pair, Piece, Presence, TextDiff};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["a", "b", " ", "\n", "\n", "long word", ", ", "ä\t"]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn grain() -> impl Strategy<Value = Grain> {
    prop::sample::select(vec![Grain::Words, Grain::Lines])
}

fn diff(grain: Grain, a: &str, b: &str) -> Option<TextDiff> {
    TextDiff::of(grain, Pair { a: Some(a), b: Some(b) })
}

/// What a hunk has of either text.
fn joined(hunk: &Hunk) -> Pair<String> {
    let of = |side: fn(&Pair<String>) -> &String| {
        let pieces = hunk.pieces.iter().map(|piece| match piece {
            Piece::Same(text) => text.as_str(),
            Piece::Changed(texts) => side(texts),
        });
        pieces.collect::<String>()
    };
    Pair { a: of(|texts| &texts.a), b: of(|texts| &texts.b) }
}

/// A text with its hunks taken out.
fn rest(text: &str, hunks: &[(u64, String)]) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut at = 0;
    let mut rest = String::new();
    for (line, of) in hunks {
        let start = usize::try_from(*line).unwrap() - 1;
        rest.push_str(&lines[at..start].concat());
        let count = of.split_inclusive('\n').count();
        assert_eq!(&lines[start..start + count].concat(), of);
        at = start + count;
    }
    rest + &lines[at..].concat()
}

proptest! {
    #[test]
    fn hunks_are_where_they_say_and_the_rest_is_the_same(
        grain in grain(), a in text(), b in text()
    ) {
        let Some(diff) = diff(grain, &a, &b) else {
            prop_assert_eq!(a, b);
            return Ok(());
        };
        prop_assert_ne!(&a, &b);
        prop_assert!(!diff.hunks.is_empty());
        let hunks: Vec<(Pair<u64>, Pair<String>)> =
            diff.hunks.iter().map(|hunk| (hunk.lines, joined(hunk))).collect();
        let of_a: Vec<_> = hunks.iter().map(|(line, text)| (line.a, text.a.clone())).collect();
        let of_b: Vec<_> = hunks.iter().map(|(line, text)| (line.b, text.b.clone())).collect();
        prop_assert_eq!(rest(&a, &of_a), rest(&b, &of_b));
    }

    #[test]
    fn the_other_way_round_is_the_same(grain in grain(), a in text(), b in text()) {
        let one = diff(grain, &a, &b).map(TextDiff::swapped);
        prop_assert_eq!(one, diff(grain, &b, &a));
    }
}

#[test]
fn words_that_stay_are_told_from_those_that_do_not() {
    let found = diff(Grain::Words, "one two three\n", "one 2 three\n").unwrap();
    let changed = Pair { a: "two".to_owned(), b: "2".to_owned() };
    let same = |text: &str| Piece::Same(text.to_owned());
    assert_eq!(found.hunks[0].pieces, [same("one "), Piece::Changed(changed), same(" three\n")]);
}

#[test]
fn what_has_nothing_in_common_is_replaced_whole() {
    let (a, b) = ("all of this goes", "nothing remains here");
    let found = diff(Grain::Words, a, b).unwrap();
    let changed = Pair { a: a.to_owned(), b: b.to_owned() };
    assert_eq!(found.hunks[0].pieces, [Piece::Changed(changed)]);
}

#[test]
fn a_text_that_only_one_run_has_differs_from_nothing() {
    let found = TextDiff::of(Grain::Lines, Pair { a: None, b: Some("x\n") }).unwrap();
    assert_eq!(found.presence, Presence::OnlyB);
    assert_eq!(joined(&found.hunks[0]), Pair { a: String::new(), b: "x\n".to_owned() });
    let empty = TextDiff::of(Grain::Lines, Pair { a: None, b: Some("") }).unwrap();
    assert_eq!((empty.presence, empty.hunks.len()), (Presence::OnlyB, 0));
}

#[test]
fn only_the_beginning_of_a_long_difference_is_shown() {
    let lines = |side: &str, count: u32| -> String {
        (0..count).flat_map(|line| [side.to_owned(), line.to_string(), "\n".to_owned()]).collect()
    };
    let (a, b) = (lines("a", 5000), lines("b", 4900));
    let found = diff(Grain::Lines, &a, &b).unwrap();
    assert_eq!(found.more_lines, Pair { a: 4600, b: 4500 });
    let shown = joined(&found.hunks[0]);
    assert!(a.starts_with(&shown.a) && b.starts_with(&shown.b));
    let long = format!("{}x{}", "ä".repeat(20_000), "ö".repeat(20_000));
    let found = diff(Grain::Words, &long, "").unwrap();
    assert!(joined(&found.hunks[0]).a.len() < 20_000);
}

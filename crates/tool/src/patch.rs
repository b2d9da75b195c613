//! Search and replace in a text, and what to say when the passage is not there.

use std::{collections::BTreeMap, fmt::Write as _};

use similar::TextDiff;

use crate::{arguments::FilePatch, excerpt};

/// The most passages that are compared character by character.
const CANDIDATES_MAX: usize = 6;

/// The most bytes of a passage that are compared.
const COMPARED_BYTES_MAX: usize = 2000;

/// The most bytes of the closest passage that are shown.
const SHOWN_BYTES_MAX: usize = 2000;

/// The most lines whose similarity is estimated when none is equal.
const ESTIMATED_LINES_MAX: usize = 5000;

/// The least similarity of a passage worth showing.
const RATIO_MIN: f32 = 0.5;

/// The most line numbers that one reply lists.
const PLACES_MAX: usize = 10;

/// A text with its passages replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Patched {
    pub(crate) text: String,
    /// How many passages were replaced.
    pub(crate) count: usize,
    /// The line of the first one, from 1.
    pub(crate) line: usize,
}

/// Replaces the passage that a call names.
///
/// # Errors
/// What the model is told when the passage is not there, or more than once.
pub(crate) fn apply(text: &str, patch: &FilePatch) -> Result<Patched, String> {
    let (search, replace) = with_line_ends_of(text, patch);
    if search == replace {
        return Err("search and replace are the same, so nothing would change".to_owned());
    }
    let places: Vec<usize> = text.match_indices(&search).map(|(at, _)| at).collect();
    match places.as_slice() {
        [] => Err(not_found(text, &search, &patch.path)),
        [first, rest @ ..] if rest.is_empty() || patch.all => Ok(Patched {
            text: text.replace(&search, &replace),
            count: places.len(),
            line: line_of(text, *first),
        }),
        [..] => Err(ambiguous(text, &places, &patch.path)),
    }
}

/// Models write `\n`; in a file whose lines all end in `\r\n` that is what they mean.
fn with_line_ends_of(text: &str, patch: &FilePatch) -> (String, String) {
    let returns = text.matches("\r\n").count();
    let is_windows = returns > 0 && returns == text.matches('\n').count();
    if !is_windows || patch.search.contains('\r') {
        return (patch.search.clone(), patch.replace.clone());
    }
    let converted = |part: &str| part.replace("\r\n", "\n").replace('\n', "\r\n");
    (converted(&patch.search), converted(&patch.replace))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

fn ambiguous(text: &str, places: &[usize], path: &str) -> String {
    let lines: Vec<String> =
        places.iter().take(PLACES_MAX).map(|at| line_of(text, *at).to_string()).collect();
    let more = if places.len() > PLACES_MAX { ", ..." } else { "" };
    format!(
        "search occurs {count} times in {path}, in lines {lines}{more}. Add lines around it until it \
         occurs once, or set all to true.",
        count = places.len(),
        lines = lines.join(", "),
    )
}

fn not_found(text: &str, search: &str, path: &str) -> String {
    let numberless = without_line_numbers(search);
    if numberless != search && text.contains(&numberless) {
        return format!(
            "search was not found in {path}, because it contains line numbers. Leave them out."
        );
    }
    let Some(closest) = closest(text, search) else {
        return format!(
            "search was not found in {path}, and nothing like it ({count} lines). Read the file \
             with file_read and copy the passage exactly.",
            count = text.lines().count(),
        );
    };
    let why = if squeezed(&closest.passage) == squeezed(search) {
        "It differs in white space only. "
    } else {
        ""
    };
    format!(
        "search was not found in {path}. The closest passage, lines {first}-{last}:\n{shown}\n{why}\
         Copy the passage exactly, without line numbers.",
        first = closest.line,
        last = closest.line + closest.passage.lines().count().saturating_sub(1),
        shown = numbered(&closest),
    )
}

/// Drops `12<tab>` at the start of every line, where every line has it.
fn without_line_numbers(search: &str) -> String {
    let stripped: Option<Vec<&str>> = search
        .lines()
        .map(|line| {
            let (number, rest) = line.split_once('\t')?;
            let number = number.trim();
            let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            is_number.then_some(rest)
        })
        .collect();
    stripped.map_or_else(|| search.to_owned(), |lines| lines.join("\n"))
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

struct Closest {
    /// Line of the passage's beginning, from 1.
    line: usize,
    passage: String,
}

fn numbered(closest: &Closest) -> String {
    let mut shown = String::new();
    for (index, line) in closest.passage.lines().enumerate() {
        let number = closest.line + index;
        writeln!(shown, "{number}\t{line}").expect("a String takes every write");
    }
    excerpt::clipped(shown.trim_end_matches('\n'), SHOWN_BYTES_MAX)
}

/// The passage of as many lines as `search` has that is most like it.
fn closest(text: &str, search: &str) -> Option<Closest> {
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = search.lines().collect();
    let height = wanted.len().clamp(1, lines.len().max(1));
    let mut best: Option<(f32, usize)> = None;
    for start in candidates(&lines, &wanted) {
        let start = start.min(lines.len() - height);
        let ratio = similarity(&lines[start..start + height], &wanted);
        if ratio >= RATIO_MIN && best.is_none_or(|(most, _)| ratio > most) {
            best = Some((ratio, start));
        }
    }
    best.map(|(_, start)| Closest {
        line: start + 1,
        passage: lines[start..start + height].join("\n"),
    })
}

fn similarity(lines: &[&str], wanted: &[&str]) -> f32 {
    let joined = |lines: &[&str]| {
        let trimmed: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        excerpt::head(&trimmed.join("\n"), COMPARED_BYTES_MAX).to_owned()
    };
    TextDiff::from_chars(joined(lines).as_str(), joined(wanted).as_str()).ratio()
}

/// Lines at which a passage like the wanted one may begin, the likeliest first: each line that
/// equals a wanted one votes for where the passage would begin.
fn candidates(lines: &[&str], wanted: &[&str]) -> Vec<usize> {
    let mut positions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, line) in wanted.iter().enumerate() {
        if !line.trim().is_empty() {
            positions.entry(line.trim()).or_default().push(position);
        }
    }
    let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        for position in positions.get(line.trim()).into_iter().flatten() {
            *votes.entry(index.saturating_sub(*position)).or_default() += line.trim().len();
        }
    }
    if votes.is_empty() {
        votes = estimates(lines, wanted);
    }
    likeliest(votes)
}

/// Votes by likeness to the longest wanted line, in thousandths.
fn estimates(lines: &[&str], wanted: &[&str]) -> BTreeMap<usize, usize> {
    let longest = wanted.iter().enumerate().max_by_key(|(_, line)| line.trim().len());
    let Some((position, model)) = longest else {
        return BTreeMap::new();
    };
    let model = excerpt::head(model.trim(), COMPARED_BYTES_MAX);
    lines
        .iter()
        .take(ESTIMATED_LINES_MAX)
        .enumerate()
        .map(|(index, line)| {
            let line = excerpt::head(line.trim(), COMPARED_BYTES_MAX);
            let likeness = strsim::sorensen_dice(model, line) * 1000.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 1000"
            )]
            (index.saturating_sub(position), likeness as usize)
        })
        .filter(|(_, likeness)| *likeness > 0)
        .collect()
}

fn likeliest(votes: BTreeMap<usize, usize>) -> Vec<usize> {
    let mut ranked: Vec<(usize, usize)> = votes.into_iter().collect();
    ranked.sort_by_key(|(start, votes)| (std::cmp::Reverse(*votes), *start));
    ranked.truncate(CANDIDATES_MAX);
    ranked.into_iter().map(|(start, _)| start).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Patched, apply};
    use crate::arguments::FilePatch;

    fn patch(search: &str, replace: &str) -> FilePatch {
        FilePatch {
            path: "src/a.py".to_owned(),
            search: search.to_owned(),
            replace: replace.to_owned(),
            all: false,
        }
    }

    const TEXT: &str = "import os\n\n\ndef add(a, b):\n    total = a + b\n    return total\n\n\ndef sub(a, b):\n    return a - b\n";

    #[test]
    fn one_match_is_replaced() {
        let patched = apply(TEXT, &patch("return a - b", "return b - a")).unwrap();
        assert_eq!(patched.text, TEXT.replace("a - b", "b - a"));
        assert_eq!((patched.count, patched.line), (1, 10));
    }

    #[test]
    fn several_matches_need_all() {
        let mut call = patch("(a, b)", "(x, y)");
        insta::assert_snapshot!(
            apply(TEXT, &call).unwrap_err(),
            @"search occurs 2 times in src/a.py, in lines 4, 9. Add lines around it until it occurs once, or set all to true."
        );
        call.all = true;
        assert_eq!(apply(TEXT, &call).unwrap().count, 2);
    }

    #[test]
    fn a_near_miss_shows_the_closest_passage() {
        insta::assert_snapshot!(
            apply(TEXT, &patch("def add(a, b):\n    sum = a + b\n    return sum", "x")).unwrap_err(),
            @r"
        search was not found in src/a.py. The closest passage, lines 4-6:
        4	def add(a, b):
        5	    total = a + b
        6	    return total
        Copy the passage exactly, without line numbers.
        "
        );
        insta::assert_snapshot!(
            apply(TEXT, &patch("  def sub(a, b):\n\treturn a - b", "x")).unwrap_err(),
            @r"
        search was not found in src/a.py. The closest passage, lines 9-10:
        9	def sub(a, b):
        10	    return a - b
        It differs in white space only. Copy the passage exactly, without line numbers.
        "
        );
    }

    #[test]
    fn no_line_is_equal_but_one_is_alike() {
        insta::assert_snapshot!(
            apply(TEXT, &patch("    totals = a+b", "x")).unwrap_err(),
            @r"
        search was not found in src/a.py. The closest passage, lines 5-5:
        5	    total = a + b
        Copy the passage exactly, without line numbers.
        "
        );
    }

    #[test]
    fn nothing_alike_and_line_numbers_are_said() {
        insta::assert_snapshot!(
            apply(TEXT, &patch("SELECT * FROM users;", "x")).unwrap_err(),
            @"search was not found in src/a.py, and nothing like it (10 lines). Read the file with file_read and copy the passage exactly."
        );
        insta::assert_snapshot!(
            apply(TEXT, &patch("4\tdef add(a, b):\n5\t    total = a + b", "x")).unwrap_err(),
            @"search was not found in src/a.py, because it contains line numbers. Leave them out."
        );
        assert!(apply("", &patch("x", "y")).unwrap_err().contains("(0 lines)"));
        assert!(apply(TEXT, &patch("import", "import")).unwrap_err().contains("same"));
    }

    #[test]
    fn line_ends_of_the_file_are_kept() {
        let text = "a\r\nb\r\nc\r\n";
        assert_eq!(
            apply(text, &patch("a\nb", "x\ny\nz")).unwrap(),
            Patched { text: "x\r\ny\r\nz\r\nc\r\n".to_owned(), count: 1, line: 1 }
        );
        let mixed = "a\r\nb\nc";
        assert_eq!(apply(mixed, &patch("b\nc", "d")).unwrap().text, "a\r\nd");
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ab\n\r\t é]{0,60}", search in "[ab\n\r é]{1,12}") {
            let outcome = apply(&text, &patch(&search, "z"));
            prop_assert!(outcome.is_err() || text.matches('a').count() >= outcome.unwrap().text.matches('a').count());
        }
    }
}

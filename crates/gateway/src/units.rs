//! Numbers and long texts, as sentences have them.

use lao_event::Content;

/// The most characters of a message that one sentence quotes.
const QUOTED_CHARS_MAX: usize = 240;

/// With commas between groups of three digits: `1,204`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 finding`, `1,204 bytes`.
pub(crate) fn count(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(value))
}

/// The length of a list with its noun.
pub(crate) fn count_of<T>(items: &[T], noun: &str) -> String {
    count(items.len() as u64, noun)
}

/// A duration as a person says it: `340 ms`, `2.1 s`, `3 min 5 s`, `2 h 4 min`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    if ms < 1000 {
        format!("{ms} ms")
    } else if seconds < 60 {
        format!("{seconds}.{} s", ms % 1000 / 100)
    } else if seconds < 3600 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {} min", seconds / 3600, seconds / 60 % 60)
    }
}

/// Names joined, the first few only: `t1, t2 and 5 more`.
pub(crate) fn names(names: &[&str], shown_max: usize) -> String {
    let shown = names[..names.len().min(shown_max)].join(", ");
    match names.len().saturating_sub(shown_max) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The first line of a text with something in it, cut to what a sentence bears.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    // What follows a colon stands on the lines that are left out.
    cut(line.unwrap_or_default().trim().trim_end_matches(':'))
}

/// The first line of a content, where it is in place.
pub(crate) fn quoted(content: &Content) -> String {
    match content {
        Content::Inline(text) => first_line(text),
        Content::Blob { hash: _, size_bytes } => format!("({})", count(*size_bytes, "byte")),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let grouped: Vec<String> = [0, 7, 999, 1000, 1_234_567].map(number).into();
        assert_eq!(grouped, ["0", "7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let said: Vec<String> = [0, 999, 2149, 185_000, 7_440_000].map(duration).into();
        assert_eq!(said, ["0 ms", "999 ms", "2.1 s", "3 min 5 s", "2 h 4 min"]);
    }

    #[test]
    fn long_lists_and_texts_are_cut() {
        assert_eq!(names(&["a", "b", "c"], 3), "a, b, c");
        assert_eq!(names(&["a", "b", "c"], 1), "a and 2 more");
        assert_eq!(first_line("\n  first \nsecond"), "first");
        let long = "ä".repeat(QUOTED_CHARS_MAX + 1);
        assert_eq!(first_line(&long).chars().count(), QUOTED_CHARS_MAX + 3);
    }
}

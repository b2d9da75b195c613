//! Where secrets stand in a text.

use std::ops::Range;

/// How many places one expression may find in one text. Looking for each next place may read the
/// whole rest of the text, so this keeps the time in proportion to the text's length.
const PLACES_MAX: usize = 10_000;

/// A place in a text, and the secret that stands there: an index into the redactor's names,
/// of which the lower one counts where two overlap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) name: usize,
}

impl Span {
    pub(crate) fn new(range: Range<usize>, name: usize) -> Self {
        Self { start: range.start, end: range.end, name }
    }
}

/// Notes every place that an expression finds. After [`PLACES_MAX`] of them, all the rest counts
/// as one more.
pub(crate) fn note(
    text: &str,
    name: usize,
    places: impl Iterator<Item = Range<usize>>,
    spans: &mut Vec<Span>,
) {
    for (index, range) in places.enumerate() {
        if index == PLACES_MAX {
            spans.push(Span::new(range.start..text.len(), name));
            return;
        }
        spans.push(Span::new(range, name));
    }
}

/// Spans in order, those that overlap as one.
pub(crate) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => {
                last.end = last.end.max(span.end);
                last.name = last.name.min(span.name);
            }
            Some(_) | None => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::{PLACES_MAX, Span, merged, note};

    #[test]
    fn what_overlaps_becomes_one_under_the_first_name() {
        let spans = vec![Span::new(4..9, 0), Span::new(0..5, 2), Span::new(9..10, 1)];
        assert_eq!(merged(spans), [Span::new(0..9, 0), Span::new(9..10, 1)]);
    }

    #[test]
    fn after_the_most_places_the_rest_is_one() {
        let text = "a".repeat(PLACES_MAX + 500);
        let mut spans = Vec::new();
        note(&text, 0, (0..text.len()).map(|at| at..at + 1), &mut spans);
        assert_eq!(spans.len(), PLACES_MAX + 1);
        assert_eq!(spans.last(), Some(&Span::new(PLACES_MAX..text.len(), 0)));
    }
}

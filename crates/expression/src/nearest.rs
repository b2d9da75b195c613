//! The nearest known name to a mistyped one.

/// A distance above a third of the longer name's length is no likeness.
const LIKENESS_DIVISOR: usize = 3;

/// Bounds the work: a longer name is like none.
const NAME_CHARS_MAX: usize = 80;

/// The candidate most like `name`, if one is like it; ties go to the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal: String =
        name.chars().take(NAME_CHARS_MAX).map(|letter| letter.to_ascii_lowercase()).collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let most = (candidate.len().max(normal.len()) / LIKENESS_DIVISOR).max(1);
        if candidate.len().abs_diff(normal.len()) > most {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&normal, &candidate.to_ascii_lowercase());
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

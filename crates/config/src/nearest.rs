//! The nearest known name to a mistyped one.

/// A distance above a third of the longer name's length is no likeness.
const LIKENESS_DIVISOR: usize = 3;

/// The candidate most like `name`, if one is like it; ties go to the first.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let normal = normalize(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&normal, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.len().max(normal.len()) / LIKENESS_DIVISOR).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Bounds the work: a name longer than every key is like none of them.
fn normalize(name: &str) -> String {
    const NAME_CHARS_MAX: usize = 80;
    name.chars()
        .take(NAME_CHARS_MAX)
        .map(|character| match character {
            '-' => '_',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_likely_name_and_only_that() {
        let keys = ["attempts_max", "turns_max", "parallel_tasks"];
        assert_eq!(nearest("attemps_max", keys), Some("attempts_max"));
        assert_eq!(nearest("Turns-Max", keys), Some("turns_max"));
        assert_eq!(nearest("paralel_task", keys), Some("parallel_tasks"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}

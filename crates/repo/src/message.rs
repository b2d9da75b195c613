//! Commit messages: composed with the trailers that name run, step and effect, and read back.

use lao_event::{EffectId, RunId};

const RUN: &str = "Lao-Run: ";
const STEP: &str = "Lao-Step: ";
const EFFECT: &str = "Lao-Effect: ";

/// First line of a commit without a subject.
const SUBJECT_DEFAULT: &str = "Record work";

/// What the trailers of a commit of ours say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) effect: EffectId,
}

impl Marks {
    pub(crate) fn new(run: &RunId, step: &str, effect: EffectId) -> Self {
        Self { run: run.as_str().to_owned(), step: one_line(step), effect }
    }

    /// Reads the last paragraph of a message; `None` when it is no commit of ours. Only the last
    /// paragraph counts, so that a body that quotes trailers is not taken for them.
    pub(crate) fn read(message: &str) -> Option<Self> {
        let paragraph = message.trim_end().rsplit("\n\n").next()?;
        let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
        Some(Self {
            run: value(RUN)?.to_owned(),
            step: value(STEP).unwrap_or_default().to_owned(),
            effect: EffectId(value(EFFECT)?.parse().ok()?),
        })
    }
}

/// The whole message.
pub(crate) fn compose(subject: &str, body: &str, marks: &Marks) -> String {
    let subject = subject_line(subject);
    let body = clean(body);
    let body = body.trim_matches('\n').trim_end();
    let gap = if body.is_empty() { "" } else { "\n\n" };
    let Marks { run, step, effect } = marks;
    format!("{subject}{gap}{body}\n\n{RUN}{run}\n{STEP}{step}\n{EFFECT}{}\n", effect.0)
}

/// The subject as it stands in the message.
pub(crate) fn subject_line(subject: &str) -> String {
    let line = one_line(subject);
    if line.is_empty() { SUBJECT_DEFAULT.to_owned() } else { line }
}

fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without what would end a message early or garble a terminal: NUL and other control characters.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Marks {
        Marks::new(&RunId::new(1_700_000_000_000, 7), "t1", EffectId(42))
    }

    #[test]
    fn what_is_composed_is_read_back() {
        for (subject, body) in [
            ("code: add parser", ""),
            ("code: add parser", "Why.\n\nMore.\n"),
            ("two\nlines", "\n\nbody\r\nwith returns\0\n\n"),
            ("", "Lao-Run: 20200101-000000-zzzzz\nLao-Effect: 1"),
        ] {
            let message = compose(subject, body, &marks());
            assert_eq!(Marks::read(&message), Some(marks()), "{message}");
            assert!(!message.lines().next().unwrap().is_empty());
            assert!(!message.contains('\0'));
        }
    }

    #[test]
    fn a_quoted_trailer_is_not_a_trailer() {
        let quoted = compose("subject", "", &marks());
        let foreign = format!("revert\n\n{quoted}\n\nSigned-off-by: A <a@example.com>\n");
        assert_eq!(Marks::read(&foreign), None);
        assert_eq!(Marks::read("subject only"), None);
        assert_eq!(Marks::read(""), None);
    }

    #[test]
    fn a_step_key_stays_on_its_line() {
        let odd = Marks::new(&RunId::new(0, 0), "t1\nLao-Effect: 9", EffectId(1));
        let read = Marks::read(&compose("s", "", &odd)).unwrap();
        assert_eq!(read.effect, EffectId(1));
    }
}

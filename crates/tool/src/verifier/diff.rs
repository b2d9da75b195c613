//! A task's changes as a unified diff, as git shows them.

use std::{fmt::Write as _, time::Duration};

use similar::TextDiff;

/// How long one file's diff may take to become minimal.
const DIFF_TIME_MAX: Duration = Duration::from_millis(500);

/// Lines of context around a change.
const CONTEXT_LINES: usize = 3;

/// Bytes kept free for the note on what was cut.
const NOTE_BYTES: usize = 80;

/// A file as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    /// There is none.
    Absent,
    /// A text.
    Text(String),
    /// No text.
    Binary,
}

/// The diff of one file; empty where nothing changed.
pub(super) fn of_file(path: &str, base: Option<&str>, now: &Now) -> String {
    let (old, new) = match (base, now) {
        (None, Now::Absent) => return String::new(),
        (Some(base), Now::Text(now)) if base == now => return String::new(),
        (_, Now::Binary) => {
            return format!("diff --git a/{path} b/{path}\nBinary file b/{path} changed\n");
        }
        (_, Now::Text(now)) => (base, Some(now.as_str())),
        (Some(base), Now::Absent) => (Some(base), None),
    };
    let mut text = format!("diff --git a/{path} b/{path}\n");
    match (old, new) {
        (None, _) => text.push_str("new file\n"),
        (_, None) => text.push_str("deleted file\n"),
        (Some(_), Some(_)) => {}
    }
    let name = |side: &str, there: bool| {
        if there { format!("{side}/{path}") } else { "/dev/null".to_owned() }
    };
    let mut config = TextDiff::configure();
    let diff = config.timeout(DIFF_TIME_MAX).diff_lines(old.unwrap_or(""), new.unwrap_or(""));
    write!(
        text,
        "{}",
        diff.unified_diff()
            .context_radius(CONTEXT_LINES)
            .header(&name("a", old.is_some()), &name("b", new.is_some()))
    )
    .expect("a String takes every write");
    text
}

/// A diff of at most `bytes_max` bytes that ends with a line, and with a note where it was cut.
pub(super) fn cut(diff: String, bytes_max: usize) -> String {
    if diff.len() <= bytes_max {
        return diff;
    }
    let kept = crate::excerpt::head(&diff, bytes_max.saturating_sub(NOTE_BYTES));
    let kept = kept.rfind('\n').map_or("", |end| &kept[..=end]);
    let lines = diff[kept.len()..].lines().count();
    let note = format!("[diff cut: {lines} more lines; read the files to see them]\n");
    crate::excerpt::head(&format!("{kept}{note}"), bytes_max).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Now, cut, of_file};

    #[test]
    fn changes_are_shown_as_git_does() {
        let base = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let now = Now::Text(base.replace("b\n", "B\n"));
        insta::assert_snapshot!(of_file("x/y.txt", Some(base), &now), @r"
        diff --git a/x/y.txt b/x/y.txt
        --- a/x/y.txt
        +++ b/x/y.txt
        @@ -1,5 +1,5 @@
         a
        -b
        +B
         c
         d
         e
        ");
    }

    #[test]
    fn new_deleted_and_binary_files_are_shown() {
        insta::assert_snapshot!(of_file("n", None, &Now::Text("a\nb".to_owned())), @r"
        diff --git a/n b/n
        new file
        --- /dev/null
        +++ b/n
        @@ -0,0 +1,2 @@
        +a
        +b
        \ No newline at end of file
        ");
        insta::assert_snapshot!(of_file("d", Some("a\n"), &Now::Absent), @r"
        diff --git a/d b/d
        deleted file
        --- a/d
        +++ /dev/null
        @@ -1 +0,0 @@
        -a
        ");
        insta::assert_snapshot!(of_file("e", None, &Now::Text(String::new())), @r"
        diff --git a/e b/e
        new file
        ");
        insta::assert_snapshot!(of_file("b", None, &Now::Binary), @r"
        diff --git a/b b/b
        Binary file b/b changed
        ");
    }

    #[test]
    fn no_change_is_no_diff() {
        assert_eq!(of_file("a", Some("x"), &Now::Text("x".to_owned())), "");
        assert_eq!(of_file("a", None, &Now::Absent), "");
    }

    #[test]
    fn a_long_diff_ends_with_a_line_and_a_note() {
        let diff = format!("{}last\n", "0123456789\n".repeat(20));
        insta::assert_snapshot!(cut(diff, 104), @r"
        0123456789
        0123456789
        [diff cut: 19 more lines; read the files to see them]
        ");
    }

    proptest! {
        #[test]
        fn never_longer_than_the_limit(diff in "[aé\n]{0,300}", limit in 0_usize..200) {
            prop_assert!(cut(diff, limit).len() <= limit);
        }
    }
}

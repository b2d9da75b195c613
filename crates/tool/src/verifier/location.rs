//! Files and lines that a program's output names.

use std::sync::LazyLock;

use regex::Regex;

use crate::{folder::Entry, workspace::Workspace};

/// The most places in one output that are looked at.
const PLACES_MAX: usize = 200;

/// A place in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    /// Relative to the workspace.
    pub(super) file: String,
    /// From 1.
    pub(super) line: u32,
    /// The frame of a traceback that shows the newest call last.
    is_frame: bool,
}

/// `src/a.rs:3:5`, with or without the column, wherever it stands.
static COLONS: LazyLock<Regex> = LazyLock::new(|| regex(r"([\w.@+~/\\-]+):(\d{1,7})\b"));

/// `File "a.py", line 3`.
static FRAME: LazyLock<Regex> = LazyLock::new(|| regex(r#"File "([^"\n]+)", line (\d{1,7})"#));

/// `a.ts(3,5): error`.
static PARENTHESES: LazyLock<Regex> =
    LazyLock::new(|| regex(r"([\w.@+~/\\-]+)\((\d{1,7})(?:,\d+)?\)"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a test compiles every pattern")
}

/// The places that an output names, in its order, as far as they are files of the workspace.
/// `known` are files that may be named by their last parts alone.
pub(super) fn all(workspace: &Workspace, output: &str, known: &[String]) -> Vec<Location> {
    let mut places: Vec<(usize, Option<Location>)> = Vec::new();
    for (pattern, is_frame) in [(&*COLONS, false), (&*FRAME, true), (&*PARENTHESES, false)] {
        for found in pattern.captures_iter(output).take(PLACES_MAX) {
            let (_, [path, line]) = found.extract();
            let at = found.get(0).map_or(0, |whole| whole.start());
            let location = resolve(workspace, path, known).and_then(|file| {
                let line = line.parse().ok().filter(|line| *line > 0)?;
                Some(Location { file, line, is_frame })
            });
            places.push((at, location));
        }
    }
    places.sort_by_key(|(at, _)| *at);
    places.into_iter().filter_map(|(_, place)| place).collect()
}

/// The place that says most: the first, but of a traceback the last, where the error arose.
pub(super) fn principal<'a>(places: &[&'a Location]) -> Option<&'a Location> {
    let first = places.first()?;
    if first.is_frame {
        places.iter().rev().find(|place| place.is_frame).copied()
    } else {
        Some(first)
    }
}

fn resolve(workspace: &Workspace, path: &str, known: &[String]) -> Option<String> {
    let path = path.replace('\\', "/");
    if let Ok(inside) = workspace.path(&path)
        && matches!(workspace.entry(&inside), Ok(Entry::File))
    {
        return Some(inside.to_string());
    }
    let ending = format!("/{}", path.trim_start_matches("./"));
    let mut matching = known.iter().filter(|file| file.ends_with(&ending));
    match (matching.next(), matching.next()) {
        (Some(file), None) => Some(file.clone()),
        (None | Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{all, principal};
    use crate::workspace::Workspace;

    #[test]
    fn common_formats_are_read() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("src")).unwrap();
        for name in ["src/a.rs", "src/b.py", "src/c.ts", "Makefile"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        let workspace = Workspace::new(place.path());
        let root = workspace.real_root().unwrap().display().to_string();
        for (output, expected) in [
            ("error[E0308]: mismatched\n  --> src/a.rs:3:5\n   |", Some(("src/a.rs", 3))),
            ("src/a.rs:7: warning", Some(("src/a.rs", 7))),
            ("./src/a.rs:7:1 bad", Some(("src/a.rs", 7))),
            ("thread 'x' panicked at src/a.rs:9:5:\nboom", Some(("src/a.rs", 9))),
            (&format!("{root}/src/a.rs:4"), Some(("src/a.rs", 4))),
            ("src/c.ts(12,3): error TS1005", Some(("src/c.ts", 12))),
            ("Makefile:2: *** missing separator", Some(("Makefile", 2))),
            ("    deep_test.go:10: wrong", Some(("pkg/deep_test.go", 10))),
            (
                "Traceback:\n  File \"/usr/lib/x.py\", line 9\n  File \"src/b.py\", line 3, in f\n  File \"src/b.py\", line 8\nE",
                Some(("src/b.py", 8)),
            ),
            ("http://localhost:8080 and 12:30:00 and ../x.rs:3", None),
            ("src/missing.rs:3:5", None),
            ("src/a.rs:0", None),
            ("src/a.rs:99999999999", None),
            ("", None),
        ] {
            let places = all(&workspace, output, &["pkg/deep_test.go".to_owned()]);
            let places: Vec<_> = places.iter().collect();
            let found = principal(&places).map(|place| (place.file.as_str(), place.line));
            assert_eq!(found, expected, "{output}");
        }
    }
}

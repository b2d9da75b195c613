//! Text that stands for work not done: in comments, or alone on a line.

use std::{collections::BTreeSet, ops::Range, sync::LazyLock};

use lao_event::latest::Finding;
use regex::Regex;

use super::{
    finding,
    language::Language,
    scan::{Kind, Scan},
};
use crate::excerpt;

/// The most findings for one file.
const FINDINGS_MAX: usize = 5;

/// The most bytes of a line that a finding repeats.
const LINE_BYTES_MAX: usize = 160;

/// Says that something was left out: "rest of code unchanged".
static ELIDED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b(the )?rest of (the |your |this |my )?(\w+ )?(code|file|function|class|implementation|method|module|script|component|content|document|program|logic|page|styles?|methods|functions|tests?)\b",
        r".{0,20}\b(unchanged|the same|as before|remains?|stays?|goes here|omitted|here|as is)\b",
        r"|(\.\.\.|…) ?\(?(the )?(rest of|existing|previous|remaining|other|same|unchanged|your|more) ?(\w+ )?(code|implementation|methods?|functions?|content|logic|imports?|file|as before|as above|tests?|fields)",
        r"|\b(existing|previous|remaining|other) (code|methods|functions|implementation|imports|content) (\w+ )?(unchanged|here|as before|remains?|stays?|omitted|the same)\b",
        r"|\b(code|implementation|details|content) (is |was )?(omitted|elided|truncated|left out)( for brevity)?\b",
        r"|\bomitted for brevity\b",
        r"|^\W*(same as before|unchanged)\W*(\.\.\.|…)\W*$",
    ))
});

/// Says that something is still to be done: "TODO: implement".
static UNFINISHED: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"(?i)\b(todo|fixme|xxx)\b[:\s(\w)-]{0,20}?\b(implement|fill (this |it )?in|complete (this|the)|finish (this|the)|write (this|the)|add (the )?(actual|real|implementation|logic|code))",
        r"|\b(your|actual|real) (code|logic|implementation) (goes )?here\b",
        r"|\b(add|insert|put|write) (your |the |actual |real )?(code|logic|implementation) here\b",
        r"|\b(code|logic|implementation) goes here\b",
        r"|\bimplement (this|me|it)( (here|later|properly))?\W*$",
        r"|^\W*(to be implemented|not (yet )?implemented( yet)?|implementation pending)\W*$",
        r"|\b(placeholder|stub|dummy) (implementation|code|function|method|logic)\b",
        r"|^\W*(placeholder|stub)\W*$",
    ))
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a test compiles every pattern")
}

/// Finds placeholders that were not already in the text before the task.
pub(super) fn check(
    path: &str,
    text: &str,
    language: Language,
    scan: &Scan,
    base: Option<&str>,
) -> Vec<Finding> {
    let known: BTreeSet<&str> = base.into_iter().flat_map(str::lines).map(str::trim).collect();
    let mut lines = BTreeSet::new();
    for range in comment_lines(text, scan) {
        let line = &text[range.clone()];
        if ELIDED.is_match(line) || (language != Language::Prose && UNFINISHED.is_match(line)) {
            lines.insert(super::line_at(text, range.start));
        }
    }
    lines.extend(lone_lines(text, language, scan));
    lines
        .into_iter()
        .filter_map(|number| {
            let line = text.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?)?.trim();
            (!known.contains(line)).then(|| placeholder(path, number, line))
        })
        .take(FINDINGS_MAX)
        .collect()
}

fn placeholder(path: &str, number: u32, line: &str) -> Finding {
    let mut found = finding(
        "placeholder",
        format!("placeholder instead of content: {}", excerpt::clipped(line, LINE_BYTES_MAX)),
        "write out what this line stands for",
    );
    found.file = Some(path.to_owned());
    found.line = Some(number);
    found
}

/// The lines of comments, each without the code before it.
fn comment_lines(text: &str, scan: &Scan) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    for piece in scan.pieces.iter().filter(|piece| piece.kind == Kind::Comment) {
        let mut start = piece.range.start;
        for line in text[piece.range.clone()].split_inclusive('\n') {
            lines.push(start..start + line.trim_end().len());
            start += line.len();
        }
    }
    lines
}

/// Lines of code that are nothing but a placeholder, such as `... existing code ...`.
fn lone_lines(text: &str, language: Language, scan: &Scan) -> Vec<u32> {
    let fenced = if language == Language::Prose { fenced_lines(text) } else { BTreeSet::new() };
    let mut lone = Vec::new();
    let mut start = 0;
    for (number, line) in (1_u32..).zip(text.split_inclusive('\n')) {
        let range = start..start + line.len();
        start = range.end;
        if is_lone(line.trim()) && is_code(scan, &range) && !fenced.contains(&number) {
            lone.push(number);
        }
    }
    lone
}

/// Whether a line begins or ends with dots or is bracketed, and says that something is left out.
fn is_lone(line: &str) -> bool {
    let inner = line.trim_matches(['[', ']', '(', ')', '<', '>', '{', '}', '*', '_', ' ']);
    let has_dots = ["...", "…"].iter().any(|dots| inner.starts_with(dots) || inner.ends_with(dots));
    let is_bracketed =
        line.starts_with(['[', '(', '<', '{']) && line.ends_with([']', ')', '>', '}']);
    (has_dots || is_bracketed) && line.len() <= LINE_BYTES_MAX && ELIDED.is_match(inner)
}

fn is_code(scan: &Scan, range: &Range<usize>) -> bool {
    scan.pieces.iter().all(|piece| {
        let overlaps = piece.range.start < range.end && range.start < piece.range.end;
        !overlaps || piece.kind == Kind::Code
    })
}

/// Lines inside fenced code, where prose shows what others write.
fn fenced_lines(text: &str) -> BTreeSet<u32> {
    let mut inside = false;
    let mut fenced = BTreeSet::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if is_fence {
            inside = !inside;
        } else if inside {
            fenced.insert(number);
        }
    }
    fenced
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::verifier::{language::Language, scan::scan};

    fn lines(path: &str, text: &str, base: Option<&str>) -> Vec<u32> {
        let language = Language::of(path);
        check(path, text, language, &scan(text, language), base)
            .into_iter()
            .map(|finding| finding.line.unwrap())
            .collect()
    }

    #[test]
    fn placeholders_are_found_in_comments_and_alone_on_a_line() {
        for (path, text) in [
            ("a.rs", "// TODO: implement"),
            ("a.rs", "fn a() {} // TODO implement the parser"),
            ("a.rs", "/// rest of code unchanged"),
            ("a.py", "def a():\n    # Your code here\n    pass"),
            ("a.py", "# ... existing code ..."),
            ("a.py", "# FIXME: implement me"),
            ("a.py", "# rest of the file remains the same"),
            ("a.py", "... rest of the code unchanged ..."),
            ("a.js", "/*\n * the rest of your function goes here\n */"),
            ("a.js", "// Placeholder implementation"),
            ("a.js", "// implementation omitted for brevity"),
            ("a.js", "// ... other methods ..."),
            ("a.ts", "[rest of file unchanged]"),
            ("a.css", "/* rest of the styles unchanged */"),
            ("a.html", "<!-- rest of the page unchanged -->"),
            ("a.html", "<script>\n// your code here\n</script>"),
            ("a.yml", "a: 1 # TODO: implement"),
            ("a.sh", "# TODO(me): implement this"),
            ("a.sql", "-- logic goes here"),
            ("a.md", "[... rest of the document unchanged ...]"),
            ("a.md", "<!-- rest of the content unchanged -->"),
            ("a.unknown", "... existing code ..."),
            ("a.go", "// not implemented yet"),
        ] {
            assert_eq!(lines(path, text, None).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn mentions_are_no_placeholders() {
        for (path, text) in [
            ("a.rs", "let a = \"TODO: implement\";"),
            ("a.rs", "let a = r#\"\n// rest of code unchanged\n\"#;"),
            ("a.py", "raise ValueError('your code here')"),
            ("a.py", "\"\"\"\n... existing code ...\n\"\"\""),
            ("a.py", "def a(): ..."),
            ("a.py", "# the existing code path handles this"),
            ("a.py", "# TODO(anna): measure this again after the release"),
            ("a.js", "// the rest of the array is sorted"),
            ("a.js", "const [first, ...rest] = code;"),
            ("a.js", "f(...existing);"),
            ("a.js", "// implements the placeholder attribute"),
            ("a.html", "<input placeholder=\"Your code here\">"),
            ("a.html", "<input\n placeholder='TODO: implement'\n>"),
            ("a.html", "<p>Your code here</p>"),
            ("a.html", "<script>let a = '// TODO: implement';</script>"),
            ("a.md", "TODO: implement the parser\n\n- TODO: implement\n"),
            ("a.md", "```js\n// ... existing code ...\n... existing code ...\n```"),
            ("a.md", "Comments such as `// rest of code unchanged` are found."),
            ("a.css", "input::placeholder { color: red } /* placeholder colour */"),
            ("a.json", "{\"a\": \"TODO: implement\"}"),
            ("a.rs", "/// Whether the trait is implemented here."),
            ("a.rs", "// We implement this with a heap."),
        ] {
            assert_eq!(lines(path, text, None), [0; 0], "{path}: {text}");
        }
    }

    #[test]
    fn what_was_there_before_the_task_is_not_its_doing() {
        let base = "  # TODO: implement\n";
        assert_eq!(lines("a.py", "x = 1\n# TODO: implement\n", Some(base)), [0; 0]);
        assert_eq!(lines("a.py", "# TODO: implement\n# your code here\n", Some(base)), [2]);
    }

    #[test]
    fn one_file_gives_a_few_findings_at_most() {
        assert_eq!(lines("a.py", &"# TODO: implement\n".repeat(100), None), [1, 2, 3, 4, 5]);
    }
}

//! Files of formats that are known to every project: JSON, YAML, TOML.

use lao_event::latest::Finding;
use saphyr_parser::Parser;
use serde::de::IgnoredAny;

use super::finding;
use crate::excerpt;

/// The most bytes of a parser's own message.
const MESSAGE_BYTES_MAX: usize = 300;

/// Where and why a text is not of its format.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    format: &'static str,
    line: Option<usize>,
    message: String,
}

/// Parses a file of a known format.
pub(super) fn check(path: &str, text: &str) -> Option<Finding> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let fault = fault(path, text)?;
    let message = excerpt::clipped(&fault.message, MESSAGE_BYTES_MAX);
    let mut found = finding("syntax", format!("not valid {}: {message}", fault.format), "");
    found.file = Some(path.to_owned());
    found.line = fault.line.and_then(|line| u32::try_from(line).ok());
    Some(found)
}

fn fault(path: &str, text: &str) -> Option<Fault> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "json" if allows_comments(path, name) => None,
        "json" | "geojson" | "webmanifest" | "ipynb" => json(text, 1),
        "jsonl" | "ndjson" => (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
            .find_map(|(number, line)| json(line, number)),
        "yaml" | "yml" => yaml(text),
        "toml" => toml(text),
        _ => None,
    }
}

/// Files named `.json` whose readers take comments.
fn allows_comments(path: &str, name: &str) -> bool {
    let folders = [".vscode/", ".devcontainer/"];
    let starts = ["tsconfig", "jsconfig", ".eslintrc", "devcontainer", ".swcrc"];
    starts.iter().any(|start| name.starts_with(start))
        || folders
            .iter()
            .any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
}

fn json(text: &str, first_line: usize) -> Option<Fault> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    if error.to_string().starts_with("recursion limit") {
        return None;
    }
    Some(Fault {
        format: "JSON",
        line: Some(first_line + error.line().saturating_sub(1)),
        message: error.to_string(),
    })
}

/// Only the syntax is looked at, so that aliases cost nothing. A template of YAML is no YAML.
fn yaml(text: &str) -> Option<Fault> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    if is_template(text) {
        return None;
    }
    Some(Fault {
        format: "YAML",
        line: Some(error.marker().line()),
        message: error.info().to_owned(),
    })
}

fn is_template(text: &str) -> bool {
    text.contains("{%") || text.match_indices("{{").any(|(at, _)| !text[..at].ends_with('$'))
}

fn toml(text: &str) -> Option<Fault> {
    let error = toml::from_str::<toml::Table>(text).err()?;
    Some(Fault {
        format: "TOML",
        line: error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count()),
        message: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::check;

    #[test]
    fn broken_files_are_found_with_their_line() {
        for (path, text, line) in [
            ("a.json", "{\n\"a\": 1,\n}", 3),
            ("a.json", "", 1),
            ("b/a.ipynb", "{", 1),
            ("a.jsonl", "{}\n\n{\"a\":}\n", 3),
            ("a.yaml", "a: 1\nb: [1, 2\nc: 3\n", 3),
            ("a.yml", "a: b: c\n", 1),
            ("a.toml", "a = 1\nb = \n", 2),
            ("a.toml", "[a]\n[a]\n", 2),
        ] {
            let found = check(path, text).unwrap_or_else(|| panic!("{path}: {text}"));
            assert_eq!(found.line, Some(line), "{path}: {text}: {}", found.message);
            assert_eq!((found.rule.as_str(), found.file.as_deref()), ("syntax", Some(path)));
        }
    }

    #[test]
    fn sound_files_and_other_formats_are_no_finding() {
        for (path, text) in [
            ("a.json", "\u{feff}{\"a\": [1, \"}\"]}"),
            ("tsconfig.json", "{ // comment\n \"a\": 1, }"),
            (".vscode/settings.json", "{ // comment\n}"),
            ("a.jsonl", "{}\n[]\n"),
            ("a.yaml", ""),
            ("a.yaml", "a: 1\n---\nb: !tag [1, 2]\n"),
            ("a.yml", "on:\n  push:\nrun: ${{ secrets.A }}\n"),
            ("templates/a.yaml", "{{- if .Values.a }}\na: 1\n{{- end }}\n"),
            ("a.toml", ""),
            ("a.toml", "[a]\nb = \"]\"\n"),
            ("a.py", "def ("),
            ("json", "{"),
        ] {
            assert_eq!(check(path, text), None, "{path}: {text}");
        }
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(check("a.json", &deep), None);
    }

    #[test]
    fn aliases_that_would_explode_are_only_parsed() {
        let level = |level: u32| {
            let alias = format!("*a{}", level - 1);
            format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", "))
        };
        let text: String = (1..30).map(level).collect();
        let text = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{text}");
        assert_eq!(check("a.yaml", &text), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}:,&*!|>'\"#%@a-c0-9 \n-]{0,60}") {
            for path in ["a.json", "a.jsonl", "a.yaml", "a.toml"] {
                check(path, &text);
            }
        }
    }
}

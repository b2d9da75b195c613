//! Files that look cut off: brackets, comments or strings that do not end.

use lao_event::latest::Finding;

use super::{
    finding,
    language::Language,
    scan::{Kind, Scan},
};

/// A bracket that is open, or that should have been something else.
#[derive(Debug, PartialEq, Eq)]
enum Imbalance {
    /// It is never closed.
    Unclosed { bracket: char, at: usize },
    /// It closes nothing, or the wrong bracket.
    Unopened { bracket: char, at: usize },
    /// A comment or a literal does not end.
    Unfinished { at: usize },
}

/// What is unbalanced in a text, where that can be told.
pub(super) fn check(path: &str, text: &str, language: Language, scan: &Scan) -> Option<Finding> {
    if !language.balances_brackets() || !scan.is_certain {
        return None;
    }
    let (at, message) = match imbalance(text, scan)? {
        Imbalance::Unclosed { bracket, at } => (at, format!("{bracket:?} is never closed")),
        Imbalance::Unopened { bracket, at } => (at, format!("{bracket:?} closes nothing")),
        Imbalance::Unfinished { at } => (at, "a comment or string never ends".to_owned()),
    };
    let hint = "the file may have been cut off: read its end and complete it";
    let mut found = finding("brackets", message, hint);
    found.file = Some(path.to_owned());
    found.line = Some(super::line_at(text, at));
    Some(found)
}

fn imbalance(text: &str, scan: &Scan) -> Option<Imbalance> {
    if let Some(at) = scan.unfinished_at {
        return Some(Imbalance::Unfinished { at });
    }
    let mut open: Vec<(char, usize)> = Vec::new();
    let code = scan.pieces.iter().filter(|piece| piece.kind == Kind::Code);
    for piece in code {
        for (offset, bracket) in text[piece.range.clone()].char_indices() {
            let at = piece.range.start + offset;
            let opening = match bracket {
                '(' | '[' | '{' => {
                    open.push((bracket, at));
                    continue;
                }
                ')' => '(',
                ']' => '[',
                '}' => '{',
                _ => continue,
            };
            if open.pop().map(|(bracket, _)| bracket) != Some(opening) {
                return Some(Imbalance::Unopened { bracket, at });
            }
        }
    }
    open.pop().map(|(bracket, at)| Imbalance::Unclosed { bracket, at })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::verifier::{language::Language, scan::scan};

    fn message(path: &str, text: &str) -> Option<String> {
        let language = Language::of(path);
        check(path, text, language, &scan(text, language))
            .map(|finding| format!("{}: {}", finding.line.unwrap(), finding.message))
    }

    #[test]
    fn files_that_were_cut_off_are_found() {
        for (path, text, expected) in [
            ("a.rs", "fn a() {\n    b(\n", "2: '(' is never closed"),
            ("a.rs", "fn a() }", "1: '}' closes nothing"),
            ("a.rs", "fn a() { (] }", "1: ']' closes nothing"),
            ("a.rs", "/* a", "1: a comment or string never ends"),
            ("a.rs", "let a = \"b\n", "1: a comment or string never ends"),
            ("a.go", "func a() {\n", "1: '{' is never closed"),
            ("a.java", "class A {\n", "1: '{' is never closed"),
            ("a.c", "int main(void) {\n", "1: '{' is never closed"),
            ("a.css", "a { color: red", "1: '{' is never closed"),
            ("a.py", "x = [\n1,\n", "1: '[' is never closed"),
            ("a.py", "\"\"\"doc\n", "1: a comment or string never ends"),
            ("a.js", "const a = () => {\n", "1: '{' is never closed"),
            ("a.js", "const a = `b\n", "1: a comment or string never ends"),
        ] {
            assert_eq!(message(path, text).as_deref(), Some(expected), "{path}: {text}");
        }
    }

    #[test]
    fn brackets_that_are_none_or_cannot_be_told_are_no_finding() {
        for (path, text) in [
            ("a.rs", "let a = \"(\"; let b = '{'; // [\n/* ( */ let c: &'static str = r#\"{\"#;"),
            ("a.rs", "fn a<'a>(b: &'a str) {}"),
            ("a.go", "var a = `{`; var b = '('"),
            ("a.c", "#include <a.h>\n#ifdef A\nint a() {\n#else\nint b() {\n#endif\n}"),
            ("a.css", "a::before { content: '{' } b { c: url(x(y) }"),
            ("a.py", "a = '(' # [\nb = f\"{'x'}\"\n"),
            ("a.py", "a = 'b\n("),
            ("a.js", "a = /[(]/; b = `(${c}`; d = '{'"),
            ("a.jsx", "return <p>:(</p>"),
            ("a.tsx", "const a = <p>it's (</p>"),
            ("a.sh", "case $a in\nb) ;;\nesac"),
            ("a.md", "a :-("),
            ("a.html", "<p>:-(</p>"),
            ("a.xyz", "((("),
            ("a.rs", ""),
        ] {
            assert_eq!(message(path, text), None, "{path}: {text}");
        }
    }
}

//! Rust text as the rules look at it: without comments and the insides of literals, and with the
//! functions found. It relies on formatted code, which the formatting check demands.

/// Code whose comments and literals are blank; lines and columns stay where they are.
pub(crate) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, blanked) = match first {
            '/' if rest.starts_with("//") => (0, line_end(rest)),
            '/' if rest.starts_with("/*") => (0, comment_end(rest)),
            '"' => (0, string_end(rest)),
            'r' | 'b' | 'c' if !ends_in_word(&bare) => (0, prefixed_literal_end(rest)),
            '\'' => (0, char_end(rest)),
            _ => (first.len_utf8(), 0),
        };
        // A letter or quote that begins no literal is code.
        let (kept, blanked) =
            if kept + blanked == 0 { (first.len_utf8(), 0) } else { (kept, blanked) };
        bare.push_str(&rest[..kept]);
        let is_break = |character: char| if character == '\n' { '\n' } else { ' ' };
        bare.extend(rest[kept..kept + blanked].chars().map(is_break));
        rest = &rest[kept + blanked..];
    }
    bare
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn line_end(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

fn comment_end(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Length of `r"..."`, `r#"..."#`, `b"..."`, `br"..."`, `c"..."`; 0 for anything else.
fn prefixed_literal_end(rest: &str) -> usize {
    let letters = rest.len() - rest.trim_start_matches(['b', 'c', 'r']).len();
    let is_raw = rest[..letters].contains('r');
    let after = &rest[letters..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    if letters > 2 || !after[hashes..].starts_with('"') || (hashes > 0 && !is_raw) {
        return 0;
    }
    if !is_raw {
        return letters + string_end(after);
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = letters + hashes + 1;
    rest[body..].find(&close).map_or(rest.len(), |at| body + at + close.len())
}

/// Length of a character literal; 0 for a lifetime.
fn char_end(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some(_)) => {
            characters.find(|(_, character)| *character == '\'').map_or(0, |(at, _)| at + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Lines of bare code that are not part of the tests in a file.
pub(crate) fn production(bare: &str) -> &str {
    let begins_tests = |at: &usize| {
        let mut lines = bare[*at..].lines();
        let condition = lines.next().unwrap_or_default();
        let declared = lines.next().unwrap_or_default();
        // `mod tests;` declares a file of its own, and code may follow it.
        !lines_with(condition, "test").is_empty()
            && declared.starts_with("mod ")
            && declared.ends_with('{')
    };
    let tests = bare.match_indices("#[cfg(").map(|(at, _)| at).find(begins_tests);
    &bare[..tests.unwrap_or(bare.len())]
}

/// Numbers of the lines that contain a word or path, such as `fs::` or `HashMap`.
pub(crate) fn lines_with(bare: &str, word: &str) -> Vec<usize> {
    let contains = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let after = &line[at + word.len()..];
            !ends_in_word(&line[..at]) && (!word.ends_with(is_word) || !after.starts_with(is_word))
        })
    };
    let numbered = bare.lines().enumerate();
    numbered.filter(|(_, line)| contains(line)).map(|(index, _)| index + 1).collect()
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub name: &'a str,
    /// Number of its first line.
    pub line: usize,
    /// Lines from its signature to its closing brace.
    pub length: usize,
}

/// The functions of formatted, bare code.
pub(crate) fn functions(bare: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = bare.lines().collect();
    let mut functions = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let length = block_length(&lines[index..]);
        functions.push(Function { name, line: index + 1, length });
    }
    functions
}

/// Lines of an item: to its semicolon, or to the brace that closes it, which is indented like it.
pub(crate) fn block_length(lines: &[&str]) -> usize {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let ends = |line: &str| {
        let body = line.trim_end();
        let at_indent = body.len() - body.trim_start().len() == indent;
        at_indent && (body.ends_with('}') || body.ends_with(';'))
    };
    lines.iter().position(|line| ends(line)).map_or(lines.len(), |at| at + 1)
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if let Some(after) = rest.strip_prefix("pub(") {
        rest = after.split_once(") ")?.1;
    }
    for word in ["pub ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    let end = name.find(|character| !is_word(character))?;
    (end > 0).then(|| &name[..end])
}

#[test]
fn comments_and_literals_are_blank() {
    let text = "let a = \"fs:: \\\" //\"; // HashMap\nlet b = 'x'; /* a /* b */ c */ let r = r#\"\"\"#;\nfn f<'a>(x: &'a str) {}\nlet c = b\"HashMap\"; let colour = '\\'';\n";
    let bare = bare(text);
    assert_eq!(bare.lines().count(), 4);
    assert!(lines_with(&bare, "HashMap").is_empty() && lines_with(&bare, "fs::").is_empty());
    assert_eq!(lines_with(&bare, "f"), [3]);
    assert_eq!(lines_with(&bare, "let"), [1, 2, 4]);
    assert_eq!(lines_with(&bare, "colour"), [4]);
    assert_eq!(lines_with("use std::{fs::File, ifs::X};", "fs::"), [1]);
    assert!(lines_with("Offset::new(); HashMapper", "set::").is_empty());
}

#[test]
fn functions_are_measured() {
    let text = "pub(crate) async fn one(\n    a: u8,\n) -> u8 {\n    a\n}\n\nimpl X {\n    fn two() {}\n    const fn three(\n        &self,\n    );\n}\n";
    let found = functions(text);
    let named: Vec<(&str, usize, usize)> =
        found.iter().map(|function| (function.name, function.line, function.length)).collect();
    assert_eq!(named, [("one", 1, 5), ("two", 8, 1), ("three", 9, 3)]);
}

#[test]
fn production_code_ends_where_the_tests_begin() {
    let inline = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(production(inline), "fn a() {}\n\n");
    let partly = inline.replace("(test)", "(all(test, unix))");
    assert_eq!(production(&partly), "fn a() {}\n\n");
    let apart = "#[cfg(test)]\nmod tests;\nfn a() {}\n";
    assert_eq!(production(apart), apart);
}

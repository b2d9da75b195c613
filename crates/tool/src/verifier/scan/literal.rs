//! Where literals end.

use super::StringRule;
use crate::verifier::language::Escapes;

/// Where a plain string ends, counted from its beginning.
pub(super) enum End {
    /// After its closing delimiter.
    At(usize),
    /// At the end of its line, which it should not reach.
    Line(usize),
    /// The text ends first.
    Missing,
}

/// What stands at a place, as far as a language's own rules tell.
pub(super) enum Special {
    /// Nothing special.
    No,
    /// A literal of this length.
    Literal(usize),
    /// Code of this length that looks like a literal's beginning.
    Code(usize),
    /// A literal that the text ends in the middle of.
    Unfinished,
    /// It cannot be told.
    Unclear,
}

/// Finds the end of a string that begins at the beginning of `rest`.
pub(super) fn end(rest: &str, rule: StringRule) -> End {
    let mut at = rule.delimiter.len();
    while let Some(character) = rest[at..].chars().next() {
        if rest[at..].starts_with(rule.delimiter) {
            return End::At(at + rule.delimiter.len());
        }
        if character == '\\' && rule.escapes == Escapes::Backslash {
            at += 1;
            at += rest[at..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        if character == '\n' && rule.is_one_line() {
            return End::Line(at);
        }
        at += character.len_utf8();
    }
    End::Missing
}

/// Rust: raw strings, characters, and lifetimes, which are none.
pub(super) fn rust(rest: &str, before: Option<char>) -> Special {
    let in_word = before.is_some_and(|before| before.is_alphanumeric() || before == '_');
    if let Some(raw) = rest.strip_prefix('r')
        && (!in_word || before == Some('b') || before == Some('c'))
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(inner) = raw[hashes..].strip_prefix('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let opening = 1 + hashes + 1;
            return inner.find(&close).map_or(Special::Unfinished, |found| {
                Special::Literal(opening + found + close.len())
            });
        }
    }
    let Some(inner) = rest.strip_prefix('\'') else {
        return Special::No;
    };
    let mut characters = inner.chars();
    match characters.next() {
        Some('\\') => inner
            .char_indices()
            .skip(2)
            .find(|(_, character)| *character == '\'')
            .map_or(Special::Unclear, |(at, _)| Special::Literal(1 + at + 1)),
        Some(first) if characters.next() == Some('\'') => Special::Literal(first.len_utf8() + 2),
        Some(_) | None => Special::Code(1),
    }
}

/// C++: `R"x( ... )x"`; and conditional compilation, by which brackets need not balance.
pub(super) fn cpp_raw(rest: &str) -> Special {
    if let Some(directive) = rest.strip_prefix('#') {
        let directive = directive.trim_start_matches([' ', '\t']);
        let branches = ["if", "el", "define"];
        if branches.iter().any(|word| directive.starts_with(word)) {
            return Special::Unclear;
        }
    }
    let Some((delimiter, inner)) = rest
        .strip_prefix("R\"")
        .and_then(|raw| raw.split_once('('))
        .filter(|(delimiter, _)| delimiter.len() <= 16 && !delimiter.contains(['"', '\n']))
    else {
        return Special::No;
    };
    let close = format!("){delimiter}\"");
    inner.find(&close).map_or(Special::Unfinished, |found| {
        Special::Literal(2 + delimiter.len() + 1 + found + close.len())
    })
}

/// JavaScript: templates, regular expressions, and tags of JSX, which make all unclear.
pub(super) fn javascript(rest: &str, before: &str) -> Special {
    if rest.starts_with('`') {
        return template(rest).map_or(Special::Unfinished, Special::Literal);
    }
    if rest.starts_with("</") || rest.starts_with("/>") {
        return Special::Unclear;
    }
    if !rest.starts_with('/') || rest.starts_with("//") || rest.starts_with("/*") {
        return Special::No;
    }
    match slash_after(before) {
        Slash::Divides => Special::Code(1),
        Slash::Opens => expression(rest).map_or(Special::Unclear, Special::Literal),
        Slash::Either => {
            let line = rest[1..].lines().next().unwrap_or("");
            if line.contains('/') { Special::Unclear } else { Special::Code(1) }
        }
    }
}

/// The length of a template with the code inside it.
fn template(rest: &str) -> Option<usize> {
    let mut at = 1;
    let mut braces = 0_usize;
    loop {
        let next = rest[at..].chars().next()?;
        match next {
            '\\' => at += rest[at + 1..].chars().next()?.len_utf8(),
            '`' if braces == 0 => return Some(at + 1),
            '`' => {
                at += template(&rest[at..])?;
                continue;
            }
            '$' if rest[at + 1..].starts_with('{') => {
                braces += 1;
                at += 1;
            }
            '{' if braces > 0 => braces += 1,
            '}' if braces > 0 => braces -= 1,
            _ => {}
        }
        at += next.len_utf8();
    }
}

/// What a slash does, by what stands before it.
enum Slash {
    Divides,
    Opens,
    Either,
}

fn slash_after(before: &str) -> Slash {
    const WORDS: [&str; 12] = [
        "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "do", "else",
        "yield",
    ];
    let before = before.trim_end();
    match before.chars().next_back() {
        Some(')' | '}') => Slash::Either,
        Some(']' | '"' | '\'' | '`') => Slash::Divides,
        Some(last) if last.is_alphanumeric() || last == '_' || last == '$' => {
            let start = before
                .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
            if WORDS.contains(&&before[start..]) { Slash::Opens } else { Slash::Divides }
        }
        None | Some(_) => Slash::Opens,
    }
}

/// The length of a regular expression, which ends in its line.
fn expression(rest: &str) -> Option<usize> {
    let mut in_class = false;
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' => return None,
            '\\' => {
                characters.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// CSS: an address without quotes.
pub(super) fn url(rest: &str) -> Special {
    let Some(inner) = rest.strip_prefix("url(") else {
        return Special::No;
    };
    if inner.trim_start().starts_with(['"', '\'']) {
        return Special::No;
    }
    match inner.find([')', '\n']) {
        Some(end) if inner[end..].starts_with(')') => Special::Literal("url(".len() + end + 1),
        Some(_) | None => Special::Unclear,
    }
}

/// Shell and Ruby: the text up to the line that repeats the word after `<<`.
pub(super) fn heredoc(rest: &str) -> Special {
    let Some(opening) = rest.strip_prefix("<<").filter(|after| !after.starts_with('<')) else {
        return Special::No;
    };
    let word: String = opening
        .trim_start_matches(['-', '~', '"', '\'', '\\'])
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    if !word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') {
        return Special::No;
    }
    let mut at = rest.find('\n').map_or(rest.len(), |end| end + 1);
    while at < rest.len() {
        let line = rest[at..].split('\n').next().unwrap_or("");
        if line.trim() == word {
            return Special::Literal(at + line.len());
        }
        at += line.len() + 1;
    }
    Special::Unclear
}

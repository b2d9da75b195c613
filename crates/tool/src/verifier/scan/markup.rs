//! HTML and its kin: tags are literals, scripts and styles are scanned as what they are.

use super::{Kind, Language, Scan, Scanner, scan as scan_language};

/// Takes markup apart. It is never certain, since text between tags may be anything.
pub(super) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner::new(text, Language::Markup);
    while scanner.at < text.len() {
        if scanner.block_comment() || element(&mut scanner) {
            continue;
        }
        scanner.at += scanner.rest().chars().next().map_or(1, char::len_utf8);
    }
    scanner.scan.is_certain = false;
    scanner.finish()
}

/// Takes a tag and, after one that opens a script or a style, what it contains.
fn element(scanner: &mut Scanner<'_>) -> bool {
    let rest = scanner.rest();
    let is_tag = rest.strip_prefix('<').is_some_and(|inner| {
        inner.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '!')
    });
    if !is_tag {
        return false;
    }
    let length = tag_length(rest);
    scanner.take(Kind::Literal, scanner.at + length);
    for (name, language) in [("script", Language::JavaScript), ("style", Language::Css)] {
        if opens(&rest[..length], name) {
            embedded(scanner, name, language);
        }
    }
    true
}

/// The length of a tag; `>` in an attribute's quotes does not end it.
fn tag_length(rest: &str) -> usize {
    let mut quote = None;
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some(_), _) => {}
        }
    }
    rest.len()
}

fn opens(tag: &str, name: &str) -> bool {
    let after = tag
        .get(1..=name.len())
        .filter(|start| start.eq_ignore_ascii_case(name))
        .map(|_| &tag[1 + name.len()..]);
    after.is_some_and(|after| {
        after.starts_with(['>', ' ', '\t', '\n', '\r']) && !tag.ends_with("/>")
    })
}

fn embedded(scanner: &mut Scanner<'_>, name: &str, language: Language) {
    let rest = scanner.rest();
    let close = format!("</{name}");
    let end = rest.to_ascii_lowercase().find(&close).unwrap_or(rest.len());
    let offset = scanner.at;
    for piece in scan_language(&rest[..end], language).pieces {
        scanner.at = offset + piece.range.start;
        scanner.take(piece.kind, offset + piece.range.end);
    }
    scanner.at = offset + end;
    scanner.code_from = scanner.at;
}

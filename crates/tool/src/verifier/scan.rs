//! A text taken apart into code, comments and strings.
//!
//! No parser: where the text cannot be told apart for certain, the scan says so, and no check
//! that depends on it speaks up.

mod literal;
mod markup;

use std::ops::Range;

use super::language::{Language, Lines, StringRule};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Comment,
    /// A string literal, or a tag with its attributes.
    Literal,
}

/// A piece of text of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// A text in pieces that cover it without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) pieces: Vec<Piece>,
    /// Every piece is what it is said to be.
    pub(super) is_certain: bool,
    /// Where the comment or literal begins that the text ends in the middle of.
    pub(super) unfinished_at: Option<usize>,
}

/// Takes a text apart.
pub(super) fn scan(text: &str, language: Language) -> Scan {
    if language == Language::Markup {
        return markup::scan(text);
    }
    let mut scanner = Scanner::new(text, language);
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.finish()
}

struct Scanner<'a> {
    text: &'a str,
    language: Language,
    at: usize,
    /// Where the code that is not yet a piece begins.
    code_from: usize,
    scan: Scan,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            language,
            at: 0,
            code_from: 0,
            scan: Scan { pieces: Vec::new(), is_certain: true, unfinished_at: None },
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Ends a piece of code here and adds one of another kind up to `end`.
    fn take(&mut self, kind: Kind, end: usize) {
        self.flush_code();
        self.scan.pieces.push(Piece { kind, range: self.at..end });
        self.at = end;
        self.code_from = end;
    }

    fn flush_code(&mut self) {
        if self.code_from < self.at {
            self.scan.pieces.push(Piece { kind: Kind::Code, range: self.code_from..self.at });
        }
    }

    fn finish(mut self) -> Scan {
        self.flush_code();
        self.scan
    }

    /// Takes a piece that should have ended; the text does instead.
    fn take_unfinished(&mut self, kind: Kind) {
        self.scan.unfinished_at = Some(self.at);
        self.take(kind, self.text.len());
    }

    fn step(&mut self) {
        let taken = self.block_comment()
            || self.line_comment()
            || self.special_literal()
            || self.plain_string();
        if !taken {
            self.at += self.rest().chars().next().map_or(1, char::len_utf8);
        }
    }

    fn block_comment(&mut self) -> bool {
        let Some((open, close)) = self.language.block_comment() else {
            return false;
        };
        let rest = self.rest();
        if !rest.starts_with(open) {
            return false;
        }
        match self.block_end(rest, open, close) {
            Some(length) => self.take(Kind::Comment, self.at + length),
            None => self.take_unfinished(Kind::Comment),
        }
        true
    }

    /// The length of a block comment; Rust's contain each other.
    fn block_end(&self, rest: &str, open: &str, close: &str) -> Option<usize> {
        if self.language != Language::Rust {
            return Some(open.len() + rest[open.len()..].find(close)? + close.len());
        }
        let mut depth = 1;
        let mut at = open.len();
        while depth > 0 {
            let closes = rest[at..].find(close)?;
            if let Some(opens) = rest[at..].find(open).filter(|opens| *opens < closes) {
                depth += 1;
                at += opens + open.len();
            } else {
                depth -= 1;
                at += closes + close.len();
            }
        }
        Some(at)
    }

    fn line_comment(&mut self) -> bool {
        let rest = self.rest();
        let markers = self.language.line_comments();
        if !markers.iter().any(|marker| rest.starts_with(marker)) || !self.may_start_comment() {
            return false;
        }
        let length = rest.find('\n').unwrap_or(rest.len());
        self.take(Kind::Comment, self.at + length);
        true
    }

    /// In shell and YAML, `#` within a word is part of it.
    fn may_start_comment(&self) -> bool {
        match self.language {
            Language::Shell | Language::Yaml | Language::Ruby => {
                self.before().is_none_or(|before| before.is_whitespace() || before == ';')
            }
            Language::Scss => self.before() != Some(':'),
            Language::Rust
            | Language::Go
            | Language::Java
            | Language::C
            | Language::JavaScript
            | Language::Css
            | Language::Python
            | Language::CLike
            | Language::Toml
            | Language::Sql
            | Language::Lua
            | Language::Markup
            | Language::Prose
            | Language::Unknown => true,
        }
    }

    fn before(&self) -> Option<char> {
        self.text[..self.at].chars().next_back()
    }

    fn plain_string(&mut self) -> bool {
        let rest = self.rest();
        let rules = self.language.strings();
        let Some(rule) = rules.iter().find(|rule| rest.starts_with(rule.delimiter)) else {
            return false;
        };
        if !self.may_start_string() {
            return false;
        }
        match literal::end(rest, *rule) {
            literal::End::At(length) => self.take(Kind::Literal, self.at + length),
            literal::End::Line(length) => {
                self.scan.is_certain = false;
                self.take(Kind::Literal, self.at + length);
            }
            literal::End::Missing if rule.lines == Lines::Many => {
                self.take_unfinished(Kind::Literal);
            }
            literal::End::Missing => {
                self.scan.is_certain = false;
                self.take(Kind::Literal, self.text.len());
            }
        }
        true
    }

    /// An apostrophe in a word opens nothing: `1'000` in C++, `don't` in YAML.
    fn may_start_string(&self) -> bool {
        let is_apostrophe = self.rest().starts_with('\'');
        let before = self.before();
        match self.language {
            Language::C => !(is_apostrophe && before.is_some_and(char::is_alphanumeric)),
            Language::Yaml => before.is_none_or(|before| {
                before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':' | '(')
            }),
            Language::Rust
            | Language::Go
            | Language::Java
            | Language::JavaScript
            | Language::Css
            | Language::Scss
            | Language::Python
            | Language::CLike
            | Language::Shell
            | Language::Ruby
            | Language::Toml
            | Language::Sql
            | Language::Lua
            | Language::Markup
            | Language::Prose
            | Language::Unknown => true,
        }
    }

    /// Literals that no delimiter alone describes.
    fn special_literal(&mut self) -> bool {
        let found = match self.language {
            Language::Rust => literal::rust(self.rest(), self.before()),
            Language::C => literal::cpp_raw(self.rest()),
            Language::JavaScript => literal::javascript(self.rest(), &self.text[..self.at]),
            Language::Css | Language::Scss => literal::url(self.rest()),
            Language::Shell | Language::Ruby => literal::heredoc(self.rest()),
            Language::Go
            | Language::Java
            | Language::Python
            | Language::CLike
            | Language::Yaml
            | Language::Toml
            | Language::Sql
            | Language::Lua
            | Language::Markup
            | Language::Prose
            | Language::Unknown => literal::Special::No,
        };
        match found {
            literal::Special::No => return false,
            literal::Special::Literal(length) => self.take(Kind::Literal, self.at + length),
            literal::Special::Code(length) => self.at += length,
            literal::Special::Unfinished => self.take_unfinished(Kind::Literal),
            literal::Special::Unclear => {
                self.scan.is_certain = false;
                self.at += 1;
            }
        }
        true
    }
}

impl StringRule {
    fn is_one_line(self) -> bool {
        self.lines == Lines::One
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Kind, Language, scan};

    fn of_kind(text: &str, language: Language, kind: Kind) -> Vec<&str> {
        scan(text, language)
            .pieces
            .into_iter()
            .filter(|piece| piece.kind == kind)
            .map(|piece| &text[piece.range])
            .collect()
    }

    /// Language, text, its comments, its literals.
    type Example = (Language, &'static str, &'static [&'static str], &'static [&'static str]);

    const EXAMPLES: &[Example] = &[
        (Language::Rust, r#"let a = "//"; // b "c"#, &[r#"// b "c"#], &[r#""//""#]),
        (
            Language::Rust,
            r##"r#"a"b"# /* x /* y */ z */ 'l: '"'"##,
            &["/* x /* y */ z */"],
            &[r##"r#"a"b"#"##, "'\"'"],
        ),
        (
            Language::Rust,
            r"'a' '\'' '\u{1F600}' &'static str",
            &[],
            &["'a'", r"'\''", r"'\u{1F600}'"],
        ),
        (Language::C, "R\"x(a)\" )x\" 1'000 '\"'", &[], &["R\"x(a)\" )x\"", "'\"'"]),
        (Language::Python, "'''a # b''' # c", &["# c"], &["'''a # b'''"]),
        (Language::Shell, "echo $# ${#a} '#' # c", &["# c"], &["'#'"]),
        (Language::Shell, "cat <<EOF\n# no\nEOF\n# yes", &["# yes"], &["<<EOF\n# no\nEOF"]),
        (Language::Yaml, "a: don't # c\nb: '# no'", &["# c"], &["'# no'"]),
        (Language::Css, "a{b:url(//x'y)} /* c */", &["/* c */"], &["url(//x'y)"]),
        (Language::JavaScript, "x = /[/\"]/g; y = a / b / c; // d", &["// d"], &["/[/\"]/"]),
        (Language::JavaScript, "`a ${ f(`b`) } //`; // c", &["// c"], &["`a ${ f(`b`) } //`"]),
        (Language::Sql, "select 'it''s' -- c", &["-- c"], &["'it'", "'s'"]),
        (
            Language::Markup,
            "<!-- a --><p title='<!-- b'>c<script>// d\nlet e = '// f'</script>",
            &["<!-- a -->", "// d"],
            &["<p title='<!-- b'>", "<script>", "'// f'", "</script>"],
        ),
    ];

    #[test]
    fn comments_and_literals_are_told_apart() {
        for (language, text, comments, literals) in EXAMPLES {
            assert_eq!(of_kind(text, *language, Kind::Comment), *comments, "{text}");
            assert_eq!(of_kind(text, *language, Kind::Literal), *literals, "{text}");
        }
    }

    #[test]
    fn what_is_unclear_is_said_so() {
        for (language, text) in [
            (Language::JavaScript, "if (a) /b'/.test(c)"),
            (Language::JavaScript, "return <p>it's</p>"),
            (Language::Python, "a = 'b"),
            (Language::C, "#if A\n{\n#else\n{\n#endif"),
        ] {
            assert!(!scan(text, language).is_certain, "{text}");
        }
    }

    const ALL: [Language; 18] = [
        Language::Rust,
        Language::Go,
        Language::Java,
        Language::C,
        Language::JavaScript,
        Language::Css,
        Language::Scss,
        Language::Python,
        Language::CLike,
        Language::Shell,
        Language::Ruby,
        Language::Yaml,
        Language::Toml,
        Language::Sql,
        Language::Lua,
        Language::Markup,
        Language::Prose,
        Language::Unknown,
    ];

    proptest! {
        #[test]
        fn pieces_cover_any_text(text in "(\\PC|[\"'`/*#<>{}()$\\\\\n!-]|r#|R\"|<<E|</script>|<script>|url\\(){0,40}") {
            for language in ALL {
                let mut end = 0;
                for piece in scan(&text, language).pieces {
                    prop_assert_eq!(piece.range.start, end);
                    prop_assert!(piece.range.end > end);
                    prop_assert!(text.is_char_boundary(piece.range.end));
                    end = piece.range.end;
                }
                prop_assert_eq!(end, text.len());
            }
        }
    }
}

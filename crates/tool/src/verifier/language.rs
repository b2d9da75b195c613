//! Languages, as far as comments, strings and brackets tell them apart.

/// How a file's text is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Go,
    Java,
    /// C and C++.
    C,
    /// JavaScript and TypeScript.
    JavaScript,
    Css,
    /// CSS with line comments.
    Scss,
    Python,
    /// Languages of C's family whose strings contain code: comments only.
    CLike,
    Shell,
    Ruby,
    Yaml,
    Toml,
    Sql,
    Lua,
    /// HTML, XML and components.
    Markup,
    /// Markdown and plain text.
    Prose,
    /// Anything else.
    Unknown,
}

impl Language {
    /// The language of a file by its name.
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        match name.as_str() {
            "makefile" | "dockerfile" | "justfile" | ".gitignore" | ".env" => return Self::Shell,
            "gemfile" | "rakefile" => return Self::Ruby,
            _ => {}
        }
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "rs" => Self::Rust,
            "go" => Self::Go,
            "java" => Self::Java,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" => Self::C,
            "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "jsx" | "tsx" => Self::JavaScript,
            "css" => Self::Css,
            "scss" | "less" => Self::Scss,
            "py" | "pyi" => Self::Python,
            "kt" | "kts" | "cs" | "swift" | "scala" | "dart" | "php" | "groovy" | "proto"
            | "zig" => Self::CLike,
            "sh" | "bash" | "zsh" | "mk" | "cmake" | "r" | "pl" | "tf" | "ini" | "conf" => {
                Self::Shell
            }
            "rb" => Self::Ruby,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "sql" => Self::Sql,
            "lua" => Self::Lua,
            "html" | "htm" | "xml" | "svg" | "vue" | "svelte" | "xhtml" => Self::Markup,
            "md" | "markdown" | "txt" | "rst" | "adoc" => Self::Prose,
            _ => Self::Unknown,
        }
    }

    /// What begins a comment that ends with its line.
    pub(super) const fn line_comments(self) -> &'static [&'static str] {
        match self {
            Self::Rust
            | Self::Go
            | Self::Java
            | Self::C
            | Self::JavaScript
            | Self::CLike
            | Self::Scss => &["//"],
            Self::Python | Self::Shell | Self::Ruby | Self::Yaml | Self::Toml => &["#"],
            Self::Sql | Self::Lua => &["--"],
            Self::Css | Self::Markup | Self::Prose | Self::Unknown => &[],
        }
    }

    /// What a comment over several lines stands between.
    pub(super) const fn block_comment(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Rust
            | Self::Go
            | Self::Java
            | Self::C
            | Self::JavaScript
            | Self::CLike
            | Self::Css
            | Self::Scss
            | Self::Sql => Some(("/*", "*/")),
            Self::Lua => Some(("--[[", "]]")),
            Self::Markup | Self::Prose => Some(("<!--", "-->")),
            Self::Ruby => Some(("\n=begin", "\n=end")),
            Self::Python | Self::Shell | Self::Yaml | Self::Toml | Self::Unknown => None,
        }
    }

    /// Strings by their delimiters, the longer first.
    pub(super) const fn strings(self) -> &'static [StringRule] {
        match self {
            Self::Rust => &[MULTI_DOUBLE],
            Self::Go => &[DOUBLE, SINGLE, RAW_BACKTICK],
            Self::Java | Self::CLike => &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
            Self::C | Self::JavaScript | Self::Css | Self::Scss | Self::Lua => &[DOUBLE, SINGLE],
            Self::Python => &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
            Self::Toml => &[TRIPLE_DOUBLE, RAW_TRIPLE_SINGLE, DOUBLE, RAW_SINGLE],
            Self::Shell => &[MULTI_DOUBLE, RAW_MULTI_SINGLE],
            Self::Ruby => &[MULTI_DOUBLE, MULTI_SINGLE],
            Self::Yaml => &[DOUBLE, RAW_SINGLE],
            Self::Sql => &[RAW_MULTI_SINGLE],
            Self::Markup | Self::Prose | Self::Unknown => &[],
        }
    }

    /// Whether brackets outside strings and comments must be balanced in every valid file.
    pub(super) const fn balances_brackets(self) -> bool {
        match self {
            Self::Rust
            | Self::Go
            | Self::Java
            | Self::C
            | Self::JavaScript
            | Self::Css
            | Self::Scss
            | Self::Python => true,
            Self::CLike
            | Self::Shell
            | Self::Ruby
            | Self::Yaml
            | Self::Toml
            | Self::Sql
            | Self::Lua
            | Self::Markup
            | Self::Prose
            | Self::Unknown => false,
        }
    }
}

/// A kind of string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringRule {
    pub(super) delimiter: &'static str,
    pub(super) escapes: Escapes,
    pub(super) lines: Lines,
}

/// What a backslash in a string does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// It keeps the next character from ending the string.
    Backslash,
    /// Nothing.
    None,
}

/// Whether a string may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

const fn rule(delimiter: &'static str, escapes: Escapes, lines: Lines) -> StringRule {
    StringRule { delimiter, escapes, lines }
}

const DOUBLE: StringRule = rule("\"", Escapes::Backslash, Lines::One);
const SINGLE: StringRule = rule("'", Escapes::Backslash, Lines::One);
const MULTI_DOUBLE: StringRule = rule("\"", Escapes::Backslash, Lines::Many);
const MULTI_SINGLE: StringRule = rule("'", Escapes::Backslash, Lines::Many);
const RAW_SINGLE: StringRule = rule("'", Escapes::None, Lines::One);
const RAW_MULTI_SINGLE: StringRule = rule("'", Escapes::None, Lines::Many);
const RAW_BACKTICK: StringRule = rule("`", Escapes::None, Lines::Many);
const TRIPLE_DOUBLE: StringRule = rule("\"\"\"", Escapes::Backslash, Lines::Many);
const TRIPLE_SINGLE: StringRule = rule("'''", Escapes::Backslash, Lines::Many);
const RAW_TRIPLE_SINGLE: StringRule = rule("'''", Escapes::None, Lines::Many);

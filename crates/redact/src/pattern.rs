//! Patterns of secrets that a user writes.

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 1000;

/// The most patterns there may be.
pub const PATTERNS_MAX: usize = 64;

/// The most memory one pattern may take, in bytes; what it costs to look for grows with this.
const PROGRAM_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How deep groups may be nested.
const NESTING_MAX: u32 = 32;

/// A pattern that was checked: a regular expression whose named group, where it has one, is the
/// secret and gives it its name; without one, the whole of what it finds is the secret.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    name: Option<String>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is too long.
    #[error("a pattern of {size_bytes} bytes is too long; at most {PATTERN_BYTES_MAX} are read")]
    TooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// It is no regular expression.
    #[error("not a regular expression: {cause}")]
    Syntax {
        /// What the parser says, in one line.
        cause: String,
    },
    /// It would take too much memory and time.
    #[error("too costly to look for; use fewer or smaller repetitions")]
    TooCostly,
    /// It would be found between any two characters.
    #[error("matches the empty text, and so everywhere; make a part of it required")]
    MatchesNothing,
    /// It has more than one named group.
    #[error("has several named groups ({first}, {second}); the one that is the secret has a name")]
    SeveralNames {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// Its group's name has characters that a secret's name may not have.
    #[error("the group's name {name:?} is not made of letters, digits and `_`")]
    Name {
        /// The name.
        name: String,
    },
}

impl Pattern {
    /// Reads a pattern, in the syntax of the `regex` crate.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong { size_bytes: text.len() });
        }
        let regex = RegexBuilder::new(text)
            .size_limit(PROGRAM_BYTES_MAX)
            .dfa_size_limit(PROGRAM_BYTES_MAX)
            .nest_limit(NESTING_MAX)
            .build()
            .map_err(|error| fault(&error))?;
        if regex.is_match("") {
            return Err(PatternError::MatchesNothing);
        }
        let mut names = regex.capture_names().flatten();
        let name = names.next().map(str::to_owned);
        if let (Some(first), Some(second)) = (&name, names.next()) {
            let (first, second) = (first.clone(), second.to_owned());
            return Err(PatternError::SeveralNames { first, second });
        }
        drop(names);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if let Some(name) = name.as_ref().filter(|name| !name.bytes().all(plain)) {
            return Err(PatternError::Name { name: name.clone() });
        }
        Ok(Self { text: text.to_owned(), regex, name })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it calls its secret; `None` without a named group.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where secrets stand. A match without anything in its group is none.
    pub(crate) fn places<'t>(
        &'t self,
        text: &'t str,
    ) -> Box<dyn Iterator<Item = std::ops::Range<usize>> + 't> {
        match &self.name {
            None => Box::new(self.regex.find_iter(text).map(|found| found.range())),
            Some(name) => Box::new(
                self.regex
                    .captures_iter(text)
                    .filter_map(move |found| found.name(name).map(|secret| secret.range())),
            ),
        }
    }
}

fn fault(error: &regex::Error) -> PatternError {
    if let regex::Error::CompiledTooBig(_) = error {
        return PatternError::TooCostly;
    }
    // The parser draws the pattern and an arrow below it; the reason stands in the last line.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    PatternError::Syntax { cause: last.trim_start_matches("error: ").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{PATTERN_BYTES_MAX, Pattern, PatternError};

    #[test]
    fn a_named_group_is_the_secret() {
        let pattern = Pattern::parse("password=(?<db_password>[^ ]+)").expect("a pattern");
        assert_eq!(pattern.name(), Some("db_password"));
        let first = |pattern: &Pattern, text: &str| pattern.places(text).next();
        assert_eq!(first(&pattern, "a password=x1 b"), Some(11..13));
        let whole = Pattern::parse("ACME-[0-9]+").expect("a pattern");
        assert_eq!(whole.name(), None);
        assert_eq!(first(&whole, "an ACME-1"), Some(3..9));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let error = |text: &str| Pattern::parse(text).expect_err(text).to_string();
        assert_eq!(error("("), "not a regular expression: unclosed group");
        assert!(error("a{9,1}").contains("not a regular expression"), "{}", error("a{9,1}"));
        assert!(error(".*").contains("empty text"));
        assert!(error("(?<a>x)(?<b>y)").contains("several named groups (a, b)"));
        assert!(error("(?<a.b>x)").contains("a.b"));
        assert_eq!(Pattern::parse("((a{1000}){1000}){1000}"), Err(PatternError::TooCostly));
        let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        assert!(matches!(Pattern::parse(&deep), Err(PatternError::Syntax { .. })));
        let long = "a".repeat(PATTERN_BYTES_MAX + 1);
        assert_eq!(Pattern::parse(&long), Err(PatternError::TooLong { size_bytes: long.len() }));
    }
}

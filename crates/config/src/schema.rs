//! Every key of `lao.toml`: its kind, range, default and meaning. The one table from which
//! files, environment and flags are checked, defaults are taken, the template is written,
//! and the documentation is tested.

mod keys;

use lao_event::Role;

pub use keys::{COMMAND_KEYS, KEYS};

/// What a key's value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number from `min` to `max`, both included.
    Integer {
        /// The smallest value allowed.
        min: u64,
        /// The largest value allowed.
        max: u64,
    },
    /// A decimal with at most three places, held as thousandths from `min` to `max`.
    Milli {
        /// The smallest value allowed, in thousandths.
        min: u32,
        /// The largest value allowed, in thousandths.
        max: u32,
    },
    /// A line of text, not empty.
    Text,
    /// One of the words listed.
    Choice(&'static [&'static str]),
    /// A list of lines of text.
    TextList,
    /// A list of words, or one text that is split like a shell would.
    Words,
    /// A list of tables with the keys of [`COMMAND_KEYS`].
    Commands,
}

/// One key of `lao.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The dotted path; a `*` stands for a name the user chose, or for a role.
    pub path: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What a default is, if there is one, and otherwise an example.
    pub default: Default,
    /// What it means, with its unit; one sentence without its full stop.
    pub meaning: &'static str,
}

/// The value of a key that no layer sets. Values are TOML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This value.
    Value(&'static str),
    /// No value; what follows from that stands in the key's meaning. The text is an example.
    Unset(&'static str),
}

impl Key {
    /// The last part of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path without its last part.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// The key a dotted path stands for, a name in it being any name its place allows.
pub(crate) fn find(path: &[&str]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path.split('.').count() == path.len() && matches_start(key, path))
}

/// Whether some key lies below this path.
pub(crate) fn is_section(path: &[&str]) -> bool {
    KEYS.iter().any(|key| key.path.split('.').count() > path.len() && matches_start(key, path))
}

fn matches_start(key: &Key, path: &[&str]) -> bool {
    let section = key.path.split('.').next().unwrap_or_default();
    key.path.split('.').zip(path).all(|(pattern, part)| match pattern {
        "*" if section == "roles" => Role::ALL.iter().any(|role| role.name() == *part),
        "*" => is_endpoint_name(part),
        exact => exact == *part,
    })
}

/// The names that may follow this path, in the table's order; a `*` for endpoints is left out.
pub(crate) fn names_after(path: &[&str]) -> Vec<&'static str> {
    if path == ["roles"] {
        return Role::ALL.map(Role::name).to_vec();
    }
    let mut names: Vec<&'static str> = KEYS
        .iter()
        .filter(|key| matches_start(key, path))
        .filter_map(|key| key.path.split('.').nth(path.len()))
        .filter(|name| *name != "*")
        .collect();
    names.dedup();
    names
}

/// The longest name an endpoint may have, in bytes.
pub const ENDPOINT_NAME_BYTES_MAX: usize = 40;

/// Whether an endpoint may have this name: lowercase letters, digits, `-` and single `_`,
/// beginning with a letter or digit. (Two underscores separate names in the environment.)
pub fn is_endpoint_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    name.len() <= ENDPOINT_NAME_BYTES_MAX
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !name.ends_with('_')
        && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::{COMMAND_KEYS, Default, KEYS, find, is_endpoint_name, is_section, names_after};
    use crate::value::Value;

    #[test]
    fn every_default_and_example_is_a_value_of_its_kind() {
        for key in KEYS.iter().chain(COMMAND_KEYS) {
            let (Default::Value(text) | Default::Unset(text)) = key.default;
            let value = Value::from_toml(key.kind, text);
            assert!(value.is_ok(), "{}: {value:?}", key.path);
        }
    }

    #[test]
    fn keys_are_unique_and_grouped() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS.iter().skip(index + 1).all(|other| other.path != key.path));
            assert!(!key.meaning.ends_with('.'), "{}", key.path);
        }
        let mut sections: Vec<_> = KEYS.iter().map(super::Key::section).collect();
        sections.dedup();
        let grouped = sections.len();
        sections.sort_unstable();
        sections.dedup();
        assert_eq!(sections.len(), grouped, "the keys of a section stand together");
    }

    #[test]
    fn paths_resolve() {
        assert!(find(&["roles", "coder", "model"]).is_some());
        assert!(find(&["roles", "cook", "model"]).is_none());
        assert!(find(&["endpoints", "my-box", "url"]).is_some());
        assert!(find(&["endpoints", "My Box", "url"]).is_none());
        assert!(find(&["roles", "coder"]).is_none());
        assert!(is_section(&["roles", "coder"]));
        assert!(is_section(&["git"]));
        assert!(!is_section(&["git", "enabled"]));
        assert!(names_after(&[]).contains(&"orchestration"));
        assert_eq!(names_after(&["endpoints"]), Vec::<&str>::new());
        assert!(names_after(&["endpoints", "x"]).contains(&"permits"));
    }

    #[test]
    fn endpoint_names_are_plain() {
        for name in ["a", "ollama", "my-box_2", "0x"] {
            assert!(is_endpoint_name(name), "{name}");
        }
        for name in ["", "A", "a.b", "a__b", "-a", "a_", "a b", "ä", &"a".repeat(41)] {
            assert!(!is_endpoint_name(name), "{name}");
        }
    }
}

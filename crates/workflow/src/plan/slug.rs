//! From a plan's name to the name of its folder and branch.

use lao_event::Hash;

/// The longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 48;

/// Names that Windows keeps for devices.
const DEVICE_NAMES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name for a folder and a branch: lowercase ASCII letters and digits, with single dashes
/// between them, never empty, at most [`SLUG_BYTES_MAX`] long. Where that loses letters of
/// the name, or its end, a few digits of the name's hash keep it apart from others.
pub fn slug(name: &str) -> String {
    let mut plain = String::new();
    let mut lost = false;
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            plain.push(character.to_ascii_lowercase());
        } else {
            lost |= character.is_alphanumeric();
            if !plain.is_empty() && !plain.ends_with('-') {
                plain.push('-');
            }
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() || lost || plain.len() > SLUG_BYTES_MAX || is_device(plain) {
        return with_hash(plain, name);
    }
    plain.to_owned()
}

fn with_hash(plain: &str, name: &str) -> String {
    let hash = Hash::of(name.as_bytes()).short();
    let kept = plain.len().min(SLUG_BYTES_MAX - hash.len() - 1);
    let kept = match plain[..kept].trim_end_matches('-') {
        "" => "plan",
        kept => kept,
    };
    format!("{kept}-{hash}")
}

fn is_device(name: &str) -> bool {
    let numbered = |prefix| {
        let number = name.strip_prefix(prefix).map(str::as_bytes);
        matches!(number, Some([b'0'..=b'9']))
    };
    DEVICE_NAMES.contains(&name) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::{SLUG_BYTES_MAX, slug};
    use proptest::prelude::*;

    #[test]
    fn plain_names_become_plain_slugs() {
        for (name, expected) in [
            ("app", "app"),
            ("My App", "my-app"),
            ("01_web--shop.v2", "01-web-shop-v2"),
            ("  x!  ", "x"),
            ("..", "plan-"),
            ("", "plan-"),
            ("CON", "con-"),
            ("Com1", "com1-"),
            ("计划", "plan-"),
            ("Überblick", "berblick-"),
        ] {
            let slug = slug(name);
            assert!(
                slug == expected || expected.ends_with('-') && slug.starts_with(expected),
                "{slug}"
            );
        }
    }

    #[test]
    fn names_that_lose_letters_stay_apart() {
        assert_ne!(slug("计划一"), slug("计划二"));
        let long = "a".repeat(100);
        assert_ne!(slug(&long), slug(&format!("{long}b")));
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_safe_slug(name in any::<String>()) {
            let slug = slug(&name);
            prop_assert!(!slug.is_empty() && slug.len() <= SLUG_BYTES_MAX);
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
        }

        #[test]
        fn a_slug_is_its_own_slug(name in "[A-Za-z0-9 ._-]{0,40}") {
            let once = slug(&name);
            prop_assert_eq!(slug(&once), once);
        }
    }
}
